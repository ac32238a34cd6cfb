//! The commands on groups.

use clap::{Args, Subcommand};

use super::{COUNTED, Group, Saved, all, change, find, is_name, of, remove, save};
use crate::{
    audit::Authority,
    domain::Profile,
    platform::terminal::{Failure, fail, refused, say, told},
    settings::Settings,
    store::{
        Store,
        cli::{open, open_migrated},
    },
};

#[derive(Subcommand)]
pub(crate) enum GroupCommand {
    /// Add a group, or say what one is for
    Add {
        name: String,
        /// What it is for
        #[arg(long)]
        description: Option<String>,
    },
    /// List the groups
    List {
        /// One JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// Remove a group, which all its members leave
    Remove {
        name: String,
        /// Confirm the removal
        #[arg(long)]
        yes: bool,
    },
}

pub(crate) async fn group(settings: &Settings, command: GroupCommand) -> Result<(), Failure> {
    let authority = Authority::command_line();
    match command {
        GroupCommand::Add { name, description } => {
            let store = open_migrated(&settings.store).await?;
            check(&name)?;
            let is_long = |text: &String| text.chars().count() > super::MAX_DESCRIPTION;
            if description.as_ref().is_some_and(is_long) {
                return fail("the description is longer than 200 characters");
            }
            let saved = save(&store, &authority, &name, description.as_deref()).await;
            let words = match saved.map_err(refused)? {
                Saved::Made => "added",
                Saved::Described => "changed",
                Saved::Unchanged => "there already",
            };
            say(&format!("{name} is {words}."));
            store.close().await;
        }
        GroupCommand::List { json } => {
            let store = open(&settings.store).await?;
            let groups = all(&store).await.map_err(told)?;
            if groups.is_empty() && !json {
                say("There are no groups yet: latchkey user groups NAME --add GROUP");
            }
            for group in &groups {
                let Group { name, description, .. } = group;
                if json {
                    let line = serde_json::json!({
                        "name": name, "description": description, "members": group.members.min(COUNTED),
                        "more": group.members > COUNTED,
                    });
                    say(&line.to_string());
                } else {
                    say(&format!("{name:24}  {:>6}  {description}", members(group)));
                }
            }
            store.close().await;
        }
        GroupCommand::Remove { name, yes } => {
            let store = open(&settings.store).await?;
            if name == super::ADMIN {
                return fail("the group admin can't be removed");
            }
            let group = find(&store, &name).await.map_err(told)?;
            let Some(group) = group else { return fail("there is no group with this name") };
            if !yes {
                return fail(&format!(
                    "this removes {name}, which all its members leave ({}); re-run with --yes to confirm",
                    members(&group)
                ));
            }
            remove(&store, &authority, &name).await.map_err(refused)?;
            say(&format!("{name} is removed. Running servers follow within a second."));
            store.close().await;
        }
    }
    Ok(())
}

fn members(group: &Group) -> String {
    if group.members > COUNTED { format!("{COUNTED}+") } else { group.members.to_string() }
}

fn check(name: &str) -> Result<(), Failure> {
    if is_name(name) {
        return Ok(());
    }
    fail(&format!("group {name}: use 1 to 64 letters, digits, -, _ and ."))
}

/// What to change.
#[derive(Args)]
pub(crate) struct Change {
    /// A username or an id
    #[arg(allow_hyphen_values = true)]
    pub(crate) name: String,
    /// A group to join; as often as needed
    #[arg(long, value_name = "GROUP")]
    add: Vec<String>,
    /// A group to leave; as often as needed
    #[arg(long, value_name = "GROUP")]
    remove: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Changes the groups of an account, and shows them.
pub(crate) async fn run(
    store: &Store,
    account: &Profile,
    Change { add, remove, json, .. }: &Change,
) -> Result<(), Failure> {
    for group in add.iter().chain(remove) {
        check(group)?;
    }
    if !add.is_empty() || !remove.is_empty() {
        let authority = Authority::command_line();
        change(store, &authority, account.id, add, remove).await.map_err(refused)?;
    }
    let names = of(store, account.id).await.map_err(told)?;
    if *json {
        let (id, username) = (account.id.0, &account.username);
        say(&serde_json::json!({ "id": id, "username": username, "groups": names }).to_string());
        return Ok(());
    }
    let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    say(&format!("Groups of {}: {names}", account.username));
    Ok(())
}
