//! Forms that bring a file along (RFC 7578). Pure: a body in, fields and files out; nothing where it is not well formed.

use bytes::Bytes;
use postern_pools::oauth::pairs::Pairs;

/// A file of a form: the field's name and what is in it. What it is called where it comes from is nobody's affair.
#[derive(Clone, Debug)]
pub struct File {
    pub field: String,
    pub content: Bytes,
}

/// Fields that one form may have.
const PARTS_MAX: usize = 100;
const LINE: &[u8] = b"\r\n";

/// The boundary that a content type names, if it is one of such a form.
pub fn boundary(content_type: &str) -> Option<&str> {
    let (kind, rest) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let named = rest.split(';').find_map(|parameter| {
        let (name, value) = parameter.trim().split_once('=')?;
        name.eq_ignore_ascii_case("boundary").then(|| value.trim_matches('"'))
    })?;
    // RFC 2046 §5.1.1: at most 70 characters.
    (1..=70).contains(&named.len()).then_some(named)
}

/// Takes a body apart.
pub fn read(boundary: &str, body: &Bytes) -> Option<(Pairs, Vec<File>)> {
    let mark = format!("--{boundary}");
    let parted = format!("\r\n{mark}");
    // What stands before the first mark is for readers who know nothing of parts.
    let mut at =
        if body.starts_with(mark.as_bytes()) { 0 } else { find(body, parted.as_bytes())? + LINE.len() };
    at += mark.len();
    let (mut fields, mut files) = (Vec::new(), Vec::new());
    loop {
        let rest = body.get(at..)?;
        if rest.starts_with(b"--") {
            return Some((Pairs::from_iter(fields), files));
        }
        if fields.len() + files.len() == PARTS_MAX {
            return None;
        }
        let rest = rest.strip_prefix(LINE)?;
        at += LINE.len();
        let head_end = find(rest, b"\r\n\r\n")?;
        let (name, is_file) = named(std::str::from_utf8(&rest[..head_end]).ok()?)?;
        let from = at + head_end + 2 * LINE.len();
        // The line break before a mark belongs to the mark, even right behind an empty head.
        let end = from + find(body.get(from..)?, parted.as_bytes())?;
        let content = body.slice(from..end);
        at = end + parted.len();
        match is_file {
            true => files.push(File { field: name, content }),
            false => fields.push((name, String::from_utf8(content.to_vec()).ok()?)),
        }
    }
}

/// The field's name in a part's head, and whether it is a file.
fn named(head: &str) -> Option<(String, bool)> {
    let line = head.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case("content-disposition").then_some(value)
    })?;
    if !line.trim_start().to_ascii_lowercase().starts_with("form-data") {
        return None;
    }
    let mut name = None;
    let mut is_file = false;
    let mut rest = line;
    while let Some((_, parameters)) = rest.split_once(';') {
        let (key, value) = parameters.split_once('=')?;
        let (value, after) = match value.strip_prefix('"') {
            // Browsers write a quote within a value as %22.
            Some(quoted) => quoted.split_once('"')?,
            None => value.split_at(value.find(';').unwrap_or(value.len())),
        };
        match key.trim().to_ascii_lowercase().as_str() {
            "name" => name = Some(value.to_owned()),
            "filename" | "filename*" => is_file = true,
            _ => {}
        }
        rest = after;
    }
    Some((name?, is_file))
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    let (first, others) = wanted.split_first()?;
    let mut from = 0;
    loop {
        let at = from + text.get(from..)?.iter().position(|byte| byte == first)?;
        if text[at + 1..].starts_with(others) {
            return Some(at);
        }
        from = at + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Named = Vec<(String, String)>;

    fn taken(body: &str) -> Option<(Named, Named)> {
        let (fields, files) = read("XX", &Bytes::from(body.to_owned()))?;
        let text = |file: File| (file.field, String::from_utf8_lossy(&file.content).into_owned());
        Some((fields.into_iter().collect(), files.into_iter().map(text).collect()))
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn fields_and_files_are_told_apart() {
        let body = "--XX\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\nabc\r\n\
            --XX\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a;b.csv\"\r\nContent-Type: text/csv\r\n\r\n\
            name,email\r\n--X,x\r\n\r\n--XX\r\nContent-Disposition: form-data; name=\"none\"; filename=\"\"\r\n\r\n\r\n--XX--\r\n";
        let files = vec![pair("file", "name,email\r\n--X,x\r\n"), pair("none", "")];
        assert_eq!(taken(body), Some((vec![pair("csrf", "abc")], files)));
        assert_eq!(taken("--XX--"), Some((Vec::new(), Vec::new())));
        assert_eq!(taken("before\r\n--XX--"), Some((Vec::new(), Vec::new())));
    }

    #[test]
    fn what_is_not_well_formed_is_nothing() {
        let part = "Content-Disposition: form-data; name=\"a\"\r\n\r\nb";
        for body in [
            String::new(),
            "--XX".to_owned(),
            "--XX\r\n".to_owned(),
            format!("--XX\r\n{part}"),
            format!("--XX\r\n{part}\r\n--XX"),
            "--XX\r\nContent-Disposition: form-data\r\n\r\nb\r\n--XX--".to_owned(),
            "--XX\r\nContent-Disposition: form-data; name=\"a\r\n\r\nb\r\n--XX--".to_owned(),
            "--XX\r\nContent-Type: text/plain\r\n\r\nb\r\n--XX--".to_owned(),
            format!("--XX\r\n{}--XX--", format!("{part}\r\n--XX\r\n").repeat(PARTS_MAX + 1)),
        ] {
            assert_eq!(taken(&body), None, "{body:?}");
        }
    }

    #[test]
    fn only_such_a_form_has_a_boundary() {
        assert_eq!(boundary("multipart/form-data; boundary=XX"), Some("XX"));
        assert_eq!(boundary("Multipart/Form-Data; charset=utf-8; boundary=\"X X\""), Some("X X"));
        for other in [
            "multipart/form-data",
            "multipart/mixed; boundary=XX",
            "text/csv; boundary=XX",
            "multipart/form-data; boundary=",
        ] {
            assert_eq!(boundary(other), None, "{other}");
        }
    }
}
