//! Comma-separated values as RFC 4180 writes them; a backslash before a comma keeps it in its value, too.

/// Reads the records of a text, empty lines left out; nothing when a quoted value does not end.
pub fn records(text: &str) -> Option<Vec<Vec<String>>> {
    let mut records = Vec::new();
    let mut record = Vec::new();
    let mut value = String::new();
    let mut is_quoted = false;
    let mut characters = text.trim_start_matches('\u{FEFF}').chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if is_quoted && characters.peek() == Some(&'"') => {
                characters.next();
                value.push('"');
            }
            '"' if is_quoted => is_quoted = false,
            other if is_quoted => value.push(other),
            '"' if value.is_empty() => is_quoted = true,
            '\\' if characters.peek() == Some(&',') => {
                characters.next();
                value.push(',');
            }
            ',' => record.push(std::mem::take(&mut value)),
            '\r' if characters.peek() == Some(&'\n') => {}
            '\n' => {
                record.push(std::mem::take(&mut value));
                records.push(std::mem::take(&mut record));
            }
            other => value.push(other),
        }
    }
    if is_quoted {
        return None;
    }
    if !value.is_empty() || !record.is_empty() {
        record.push(value);
        records.push(record);
    }
    records.retain(|record| record.len() > 1 || record.iter().any(|value| !value.is_empty()));
    Some(records)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_between_commas_unless_they_are_quoted() {
        let read = |text| records(text).map(|all| all.iter().map(|one| one.join("|")).collect::<Vec<_>>());
        for (text, expected) in [
            ("a,b\nc,d\n", Some(vec!["a|b", "c|d"])),
            ("\u{FEFF}a,b\r\n\r\nc,", Some(vec!["a|b", "c|"])),
            ("\"a,\"\"b\"\"\n\",c", Some(vec!["a,\"b\"\n|c"])),
            ("a\\,b,c", Some(vec!["a,b|c"])),
            ("a\"b,c", Some(vec!["a\"b|c"])),
            ("", Some(vec![])),
            (",,", Some(vec!["||"])),
            ("\"a", None),
        ] {
            let expected = expected.map(|all| all.into_iter().map(str::to_owned).collect());
            assert_eq!(read(text), expected, "{text:?}");
        }
    }
}
