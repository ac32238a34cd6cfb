//! What the use cases share.

use std::sync::Arc;

use crate::{
    keys::Keys,
    passwords::Passwords,
    sessions::{live::LiveSessions, tokens::Tokens},
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
