//! Pictures that pages show: raster only, for others can carry script (rule B7). What a picture is, its first bytes say.

/// The kinds of picture, by the names of the service model, with what they begin with and what browsers call them.
const KINDS: &[(&str, &[u8], &str)] = &[
    ("PNG", b"\x89PNG\r\n\x1a\n", "image/png"),
    ("JPEG", b"\xff\xd8\xff", "image/jpeg"),
    ("ICO", b"\0\0\x01\0", "image/x-icon"),
    ("WEBP", b"RIFF", "image/webp"),
];

/// Tells what a picture is: the name of its kind, and its content type.
pub fn kind_of(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    let (name, _, content_type) = KINDS.iter().find(|(_, start, _)| bytes.starts_with(start))?;
    if *name == "WEBP" && bytes.get(8..12) != Some(b"WEBP") {
        return None;
    }
    Some((name, content_type))
}

/// Tells whether bytes are a picture of the kind that they are said to be.
pub fn is_raster(extension: &str, bytes: &[u8]) -> bool {
    kind_of(bytes).is_some_and(|(name, _)| name == extension)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_what_its_first_bytes_say() {
        assert!(is_raster("PNG", b"\x89PNG\r\n\x1a\n...."));
        assert!(is_raster("JPEG", b"\xff\xd8\xff\xe0"));
        assert!(is_raster("WEBP", b"RIFF\0\0\0\0WEBPVP8 "));
        assert!(is_raster("ICO", b"\0\0\x01\0\x01"));
        for (extension, bytes) in [
            ("PNG", &b"\xff\xd8\xff\xe0"[..]),
            ("PNG", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
            ("SVG", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
            ("WEBP", b"RIFF\0\0\0\0WAVEfmt "),
            ("PNG", b""),
        ] {
            assert!(!is_raster(extension, bytes), "{extension}");
        }
    }
}
