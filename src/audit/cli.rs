//! The commands on the audit trail.

use std::path::PathBuf;

use clap::Subcommand;

use super::{export, verify};
use crate::{
    platform::terminal::{Failure, create, fail, finish, say, told},
    settings::Settings,
    store::cli::open,
};

#[derive(Subcommand)]
pub(crate) enum Audit {
    /// Check that every row is intact, and name the first that isn't
    Verify {
        /// A hash that an earlier run printed: detects a trail that was truncated or rebuilt
        #[arg(long)]
        expect: Option<String>,
    },
    /// Write the whole trail to a new file, one row per line
    Export {
        /// The file to create
        file: PathBuf,
    },
}

pub(crate) async fn run(settings: &Settings, command: Audit) -> Result<(), Failure> {
    let store = open(&settings.store).await?;
    match command {
        Audit::Verify { expect } => match verify(&store, expect).await.map_err(told)? {
            Err(wrong) => return fail(&format!("the audit trail is broken: {wrong}")),
            Ok((0, _)) => say("The audit trail is empty."),
            Ok((rows, hash)) => {
                say(&format!("All {rows} rows are as they were written."));
                say(&format!("The last one: {hash}"));
            }
        },
        Audit::Export { file } => {
            let mut to = create(&file)?;
            let count = export(&store, &mut to).await.map_err(told)?;
            finish(to)?;
            say(&format!("Wrote {count} rows to {}.", file.display()));
        }
    }
    store.close().await;
    Ok(())
}
