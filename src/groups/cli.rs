//! The command on the groups of an account.

use clap::Args;

use super::{change, is_name, of};
use crate::{
    domain::Profile,
    platform::terminal::{Failure, fail, say, told},
    store::Store,
};

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
}

/// Changes the groups of an account, and shows them.
pub(crate) async fn run(
    store: &Store,
    account: &Profile,
    Change { add, remove, .. }: &Change,
) -> Result<(), Failure> {
    if let Some(group) = add.iter().chain(remove).find(|group| !is_name(group)) {
        return fail(&format!("group {group}: use 1 to 64 letters, digits, -, _ and ."));
    }
    if !add.is_empty() || !remove.is_empty() {
        change(store, account.id, add, remove).await.map_err(told)?;
    }
    let names = of(store, account.id).await.map_err(told)?;
    let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    say(&format!("Groups of {}: {names}", account.username));
    Ok(())
}
