//! The setting of apps.

use std::path::PathBuf;

use crate::platform::settings::settings;

settings! {
    /// The setting of apps.
    pub struct AppSettings {
        file: Option<PathBuf> = given("APPS_FILE", "none", path, "apps.toml"),
            "a TOML file that declares apps; applied at the start",
            "docs/apps.md describes it. Apps made by command stay as they are.";
    }
}

fn path(text: &str) -> Result<PathBuf, String> {
    Ok(PathBuf::from(text))
}
