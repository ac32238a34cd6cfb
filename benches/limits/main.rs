//! How close Latchkey gets to the limits of the machine: `make bench`.
//!
//! Each figure is measured beside its limit, in turns, in one run, and given as a ratio: absolute
//! figures from a shared machine mean nothing. The limits are in this folder: a bare axum handler
//! that answers the same bytes, a bare loop of Argon2id, a bare SQLite. The load comes from wrk.
//!
//! It prints a table, and writes the same as JSON to the file named by `--json`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it talks to whoever runs it")]

#[expect(dead_code, reason = "the tests need more of it")]
#[path = "../../tests/doors/authenticator.rs"]
mod authenticator;
mod database;
mod floods;
mod latchkey;
mod load;
mod openid;
mod partners;
mod passkey;
mod people;
#[expect(dead_code, reason = "the tests need more of it")]
#[path = "../../tests/doors_on_postgres/postgres.rs"]
mod postgres;
mod report;
mod scenarios;
mod silence;

use std::{path::PathBuf, time::Duration};

use clap::Parser;
use report::Report;

/// The same as Latchkey's: allocators are not what is compared.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures Latchkey against the limits of this machine.
#[derive(Parser)]
struct Options {
    /// How often each pair is measured
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// Seconds of each measurement
    #[arg(long, default_value_t = 2)]
    seconds: u64,
    /// Accounts in the largest database
    #[arg(long, default_value_t = 1_000_000)]
    accounts: usize,
    /// Run only the measurements whose names contain this
    #[arg(long)]
    only: Option<String>,
    /// The program to measure
    #[arg(long, default_value = "target/release-lto/latchkey")]
    program: PathBuf,
    /// The file for the JSON
    #[arg(long)]
    json: Option<PathBuf>,
    /// Serve the answers in this file; the run starts this itself as the limit
    #[arg(long, hide = true)]
    bare: Option<PathBuf>,
}

/// The parameters of every measurement.
struct Run {
    rounds: usize,
    time: Duration,
    accounts: usize,
    program: PathBuf,
}

#[tokio::main]
async fn main() {
    let options = Options::parse();
    if let Some(answers) = options.bare {
        return partners::serve_bare(&answers).await;
    }
    let run = Run {
        rounds: options.rounds,
        time: Duration::from_secs(options.seconds),
        accounts: options.accounts,
        program: options.program,
    };
    let only = options.only.unwrap_or_default();
    let mut report = Report::new(&run);
    for (name, measure) in scenarios::ALL {
        if name.contains(&only) {
            eprintln!("… {name}");
            measure(&run, &mut report).await;
        }
    }
    println!("{report}");
    if let Some(file) = options.json {
        std::fs::write(&file, report.json()).expect("the JSON file");
    }
}
