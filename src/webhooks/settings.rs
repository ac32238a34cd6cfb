//! The setting of webhooks.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::platform::settings::{networks, settings};

settings! {
    /// The setting of webhooks.
    pub struct WebhookSettings {
        allow: Vec<IpNet> = or("WEBHOOK_ALLOW", "none", networks, "10.0.0.0/8"),
            "networks inside that webhooks may be sent to",
            "Separate them by commas. Everything inside is refused otherwise.";
    }
}

impl WebhookSettings {
    /// Whether an address inside is allowed.
    #[must_use]
    pub fn allows(&self, address: IpAddr) -> bool {
        self.allow.iter().any(|network| network.contains(&address))
    }
}
