//! The `postern` program.

/// Half of what a sign-in allocates, it frees on another thread; mimalloc is made for that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    postern_server::commands::run()
}
