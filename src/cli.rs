//! The command line, as clap reads it.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use latchkey::platform::settings::KNOWN;

/// Accounts for your app, in one binary.
///
/// Latchkey handles sign-up, sign-in and profiles: as pages for people, and as a JSON API for
/// programs. It needs no settings: in an empty folder, it creates its database and secret in ./data
/// and serves on http://localhost:3000.
#[derive(Parser)]
#[command(version, after_long_help = settings_help())]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Apply pending migrations, then serve (the default)
    Serve,
    /// Apply, revert and list migrations
    #[command(subcommand)]
    Migrate(Migrate),
    /// Copy everything to another, empty database. Stop the server first
    Copy {
        /// The source: sqlite:PATH or postgres://…
        #[arg(long)]
        from: String,
        /// The target: sqlite:PATH or postgres://…
        #[arg(long)]
        to: String,
    },
    /// Write a consistent copy of the SQLite database while the server runs
    Backup {
        /// The file to create
        file: PathBuf,
    },
    /// Check a backup and replace the SQLite database with it. Stop the server first
    Restore {
        /// A file that `latchkey backup` wrote
        file: PathBuf,
        /// Sign everyone out. Without this, sessions ended after the backup work again
        #[arg(long)]
        end_sessions: bool,
    },
    /// Import accounts from a file, all or nothing
    Import {
        /// NDJSON, one account per line: see docs/import.md
        file: PathBuf,
        #[command(flatten)]
        options: ImportOptions,
    },
    /// Write all accounts, in the format of import, to a new file that only its owner can read
    Export {
        /// The file to create
        file: PathBuf,
    },
    /// Show and change accounts; works while the server runs
    #[command(subcommand)]
    User(User),
    /// Verify or export the audit trail
    #[command(subcommand)]
    Audit(Audit),
    /// Print the settings, with secrets hidden, and what is wrong with them
    Check,
}

#[derive(Args)]
pub(crate) struct ImportOptions {
    /// Import the rest if some lines are refused
    #[arg(long)]
    pub(crate) skip_refused: bool,
    /// Turn names that aren't usernames here (email addresses, spaces) into usernames, and list them
    #[arg(long)]
    pub(crate) map_usernames: bool,
    /// Accept names that are reserved for the service, such as admin and support
    #[arg(long)]
    pub(crate) allow_reserved: bool,
    /// Write a link for each account without a password to this new file, one JSON object per line
    #[arg(long, value_name = "FILE")]
    pub(crate) password_links: Option<PathBuf>,
    /// The base64_signer_key of a Firebase project
    #[arg(long, value_name = "BASE64", requires = "firebase_salt_separator")]
    pub(crate) firebase_signer_key: Option<String>,
    /// Its base64_salt_separator
    #[arg(long, value_name = "BASE64", requires = "firebase_signer_key")]
    pub(crate) firebase_salt_separator: Option<String>,
    /// Its rounds
    #[arg(long, value_name = "NUMBER", default_value_t = 8)]
    pub(crate) firebase_rounds: u32,
    /// Its mem_cost
    #[arg(long, value_name = "NUMBER", default_value_t = 14)]
    pub(crate) firebase_mem_cost: u8,
}

#[derive(Subcommand)]
pub(crate) enum Migrate {
    /// Apply pending migrations
    Up,
    /// Revert the last migration. Stop the server first
    Down {
        /// Confirm that the listed data is deleted
        #[arg(long)]
        yes: bool,
    },
    /// List all migrations and whether they are applied
    List,
    /// Create a pair of empty files in ./migrations
    Create {
        /// A short name for the change, such as add_email
        name: String,
    },
}

#[derive(Subcommand)]
pub(crate) enum User {
    /// List all accounts
    List {
        /// One JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// Show an account
    Show {
        /// A username or an id
        #[arg(allow_hyphen_values = true)]
        name: String,
    },
    /// Disable an account and end its sessions
    Disable {
        /// A username or an id
        #[arg(allow_hyphen_values = true)]
        name: String,
    },
    /// Enable a disabled account
    Enable {
        /// A username or an id
        #[arg(allow_hyphen_values = true)]
        name: String,
    },
    /// Permanently delete an account, now
    Delete {
        /// A username or an id
        #[arg(allow_hyphen_values = true)]
        name: String,
        /// Confirm the deletion
        #[arg(long)]
        yes: bool,
    },
    /// List the sessions of an account
    Sessions {
        /// A username or an id
        #[arg(allow_hyphen_values = true)]
        name: String,
        /// End all of them
        #[arg(long)]
        end: bool,
    },
    /// Print a link that sets a new password, once, within 24 hours
    SetPasswordLink {
        /// A username or an id
        #[arg(allow_hyphen_values = true)]
        name: String,
    },
}

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

fn settings_help() -> String {
    let mut help =
        "Settings, from the environment or from .env in the working folder:\n".to_owned();
    for (name, default, meaning) in KNOWN {
        help += &format!("  {name:20} {meaning} [{default}]\n");
    }
    help
}
