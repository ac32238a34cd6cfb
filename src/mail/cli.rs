//! The commands on mail.

use std::{fs, path::PathBuf};

use clap::Subcommand;

use super::{Letterhead, MESSAGES, Message, Transport};
use crate::{
    audit::Authority,
    outbox::{self, Listed, Undelivered},
    platform::{
        clock::rfc3339,
        random,
        terminal::{Failure, fail, say, told},
    },
    settings::Settings,
    store::{Fact, cli::open},
    texts::Language,
};

#[derive(Subcommand)]
pub(crate) enum MailCommand {
    /// List what is in the outbox, the newest first
    List {
        /// How many to list
        #[arg(long, default_value_t = 100)]
        most: i64,
        /// One JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// Try again what was given up: all of it, or one message
    Retry {
        /// As `latchkey mail list` shows it
        #[arg(allow_hyphen_values = true)]
        id: Option<String>,
    },
    /// Send a message to an address, at once, and say what came of it
    Test { address: String },
    /// Write every message, in each language, to a folder
    Preview { folder: PathBuf },
}

pub(crate) async fn run(settings: &Settings, command: MailCommand) -> Result<(), Failure> {
    match command {
        MailCommand::List { most, json } => list(settings, most, json).await,
        MailCommand::Retry { id } => retry(settings, id.as_deref()).await,
        MailCommand::Test { address } => test(settings, &address).await,
        MailCommand::Preview { folder } => preview(settings, &folder),
    }
}

async fn list(settings: &Settings, most: i64, json: bool) -> Result<(), Failure> {
    let store = open(&settings.store).await?;
    let listed = outbox::list(&store, most).await.map_err(told)?;
    store.close().await;
    if listed.is_empty() && !json {
        say("The outbox is empty: everything has been sent.");
    }
    for Listed { id, kind, account_id, created_at, due_at, tries, failed_at, error } in listed {
        if json {
            let line = serde_json::json!({
                "id": id, "kind": kind, "userId": account_id, "createdAt": rfc3339(created_at),
                "dueAt": rfc3339(due_at), "tries": tries, "failedAt": failed_at.map(rfc3339), "error": error,
            });
            say(&line.to_string());
            continue;
        }
        let state = match failed_at {
            Some(at) => format!("given up at {}", rfc3339(at)),
            None => format!("next try at {}", rfc3339(due_at)),
        };
        let account = account_id.map(|id| format!(", account {id}")).unwrap_or_default();
        let error = error.map(|error| format!(": {error}")).unwrap_or_default();
        let created = rfc3339(created_at);
        say(&format!("{id}  {kind} of {created}{account}  failed tries: {tries}, {state}{error}"));
    }
    Ok(())
}

async fn retry(settings: &Settings, id: Option<&str>) -> Result<(), Failure> {
    let store = open(&settings.store).await?;
    let count = outbox::retry(&store, &Authority::command_line(), id).await.map_err(told)?;
    store.close().await;
    match (count, id) {
        (0, Some(id)) => fail(&format!("nothing with the id {id} has been given up")),
        (count, _) => {
            say(&format!("{count} to be tried again. A running server does it within a second."));
            Ok(())
        }
    }
}

/// The way out, or why there is none.
fn transport(settings: &Settings) -> Result<Transport, Failure> {
    let Some(url) = &settings.mail.url else { return fail("MAIL_URL is not set") };
    Transport::new(url).map_err(|error| Failure(vec![format!("MAIL_URL: {error}")]))
}

async fn test(settings: &Settings, address: &str) -> Result<(), Failure> {
    let transport = transport(settings)?;
    let head = letterhead(settings).await?;
    let id = random::text().map_err(told)?;
    let letter = Message::new("test", address, "en").letter(&head, &id);
    let letter = letter.map_err(|_| Failure(vec![format!("{address} is no address")]))?;
    match transport.send(&id, &letter).await {
        Ok(()) => {
            say(&format!("The mail server took the message to {address}."));
            Ok(())
        }
        Err(Undelivered::ForNow(error) | Undelivered::ForGood(error)) => fail(&error),
    }
}

/// With the address that the running server has noted.
async fn letterhead(settings: &Settings) -> Result<Letterhead, Failure> {
    let noted = match open(&settings.store).await {
        Ok(store) => {
            let noted = store.fact(Fact::PublicUrl).await.map_err(told)?;
            store.close().await;
            noted
        }
        // There is no database yet.
        Err(_) => None,
    };
    let origin = noted.unwrap_or_else(|| settings.web.public_url_at(settings.web.port).origin());
    match settings.letterhead(origin) {
        Some(head) => Ok(head),
        None => fail("MAIL_FROM is not set"),
    }
}

/// Connects to the mail server, and sends nothing.
pub(crate) async fn probe(settings: &Settings) -> Result<(), Failure> {
    match transport(settings)?.probe().await {
        Ok(()) => {
            say("The mail server answers.");
            Ok(())
        }
        Err(error) => fail(&format!("mail: {error}")),
    }
}

fn preview(settings: &Settings, folder: &PathBuf) -> Result<(), Failure> {
    let origin = settings.web.public_url_at(settings.web.port).origin();
    let head = match settings.letterhead(origin) {
        Some(head) => head,
        None => return fail("MAIL_FROM is not set"),
    };
    fs::create_dir_all(folder)?;
    for (name, variables) in MESSAGES {
        for (_, tag, _) in Language::ALL {
            let example = |message: Message, variable: &&str| {
                let value = match *variable {
                    "username" => "alice",
                    "email" => "alice@example.org",
                    "code" => "12345678",
                    "device" => "Firefox, Linux",
                    "network" => "203.0.113.0/24",
                    // A time, in seconds since 1970.
                    _ => "1795770000",
                };
                message.with(variable, value)
            };
            let message = Message::new(name, "alice@example.org", tag);
            let message = variables.iter().fold(message, example);
            let message = message.leading_to("/example?link=EXAMPLE".to_owned());
            let letter = message.letter(&head, &format!("{name}-{tag}"))?;
            fs::write(folder.join(format!("{name}-{tag}.eml")), letter.formatted())?;
            fs::write(folder.join(format!("{name}-{tag}.html")), message.html(&head))?;
        }
    }
    say(&format!(
        "Wrote {} messages to {}.",
        MESSAGES.len() * Language::ALL.len(),
        folder.display()
    ));
    Ok(())
}
