//! The command line: every room's commands.

use std::{io::Write, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::{
    accounts::cli::{self as accounts, ImportOptions, User},
    apps::cli::{self as apps, AppCommand},
    audit::cli::{self as audit, Audit},
    authority::cli::{self as authority, ApiKeyCommand},
    groups::cli::{self as groups, GroupCommand},
    invitations::cli::{self as invitations, InviteCommand},
    mail::cli::{self as mail, MailCommand},
    platform::{
        settings::{BadSetting, Known, Sources},
        terminal::{Failure, say},
    },
    providers,
    server::{self, tables},
    settings::{Settings, Shown},
    signing::cli::{self as signing, KeysCommand},
    store::cli::{self as store, Migrate},
    webhooks::cli::{self as webhooks, WebhookCommand},
};

/// Accounts for your app, in one binary.
///
/// Latchkey handles sign-up, sign-in and profiles: as pages for people, and as a JSON API for
/// programs. It needs no settings: in an empty folder, it creates its database and secret in ./data
/// and serves on http://localhost:3000.
#[derive(Parser)]
#[command(version, after_long_help = settings_help())]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
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
    /// Add, show and change the apps that people sign in to; works while the server runs
    #[command(subcommand)]
    App(Box<AppCommand>),
    /// Add, list and remove groups; works while the server runs
    #[command(subcommand)]
    Group(GroupCommand),
    /// Make, list and withdraw invitations; works while the server runs
    #[command(subcommand)]
    Invite(InviteCommand),
    /// Make, list and remove the API keys of programs; works while the server runs
    #[command(subcommand)]
    ApiKey(ApiKeyCommand),
    /// Add, list, test and remove webhooks; works while the server runs
    #[command(subcommand)]
    Webhook(WebhookCommand),
    /// List and rotate the keys that sign tokens for apps and services
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Verify or export the audit trail
    #[command(subcommand)]
    Audit(Audit),
    /// Look after the mail that the server sends
    #[command(subcommand)]
    Mail(MailCommand),
    /// Print the settings, with secrets hidden, and what is wrong with them
    Check {
        /// Also connect to the mail server
        #[arg(long)]
        mail: bool,
    },
}

/// Runs the command line.
#[must_use]
pub fn main() -> ExitCode {
    let result = match Cli::parse().command.unwrap_or(Command::Serve) {
        Command::Check { mail } => check().and_then(|()| match mail {
            true => with_settings(async |settings: Settings| mail::probe(&settings).await),
            false => Ok(()),
        }),
        Command::Migrate(Migrate::Create { name }) => store::create_migration(&name),
        Command::Copy { from, to } => on_runtime(store::copy_all(&tables(), &from, &to)),
        Command::Serve => with_settings(server::cli::serve),
        Command::Migrate(command) => with_settings(async |settings: Settings| {
            store::migrate(&settings.store, &tables(), command).await
        }),
        Command::Backup { file } => {
            with_settings(async |settings: Settings| store::back_up(&settings.store, &file).await)
        }
        Command::Restore { file, end_sessions } => with_settings(async |settings: Settings| {
            store::put_back(&settings.store, &file, end_sessions).await
        }),
        Command::Import { file, options } => with_settings(async |settings: Settings| {
            accounts::import(&settings, &file, &options).await
        }),
        Command::Export { file } => {
            with_settings(async |settings: Settings| accounts::export(&settings, &file).await)
        }
        Command::User(command) => {
            with_settings(async |settings: Settings| accounts::user(&settings, command).await)
        }
        Command::App(command) => {
            with_settings(async |settings: Settings| apps::run(&settings, *command).await)
        }
        Command::Group(command) => {
            with_settings(async |settings: Settings| groups::group(&settings, command).await)
        }
        Command::Invite(command) => {
            with_settings(async |settings: Settings| invitations::run(&settings, command).await)
        }
        Command::Webhook(command) => {
            with_settings(async |settings: Settings| webhooks::run(&settings, command).await)
        }
        Command::ApiKey(command) => {
            with_settings(async |settings: Settings| authority::run(&settings, command).await)
        }
        Command::Keys(command) => {
            with_settings(async |settings: Settings| signing::run(&settings, command).await)
        }
        Command::Mail(command) => {
            with_settings(async |settings: Settings| mail::run(&settings, command).await)
        }
        Command::Audit(command) => {
            with_settings(async |settings: Settings| audit::run(&settings, command).await)
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure(lines)) => {
            for line in lines {
                _ = writeln!(std::io::stderr(), "latchkey: {line}");
            }
            ExitCode::FAILURE
        }
    }
}

/// Runs a command that needs settings.
fn with_settings(
    command: impl AsyncFnOnce(Settings) -> Result<(), Failure>,
) -> Result<(), Failure> {
    on_runtime(command(settings()?))
}

fn on_runtime(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(command)
}

/// Nothing, if it can't be run.
fn on_runtime_quietly<T: Default>(look: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_or_else(|_| T::default(), |runtime| runtime.block_on(look))
}

fn settings() -> Result<Settings, Failure> {
    Settings::read(&Sources::of_process())
        .map_err(|faults| Failure(faults.iter().map(ToString::to_string).collect()))
}

/// The faults that would stop the start, in the files that settings name.
fn bad_files(settings: &Settings) -> Vec<String> {
    let of_apps = settings.apps.file.as_deref().map(crate::apps::file::read);
    let of_providers = settings.providers.file.as_deref().map(providers::read);
    let apps = of_apps.and_then(Result::err).into_iter().flatten();
    let providers = of_providers.and_then(Result::err).into_iter().flatten();
    apps.map(|fault| format!("APPS_FILE: {fault}"))
        .chain(providers.map(|fault| format!("PROVIDERS_FILE: {fault}")))
        .collect()
}

fn check() -> Result<(), Failure> {
    let sources = Sources::of_process();
    let result = Settings::read(&sources);
    let bad = |name: &str| {
        result.as_ref().is_err_and(|faults| faults.iter().any(|fault| fault.name == name))
    };
    for Shown { name, value, source, meaning } in Settings::shown(&sources) {
        let value = match source {
            "default" => default_of(name, &value, &result),
            // A wrong value may be a secret in the wrong place.
            _ if bad(name) => "(bad)".to_owned(),
            _ => value,
        };
        say(&format!("{name} = {value}  [{source}]  {meaning}"));
    }
    match result {
        Ok(settings) => {
            let faults = bad_files(&settings);
            if !faults.is_empty() {
                return Err(Failure(faults));
            }
            let of_database = on_runtime_quietly(server::cli::look_at_factors(&settings));
            for warning in settings.warnings().into_iter().chain(of_database) {
                say(&format!("Warning: {warning}"));
            }
            say("All settings are good.");
            Ok(())
        }
        Err(faults) => Err(Failure(faults.iter().map(ToString::to_string).collect())),
    }
}

/// The default that applies.
fn default_of(name: &str, default: &str, settings: &Result<Settings, Vec<BadSetting>>) -> String {
    match settings {
        Ok(settings) if name == "PUBLIC_URL" => match settings.web.listen().port() {
            0 => default.to_owned(),
            port => settings.web.public_url_at(port).origin(),
        },
        _ => default.to_owned(),
    }
}

fn settings_help() -> String {
    let mut help =
        "Settings, from the environment or from .env in the working folder:\n".to_owned();
    for Known { name, default, meaning, .. } in Settings::known() {
        help += &format!("  {name:20} {meaning} [{default}]\n");
    }
    help
}
