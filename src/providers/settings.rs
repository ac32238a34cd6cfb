//! The setting of other providers.

use std::path::PathBuf;

use crate::platform::settings::settings;

settings! {
    /// The setting of other providers.
    pub struct ProviderSettings {
        file: Option<PathBuf> = given("PROVIDERS_FILE", "none", path, "providers.toml"),
            "a TOML file of providers that people may sign in with",
            "docs/providers.md describes it.";
    }
}

fn path(text: &str) -> Result<PathBuf, String> {
    Ok(PathBuf::from(text))
}
