//! Lists that guard promises. They may only get shorter.

use postern_server::api::tables::unwritten;
use std::path::{Path, PathBuf};

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
    let tests = Tests::read();
    let rows = rows("attacks.md");
    for (row, number) in rows.iter().zip(1..) {
        assert_eq!(row[0], number.to_string(), "{row:?}");
        assert!(!row[2].is_empty(), "{row:?}");
        tests.hold(&row[0], &row[2]);
    }
    assert_eq!(rows.len(), 89);
}

/// A requirement of ASVS is proven by tests that are there, or its row says in one of these words why not.
const UNPROVEN: [&str; 3] = ["**No test.**", "**Not here.**", "**Deviates.**"];

/// How many requirements each section of the chapters V6, V7, V9 and V10 has.
const ASVS: [(&str, usize); 23] = [
    ("6.1", 3),
    ("6.2", 12),
    ("6.3", 8),
    ("6.4", 6),
    ("6.5", 8),
    ("6.6", 4),
    ("6.7", 2),
    ("6.8", 4),
    ("7.1", 3),
    ("7.2", 4),
    ("7.3", 2),
    ("7.4", 5),
    ("7.5", 3),
    ("7.6", 2),
    ("9.1", 3),
    ("9.2", 4),
    ("10.1", 2),
    ("10.2", 3),
    ("10.3", 5),
    ("10.4", 16),
    ("10.5", 5),
    ("10.6", 2),
    ("10.7", 3),
];

#[test]
fn every_requirement_of_asvs_is_proven_by_a_test_or_said_not_to_be() {
    let tests = Tests::read();
    let rows: Vec<_> = rows("asvs.md").into_iter().filter(|row| row[0].split('.').count() == 3).collect();
    let wanted: Vec<String> = ASVS
        .iter()
        .flat_map(|(section, last)| (1..=*last).map(move |number| format!("{section}.{number}")))
        .collect();
    assert_eq!(rows.iter().map(|row| &row[0]).collect::<Vec<_>>(), wanted.iter().collect::<Vec<_>>());
    for row in rows {
        assert!(["1", "2", "3"].contains(&row[1].as_str()) && !row[2].is_empty(), "{row:?}");
        let named = tests.hold(&row[0], &row[3]);
        assert!(named > 0 || UNPROVEN.iter().any(|why| row[3].starts_with(why)), "{row:?}");
    }
}

/// The letters of the groups of rules.
const GROUPS: &str = "CSEAMBFOHR";

/// Each rule that a comment names by letter and number stands in `docs/rules.md`.
#[test]
fn every_rule_that_a_comment_names_is_written_down() {
    let written: Vec<String> = rows("rules.md").into_iter().map(|row| row[0].clone()).collect();
    let is_rule = |word: &&str| {
        let number = word.get(1..).unwrap_or_default();
        word.starts_with(|letter| GROUPS.contains(letter))
            && (1..=2).contains(&number.len())
            && number.bytes().all(|byte| byte.is_ascii_digit())
    };
    for (path, source) in sources(&["crates", "bench", "xtask"], "rs") {
        for line in source.lines().map(str::trim_start).filter(|line| line.starts_with("//")) {
            for rule in line.split(|c: char| !c.is_alphanumeric()).filter(is_rule) {
                assert!(written.iter().any(|known| known == rule), "{path}: there is no rule {rule}");
            }
        }
    }
}

/// What settings and operations refuse by its name stands in `docs/refused.md`.
#[test]
fn what_is_refused_by_name_is_written_down() {
    let written = text("refused.md");
    let mut names = Vec::new();
    for (path, source) in sources(&["crates/access/src", "crates/mail/src", "crates/pools/src"], "rs") {
        let code = source.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        names.extend(code.lines().filter(|line| line.contains("const NOT_YET")).flat_map(literals));
        let unoffered = code.split("fn refuse_unoffered").skip(1);
        let unoffered = unoffered.filter_map(|rest| rest.split_once("\n}\n")).map(|(function, _)| function);
        names.extend(unoffered.flat_map(literals).filter(|name| !name.contains("{name}")));
        if path.ends_with("settings/not_yet.rs") {
            let entries = code.lines().map(str::trim_start).filter(|line| line.starts_with("(\""));
            names.extend(entries.flat_map(literals));
        }
        let said = literals(code).into_iter().filter(|said| {
            ["not available on this server", "is not supported", "are not supported"]
                .iter()
                .any(|no| said.contains(no))
        });
        // Of a sentence, what is a name of the API: words of more than one capital.
        names.extend(said.flat_map(|said| {
            let words = said.split(|c: char| !c.is_alphanumeric()).map(str::to_owned);
            words.filter(|word| word.chars().filter(char::is_ascii_uppercase).count() > 1).collect::<Vec<_>>()
        }));
    }
    assert!(names.len() > 20, "{names:?}");
    for name in names {
        assert!(written.contains(&name), "{name} is refused, and not named there");
    }
}

/// The texts in quotes of some lines of code.
fn literals(code: &str) -> Vec<String> {
    let of_line =
        |line: &str| -> Vec<String> { line.split('"').skip(1).step_by(2).map(str::to_owned).collect() };
    code.lines().filter(|line| !line.trim_start().starts_with("//")).flat_map(of_line).collect()
}

fn text(document: &str) -> String {
    std::fs::read_to_string(home().join("docs").join(document)).expect(document)
}

/// The rows of all tables of a document, cell by cell, without their heads.
fn rows(document: &str) -> Vec<Vec<String>> {
    let text = text(document);
    let lines: Vec<&str> = text.lines().collect();
    let is_row = |line: &str| line.starts_with("| ");
    let body = lines
        .iter()
        .enumerate()
        .filter(|(at, line)| is_row(line) && !lines.get(at + 1).is_some_and(|next| next.starts_with("|--")));
    body.map(|(_, line)| line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect())
        .collect()
}

/// The tests that a document can name.
struct Tests {
    functions: Vec<String>,
    scripts: Vec<(String, String)>,
}

impl Tests {
    fn read() -> Tests {
        Tests { functions: functions(), scripts: sources(&["clients"], "js") }
    }

    /// Fails unless each name in backquotes is that of a function or the beginning of one's, or, where it has blanks,
    /// the sentence of a test in `clients`. Answers how many there were.
    fn hold(&self, row: &str, shown: &str) -> usize {
        let names: Vec<&str> = shown.split('`').skip(1).step_by(2).collect();
        for name in &names {
            let is_there = |test: &String| test == name || test.starts_with(&format!("{name}_"));
            let is_said = |(_, script): &(String, String)| script.contains(&format!("test(\"{name}\""));
            assert!(
                self.functions.iter().any(is_there) || self.scripts.iter().any(is_said),
                "{row}: there is no {name}"
            );
        }
        names.len()
    }
}

fn home() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The names of all functions there are.
pub fn functions() -> Vec<String> {
    let rust = sources(&["crates"], "rs");
    let python = sources(&["clients/python"], "py");
    let named = |(_, source): &(String, String), word: &str| -> Vec<String> {
        let rests = source.split(word).skip(1).filter_map(|rest| rest.split_once('('));
        rests.map(|(name, _)| name.to_owned()).collect()
    };
    let rust = rust.iter().flat_map(|source| named(source, "fn "));
    rust.chain(python.iter().flat_map(|source| named(source, "def "))).collect()
}

/// The paths and texts of all files of a kind in folders of the repository.
fn sources(folders: &[&str], kind: &str) -> Vec<(String, String)> {
    let mut open: Vec<PathBuf> = folders.iter().map(|folder| home().join(folder)).collect();
    let mut found = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in
            std::fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry").path())
        {
            let name = entry.file_name().unwrap_or_default();
            if entry.is_dir() {
                let is_ours = !["target", "node_modules"].iter().any(|other| name == *other);
                open.extend(is_ours.then_some(entry));
            } else if entry.extension().is_some_and(|extension| extension == kind) {
                let source = std::fs::read_to_string(&entry).expect("a source");
                found.push((entry.display().to_string(), source));
            }
        }
    }
    found
}
