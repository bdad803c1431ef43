//! A form as a browser fills it in before anybody touches it.

fn plain(text: &str) -> String {
    let signs = [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")];
    signs.iter().fold(text.to_owned(), |text, (written, sign)| text.replace(written, sign))
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    Some(rest.split_once('"')?.0)
}

/// The fields of the form that posts to `action`, as they would be sent.
pub fn fields(html: &str, action: &str) -> Vec<(String, String)> {
    let at = html.find(&format!("action=\"{action}\"")).unwrap_or_else(|| panic!("no form for {action}"));
    let form = html[at..].split_once("</form>").expect("a form ends").0;
    // Of a list where none is selected, the first one is.
    let (mut fields, mut is_first) = (Vec::new(), false);
    for piece in form.split('<').skip(1) {
        let (tag, inside) = piece.split_once('>').expect("a tag ends");
        let Some(name) = attribute(tag, "name").map(str::to_owned) else {
            if tag.starts_with("option ") && (is_first || tag.ends_with(" selected")) {
                let (_, value): &mut (String, String) = fields.last_mut().expect("an option is of a select");
                *value = plain(attribute(tag, "value").expect("an option has a value"));
                is_first = false;
            }
            continue;
        };
        let is_on = || tag.ends_with(" checked");
        let value = match (tag.split(' ').next(), attribute(tag, "type")) {
            (Some("input"), Some("checkbox" | "radio")) if !is_on() => continue,
            (Some("input"), Some("file")) | (Some("button"), _) => continue,
            (Some("input"), _) => attribute(tag, "value").unwrap_or_default().to_owned(),
            // Browsers end the lines of a text so.
            (Some("textarea"), _) => inside.strip_prefix('\n').unwrap_or(inside).replace('\n', "\r\n"),
            _ => {
                is_first = true;
                String::new()
            }
        };
        fields.push((name, plain(&value)));
    }
    fields
}
