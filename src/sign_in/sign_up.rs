//! Signing up on a page, which also signs in unless the address must be verified first.

use super::{Entered, leave, signed_in};
use crate::{
    accounts::{self, Made},
    audit::{self, Event},
    domain::NewAccount,
    keys::Statement,
    passwords::{self, Holder, Place},
    platform::{
        clock::now,
        error::{Error, Refusal, Result},
        random,
        visit::Visit,
    },
    services::Services,
    sessions::{self, StoredSession, Successor, caller::SignedIn, tokens::SessionKind},
};

/// How long, in seconds, the same sign-up may be repeated and end where the first did.
const SAME_SIGN_UP: i64 = 60;

/// A user who signs up on a page, which also signs them in.
pub struct Newcomer<'a> {
    /// The id in the browser's cookie.
    pub visitor: &'a str,
    pub before: Option<&'a SignedIn>,
}

/// Creates an account and its first session in one transaction. The same form, sent twice by one
/// browser, ends in the same session.
pub async fn sign_up_and_enter(
    services: &Services,
    new: &NewAccount,
    visit: &Visit,
    newcomer: Newcomer<'_>,
) -> Result<Entered> {
    let name = new.username.key().as_str();
    let tag = services.keys.tag(Statement::SignUpOf(newcomer.visitor, name));
    let (kind, id) = (SessionKind::Browser { remembered: false }, random::account_id()?);
    let session = services.tokens.begin(kind, id, visit)?;
    let session = StoredSession { begun_by: Some(tag.clone()), ..session };
    match accounts::make(services, new, visit, id).await {
        Ok((mut tx, made)) => {
            let signed_in = signed_in(services, &session, visit);
            sessions::begin(&mut tx, &session, None).await?;
            for event in made.events().chain([&signed_in]) {
                audit::record(&mut tx, event).await?;
            }
            tx.commit().await?;
            services.wake_outbox();
            made.events().chain([&signed_in]).for_each(Event::log);
            let Made { profile, epoch, .. } = made;
            leave(services, newcomer.before, &session.id, visit).await;
            Ok(Entered::new(services, profile, session, epoch, visit)?)
        }
        Err(Error::Refusal(Refusal::UsernameTaken)) => {
            same_again(services, &tag, new, visit).await?.ok_or(Refusal::UsernameTaken.into())
        }
        Err(error) => Err(error),
    }
}

/// Creates an account that waits for its address to be verified. The same form, sent twice, ends
/// where the first did.
pub async fn sign_up_alone(services: &Services, new: &NewAccount, visit: &Visit) -> Result<()> {
    match accounts::sign_up(services, new, visit).await {
        Err(Error::Refusal(Refusal::UsernameTaken)) => {
            let holder = passwords::holder_named(&services.store, new.username.key()).await?;
            let is_new = |holder: &Holder| holder.profile.created_at >= now() - SAME_SIGN_UP;
            let holder = holder.filter(is_new).ok_or(Refusal::UsernameTaken)?;
            let by = Place::of(visit, Some(holder.profile.id));
            let password = new.password.as_ref().ok_or(Refusal::UsernameTaken)?;
            let same = services.passwords.verify(password, holder.hash.as_ref(), by).await?;
            if same.right { Ok(()) } else { Err(Refusal::UsernameTaken.into()) }
        }
        made => made.map(drop),
    }
}

/// The session that this same request began a moment ago, if it did.
async fn same_again(
    services: &Services,
    tag: &str,
    new: &NewAccount,
    visit: &Visit,
) -> Result<Option<Entered>> {
    let store = &services.store;
    let same = sessions::begun_by(store, tag, now() - SAME_SIGN_UP).await?;
    let Some(Successor { session, profile }) = same else { return Ok(None) };
    let Some(holder) = passwords::holder(store, profile.id).await? else { return Ok(None) };
    let by = Place::of(visit, Some(profile.id));
    let Some(password) = &new.password else { return Ok(None) };
    if !services.passwords.verify(password, holder.hash.as_ref(), by).await?.right {
        return Ok(None);
    }
    Ok(Some(Entered::new(services, profile, session, holder.epoch, visit)?))
}
