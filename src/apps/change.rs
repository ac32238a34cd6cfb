//! Changes to apps by the operator: by command, or by `APPS_FILE`.

use super::{ADDED, App, Apps, REMOVED, SECRET_ROTATED, logout, sql};
use crate::{
    audit::{self, Act, Authority, Event, sha256},
    keys::Keys,
    platform::{clock::now, error::Fault, random},
    store::{
        Store,
        changes::{self, Revision},
        db::Tx,
    },
};

/// A change in progress. Dropped before [`Change::commit`], it changes nothing.
pub(super) struct Change {
    tx: Tx,
    revision: Revision,
    /// The apps as they were at the beginning. No other change comes between.
    pub(super) apps: Apps,
    events: Vec<Event>,
    authority: Authority,
}

impl Change {
    pub(super) async fn begin(store: &Store, authority: &Authority) -> Result<Self, Fault> {
        let mut tx = store.begin().await?;
        let revision = changes::next_revision(&mut tx).await?;
        let apps = Apps::read_all(&mut tx).await?;
        let authority = authority.clone();
        Ok(Self { tx, revision, apps, events: Vec::new(), authority })
    }

    /// Writes an app, new or changed.
    pub(super) async fn write(&mut self, app: &App, act: Act) -> Result<(), Fault> {
        sql::write(&mut self.tx, app).await?;
        self.record(app, act).await
    }

    /// Adds an app. Returns its secret, unless it has none.
    pub(super) async fn add(&mut self, app: &App) -> Result<Option<String>, Fault> {
        self.write(app, ADDED).await?;
        if !app.definition.has_secret() {
            return Ok(None);
        }
        let secret = random::token()?;
        sql::add_secret(&mut self.tx, &app.id, &sha256(&secret), now()).await?;
        Ok(Some(secret))
    }

    /// Makes a new secret. Those before it are good for `overlap` seconds.
    pub(super) async fn rotate_secret(&mut self, app: &App, overlap: i64) -> Result<String, Fault> {
        let secret = random::token()?;
        self.replace_secret(app, Some(&sha256(&secret)), overlap).await?;
        self.record(app, SECRET_ROTATED).await?;
        Ok(secret)
    }

    /// The same with the hash of a secret that the operator has made, or with none.
    pub(super) async fn replace_secret(
        &mut self,
        app: &App,
        hash: Option<&str>,
        overlap: i64,
    ) -> Result<(), Fault> {
        let now = now();
        sql::expire_secrets(&mut self.tx, &app.id, now + overlap).await?;
        match hash {
            Some(hash) => sql::add_secret(&mut self.tx, &app.id, hash, now).await,
            None => Ok(()),
        }
    }

    /// Removes an app, ends its grants, and tells the app.
    pub(super) async fn remove(&mut self, app: &App, keys: &Keys) -> Result<(), Fault> {
        logout::end_all(&mut self.tx, keys, &self.apps, app).await?;
        sql::remove(&mut self.tx, &app.id).await?;
        self.record(app, REMOVED).await
    }

    pub(super) async fn record(&mut self, app: &App, act: Act) -> Result<(), Fault> {
        let event = self.authority.event(act, None).noting(&app.id);
        audit::record(&mut self.tx, &event).await?;
        self.events.push(event);
        Ok(())
    }

    /// Running servers follow within a second.
    pub(super) async fn commit(mut self) -> Result<(), Fault> {
        changes::tell_all(&mut self.tx, self.revision).await?;
        self.tx.commit().await?;
        self.events.iter().for_each(Event::log);
        Ok(())
    }
}
