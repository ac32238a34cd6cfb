//! What all requests share.

use std::sync::Arc;

use super::{
    assets::Assets,
    config::{PublicUrl, Settings},
    cookies::Cookies,
    form_tokens::FormTokens,
    live_sessions::LiveSessions,
    metrics::Metrics,
    passwords::Passwords,
    sessions::Sessions,
    store::Store,
};

#[derive(Clone)]
pub struct AppState(Arc<Shared>);

pub struct Shared {
    pub settings: Settings,
    pub public_url: PublicUrl,
    /// The port it really listens on.
    pub port: u16,
    pub store: Store,
    pub passwords: Passwords,
    pub sessions: Sessions,
    pub live_sessions: Arc<LiveSessions>,
    pub cookies: Cookies,
    pub form_tokens: FormTokens,
    /// The OpenAPI document of this server.
    pub openapi: utoipa::openapi::OpenApi,
    pub assets: Assets,
    /// `None`: nobody reads them.
    pub metrics: Option<Metrics>,
}

impl AppState {
    #[must_use]
    pub fn new(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }
}

impl std::ops::Deref for AppState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}
