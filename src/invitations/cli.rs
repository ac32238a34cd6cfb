//! The commands on invitations.

use std::time::Duration;

use clap::Subcommand;

use super::{DEFAULT_TTL, Invitation, MAX_TTL, MAX_USES, New, make, page, withdraw};
use crate::{
    accounts::settings::SignUpMode,
    audit::Authority,
    domain::{Email, Field, FieldError},
    groups::{ADMIN, is_name},
    platform::{
        clock::{now, rfc3339, seconds},
        settings::duration,
        terminal::{Failure, fail, refused, say, told},
    },
    settings::Settings,
    store::cli::{open, open_migrated},
    texts::Language,
};

#[derive(Subcommand)]
pub(crate) enum InviteCommand {
    /// Make an invitation, and print its link once; with --email, it is also sent
    Add {
        /// Where to send it; it proves this address, and can be used once
        #[arg(long)]
        email: Option<String>,
        /// A group to join; as often as needed
        #[arg(long, value_name = "GROUP")]
        group: Vec<String>,
        /// How long it works, such as 2d
        #[arg(long, value_parser = duration, default_value = "7d", value_name = "TIME")]
        expires: Duration,
        /// How often it can be used
        #[arg(long, default_value_t = 1)]
        uses: i64,
        /// What it is for, for those who administer
        #[arg(long, default_value = "")]
        note: String,
        /// Print it as JSON
        #[arg(long)]
        json: bool,
    },
    /// List the invitations
    List {
        /// One JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// Withdraw an invitation: its link stops working
    Remove {
        /// An id
        #[arg(allow_hyphen_values = true)]
        id: String,
    },
}

pub(crate) async fn run(settings: &Settings, command: InviteCommand) -> Result<(), Failure> {
    let authority = Authority::command_line();
    match command {
        InviteCommand::Add { email, group, expires, uses, note, json } => {
            let why =
                |code| Language::English.field_error(&FieldError { field: Field::EMAIL, code });
            let email = email.map(|text| Email::parse(&text)).transpose();
            let email = email.map_err(|code| Failure(vec![why(code)]))?;
            if let Some(group) = group.iter().find(|group| !is_name(group)) {
                return fail(&format!("group {group}: use 1 to 64 letters, digits, -, _ and ."));
            }
            if seconds(expires) > MAX_TTL {
                return fail("--expires: at most a year");
            }
            if settings.accounts.sign_up == SignUpMode::Closed {
                return fail("SIGN_UP=closed: nobody can sign up, with or without an invitation");
            }
            let is_for_one = email.is_some() || group.iter().any(|group| group == ADMIN);
            if is_for_one && uses != 1 {
                return fail(
                    "--uses: an invitation to an address or to the group admin works once",
                );
            }
            if !(1..=MAX_USES).contains(&uses) {
                return fail(&format!("--uses: from 1 to {MAX_USES}"));
            }
            let keys = match settings.mail.url {
                Some(_) => Some(settings.keys().map_err(|reason| Failure(vec![reason]))?),
                None => None,
            };
            let is_sent = email.is_some() && keys.is_some();
            let expires_at = now() + seconds(expires);
            let new = New { email, groups: group, expires_at, uses, note };
            let store = open_migrated(&settings.store).await?;
            let made = make(&store, keys.as_ref(), &authority, &new, "en").await;
            let (invitation, path) = made.map_err(refused)?;
            let url = format!("{}{path}", settings.origin(&store).await.map_err(told)?);
            if json {
                let mut line = line(&invitation);
                line["url"] = url.into();
                say(&line.to_string());
            } else {
                say(&url);
                say("");
                say(&format!("It is shown only now, and works until {}.", rfc3339(expires_at)));
                if is_sent {
                    say("It was also sent by email.");
                }
            }
            store.close().await;
        }
        InviteCommand::List { json } => {
            let store = open(&settings.store).await?;
            let mut last: Option<(i64, String)> = None;
            loop {
                let before = last.as_ref().map(|(at, id)| (*at, id.as_str()));
                let (invitations, more) = page(&store, before, 200).await.map_err(told)?;
                if invitations.is_empty() && last.is_none() && !json {
                    say("There are no invitations: latchkey invite add");
                }
                for invitation in &invitations {
                    if json {
                        say(&line(invitation).to_string());
                    } else {
                        say(&in_words(invitation));
                    }
                }
                last = invitations.last().map(|last| (last.created_at, last.id.clone()));
                if !more {
                    break;
                }
            }
            store.close().await;
        }
        InviteCommand::Remove { id } => {
            let store = open(&settings.store).await?;
            if !withdraw(&store, &authority, &id).await.map_err(told)? {
                return fail("there is no invitation with this id");
            }
            say("The invitation is withdrawn.");
            store.close().await;
        }
    }
    Ok(())
}

fn in_words(invitation: &Invitation) -> String {
    let Invitation { id, email, groups, note, expires_at, uses_left, uses, .. } = invitation;
    let to = email.as_deref().unwrap_or("a link");
    let groups = groups.join(",");
    let state = match (invitation.is_open(now()), *uses_left) {
        (true, left) => format!("until {}, left: {left}", rfc3339(*expires_at)),
        (false, 0) => "used up".to_owned(),
        (false, _) if !invitation.maker_is_there => {
            "off: its maker no longer administers".to_owned()
        }
        (false, _) => "over".to_owned(),
    };
    format!("{id}  {to}  {groups}  used: {uses}  {state}  {note}").trim_end().to_owned()
}

fn line(invitation: &Invitation) -> serde_json::Value {
    let Invitation { id, email, groups, note, created_at, expires_at, uses_left, uses, .. } =
        invitation;
    serde_json::json!({
        "id": id, "email": email, "groups": groups, "note": note, "createdAt": rfc3339(*created_at),
        "expiresAt": rfc3339(*expires_at), "usesLeft": uses_left, "uses": uses,
    })
}

/// The default of `--expires`, written out.
const _: () = assert!(DEFAULT_TTL == 7 * 24 * 3600);
