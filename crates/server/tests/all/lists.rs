//! Lists that guard promises. They may only get shorter.

use postern_server::api::tables::unwritten;
use std::path::Path;

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

/// Each attack of `docs/attacks.md` names tests that are there, or says in words why there is none.
#[test]
fn every_attack_is_made_by_a_test_or_said_not_to_be() {
    let tests = functions();
    let rows = include_str!("../../../../docs/attacks.md").lines().filter(|line| line.starts_with("| "));
    let mut number = 0;
    for row in rows.skip(1) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        number += 1;
        assert_eq!(cells[0].parse(), Ok(number), "{row}");
        let shown = cells[2];
        assert!(!shown.is_empty(), "{row}");
        for name in shown.split('`').skip(1).step_by(2).filter(|name| !name.contains(' ')) {
            let is_there = |test: &String| test == name || test.starts_with(&format!("{name}_"));
            assert!(tests.iter().any(is_there), "{number}: there is no {name}");
        }
    }
    assert_eq!(number, 89);
}

/// The names of all functions there are.
pub fn functions() -> Vec<String> {
    let mut names = Vec::new();
    functions_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join(".."), &mut names);
    names
}

/// The names of all functions in the Rust sources of a folder.
fn functions_below(folder: &Path, names: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            functions_below(&entry, names);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            let source = std::fs::read_to_string(&entry).expect("a source");
            let named = source.split("fn ").skip(1).filter_map(|rest| rest.split_once('('));
            names.extend(named.map(|(name, _)| name.to_owned()));
        }
    }
}
