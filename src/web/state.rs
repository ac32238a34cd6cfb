//! The state shared by all requests.

use std::{net::SocketAddr, ops::Deref, sync::Arc};

use axum::body::Bytes;
use tokio::sync::OnceCell;

use super::{
    assets::Assets, brand::Brand, cookies::Cookies, metrics::Metrics, routes::Routes,
    sending::Sending,
};
use crate::{
    audit::Act, forward_auth, platform::public_url::PublicUrl, services::Services, texts::Language,
};

#[derive(Clone)]
pub struct AppState(Arc<AppParts>);

pub struct AppParts {
    pub services: Services,
    pub public_url: PublicUrl,
    /// The port it actually listens on.
    pub port: u16,
    /// The address of administrators, if they have one of their own.
    pub admin: Option<SocketAddr>,
    pub cookies: Cookies,
    /// The answers in flight to clients.
    pub sending: Sending,
    pub routes: Routes,
    /// Every act that the trail can record.
    pub acts: Vec<Act>,
    /// The OpenAPI document of this server.
    pub openapi: utoipa::openapi::OpenApi,
    pub openapi_json: Bytes,
    /// The page of that document, by language.
    pub docs: [OnceCell<Bytes>; Language::ALL.len()],
    pub assets: Assets,
    /// What proxies were told.
    pub proxied: forward_auth::Memory,
    /// What pages show of the operator.
    pub brand: Brand,
    /// `None`: no metrics are served.
    pub metrics: Option<Metrics>,
}

impl AppState {
    #[must_use]
    pub fn new(parts: AppParts) -> Self {
        Self(Arc::new(parts))
    }
}

impl AppParts {
    /// The acts that a word of the vocabulary stands for: with this reason, or with all of them.
    #[must_use]
    pub fn acts_of(&self, word: &str) -> Vec<String> {
        let fits = |act: &&Act| {
            act.0 == word || act.0.strip_prefix(word).is_some_and(|rest| rest.starts_with(':'))
        };
        let found: Vec<String> =
            self.acts.iter().filter(fits).map(|act| act.0.to_owned()).collect();
        if found.is_empty() { vec![word.to_owned()] } else { found }
    }
}

impl Deref for AppState {
    type Target = AppParts;

    fn deref(&self) -> &AppParts {
        &self.0
    }
}

impl Deref for AppParts {
    type Target = Services;

    fn deref(&self) -> &Services {
        &self.services
    }
}
