//! The commands on API keys.

use std::time::Duration;

use clap::Subcommand;

use super::api_keys::{self, ApiKey, Scope};
use crate::{
    audit::Authority,
    platform::{
        clock::{now, rfc3339, seconds},
        settings::duration,
        terminal::{Failure, fail, refused, say, told},
    },
    settings::Settings,
    store::cli::{open, open_migrated},
};

#[derive(Subcommand)]
pub(crate) enum ApiKeyCommand {
    /// Make an API key, and print it once
    Add {
        /// What uses it
        name: String,
        /// What it may be used for, such as users:read; as often as needed, or with commas
        #[arg(long, required = true, value_delimiter = ',', value_parser = scope)]
        scope: Vec<Scope>,
        /// How long it works, such as 90d; by default it doesn't end
        #[arg(long, value_parser = duration, value_name = "TIME")]
        expires: Option<Duration>,
        /// Print it as JSON
        #[arg(long)]
        json: bool,
    },
    /// List the API keys
    List {
        /// One JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// Remove an API key: it stops working at once
    Remove {
        /// An id
        #[arg(allow_hyphen_values = true)]
        id: String,
    },
}

fn scope(text: &str) -> Result<Scope, String> {
    Scope::of_word(text).ok_or_else(|| {
        let words: Vec<&str> = Scope::ALL.iter().map(|scope| scope.word()).collect();
        format!("must be one of {}", words.join(", "))
    })
}

pub(crate) async fn run(settings: &Settings, command: ApiKeyCommand) -> Result<(), Failure> {
    let authority = Authority::command_line();
    match command {
        ApiKeyCommand::Add { name, scope, expires, json } => {
            let store = open_migrated(&settings.store).await?;
            if api_keys::check(&name, &scope).is_err() {
                return fail("name: use 1 to 64 characters");
            }
            let expires_at = expires.map(|span| now() + seconds(span));
            let new = api_keys::make(&store, &authority, &name, &scope, expires_at).await;
            let new = new.map_err(refused)?;
            if json {
                let mut line = line(&new.key);
                line["key"] = new.secret.expose().into();
                say(&line.to_string());
            } else {
                say(new.secret.expose());
                say("");
                say("It is shown only now. Send it as a Bearer token to /admin/api.");
            }
            store.close().await;
        }
        ApiKeyCommand::List { json } => {
            let store = open(&settings.store).await?;
            let keys = api_keys::all(&store).await.map_err(told)?;
            if keys.is_empty() && !json {
                say("There are no API keys yet: latchkey api-key add NAME --scope SCOPE");
            }
            for key in &keys {
                if json {
                    say(&line(key).to_string());
                } else {
                    let used = key
                        .last_used_at
                        .map_or("never used".to_owned(), |at| format!("last used {}", rfc3339(at)));
                    let ends = key.expires_at.map(|at| format!("  ends {}", rfc3339(at)));
                    let scopes = words(key).join(",");
                    let ends = ends.unwrap_or_default();
                    let off = if key.maker_is_there {
                        ""
                    } else {
                        "  off: its maker no longer administers"
                    };
                    let by = match &*key.made_by {
                        "" => "the command line",
                        account => account,
                    };
                    let made = format!("made by {by}");
                    say(&format!("{}  {}  {scopes}  {made}  {used}{ends}{off}", key.id, key.name));
                }
            }
            store.close().await;
        }
        ApiKeyCommand::Remove { id } => {
            let store = open(&settings.store).await?;
            if !api_keys::remove(&store, &authority, &id).await.map_err(told)? {
                return fail("there is no API key with this id");
            }
            say("The API key is removed.");
            store.close().await;
        }
    }
    Ok(())
}

fn words(key: &ApiKey) -> Vec<&'static str> {
    key.scopes.iter().map(|scope| scope.word()).collect()
}

fn line(key: &ApiKey) -> serde_json::Value {
    serde_json::json!({
        "id": key.id,
        "name": key.name,
        "scopes": words(key),
        "madeBy": key.made_by,
        "makerIsThere": key.maker_is_there,
        "createdAt": rfc3339(key.created_at),
        "expiresAt": key.expires_at.map(rfc3339),
        "lastUsedAt": key.last_used_at.map(rfc3339),
    })
}
