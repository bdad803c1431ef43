//! Lists that guard promises. They may only get shorter.

use postern_server::api::tables::unwritten;

/// Operations of the models that are not written yet. When one is written, its line goes.
#[test]
fn operations_are_written_or_listed() {
    let listed = include_str!("../../../../lists/unwritten.txt");
    let listed: Vec<&str> = listed.lines().filter(|line| !line.starts_with('#')).collect();
    let unwritten = unwritten();
    let missing: Vec<_> = unwritten.iter().filter(|name| !listed.contains(&name.as_str())).collect();
    let written: Vec<_> =
        listed.iter().filter(|name| !unwritten.iter().any(|other| other == *name)).collect();
    assert!(missing.is_empty(), "not written any more, and not listed: {missing:?}");
    assert!(written.is_empty(), "written, and still listed: {written:?}");
    assert!(listed.is_sorted(), "the list is in order");
}
