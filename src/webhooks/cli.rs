//! The commands on webhooks.

use clap::Subcommand;

use super::{EVENTS, Webhook, add, all, check_url, find, messages, remove, send_again, test};
use crate::{
    audit::Authority,
    domain::{Code, FieldError},
    platform::{
        clock::rfc3339,
        terminal::{Failure, fail, refused, say, told},
    },
    settings::Settings,
    store::cli::{open, open_migrated},
    texts::Language,
};

#[derive(Subcommand)]
pub(crate) enum WebhookCommand {
    /// Add an endpoint, and print its secret once
    Add {
        /// Where messages are sent to
        url: String,
        /// An event to be told of; as often as needed, or with commas; by default all
        #[arg(long, value_delimiter = ',', value_parser = EVENTS)]
        event: Vec<String>,
        /// Print it as JSON
        #[arg(long)]
        json: bool,
    },
    /// List the endpoints
    List {
        /// One JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// List the latest messages to an endpoint
    Messages {
        #[arg(allow_hyphen_values = true)]
        id: String,
        /// One JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// Send a test message
    Test {
        #[arg(allow_hyphen_values = true)]
        id: String,
    },
    /// Send a message again
    Resend {
        /// The id of the endpoint
        #[arg(allow_hyphen_values = true)]
        id: String,
        /// The id of the message
        message: String,
    },
    /// Remove an endpoint, with the messages that wait for it
    Remove {
        #[arg(allow_hyphen_values = true)]
        id: String,
    },
}

/// How many messages are listed.
const LISTED: i64 = 100;

pub(crate) async fn run(settings: &Settings, command: WebhookCommand) -> Result<(), Failure> {
    let authority = Authority::command_line();
    let keys = || settings.keys().map_err(|reason| Failure(vec![reason]));
    let missing = || fail("there is no endpoint with this id");
    let store = match &command {
        WebhookCommand::Add { .. } => open_migrated(&settings.store).await?,
        _ => open(&settings.store).await?,
    };
    match command {
        WebhookCommand::Add { url, event, json } => {
            check_url(&settings.webhooks, &url).map_err(bad_url)?;
            let added = add(&store, &keys()?, &settings.webhooks, &authority, &url, &event).await;
            let (webhook, secret) = added.map_err(refused)?;
            if json {
                let mut line = line(&webhook);
                line["secret"] = secret.into();
                say(&line.to_string());
            } else {
                say(&secret);
                say("");
                say("It is shown only now: check the signatures of messages with it.");
            }
        }
        WebhookCommand::List { json } => {
            let webhooks = all(&store).await.map_err(told)?;
            if webhooks.is_empty() && !json {
                say("There are no webhooks yet: latchkey webhook add URL");
            }
            for webhook in &webhooks {
                if json {
                    say(&line(webhook).to_string());
                } else {
                    let Webhook { id, url, events, closed_at, .. } = webhook;
                    let closed = closed_at.map(|at| format!("  closed {}", rfc3339(at)));
                    let closed = closed.unwrap_or_default();
                    say(&format!("{id}  {url}  {}{closed}", events.join(",")));
                }
            }
        }
        WebhookCommand::Messages { id, json } => {
            if find(&store, &id).await.map_err(told)?.is_none() {
                return missing();
            }
            for sent in messages(&store, &id, LISTED).await.map_err(told)? {
                let state = match sent.delivered_at {
                    Some(at) => format!("delivered {}", rfc3339(at)),
                    None => format!("tries {}", sent.tries),
                };
                let answer = sent.answer.unwrap_or_default();
                if json {
                    let line = serde_json::json!({
                        "id": sent.id, "event": sent.event, "createdAt": rfc3339(sent.created_at),
                        "deliveredAt": sent.delivered_at.map(rfc3339), "tries": sent.tries, "answer": answer,
                    });
                    say(&line.to_string());
                } else {
                    let at = rfc3339(sent.created_at);
                    say(&format!("{}  {at}  {}  {state}  {answer}", sent.id, sent.event));
                }
            }
        }
        WebhookCommand::Test { id } => {
            if !test(&store, &keys()?, &authority, &id).await.map_err(told)? {
                return missing();
            }
            say(
                "A test message is on its way. `latchkey webhook messages` shows what became of it.",
            );
        }
        WebhookCommand::Resend { id, message } => {
            if !send_again(&store, &keys()?, &authority, &id, &message).await.map_err(told)? {
                return fail("there is no such message");
            }
            say("It is on its way.");
        }
        WebhookCommand::Remove { id } => {
            if !remove(&store, &authority, &id).await.map_err(told)? {
                return missing();
            }
            say("The endpoint is removed.");
        }
    }
    store.close().await;
    Ok(())
}

fn bad_url(code: Code) -> Failure {
    Failure(vec![Language::English.field_error(&FieldError { field: super::URL, code })])
}

fn line(webhook: &Webhook) -> serde_json::Value {
    let Webhook { id, url, events, created_at, closed_at, .. } = webhook;
    serde_json::json!({
        "id": id, "url": url, "events": events, "createdAt": rfc3339(*created_at),
        "closedAt": closed_at.map(rfc3339),
    })
}
