//! The services that all use cases share.

use std::sync::Arc;

use crate::{
    apps::KnownApps,
    audit::Event,
    domain::AccountId,
    keys::Keys,
    mail::Mail,
    outbox::work::Desk,
    passkeys::RelyingParty,
    passwords::Passwords,
    platform::{error::Fault, fetch::Fetcher, jose::KeyRing},
    providers::Providers,
    sessions::{self, Which, live::LiveSessions, tokens::Tokens},
    settings::Settings,
    signing::SigningKeys,
    store::Store,
    throttle::Throttle,
};

pub struct Services {
    pub settings: Settings,
    pub store: Store,
    pub keys: Arc<Keys>,
    /// The home of the passkeys.
    pub home: RelyingParty,
    /// `None`: nothing that needs mail is offered.
    pub mail: Option<Arc<Mail>>,
    pub throttle: Throttle,
    pub passwords: Passwords,
    pub tokens: Tokens,
    pub live_sessions: Arc<LiveSessions>,
    pub signing: Arc<SigningKeys>,
    pub apps: Arc<KnownApps>,
    /// Reads what others publish.
    pub fetcher: Fetcher,
    /// Other providers that people sign in with.
    pub providers: Providers,
    /// The keys of apps.
    pub key_ring: KeyRing,
    /// Wakes the outbox.
    pub desk: Arc<Desk>,
}

impl Services {
    /// Who signs our tokens: the public address, as in `iss`.
    #[must_use]
    pub fn issuer(&self) -> &str {
        self.tokens.issuer()
    }

    /// Sends what has just been put into the outbox. Call it after the commit.
    pub(crate) fn wake_outbox(&self) {
        self.desk.wake();
    }

    /// Ends sessions of an account and records `event`. They stop working at once on this node, and
    /// within a second on the others. `false`: there were none.
    pub(crate) async fn end_sessions(
        &self,
        account: AccountId,
        which: Which<'_>,
        event: &Event,
    ) -> Result<bool, Fault> {
        let changed = sessions::end_and_record(&self.store, account, which, event).await?;
        self.live_sessions.changed(&changed);
        Ok(!changed.sessions.is_empty())
    }
}
