//! The commands on accounts.

mod import_options;

use std::{
    fs,
    io::{BufReader, Write},
    path::Path,
};

use clap::Subcommand;

use super::{
    AccountRecord, deletion,
    import::{self, MAX_TOLD, RefusedLine},
    profile, records_after,
};
use crate::{
    audit::Authority,
    domain::{Email, Field, FieldError, ProfileChange, ProfilePolicy},
    emails::{self, Emails},
    factors,
    groups::cli as groups,
    keys::Keys,
    passwords::{self, PasswordHash},
    platform::{
        clock::{rfc3339, time},
        error::{Error, Refusal},
        terminal::{Failure, create, fail, finish, refused, say, told, warn},
    },
    providers::identities,
    sessions,
    settings::Settings,
    sign_in::password,
    store::{
        Fact, Store,
        cli::{open, open_migrated},
    },
    texts::Language,
};

pub(crate) use import_options::ImportOptions;

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
    /// Change a field of a profile, or set the verified email address
    Set {
        /// A username or an id
        #[arg(allow_hyphen_values = true)]
        name: String,
        /// The name of the field, such as fullName or email
        field: String,
        /// The new value
        #[arg(allow_hyphen_values = true)]
        value: String,
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
        /// One JSON object per line
        #[arg(long, conflicts_with = "end")]
        json: bool,
    },
    /// Remove all second factors of an account, whose owner has lost them
    ResetFactors {
        /// A username or an id
        #[arg(allow_hyphen_values = true)]
        name: String,
        /// Confirm the removal
        #[arg(long)]
        yes: bool,
    },
    /// Show the groups of an account, put it into some and take it out of others
    Groups(groups::Change),
    /// Print a link that sets a new password, once, within 24 hours
    SetPasswordLink {
        /// A username or an id
        #[arg(allow_hyphen_values = true)]
        name: String,
    },
}

pub(crate) async fn import(
    settings: &Settings,
    file: &Path,
    options: &ImportOptions,
) -> Result<(), Failure> {
    let named = |error: std::io::Error| Failure(vec![format!("{}: {error}", file.display())]);
    // A pipe cannot be read twice.
    if !fs::metadata(file).map_err(named)?.is_file() {
        return fail(&format!("{}: is not a file", file.display()));
    }
    let rules = options.rules()?;
    // Before anything is added, to be sure that it is writable.
    let links = options.password_links.as_deref().map(create).transpose()?;
    // An import may be the first command ever run.
    let store = open_migrated(&settings.store).await?;
    let open = || fs::File::open(file).map(BufReader::new);
    let imported = import::import(&store, open, &rules, |what, lines| {
        _ = write!(std::io::stderr(), "\r{what}: {lines}   ");
    })
    .await
    .map_err(told)?;
    _ = writeln!(std::io::stderr());
    let refused_lines = imported.refused.len();
    let mut lines: Vec<String> = imported
        .refused
        .iter()
        .take(MAX_TOLD)
        .map(|RefusedLine { number, reason }| format!("line {number}: {reason}"))
        .collect();
    if refused_lines > MAX_TOLD {
        lines.push(format!("and {} more lines", refused_lines - MAX_TOLD));
    }
    if refused_lines > 0 && !options.skip_refused {
        lines.push(format!(
            "Nothing was imported, since some lines were refused ({refused_lines}). Fix them, or use \
             --skip-refused to import the rest"
        ));
        if let Some(path) = &options.password_links {
            _ = fs::remove_file(path);
        }
        return Err(Failure(lines));
    }
    for line in lines {
        _ = writeln!(std::io::stderr(), "latchkey: refused {line}");
    }
    for import::Mapped { number, from, to } in &imported.mapped {
        say(&format!("line {number}: {from} is {to} here"));
    }
    say(&format!("Accounts added: {}. Lines refused: {refused_lines}.", imported.added));
    if imported.without_password.is_empty() {
        store.close().await;
        return Ok(());
    }
    let without = imported.without_password.len();
    let Some(mut links) = links else {
        say(&format!(
            "Without a password: {without}. `latchkey user set-password-link NAME` makes a link for \
             each, and --password-links FILE makes all of them at the next import."
        ));
        store.close().await;
        return Ok(());
    };
    let origin = public_origin(&store, settings).await?;
    let authority = Authority::command_line();
    for (id, username) in &imported.without_password {
        let link = password::make_link(&store, &authority, *id).await.map_err(refused)?;
        let url = format!("{origin}/set-password?link={link}");
        let line = serde_json::json!({"id": id.0, "username": username, "url": url});
        writeln!(links, "{line}")?;
    }
    finish(links)?;
    store.close().await;
    say(&format!("Links to set a password: {without}. Each works once, within 24 hours."));
    Ok(())
}

/// The address people use: the one set here, or else the one the server was started with. The
/// settings of its unit or container may not be visible here.
async fn public_origin(store: &Store, settings: &Settings) -> Result<String, Failure> {
    if let Some(url) = &settings.web.public_url {
        return Ok(url.origin());
    }
    if let Some(noted) = store.fact(Fact::PublicUrl).await.map_err(told)? {
        return Ok(noted);
    }
    warn(
        "no server has used this database yet and PUBLIC_URL is not set here, so the address is a \
         guess",
    );
    Ok(settings.web.public_url_at(settings.web.listen().port()).origin())
}

pub(crate) async fn export(settings: &Settings, file: &Path) -> Result<(), Failure> {
    let store = open(&settings.store).await?;
    let mut to = create(file)?;
    let count = import::export(&store, &mut to).await.map_err(told)?;
    finish(to)?;
    store.close().await;
    say(&format!("Wrote {count} accounts to {}. Only its owner can read it.", file.display()));
    say("Second factors are not in it: they stay with this server and its secret.");
    Ok(())
}

pub(crate) async fn user(settings: &Settings, command: User) -> Result<(), Failure> {
    let store = open(&settings.store).await?;
    match command {
        User::List { json } => list(&store, json).await?,
        User::Show { name } => show(&store, &find(&store, &name).await?).await?,
        User::Disable { name } => set_disabled(&store, &name, true).await?,
        User::Enable { name } => set_disabled(&store, &name, false).await?,
        User::Set { name, field, value } if field == Field::EMAIL.name() => {
            set_email(settings, &store, &name, &value).await?;
        }
        User::Set { name, field, value } => set(&store, &name, &field, &value).await?,
        User::Delete { name, yes } => {
            let account = find(&store, &name).await?;
            if !yes {
                return fail(&format!(
                    "this permanently deletes {} and all its data; re-run with --yes to confirm",
                    account.profile.username
                ));
            }
            let authority = Authority::command_line();
            let deleted = deletion::delete_now(&store, &authority, account.profile.id).await;
            if !deleted.map_err(refused)? {
                return fail("someone else has just deleted it");
            }
            say(&format!("{} is deleted.", account.profile.username));
        }
        User::Sessions { name, end, json } => show_sessions(&store, &name, end, json).await?,
        User::ResetFactors { name, yes } => reset_factors(settings, &store, &name, yes).await?,
        User::Groups(change) => {
            groups::run(&store, &find(&store, &change.name).await?.profile, &change).await?;
        }
        User::SetPasswordLink { name } => {
            let account = find(&store, &name).await?;
            if account.disabled_at.is_some() {
                return fail(&format!(
                    "{0} is disabled: run \"latchkey user enable {0}\" first, since enabling voids \
                     links",
                    account.profile.username
                ));
            }
            if account.delete_at.is_some() {
                say(
                    "This account is about to be deleted. Signing in with the new password keeps it.",
                );
            }
            let authority = Authority::command_line();
            let link = password::make_link(&store, &authority, account.profile.id).await;
            let link = link.map_err(refused)?;
            let origin = public_origin(&store, settings).await?;
            say("Give this link to the account's owner. It works once, within 24 hours:");
            say(&format!("{origin}/set-password?link={link}"));
        }
    }
    store.close().await;
    Ok(())
}

async fn set_disabled(store: &Store, name: &str, disabled: bool) -> Result<(), Failure> {
    let account = find(store, name).await?;
    let AccountRecord { profile, .. } = account;
    let authority = Authority::command_line();
    let changed = super::set_disabled(store, &authority, profile.id, disabled).await;
    let what = match (disabled, changed.map_err(refused)?.is_some()) {
        (true, true) => "is disabled, and signed out",
        (true, false) => "is disabled already",
        (false, true) => "can sign in again",
        (false, false) => "is not disabled",
    };
    say(&format!("{} {what}.", profile.username));
    Ok(())
}

async fn set(store: &Store, name: &str, field: &str, value: &str) -> Result<(), Failure> {
    let account = find(store, name).await?.profile;
    let change = ProfileChange::parse(ProfilePolicy::ALL, |known| {
        (known.field.name() == field).then(|| Ok(value.to_owned()))
    });
    let change = change.map_err(|errors| {
        let why = |error: &FieldError| match error.field.name() == field {
            true => Language::English.field_error(error),
            false => format!("there is no field {field}"),
        };
        Failure(errors.iter().map(why).collect())
    })?;
    let authority = Authority::command_line();
    let changed = profile::change_by_operator(store, &authority, account.id, change).await;
    let what = if changed.map_err(refused)?.is_some() { "is changed" } else { "is unchanged" };
    say(&format!("The profile of {} {what}.", account.username));
    Ok(())
}

/// The previous address hears of it, if mail is set up here.
async fn set_email(
    settings: &Settings,
    store: &Store,
    name: &str,
    value: &str,
) -> Result<(), Failure> {
    let account = find(store, name).await?.profile;
    let why = |code| Language::English.field_error(&FieldError { field: Field::EMAIL, code });
    let email = Email::parse(value).map_err(|code| Failure(vec![why(code)]))?;
    let keys = keys_for_mail(settings)?;
    let authority = Authority::command_line();
    match emails::set(store, keys.as_ref(), &authority, account.id, &email).await {
        Err(Error::Refusal(Refusal::InvalidInput(_))) => {
            return fail("this address is another account's");
        }
        set => _ = set.map_err(refused)?,
    }
    say(&format!("The verified email address of {} is set.", account.username));
    Ok(())
}

/// The keys that seal mail, if mail is set up here.
fn keys_for_mail(settings: &Settings) -> Result<Option<Keys>, Failure> {
    if settings.mail.url.is_none() {
        return Ok(None);
    }
    Ok(Some(settings.keys().map_err(|reason| Failure(vec![reason]))?))
}

/// The owner hears of it, if mail is set up here.
async fn reset_factors(
    settings: &Settings,
    store: &Store,
    name: &str,
    yes: bool,
) -> Result<(), Failure> {
    let account = find(store, name).await?.profile;
    let username = &account.username;
    if !yes {
        return fail(&format!(
            "this removes the authenticator app, the passkeys and the recovery codes of {username}, and \
             signs them out everywhere; make sure who asks for it, and re-run with --yes to confirm"
        ));
    }
    let keys = keys_for_mail(settings)?;
    let authority = Authority::command_line();
    let reset = factors::by_operator(store, keys.as_ref(), &authority, account.id).await;
    if reset.map_err(refused)?.is_none() {
        say(&format!("{username} has no second factor."));
        return Ok(());
    }
    say(&format!("The second factors of {username} are removed."));
    let holder = passwords::holder(store, account.id).await.map_err(told)?;
    if holder.is_none_or(|holder| holder.hash.is_none()) {
        say(
            "This account has no password. `latchkey user set-password-link` makes a link to set one.",
        );
    }
    Ok(())
}

async fn find(store: &Store, name: &str) -> Result<AccountRecord, Failure> {
    let found = super::find(store, name).await.map_err(told)?;
    found.map_or_else(|| fail("there is no account with this username or id"), Ok)
}

async fn list(store: &Store, json: bool) -> Result<(), Failure> {
    let mut last = 0;
    if !json {
        say(&format!("{:16}  {:8}  {:10}  USERNAME", "ID", "STATE", "SINCE"));
    }
    loop {
        let records = records_after(store, last, 500).await.map_err(told)?;
        let Some(end) = records.last() else { return Ok(()) };
        last = end.profile.id.0;
        for record in records {
            if json {
                say(&line(&record).to_string());
                continue;
            }
            say(&format!(
                "{:16}  {:8}  {}  {}",
                record.profile.id.0,
                record.state().word(),
                day(record.profile.created_at),
                record.profile.username
            ));
        }
    }
}

fn line(record: &AccountRecord) -> serde_json::Value {
    let AccountRecord { profile, .. } = record;
    let mut line = serde_json::json!({ "id": profile.id.0, "username": profile.username });
    for (field, value) in profile.values.iter() {
        line[field.field.name()] = value.into();
    }
    line["state"] = record.state().word().into();
    line["createdAt"] = rfc3339(profile.created_at).into();
    line
}

async fn show(store: &Store, record: &AccountRecord) -> Result<(), Failure> {
    let AccountRecord { profile, .. } = record;
    say(&format!("id            {}", profile.id.0));
    say(&format!("username      {}", profile.username));
    for (field, value) in profile.values.iter() {
        let label = Language::English.text(&format!("field-{}", field.field.name()));
        say(&format!("{:13} {}", label.to_lowercase(), value.unwrap_or("-")));
    }
    let Emails { verified, pending, .. } = emails::of(store, profile.id).await.map_err(told)?;
    for (label, address) in [("email", verified), ("to be verified", pending)] {
        if let Some(address) = address {
            say(&format!("{label:13} {address}"));
        }
    }
    let names = crate::groups::of(store, profile.id).await.map_err(told)?;
    say(&format!(
        "groups        {}",
        if names.is_empty() { "-".to_owned() } else { names.join(", ") }
    ));
    say(&format!("member since  {}", day(profile.created_at)));
    say(&format!("state         {}", record.state().word()));
    for (label, at) in [("disabled", record.disabled_at), ("to be deleted", record.delete_at)] {
        if let Some(at) = at {
            say(&format!("{label:13} {}", day(at)));
        }
    }
    let holder = passwords::holder(store, profile.id).await.map_err(told)?;
    let hash = holder.and_then(|holder| holder.hash);
    say(&format!("password      kept as {}", hash.as_ref().map_or("none", PasswordHash::kept_as)));
    for identity in identities::of(store, profile.id).await.map_err(told)? {
        say(&format!("linked        {} ({})", identity.label, identity.issuer));
    }
    let second = factors::counted(store, profile.id).await.map_err(told)?;
    let (passkeys, codes) = (second.passkeys, second.codes_left);
    let app = if second.totp { "authenticator app, " } else { "" };
    say(&format!("second factor {app}passkeys: {passkeys}, recovery codes left: {codes}"));
    Ok(())
}

async fn show_sessions(store: &Store, name: &str, end: bool, json: bool) -> Result<(), Failure> {
    let account = find(store, name).await?.profile.id;
    if end {
        let ended = sessions::end_by_operator(store, &Authority::command_line(), account).await;
        say(&format!("Sessions ended: {}.", ended.map_err(told)?.sessions.len()));
        return Ok(());
    }
    let sessions = sessions::of_account(store, account).await.map_err(told)?;
    if sessions.is_empty() && !json {
        say("No sessions.");
    }
    for session in sessions {
        if json {
            let line = serde_json::json!({
                "createdAt": rfc3339(session.created_at), "seenAt": rfc3339(session.seen_at),
                "kind": session.carrier.word(), "network": session.network, "device": session.device,
            });
            say(&line.to_string());
            continue;
        }
        say(&format!(
            "since {}  last seen {}  {}  {}  {}",
            day(session.created_at),
            day(session.seen_at),
            session.carrier.word(),
            session.network,
            session.device
        ));
    }
    Ok(())
}

fn day(seconds: i64) -> String {
    time(seconds).date().to_string()
}
