//! The program. What it does is in the library.

use std::process::ExitCode;

/// Measured against the one of the system: BENCHMARKS.md.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    latchkey::cli::main()
}
