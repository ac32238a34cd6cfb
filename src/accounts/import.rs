//! Imports accounts from a file: all or none. Every line is read before the first account is added,
//! and all are added in one transaction, during which nobody else can write.

mod keycloak;
mod line;
mod usernames;

use std::{collections::HashMap, io::BufRead, time::Duration};

use super::{IMPORTED, NewRow, add, is_taken};
use crate::{
    audit::{self, By, Event},
    domain::{AccountId, Username},
    emails::{self, State},
    groups,
    passwords::{self, PasswordHash},
    platform::{clock::now, error::Fault},
    providers::identities,
    store::Store,
};

pub use line::{ImportRules, ImportedAccount, RefusedLine, export, parse_line};

use line::lines;

/// How many refused lines are reported one by one.
pub const MAX_TOLD: usize = 1000;

/// An import takes as long as it takes.
const UNHURRIED: Duration = Duration::from_secs(24 * 3600);

/// A name that wasn't a valid username, and the username made from it.
pub struct Mapped {
    pub number: u64,
    pub from: String,
    pub to: String,
}

/// The outcome of an import.
#[derive(Default)]
pub struct ImportReport {
    pub added: u64,
    /// Ordered by line. If there are any, nothing was added, unless refused lines are skipped.
    pub refused: Vec<RefusedLine>,
    pub mapped: Vec<Mapped>,
    /// Accounts that need a link to set a password.
    pub without_password: Vec<(AccountId, String)>,
}

/// Adds the accounts of a file. `open` is called twice, because the file is read twice: so a long
/// one need not fit in memory. `progress` gets the current step and the number done.
pub async fn import<R: BufRead + Send>(
    store: &Store,
    open: impl Fn() -> std::io::Result<R>,
    rules: &ImportRules,
    mut progress: impl FnMut(&str, u64) + Send,
) -> Result<ImportReport, Fault> {
    let mut result = ImportReport::default();
    // The decision on each line to be added.
    let mut first: HashMap<String, u64> = HashMap::new();
    let mut planned: HashMap<u64, Planned> = HashMap::new();
    if rules.map_usernames {
        // A name that is a username stays with its owner, whatever happens to the lines before it.
        let as_they_are = ImportRules { map_usernames: false, firebase: None, ..*rules };
        for line in lines(open().map_err(Fault::internal)?) {
            let (number, line) = line.map_err(Fault::internal)?;
            let Ok(account) = parse_line(number, &line, &as_they_are) else { continue };
            let name = account.username;
            for skeleton in [name.skeleton(), name.typed_skeleton()] {
                first.entry(skeleton.to_owned()).or_insert(number);
            }
        }
    }
    for line in lines(open().map_err(Fault::internal)?) {
        let (number, line) = line.map_err(Fault::internal)?;
        match plan(store, number, &line, rules, &mut first).await? {
            Ok((account, plan)) => {
                if account.username.typed() != account.given_name.trim() {
                    let (from, to) = (account.given_name, account.username.typed().to_owned());
                    result.mapped.push(Mapped { number, from, to });
                }
                planned.insert(number, plan);
            }
            Err(line) => result.refused.push(line),
        }
        if number % 1000 == 0 {
            progress("checked", number);
        }
    }
    drop(first);
    if !result.refused.is_empty() && !rules.skip_refused {
        return Ok(ImportReport { refused: result.refused, ..ImportReport::default() });
    }
    let good = planned.len() as u64;
    let mut without_password = Vec::new();
    let accounts = lines(open().map_err(Fault::internal)?).filter_map(|line| {
        let (number, line) = match line {
            Ok(line) => line,
            Err(error) => return Some(Err(Fault::internal(error))),
        };
        let planned = planned.remove(&number)?;
        let changed = |_| Fault::internal("the file was changed while it was read");
        let account = parse_line(number, &line, rules).map_err(changed);
        if planned.hash.is_none() {
            without_password.push((number, planned.id, planned.username.typed().to_owned()));
        }
        Some(account.map(|account| (number, account, planned)))
    });
    let skip = rules.skip_refused;
    let taken = add_all(store, accounts, skip, |done| progress("added", done)).await?;
    result.added = if taken.is_empty() || skip { good - taken.len() as u64 } else { 0 };
    let is_added = |number: &u64| result.added > 0 && taken.iter().all(|(line, _)| line != number);
    result.without_password = without_password
        .into_iter()
        .filter(|(number, ..)| is_added(number))
        .map(|(_, id, name)| (id, name))
        .collect();
    result.mapped.retain(|mapped| is_added(&mapped.number));
    let refused = |(number, reason): (u64, &str)| RefusedLine { number, reason: reason.to_owned() };
    result.refused.extend(taken.into_iter().map(refused));
    result.refused.sort_by_key(|line| line.number);
    Ok(result)
}

/// The parts of an account decided while its line was checked.
struct Planned {
    id: AccountId,
    username: Username,
    /// Ready to be stored. `None`: no password.
    hash: Option<PasswordHash>,
}

/// Decides on one line. `first`: the skeletons of the names on earlier lines.
async fn plan(
    store: &Store,
    number: u64,
    line: &[u8],
    rules: &ImportRules,
    first: &mut HashMap<String, u64>,
) -> Result<Result<(ImportedAccount, Planned), RefusedLine>, Fault> {
    let refuse = |reason: String| Ok(Err(RefusedLine { number, reason }));
    let mut account = match parse_line(number, line, rules) {
        Ok(account) => account,
        Err(refused) => return Ok(Err(refused)),
    };
    let mut name = account.username.clone();
    let mut tries = 1;
    loop {
        let alike = [name.skeleton(), name.typed_skeleton()].map(|skeleton| first.get(skeleton));
        let line = alike.into_iter().flatten().filter(|line| **line != number).min();
        if let Some(line) = line
            && !rules.map_usernames
        {
            return refuse(format!("has the username of line {line}, or one that looks like it"));
        }
        // A name generated here must not fail because it is taken.
        if line.is_none() && !(rules.map_usernames && is_taken(store, &name).await?) {
            break;
        }
        if tries == MAX_NAMES {
            return refuse("has a username of which there are too many".to_owned());
        }
        tries += 1;
        name = usernames::numbered(&account.username, tries, rules.allow_reserved);
    }
    for skeleton in [name.skeleton(), name.typed_skeleton()] {
        first.insert(skeleton.to_owned(), number);
    }
    let firebase = rules.firebase.as_ref();
    let hash = account.password_hash.take();
    let hash = match hash.map(|hash| passwords::to_be_kept(&hash, firebase)).transpose() {
        Ok(hash) => hash,
        Err(reason) => return refuse(format!("passwordHash {reason}")),
    };
    account.username = name.clone();
    let planned = Planned { id: account.id, username: name, hash };
    Ok(Ok((account, planned)))
}

/// How many similar names get numbers.
const MAX_NAMES: u32 = 10_000;

/// Adds accounts in one transaction. If any is taken (by name, by a lookalike, by id or by address),
/// returns the lines of all that are, with the reasons, and adds nothing unless `skip_taken`.
/// `progress` gets the number done.
async fn add_all<I>(
    store: &Store,
    accounts: I,
    skip_taken: bool,
    mut progress: impl FnMut(u64) + Send,
) -> Result<Vec<(u64, &'static str)>, Fault>
where
    I: Iterator<Item = Result<(u64, ImportedAccount, Planned), Fault>> + Send,
{
    let at = now();
    let mut tx = store.begin_patiently(UNHURRIED).await?;
    let (mut taken, mut done) = (Vec::new(), 0);
    for account in accounts {
        let (number, account, Planned { id, username, hash }) = account?;
        let row = NewRow {
            id,
            username: &username,
            values: &account.values,
            created_at: account.created_at,
            disabled_at: account.disabled_at,
            delete_at: account.delete_at,
        };
        if let Some((email, State::Verified | State::Tied)) = &account.email
            && emails::is_taken(&mut tx, email).await?
        {
            taken.push((number, "has a verified email address that is another account's"));
            continue;
        }
        let mut is_linked = false;
        for link in &account.links {
            is_linked |= identities::is_taken(&mut tx, &link.issuer, &link.subject).await?;
        }
        if is_linked {
            taken.push((number, "has a link that is another account's"));
            continue;
        }
        if add(&mut tx, &row, hash.as_ref()).await?.is_none() {
            taken.push((
                number,
                "has a username that is taken, or looks like one, or an id that is",
            ));
            continue;
        }
        if let Some((email, state)) = &account.email {
            emails::import(&mut tx, id, email, *state, emails::UNKNOWN, at).await?;
        }
        for link in &account.links {
            identities::import(&mut tx, id, (&link.issuer, &link.subject, &link.label), at).await?;
        }
        groups::import(&mut tx, id, &account.groups, at).await?;
        let event = Event::without_request(By::Operator, IMPORTED, Some(id), at);
        audit::record(&mut tx, &event).await?;
        done += 1;
        if done % 1000 == 0 {
            progress(done);
        }
    }
    if !taken.is_empty() && !skip_taken {
        tx.rollback().await?;
        return Ok(taken);
    }
    tx.commit().await?;
    progress(done);
    Ok(taken)
}

#[cfg(test)]
mod tests;
