//! Forms that bring a file along (RFC 7578): a body in, fields and files out.

use super::visit::Unread;
use axum::body::Body;
use bytes::Bytes;
use multer::{Constraints, Error, Multipart, SizeLimit};
use postern_pools::oauth::pairs::Pairs;

/// A file of a form: the field's name and what is in it. What it is called where it comes from is nobody's affair.
#[derive(Clone, Debug)]
pub struct File {
    pub field: String,
    pub content: Bytes,
}

/// Fields that one form may have.
const PARTS_MAX: usize = 100;

/// Takes apart what comes, at most so many bytes of it.
pub(super) async fn read(kind: &str, body: Body, bytes_max: u64) -> Result<(Pairs, Vec<File>), Unread> {
    let boundary = multer::parse_boundary(kind).map_err(|_| Unread::NotAForm)?;
    let limits = Constraints::new().size_limit(SizeLimit::new().whole_stream(bytes_max));
    let mut form = Multipart::with_constraints(body.into_data_stream(), boundary, limits);
    let (mut fields, mut files) = (Vec::new(), Vec::new());
    while let Some(part) = form.next_field().await.map_err(|fault| unread(&fault))? {
        if fields.len() + files.len() == PARTS_MAX {
            return Err(Unread::NotAForm);
        }
        let name = part.name().ok_or(Unread::NotAForm)?.to_owned();
        let is_file = part.file_name().is_some();
        let content = part.bytes().await.map_err(|fault| unread(&fault))?;
        match is_file {
            true => files.push(File { field: name, content }),
            false => fields.push((name, String::from_utf8(content.into()).map_err(|_| Unread::NotUtf8)?)),
        }
    }
    Ok((Pairs::from_iter(fields), files))
}

fn unread(fault: &Error) -> Unread {
    match fault {
        Error::StreamSizeExceeded { .. } | Error::StreamReadFailed(_) => Unread::TooLarge,
        _ => Unread::NotAForm,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Named = Vec<(String, String)>;

    async fn taken(body: &str) -> Option<(Named, Named)> {
        let kind = "Multipart/Form-Data; charset=utf-8; boundary=\"XX\"";
        let (fields, files) = read(kind, Body::from(body.to_owned()), 20_000).await.ok()?;
        let text = |file: File| (file.field, String::from_utf8_lossy(&file.content).into_owned());
        Some((fields.into_iter().collect(), files.into_iter().map(text).collect()))
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    const PART: &str = "Content-Disposition: form-data; name=\"a\"\r\n\r\nb";

    #[tokio::test]
    async fn fields_and_files_are_told_apart() {
        let body = "--XX\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\nabc\r\n\
            --XX\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a;b.csv\"\r\nContent-Type: text/csv\r\n\r\n\
            name,email\r\n--X,x\r\n\r\n--XX\r\nContent-Disposition: form-data; name=\"none\"; filename=\"\"\r\n\r\n\r\n--XX--\r\n";
        let files = vec![pair("file", "name,email\r\n--X,x\r\n"), pair("none", "")];
        assert_eq!(taken(body).await, Some((vec![pair("csrf", "abc")], files)));
        assert_eq!(taken("--XX--").await, Some((Vec::new(), Vec::new())));
    }

    #[tokio::test]
    async fn what_is_not_well_formed_is_nothing() {
        for body in [
            String::new(),
            "--XX".to_owned(),
            format!("--XX\r\n{PART}"),
            format!("--XX\r\n{PART}\r\n--XX"),
            "--XX\r\nContent-Disposition: form-data\r\n\r\nb\r\n--XX--".to_owned(),
            "--XX\r\nContent-Type: text/plain\r\n\r\nb\r\n--XX--".to_owned(),
            format!("--XX\r\n{}--XX--", format!("{PART}\r\n--XX\r\n").repeat(PARTS_MAX + 1)),
        ] {
            assert_eq!(taken(&body).await, None, "{body:?}");
        }
    }

    #[tokio::test]
    async fn a_form_of_another_kind_and_one_that_is_too_long_are_told_apart() {
        let body = format!("--XX\r\n{PART}\r\n--XX--");
        for kind in ["multipart/form-data", "multipart/mixed; boundary=XX", "text/csv; boundary=XX", ""] {
            let read = read(kind, Body::from(body.clone()), 20_000).await;
            assert!(matches!(read, Err(Unread::NotAForm)), "{kind}");
        }
        let long = read("multipart/form-data; boundary=XX", Body::from(body), 20).await;
        assert!(matches!(long, Err(Unread::TooLarge)));
    }
}
