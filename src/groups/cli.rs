//! The command on the groups of an account.

use super::{change, is_name, of};
use crate::{
    domain::Profile,
    platform::terminal::{Failure, fail, say, told},
    store::Store,
};

/// Changes the groups of an account, and shows them.
pub(crate) async fn set(
    store: &Store,
    account: &Profile,
    add: &[String],
    remove: &[String],
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
