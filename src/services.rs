//! The services that all use cases share.

use std::sync::Arc;

use crate::{
    audit::Event,
    domain::AccountId,
    keys::Keys,
    passwords::Passwords,
    platform::error::Fault,
    sessions::{self, Which, live::LiveSessions, tokens::Tokens},
    settings::Settings,
    store::Store,
    throttle::Throttle,
};

pub struct Services {
    pub settings: Settings,
    pub store: Store,
    pub keys: Keys,
    pub throttle: Throttle,
    pub passwords: Passwords,
    pub tokens: Tokens,
    pub live_sessions: Arc<LiveSessions>,
}

impl Services {
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
