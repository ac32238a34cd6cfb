//! The apps that a person has signed in to, and an end to it.

use std::{collections::HashMap, sync::Arc};

use super::{TAKEN_BACK, devices};
use crate::{
    apps::{self, App},
    audit::{self, Event},
    domain::AccountId,
    platform::{
        clock::now,
        error::{Fault, Result},
        visit::Visit,
    },
    services::Services,
    sessions::{
        self,
        caller::SignedIn,
        grants::{self, UsedApp},
    },
    store::changes,
};

/// An app that a person uses.
pub struct Used {
    pub app: Arc<App>,
    /// What its owner has agreed to. `None`: nobody asked.
    pub consent: Option<String>,
    /// `None`: nobody is signed in to it now.
    pub(crate) grant: Option<UsedApp>,
}

/// The apps that an account is signed in to, or whose owner has agreed to, by name.
pub async fn by(services: &Services, account: AccountId) -> Result<Vec<Used>, Fault> {
    let apps = services.apps.get().await?;
    let grants = grants::of_account(&services.store, account, now()).await?;
    let mut grants: HashMap<String, UsedApp> =
        grants.into_iter().map(|grant| (grant.app_id.clone(), grant)).collect();
    let consents = apps::consents(&mut services.store.read().await?, account).await?;
    let mut consents: HashMap<String, String> = consents.into_iter().collect();
    let mut used = Vec::new();
    for app in apps.all() {
        let (consent, grant) = (consents.remove(&app.id), grants.remove(&app.id));
        if consent.is_some() || grant.is_some() {
            used.push(Used { app: app.clone(), consent, grant });
        }
    }
    // The rest belongs to apps that nobody has registered, or that are gone.
    for (id, consent) in consents {
        if let Some(app) = services.apps.find(&id).await? {
            used.push(Used { app, consent: Some(consent), grant: grants.remove(&id) });
        }
    }
    Ok(used)
}

/// Takes back what an app got, in every session, and the consent to it. `false`: it had nothing.
pub async fn take_back(
    services: &Services,
    caller: &SignedIn,
    app: &str,
    visit: &Visit,
) -> Result<bool> {
    let account = caller.account();
    let mut event = Event::by_owner(visit, account, TAKEN_BACK);
    let mut tx = services.store.begin().await?;
    let revision = changes::next_revision(&mut tx).await?;
    let ended = grants::end_of_account(&mut tx, account, app, event.at).await?;
    let forgotten = apps::forget_consent(&mut tx, account, app).await?;
    let devices = devices::take_back(&mut tx, account, app).await?;
    if ended == 0 && !forgotten && devices == 0 {
        tx.rollback().await?;
        return Ok(false);
    }
    // The id of an app that was used, so it is not the caller's text.
    app.clone_into(&mut event.detail.note);
    let changed = sessions::tell_of(&mut tx, revision, account, event.at).await?;
    audit::record(&mut tx, &event).await?;
    tx.commit().await?;
    services.live_sessions.changed(&changed);
    event.log();
    Ok(true)
}
