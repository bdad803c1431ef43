//! Repository chores: `cargo xtask fetch-models | codegen [--botocore DIR] [--check] | tidy | licences`.

mod codegen;
mod licences;
mod model;
mod names;
#[cfg_attr(not(test), expect(dead_code, reason = "only whether patterns can be compiled is asked here"))]
#[path = "../../crates/model/src/pattern.rs"]
mod pattern;
mod rust;
mod tidy;

use anyhow::{Result, bail};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask COMMAND
  fetch-models                       fetch the newest botocore, strip its models, write their types
  codegen [--botocore DIR] [--check] write the types of the models (stripped from DIR first, if given);
                                     --check only compares
  tidy                               check the rules of the house
  licences                           hold the dependencies against deny.toml";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Not by `Debug`, which may add a backtrace that tells nothing here.
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize()?;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["fetch-models"] => {
            codegen::fetch(&root)?;
            codegen::generate(&root, false)
        }
        ["codegen"] => codegen::generate(&root, false),
        ["codegen", "--check"] => codegen::generate(&root, true),
        ["codegen", "--botocore", folder] => {
            codegen::strip(&root, &PathBuf::from(folder))?;
            codegen::generate(&root, false)
        }
        ["tidy"] => tidy::check(&root),
        ["licences"] => licences::check(&root),
        _ => bail!("{USAGE}"),
    }
}
