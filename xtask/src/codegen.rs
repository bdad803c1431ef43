//! Keeps the checked-in service models and the Rust written from them: `fetch-models` brings the models up
//! to date, `codegen` writes the types, `codegen --check` only tells whether anything would change.

use crate::model::{self, SOURCES};
use crate::{pattern, rust};
use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Downloads the newest botocore with pip and strips its models.
pub fn fetch(root: &Path) -> Result<()> {
    let folder = std::env::temp_dir().join(format!("postern-models-{}", std::process::id()));
    let target = folder.to_string_lossy().into_owned();
    let arguments =
        ["-m", "pip", "install", "--quiet", "--no-deps", "--upgrade", "--target", &target, "botocore"];
    let done = Command::new("python3").args(arguments).status().context("starting python3")?;
    ensure!(done.success(), "pip could not fetch botocore");
    let stripped = strip(root, &folder.join("botocore"));
    std::fs::remove_dir_all(&folder)?;
    stripped
}

/// Strips the models of an unpacked botocore into `crates/model/models`.
pub fn strip(root: &Path, botocore: &Path) -> Result<()> {
    let version = version_of(botocore)?;
    for source in SOURCES.iter().filter(|source| !source.own) {
        let stripped = model::strip(botocore, source, &version)?;
        std::fs::write(model_file(root, source.name), model::laid_out(&stripped)?)?;
    }
    println!("models of botocore {version}");
    Ok(())
}

/// Writes the types of all models, or, when only checking, fails if a file differs.
pub fn generate(root: &Path, only_check: bool) -> Result<()> {
    let mut stale = Vec::new();
    let mut unreadable = Vec::new();
    for source in &SOURCES {
        let text = std::fs::read_to_string(model_file(root, source.name))?;
        let model: Value = serde_json::from_str(&text).with_context(|| source.name.to_owned())?;
        ensure!(
            model::laid_out(&model)? == text,
            "models/{}.json is not laid out by fetch-models",
            source.name
        );
        unreadable.extend(unreadable_patterns(&model)?);

        let file = root.join("crates/model/src").join(format!("{}.rs", source.name.replace('-', "_")));
        let written = rust::written(&model)?;
        if std::fs::read_to_string(&file).ok().as_ref() != Some(&written) {
            stale.push(file.display().to_string());
            if !only_check {
                std::fs::write(&file, written)?;
            }
        }
    }
    if !unreadable.is_empty() {
        bail!("patterns that need a line in crates/model/src/pattern.rs:\n{}", unreadable.join("\n"));
    }
    if only_check && !stale.is_empty() {
        bail!("not what `cargo xtask codegen` writes:\n{}", stale.join("\n"));
    }
    Ok(())
}

fn unreadable_patterns(model: &Value) -> Result<Vec<String>> {
    let shapes = model::object(&model["shapes"])?.iter();
    let patterns = shapes.filter_map(|(name, shape)| Some((name, shape["pattern"].as_str()?)));
    let faults = patterns.filter_map(|(name, text)| {
        pattern::Pattern::compile(text).err().map(|fault| format!("{name}: {text}\n{fault}"))
    });
    Ok(faults.collect())
}

fn model_file(root: &Path, service: &str) -> PathBuf {
    root.join("crates/model/models").join(format!("{service}.json"))
}

fn version_of(botocore: &Path) -> Result<String> {
    let text = std::fs::read_to_string(botocore.join("__init__.py"))?;
    let version = text.lines().find_map(|line| line.strip_prefix("__version__ = "));
    Ok(version.context("botocore does not tell its version")?.trim_matches(['\'', '"']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checked_in_types_are_what_the_models_say() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        generate(&root, true).expect("run `cargo xtask codegen`");
    }
}
