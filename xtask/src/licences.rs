//! Holds the dependencies against `deny.toml`: licences, banned crates, and where they come from. cargo-deny does the
//! same and looks up advisories, too; this needs nothing but cargo.

use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// What `deny.toml` says.
struct Rules {
    allowed: Vec<String>,
    banned: Vec<String>,
}

/// Checks every package of the lock file.
pub fn check(root: &Path) -> Result<()> {
    let rules = read_rules(&std::fs::read_to_string(root.join("deny.toml")).context("deny.toml")?)?;
    let output = Command::new("cargo")
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(root)
        .output()
        .context("cargo metadata")?;
    if !output.status.success() {
        bail!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"].as_array().context("cargo metadata lists packages")?;
    let faults: Vec<String> = packages.iter().filter_map(|package| fault(package, &rules)).collect();
    if faults.is_empty() {
        println!("{} packages keep to deny.toml", packages.len());
        return Ok(());
    }
    bail!("{} packages do not keep to deny.toml\n{}", faults.len(), faults.join("\n"))
}

fn read_rules(text: &str) -> Result<Rules> {
    let document: toml::Value = toml::from_str(text)?;
    let texts = |list: Option<&toml::Value>, name: Option<&str>| -> Option<Vec<String>> {
        let items = list?.as_array()?;
        items
            .iter()
            .map(|item| name.map_or(Some(item), |name| item.get(name))?.as_str().map(str::to_owned))
            .collect()
    };
    let licenses = document.get("licenses").and_then(|table| table.get("allow"));
    let bans = document.get("bans").and_then(|table| table.get("deny"));
    Ok(Rules {
        allowed: texts(licenses, None).context("deny.toml lists licenses.allow")?,
        banned: texts(bans, Some("crate")).context("deny.toml lists bans.deny")?,
    })
}

fn fault(package: &Value, rules: &Rules) -> Option<String> {
    let name = package["name"].as_str().unwrap_or_default();
    let source = package["source"].as_str()?;
    if !source.starts_with("registry+") {
        return Some(format!("{name}: comes from {source}"));
    }
    if rules.banned.iter().any(|banned| banned == name) {
        return Some(format!("{name}: is banned"));
    }
    let Some(license) = package["license"].as_str() else { return Some(format!("{name}: names no licence")) };
    (!accepts(license, &rules.allowed)).then(|| format!("{name}: {license}"))
}

/// Tells whether a licence expression (SPDX, annex D) can be met with these licences alone.
fn accepts(expression: &str, allowed: &[String]) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut words = spaced.split_whitespace().peekable();
    let accepted = either(&mut words, allowed);
    accepted && words.peek().is_none()
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn either(words: &mut Words<'_>, allowed: &[String]) -> bool {
    let mut accepted = both(words, allowed);
    while words.next_if_eq(&"OR").is_some() {
        accepted |= both(words, allowed);
    }
    accepted
}

fn both(words: &mut Words<'_>, allowed: &[String]) -> bool {
    let mut accepted = one(words, allowed);
    while words.next_if_eq(&"AND").is_some() {
        accepted &= one(words, allowed);
    }
    accepted
}

fn one(words: &mut Words<'_>, allowed: &[String]) -> bool {
    match words.next() {
        Some("(") => {
            let accepted = either(words, allowed);
            words.next_if_eq(&")").is_some() && accepted
        }
        Some(license) => {
            // An exception only allows more.
            if words.next_if_eq(&"WITH").is_some() {
                words.next();
            }
            allowed.iter().any(|allowed| allowed == license)
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_is_met_or_not() {
        let allowed = ["MIT", "ISC", "Apache-2.0"].map(str::to_owned);
        for (expression, expected) in [
            ("MIT", true),
            ("GPL-3.0", false),
            ("GPL-3.0 OR MIT", true),
            ("GPL-3.0 AND MIT", false),
            ("MIT/Apache-2.0", true),
            ("ISC AND (GPL-3.0 OR ISC)", true),
            ("ISC AND (GPL-3.0 OR AGPL-3.0)", false),
            ("Apache-2.0 WITH LLVM-exception", true),
            ("(MIT", false),
            ("", false),
        ] {
            assert_eq!(accepts(expression, &allowed), expected, "{expression}");
        }
    }
}
