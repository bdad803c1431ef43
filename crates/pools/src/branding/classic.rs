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

/// Properties that AWS's own template and many who began with it set, and that do nothing here: what is shown and where the
/// focus is seen stays as the pages have it.
const WITHOUT_EFFECT: &[&str] = &[
    "cursor",
    "display",
    "outline",
    "outline-color",
    "outline-offset",
    "outline-style",
    "outline-width",
    "transition",
];

/// Functions that a value may use.
const FUNCTIONS: [&str; 6] = ["rgb", "rgba", "hsl", "hsla", "calc", "linear-gradient"];

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
            let has_effect = !WITHOUT_EFFECT.contains(&name.as_str());
            if has_effect && !PROPERTIES.contains(&name.as_str()) {
                return Err(format!("The CSS property {name} is not supported."));
            }
            if !is_plain(value) {
                return Err(format!("The value of the CSS property {name} is not supported."));
            }
            Ok(has_effect.then(|| format!("{name}:{value}")))
        })
        .filter_map(Result::transpose)
        .collect()
}

/// Tells whether a value is made of words, numbers and colours, and fetches nothing.
fn is_plain(value: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || " #%.,()-+*/'\"!\t\n\r".contains(c);
    if value.is_empty() || !value.chars().all(is_allowed) || !has_whole_strings(value) {
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
    open == 0
}

/// Tells whether each string ends, in its line, with the mark that it began with.
fn has_whole_strings(value: &str) -> bool {
    let mut within: Option<char> = None;
    for c in value.chars() {
        match (within, c) {
            (Some(_), '\n' | '\r') => return false,
            (Some(mark), c) if c == mark => within = None,
            (None, '\'' | '"') => within = Some(c),
            _ => {}
        }
    }
    within.is_none()
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

    /// As the service gives it out (AWS CLI Command Reference, `get-ui-customization`).
    #[test]
    fn the_template_of_aws_is_taken() {
        let template = ".logo-customizable {\n\tmax-width: 60%;\n\tmax-height: 30%;\n}\n\
            .banner-customizable {\n\tpadding: 25px 0px 25px 10px;\n\tbackground-color: lightgray;\n}\n\
            .label-customizable {\n\tfont-weight: 300;\n}\n\
            .textDescription-customizable {\n\tpadding-top: 10px;\n\tpadding-bottom: 10px;\n\tdisplay: block;\n\t\
            font-size: 16px;\n}\n\
            .idpDescription-customizable {\n\tpadding-top: 10px;\n\tdisplay: block;\n\tfont-size: 16px;\n}\n\
            .legalText-customizable {\n\tcolor: #747474;\n\tfont-size: 11px;\n}\n\
            .submitButton-customizable {\n\tfont-size: 14px;\n\tmargin: 20px 0px 10px 0px;\n\tcolor: #fff;\n}\n\
            .submitButton-customizable:hover {\n\tcolor: #fff;\n\tbackground-color: #286090;\n}\n\
            .errorMessage-customizable {\n\tbackground: #F5F5F5;\n\tborder: 2px solid #D64958;\n}\n\
            .inputField-customizable {\n\twidth: 100%;\n\theight: 34px;\n\tborder: 1px solid #ccc;\n}\n\
            .inputField-customizable:focus {\n\tborder-color: #66afe9;\n\toutline: 0;\n}\n\
            .idpButton-customizable {\n\ttext-align: center;\n\tborder-color: #46b8da;\n}\n\
            .idpButton-customizable:hover {\n\tcolor: #fff;\n}\n\
            .socialButton-customizable {\n\ttext-align: left;\n\tmargin-bottom: 15px;\n}\n\
            .redirect-customizable {\n\ttext-align: center;\n}\n\
            .passwordCheck-notValid-customizable {\n\tcolor: #DF3312;\n}\n\
            .passwordCheck-valid-customizable {\n\tcolor: #19BF00;\n}\n\
            .background-customizable {\n\tbackground-color: #fff;\n}\n";
        let css = classic_css(template).expect("the template is taken");
        assert!(css.contains(".field input:focus{border-color:#66afe9}"), "{css}");
        assert!(!css.contains("display") && !css.contains("outline"), "{css}");
        let own = ".submitButton-customizable { background: linear-gradient(135deg, #fc1 0%, #ea0 100%); }\n\
                   .label-customizable { font-family: \"Public Sans\", 'It', serif; transition: all .2s ease }";
        assert_eq!(
            classic_css(own).as_deref(),
            Ok(".primary{background:linear-gradient(135deg, #fc1 0%, #ea0 100%)}\n\
                label{font-family:\"Public Sans\", 'It', serif}\n")
        );
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
            ".label-customizable { color: \"a }",
            ".label-customizable { font-family: 'a\" 'b\" }",
            ".label-customizable { font-family: 'a\nb' }",
            ".label-customizable { background: repeating-linear-gradient(red, url(x)) }",
            ".label-customizable { background: linear-gradient(red, url(x)) }",
            ".label-customizable { display: url(x) }",
            ".label-customizable { color: red",
            ".label-customizable { color }",
            "/* .label-customizable { color: red }",
            ".label-customizable { color: var(--x) }",
        ] {
            assert!(classic_css(given).is_err(), "{given}");
        }
    }
}
