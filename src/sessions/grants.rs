//! What apps got by a session.
//!
//! A grant is a row: one app, one session. All tokens of an app name it, and it ends with its session,
//! whatever ends that ([`super::end`]). So nothing an app holds outlives the sign-in it came from. Its id
//! is the `sid` of OpenID Connect, which tells an app nothing about other apps.

mod sql;

use super::StoredSession;
use crate::{
    domain::{AccountId, Profile},
    platform::{error::Fault, random},
    store::{
        Store,
        db::{Db, Tx},
    },
};

pub(super) use sql::end_orphans;
pub(crate) use sql::{
    Ended, TABLES, Token, UsedApp, forget_tokens, insert_token, token, use_token,
};

/// A live grant, and the session and the account that it belongs to.
pub struct LiveGrant {
    pub id: String,
    pub app: String,
    /// With spaces between.
    pub scope: String,
    pub began_at: i64,
    pub session: StoredSession,
    pub profile: Profile,
}

/// The grant with this id, if its session is alive.
pub(crate) async fn find(db: &mut Db, id: &str, now: i64) -> Result<Option<LiveGrant>, Fault> {
    sql::find(db, id, now).await
}

/// Ends the grants of the session of this family. The session itself goes on.
pub(crate) async fn end_of_session(tx: &mut Tx, family: &str, now: i64) -> Result<(), Fault> {
    sql::end_of_session(tx, family, now).await
}

/// The live grant of an app by a session of this family: its id, its scope, and when it was last used.
pub(crate) async fn of_session(
    db: &mut Db,
    app: &str,
    family: &str,
) -> Result<Option<(String, String, i64)>, Fault> {
    sql::of_session(db, app, family).await
}

/// The grant of an app by the session of this family, made or widened. Returns its id, and whether it
/// is new.
pub(crate) async fn begin(
    tx: &mut Tx,
    app: &str,
    (account, family): (AccountId, &str),
    scope: &str,
    now: i64,
) -> Result<(String, bool), Fault> {
    let id = random::text()?;
    let is_new = sql::insert(tx, &id, app, (account, family), scope, now).await?;
    if is_new {
        return Ok((id, true));
    }
    sql::widen(tx, app, family, scope, now).await?;
    let known = sql::of_session(tx, app, family).await?;
    let (id, ..) = known.ok_or_else(|| Fault::internal("a grant has just ended"))?;
    Ok((id, false))
}

/// How often the use of a grant is noted, in seconds.
pub(crate) const NOTED_EVERY: i64 = 3600;

/// Notes that a grant is used.
pub(crate) async fn note_use(store: &Store, id: &str, now: i64) -> Result<(), Fault> {
    sql::note_use(store, id, now).await
}

/// Uses a grant: keeps it from ending until the end of the transaction. Its session is in use as well, and
/// stays alive until `idle_until`, unless it ends earlier. `false`: the grant has ended.
pub(crate) async fn hold(
    tx: &mut Tx,
    grant: &LiveGrant,
    idle_until: i64,
    now: i64,
) -> Result<bool, Fault> {
    // The session before the grant, and the grant before its tokens: so does whatever ends them.
    sql::extend(tx, &grant.session.id, idle_until, now).await?;
    sql::hold(tx, &grant.id, now).await
}

/// Ends one grant. `false`: it had ended.
pub(crate) async fn end(tx: &mut Tx, id: &str, now: i64) -> Result<bool, Fault> {
    sql::end_one(tx, id, now).await
}

/// Ends one grant of an app that knows that it ends. Returns whose it was. `None`: there is no such grant.
pub(crate) async fn end_untold(
    tx: &mut Tx,
    id: &str,
    app: &str,
) -> Result<Option<AccountId>, Fault> {
    sql::delete_one(tx, id, app).await
}

/// Ends what an app got by any session of an account. Returns how much that was.
pub(crate) async fn end_of_account(
    tx: &mut Tx,
    account: AccountId,
    app: &str,
    now: i64,
) -> Result<u64, Fault> {
    sql::end_of_account(tx, account, app, now).await
}

/// Ends all that an app got.
pub(crate) async fn end_of_app(tx: &mut Tx, app: &str, now: i64) -> Result<(), Fault> {
    sql::end_of_app(tx, app, now).await
}

/// Grants that have ended and of which the app has not been told, up to `most`. They are locked.
pub(crate) async fn take_ended(
    tx: &mut Tx,
    app: Option<&str>,
    most: i64,
) -> Result<Vec<Ended>, Fault> {
    sql::take_ended(tx, app, most).await
}

/// Whether there are any, without taking a writer's turn.
pub(crate) async fn any_ended(store: &Store) -> Result<bool, Fault> {
    sql::any_ended(&mut store.read().await?).await
}

/// The apps that an account is signed in to.
pub(crate) async fn of_account(
    store: &Store,
    account: AccountId,
    now: i64,
) -> Result<Vec<UsedApp>, Fault> {
    sql::of_account(&mut store.read().await?, account, now).await
}

/// Ends the grants whose sessions ran out, and forgets refresh tokens that were used long ago.
pub(crate) async fn forget(
    store: &Store,
    now: i64,
    grace: i64,
    remembered: i64,
) -> Result<(), Fault> {
    sql::forget(store, now, grace, remembered).await
}
