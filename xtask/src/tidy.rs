//! The rules of the house that a program can check: arrows between crates, circles between the top modules of one, SQL,
//! the clock, pure rules, the length and the beginning of files, paths of somebody's machine.

use anyhow::{Context as _, Result, bail};
use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The tower: what each crate may stand on.
const FLOORS: [(&str, &[&str]); 6] = [
    ("model", &[]),
    ("store", &[]),
    ("access", &["model", "store"]),
    ("mail", &["model", "store", "access"]),
    ("pools", &["model", "store", "access", "mail"]),
    ("server", &["model", "store", "access", "mail", "pools"]),
];

const LINES_MAX: usize = 600;

const GENERATED: [&str; 6] = [
    "crates/model/src/postern.rs",
    "crates/model/src/cognito_idp.rs",
    "crates/model/src/iam.rs",
    "crates/model/src/sesv2.rs",
    "crates/model/src/sns.rs",
    "crates/model/src/sts.rs",
];

/// Where rules live: no waiting, no clock, no store.
const PURE: [&str; 5] = [
    "crates/pools/src/auth/",
    "crates/pools/src/limits.rs",
    "crates/access/src/policy.rs",
    "crates/access/src/policy/",
    "crates/model/src/check.rs",
];

const CLOCK: &str = "crates/store/src/clock.rs";

/// A file of the repository, by its path from the root.
struct File {
    path: String,
    text: String,
}

/// Checks all rules; fails with a line per fault.
pub fn check(root: &Path) -> Result<()> {
    let files = files(root)?;
    let faults = [arrows(&files)?, line_rules(&files)?, shapes_of_files(&files), circles(&files)?].concat();
    if !faults.is_empty() {
        bail!("{} faults\n{}", faults.len(), faults.join("\n"));
    }
    println!("{} files are tidy", files.len());
    Ok(())
}

/// The texts that are ours: code, statements, pages and prose, wherever they are in the repository.
fn files(root: &Path) -> Result<Vec<File>> {
    const FOLDERS_LEFT_OUT: [&str; 5] = ["target", "node_modules", "data", "shots", "__pycache__"];
    const KINDS: [&str; 10] = ["rs", "toml", "sql", "md", "html", "css", "js", "py", "sh", "txt"];

    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.file_type()?.is_dir() {
                if !FOLDERS_LEFT_OUT.contains(&name.as_str()) && !name.starts_with('.') {
                    open.push(path);
                }
            } else if path
                .extension()
                .and_then(|kind| kind.to_str())
                .is_some_and(|kind| KINDS.contains(&kind))
            {
                let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
                let path = path.strip_prefix(root)?.to_string_lossy().replace('\\', "/");
                found.push(File { path, text });
            }
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}

/// Crates name only what stands below them.
fn arrows(files: &[File]) -> Result<Vec<String>> {
    let dependency = Regex::new(r"(?m)^postern-([a-z]+)\b")?;
    let mut faults = Vec::new();
    for (name, below) in FLOORS {
        let path = format!("crates/{name}/Cargo.toml");
        let manifest = files.iter().find(|file| file.path == path).with_context(|| format!("no {path}"))?;
        for found in dependency.captures_iter(&manifest.text) {
            if !below.contains(&&found[1]) {
                faults.push(format!("{path}: {name} stands below {}", &found[1]));
            }
        }
    }
    for file in
        files.iter().filter(|file| file.path.starts_with("crates/") && file.path.ends_with("/Cargo.toml"))
    {
        if !FLOORS.iter().any(|(name, _)| file.path == format!("crates/{name}/Cargo.toml")) {
            faults.push(format!("{}: has no floor in the tower", file.path));
        }
    }
    Ok(faults)
}

/// What may not stand in a line of code, and where that holds.
struct LineRule {
    words: Regex,
    holds: fn(&str) -> bool,
    fault: &'static str,
}

fn line_rules(files: &[File]) -> Result<Vec<String>> {
    let code_rules = [
        LineRule {
            words: Regex::new(
                r"\b(select\s.*\sfrom\s|insert\s+into\s|update\s+\w+\s+set\s|delete\s+from\s)",
            )?,
            holds: |path| path.starts_with("crates/") && !path.starts_with("crates/store/"),
            fault: "SQL outside the store",
        },
        LineRule {
            words: Regex::new(r"\b(SystemTime|Instant|OffsetDateTime)::now(_utc|_local)?\b")?,
            holds: |path| path.starts_with("crates/") && !path.contains("/tests/") && path != CLOCK,
            fault: "the system clock is read in one file",
        },
        LineRule {
            words: Regex::new(r"\.await\b|\b(Clock|Store|Tx)\b")?,
            holds: |path| PURE.iter().any(|pure| path.starts_with(pure)),
            fault: "rules know no await, clock or store",
        },
    ];
    let machine = Regex::new(r#"(^|[\s"'`(=])/(home|root|Users|work)/\w"#)?;

    let mut faults = Vec::new();
    for file in files {
        for (line, at) in file.text.lines().zip(1..) {
            let place = format!("{}:{at}", file.path);
            if machine.is_match(line) {
                faults.push(format!("{place}: a path of somebody's machine"));
            }
            if !file.path.ends_with(".rs") || line.trim_start().starts_with("//") {
                continue;
            }
            let broken =
                code_rules.iter().filter(|rule| (rule.holds)(&file.path) && rule.words.is_match(line));
            faults.extend(broken.map(|rule| format!("{place}: {}", rule.fault)));
        }
    }
    Ok(faults)
}

/// Files say what lives in them, and are short enough to be read at once.
fn shapes_of_files(files: &[File]) -> Vec<String> {
    let mut faults = Vec::new();
    for file in files.iter().filter(|file| file.path.ends_with(".rs")) {
        let lines = file.text.lines().count();
        if lines > LINES_MAX && !GENERATED.contains(&file.path.as_str()) {
            faults.push(format!("{}: {lines} lines; {LINES_MAX} are enough", file.path));
        }
        if !file.text.starts_with("//! ") {
            faults.push(format!("{}: does not begin by saying what lives here", file.path));
        }
    }
    faults
}

/// Finds top modules of a crate that need each other (`crate::…`, outside tests). What lies in the folder of one module
/// may name its neighbours.
fn circles(files: &[File]) -> Result<Vec<String>> {
    let use_of_module = Regex::new(r"\bcrate::([a-z_0-9]+)\b")?;
    let tests = Regex::new(r"(?m)^#\[cfg\(test\)\]\n(#\[.*\]\n)*mod ")?;
    let mut faults = Vec::new();
    for (name, _) in FLOORS {
        let source = format!("crates/{name}/src/");
        let mut needs: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for file in files {
            let Some(inside) = file.path.strip_prefix(&source).filter(|path| path.ends_with(".rs")) else {
                continue;
            };
            let module = inside.split('/').next().unwrap_or(inside).trim_end_matches(".rs");
            let code = tests.split(&file.text).next().unwrap_or_default();
            let code_lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
            let used = code_lines.flat_map(|line| use_of_module.captures_iter(line));
            let used = used.filter_map(|found| found.get(1)).map(|found| found.as_str());
            needs.entry(module).or_default().extend(used.filter(|other| *other != module));
        }
        let modules: BTreeSet<&str> =
            needs.keys().copied().filter(|module| !["lib", "main", "tests"].contains(module)).collect();
        for module in &modules {
            if let Some(way) = way_back(module, &needs, &modules) {
                faults.push(format!("crates/{name}: a circle of modules, {}", way.join(" → ")));
            }
        }
    }
    Ok(faults)
}

/// The way from a module back to itself, told once per circle: from its alphabetically first module.
fn way_back<'a>(
    start: &'a str,
    needs: &BTreeMap<&'a str, BTreeSet<&'a str>>,
    modules: &BTreeSet<&'a str>,
) -> Option<Vec<&'a str>> {
    let mut open = vec![vec![start]];
    let mut seen = BTreeSet::new();
    while let Some(way) = open.pop() {
        let last = way.last().copied().unwrap_or(start);
        for next in needs.get(last).into_iter().flatten().copied() {
            let longer = || way.iter().copied().chain([next]).collect::<Vec<_>>();
            if next == start {
                return Some(longer());
            }
            if next > start && modules.contains(next) && seen.insert(next) {
                open.push(longer());
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> File {
        File { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn faults_are_found_where_the_rule_holds_and_only_there() {
        let statement = "//! x\nlet rows = tx.query(\"delete from users where id = $1\");\n";
        let now = "//! x\nlet now = SystemTime::now();\n";
        let table = [
            ("crates/pools/src/user.rs", statement, 1),
            ("crates/store/src/users.rs", statement, 0),
            ("crates/pools/src/user.rs", "//! x\n// delete from users\n", 0),
            ("crates/mail/src/send.rs", now, 1),
            ("crates/store/src/clock.rs", now, 0),
            ("crates/server/tests/api/main.rs", now, 0),
            ("crates/pools/src/auth/flow.rs", "//! x\nlet x = y().await;\n", 1),
            ("crates/pools/src/tokens.rs", "//! x\nlet x = y().await;\n", 0),
        ];
        for (path, text, count) in table {
            let found = line_rules(&[file(path, text)]).expect("the rules can be read");
            assert_eq!(found.len(), count, "{path}: {text}");
        }
    }

    #[test]
    fn modules_that_need_each_other_are_a_circle() {
        let one = file("crates/mail/src/a.rs", "//! x\nuse crate::b::B;\n");
        let back = file("crates/mail/src/b.rs", "//! x\nuse crate::a::A;\n");
        let away = file("crates/mail/src/b.rs", "//! x\nuse crate::c::C;\n");
        let found = circles(&[one, back]).expect("the rule can be read");
        assert_eq!(found, ["crates/mail: a circle of modules, a → b → a"]);

        let one = file("crates/mail/src/a.rs", "//! x\nuse crate::b::B;\n");
        assert!(circles(&[one, away]).expect("the rule can be read").is_empty());

        let one = file("crates/mail/src/a.rs", "//! x\n#[cfg(test)]\nfn x() {}\nuse crate::b::B;\n");
        let back = "//! x\nuse crate::a::A;\n#[cfg(test)]\n#[path = \"t.rs\"]\nmod tests;\n";
        let found = circles(&[one, file("crates/mail/src/b.rs", back)]).expect("the rule can be read");
        assert_eq!(found.len(), 1, "a function for tests hides nothing that stands behind it");
        let one = file("crates/mail/src/a.rs", "//! x\n#[cfg(test)]\nmod tests {\nuse crate::b::B;\n");
        let found = circles(&[one, file("crates/mail/src/b.rs", back)]).expect("the rule can be read");
        assert!(found.is_empty(), "tests may name what they like");
    }

    #[test]
    fn files_begin_with_a_sentence_and_end_in_time() {
        let long = format!("//! x\n{}", "\n".repeat(LINES_MAX));
        let faulty = [file("crates/mail/src/a.rs", "use x;\n"), file("crates/mail/src/b.rs", &long)];
        assert_eq!(shapes_of_files(&faulty).len(), 2);
        let exempt = [file("crates/model/src/sts.rs", &long), file("crates/mail/src/c.rs", "//! x\n")];
        assert!(shapes_of_files(&exempt).is_empty());
    }
}
