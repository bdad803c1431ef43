//! The style sheet of the classic pages (`SetUICustomization`): a few class names, a few properties, plain values. It is
//! read whole and written anew for the pages' own class names, so that nothing else can come through (rule B7).

/// The class names of the Developer Guide ("Customizing the built-in sign-in and sign-up webpages"), and what they are
/// on these pages.
const CLASSES: &[(&str, &str)] = &[
    ("logo-customizable", ".brand img"),
    ("banner-customizable", ".brand"),
    ("background-customizable", ".card"),
    ("label-customizable", "label"),
    ("textDescription-customizable", ".lead"),
    ("idpDescription-customizable", ".providers p"),
    ("legalText-customizable", "footer"),
    ("submitButton-customizable", ".primary"),
    ("submitButton-customizable:hover", ".primary:hover"),
    ("errorMessage-customizable", ".error"),
    ("inputField-customizable", ".field input"),
    ("inputField-customizable:focus", ".field input:focus"),
    ("idpButton-customizable", ".providers .second"),
    ("idpButton-customizable:hover", ".providers .second:hover"),
    ("socialButton-customizable", ".providers .second"),
    ("redirect-customizable", ".ways"),
    ("passwordCheck-valid-customizable", ".rules .met"),
    ("passwordCheck-notValid-customizable", ".rules li"),
];

/// Properties that can make a page ugly, but not dangerous.
const PROPERTIES: &[&str] = &[
    "background",
    "background-color",
    "border",
    "border-bottom",
    "border-color",
    "border-left",
    "border-radius",
    "border-right",
    "border-style",
    "border-top",
    "border-width",
    "box-shadow",
    "color",
    "font-family",
    "font-size",
    "font-style",
    "font-weight",
    "height",
    "letter-spacing",
    "line-height",
    "margin",
    "margin-bottom",
    "margin-left",
    "margin-right",
    "margin-top",
    "max-height",
    "max-width",
    "min-height",
    "min-width",
    "padding",
    "padding-bottom",
    "padding-left",
    "padding-right",
    "padding-top",
    "text-align",
    "text-decoration",
    "text-transform",
    "width",
];

/// Functions that a value may use.
const FUNCTIONS: [&str; 5] = ["rgb", "rgba", "hsl", "hsla", "calc"];

/// Writes a classic style sheet for these pages, or says what may not be in it.
pub fn classic_css(text: &str) -> Result<String, String> {
    let text = without_comments(text)?;
    let mut rest = text.trim();
    let mut out = String::new();
    while !rest.is_empty() {
        let (selectors, after) = rest.split_once('{').ok_or("The CSS has a selector without a block.")?;
        let (block, after) = after.split_once('}').ok_or("The CSS has a block without an end.")?;
        let selectors = selectors
            .split(',')
            .map(|selector| {
                let name = selector.trim();
                name.strip_prefix('.')
                    .and_then(|class| CLASSES.iter().find(|(known, _)| *known == class))
                    .map(|(_, own)| *own)
                    .ok_or_else(|| format!("The CSS selector {name} is not supported."))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let declarations = declarations(block)?;
        if !declarations.is_empty() {
            out.push_str(&format!("{}{{{}}}\n", selectors.join(","), declarations.join(";")));
        }
        rest = after.trim_start();
    }
    Ok(out)
}

fn without_comments(text: &str) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("/*") {
        out.push_str(before);
        out.push(' ');
        rest = after.split_once("*/").ok_or("The CSS has a comment without an end.")?.1;
    }
    out.push_str(rest);
    Ok(out)
}

fn declarations(block: &str) -> Result<Vec<String>, String> {
    block
        .split(';')
        .map(str::trim)
        .filter(|declaration| !declaration.is_empty())
        .map(|declaration| {
            let (name, value) =
                declaration.split_once(':').ok_or_else(|| format!("{declaration} is no CSS declaration."))?;
            let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
            if !PROPERTIES.contains(&name.as_str()) {
                return Err(format!("The CSS property {name} is not supported."));
            }
            if !is_plain(value) {
                return Err(format!("The value of the CSS property {name} is not supported."));
            }
            Ok(format!("{name}:{value}"))
        })
        .collect()
}

/// Tells whether a value is made of words, numbers and colours, and fetches nothing.
fn is_plain(value: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || " #%.,()-+*/'!\t\n\r".contains(c);
    if value.is_empty() || !value.chars().all(is_allowed) {
        return false;
    }
    let mut open = 0_i32;
    let mut word = String::new();
    for c in value.chars() {
        match c {
            '(' if !(FUNCTIONS.contains(&word.to_ascii_lowercase().as_str())
                || word.is_empty() && open > 0) =>
            {
                return false;
            }
            '(' => open += 1,
            ')' => open -= 1,
            _ => {}
        }
        if open < 0 {
            return false;
        }
        match c {
            c if c.is_ascii_alphanumeric() || c == '-' => word.push(c),
            _ => word.clear(),
        }
    }
    open == 0 && value.matches('\'').count().is_multiple_of(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classic_class_names_become_those_of_the_pages() {
        let given = "/* shop */ .submitButton-customizable, .submitButton-customizable:hover {\n  \
                     background-color: #1c7 !important; border-radius: calc(2px + 1px);\n}\n\
                     .label-customizable { FONT-weight: 400; }\n.logo-customizable{}";
        assert_eq!(
            classic_css(given).as_deref(),
            Ok(".primary,.primary:hover{background-color:#1c7 !important;border-radius:calc(2px + 1px)}\n\
                label{font-weight:400}\n")
        );
        assert_eq!(classic_css("  ").as_deref(), Ok(""));
    }

    #[test]
    fn nothing_else_comes_through() {
        for given in [
            "body { color: red }",
            ".label-customizable input { color: red }",
            ".label-customizable:before { color: red }",
            "@import 'https://evil.example/x.css';",
            "@media print { .label-customizable { color: red } }",
            ".label-customizable { background: url(https://evil.example/x) }",
            ".label-customizable { background: u\\72l(x) }",
            ".label-customizable { background: image-set('x' 1x) }",
            ".label-customizable { width: expression(alert(1)) }",
            ".label-customizable { background: (url) }",
            ".label-customizable { behavior: x }",
            ".label-customizable { position: fixed }",
            ".label-customizable { color: red; } </style><script>",
            ".label-customizable { color: 'a }",
            ".label-customizable { color: red",
            ".label-customizable { color }",
            "/* .label-customizable { color: red }",
            ".label-customizable { color: var(--x) }",
        ] {
            assert!(classic_css(given).is_err(), "{given}");
        }
    }
}
