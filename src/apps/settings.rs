//! The setting of apps.

use std::path::PathBuf;

use ipnet::IpNet;

use crate::platform::settings::{networks, settings, switch};

settings! {
    /// The setting of apps.
    pub struct AppSettings {
        file: Option<PathBuf> = given("APPS_FILE", "none", path, "apps.toml"),
            "a TOML file that declares apps; applied at the start",
            "docs/apps.md describes it. Apps made by command stay as they are.";
        dynamic: bool = or("DYNAMIC_APPS", "no", |text| switch(text, "yes", "no")),
            "whether apps that nobody has registered may ask people for consent: yes or no",
            "They describe themselves at an https address, as the tools of AI agents do.";
        fetch_allow: Vec<IpNet> = or("FETCH_ALLOW", "none", networks, "10.0.0.0/8"),
            "networks inside from which the descriptions and keys of apps may be fetched",
            "Separate them by commas. Everything inside is refused otherwise.";
    }
}

fn path(text: &str) -> Result<PathBuf, String> {
    Ok(PathBuf::from(text))
}
