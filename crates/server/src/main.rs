//! The `postern` program.

fn main() -> std::process::ExitCode {
    postern_server::commands::run()
}
