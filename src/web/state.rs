//! What all requests share.

use std::sync::Arc;

use axum::body::Bytes;
use tokio::sync::OnceCell;

use crate::{
    keys::Macs,
    passwords::Passwords,
    platform::settings::{PublicUrl, Settings},
    sessions::{live::LiveSessions, tokens::Sessions},
    store::Store,
    throttle::Throttle,
    web::{assets::Assets, cookies::Cookies, metrics::Metrics, sending::Sending},
};

use crate::texts::Language;

#[derive(Clone)]
pub struct AppState(Arc<AppParts>);

pub struct AppParts {
    pub settings: Settings,
    pub public_url: PublicUrl,
    /// The port it really listens on.
    pub port: u16,
    pub store: Store,
    pub passwords: Passwords,
    pub sessions: Sessions,
    pub live_sessions: Arc<LiveSessions>,
    pub cookies: Cookies,
    pub macs: Macs,
    pub throttle: Throttle,
    /// What is on its way to clients.
    pub sending: Sending,
    /// The OpenAPI document of this server.
    pub openapi: utoipa::openapi::OpenApi,
    pub openapi_json: Bytes,
    /// The page of that document, by language.
    pub docs: [OnceCell<Bytes>; Language::ALL.len()],
    pub assets: Assets,
    /// `None`: nobody reads them.
    pub metrics: Option<Metrics>,
}

impl AppState {
    #[must_use]
    pub fn new(shared: AppParts) -> Self {
        Self(Arc::new(shared))
    }
}

impl std::ops::Deref for AppState {
    type Target = AppParts;

    fn deref(&self) -> &AppParts {
        &self.0
    }
}
