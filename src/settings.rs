//! All settings. Each room declares its own; here they are collected and checked against each
//! other.

use std::sync::Arc;

use crate::{
    accounts::settings::{AccountSettings, of_profile, read_profile},
    apps::settings::AppSettings,
    authority::settings::AdminSettings,
    domain::ProfilePolicy,
    factors::settings::FactorSettings,
    keys::{Keys, settings::KeySettings},
    mail::{Letterhead, settings::MailSettings},
    passwords::settings::PasswordSettings,
    platform::{
        error::Fault,
        log::LogSettings,
        secret::Secret,
        settings::{BadSetting, Known, Reader, Sources, bad},
    },
    providers::settings::ProviderSettings,
    sessions::settings::SessionSettings,
    store::{
        Fact, Store,
        settings::{Database, StoreSettings},
    },
    throttle::settings::ThrottleSettings,
    web::{brand::BrandSettings, settings::WebSettings},
    webhooks::settings::WebhookSettings,
};

/// Everything an operator can set, each value within its rule.
#[derive(Clone, Debug)]
pub struct Settings {
    pub web: WebSettings,
    pub brand: BrandSettings,
    pub mail: MailSettings,
    pub store: StoreSettings,
    pub keys: KeySettings,
    pub passwords: PasswordSettings,
    pub sessions: SessionSettings,
    pub factors: FactorSettings,
    pub accounts: AccountSettings,
    pub admin: AdminSettings,
    pub apps: AppSettings,
    pub providers: ProviderSettings,
    pub profile: ProfilePolicy,
    pub webhooks: WebhookSettings,
    pub throttle: ThrottleSettings,
    pub log: LogSettings,
    /// What is in force, for administrators: nothing secret.
    pub shown: Arc<[Shown]>,
}

/// A setting as it is in force. A secret is hidden.
#[derive(Clone, Debug)]
pub struct Shown {
    pub name: &'static str,
    pub value: String,
    /// `environment`, `.env` or `default`.
    pub source: &'static str,
    pub meaning: &'static str,
}

impl Settings {
    /// Every setting, in the order of `check` and of `.env.example`.
    #[must_use]
    pub fn known() -> Vec<&'static Known> {
        let rooms = [
            WebSettings::KNOWN,
            BrandSettings::KNOWN,
            MailSettings::KNOWN,
            StoreSettings::KNOWN,
            KeySettings::KNOWN,
            PasswordSettings::KNOWN,
            SessionSettings::KNOWN,
            FactorSettings::KNOWN,
            AccountSettings::KNOWN,
            AdminSettings::KNOWN,
            AppSettings::KNOWN,
            ProviderSettings::KNOWN,
            of_profile(),
            WebhookSettings::KNOWN,
            ThrottleSettings::KNOWN,
            LogSettings::KNOWN,
        ];
        rooms.into_iter().flatten().collect()
    }

    /// All settings, or everything that is wrong with them.
    pub fn read(sources: &Sources) -> Result<Self, Vec<BadSetting>> {
        let mut reader = Reader::new(sources, &Self::known());
        let mut settings = Self {
            web: WebSettings::read(&mut reader),
            brand: BrandSettings::read(&mut reader),
            mail: MailSettings::read(&mut reader),
            store: StoreSettings::read(&mut reader),
            keys: KeySettings::read(&mut reader),
            passwords: PasswordSettings::read(&mut reader),
            sessions: SessionSettings::read(&mut reader),
            factors: FactorSettings::read(&mut reader),
            accounts: AccountSettings::read(&mut reader),
            admin: AdminSettings::read(&mut reader),
            apps: AppSettings::read(&mut reader),
            providers: ProviderSettings::read(&mut reader),
            profile: read_profile(&mut reader),
            webhooks: WebhookSettings::read(&mut reader),
            throttle: ThrottleSettings::read(&mut reader),
            log: LogSettings::read(&mut reader),
            shown: Self::shown(sources).into(),
        };
        // For the life of the process, like all settings.
        let service = settings.brand.name.clone().unwrap_or_default().leak();
        settings.passwords.policy.service = service;
        settings.sessions.check(&mut reader);
        settings.web.check(&mut reader.faults);
        settings.brand.check(&mut reader.faults);
        settings.mail.check(&mut reader.faults);
        settings.check(&mut reader.faults);
        if reader.faults.is_empty() { Ok(settings) } else { Err(reader.faults) }
    }

    /// Each setting with its value and where it comes from, as long as all are good. Secrets are hidden.
    #[must_use]
    pub fn shown(sources: &Sources) -> Vec<Shown> {
        let shown = |known: &&'static Known| {
            let Known { name, default, meaning, is_secret, .. } = **known;
            let (value, source) = match sources.get(name) {
                Some((_, source)) if is_secret => ("(secret)".to_owned(), source),
                Some((value, source)) if name == "DATABASE_URL" => {
                    let value =
                        Database::parse(value).map_or("(bad)".to_owned(), |d| d.to_string());
                    (value, source)
                }
                Some((value, source)) => (value.to_owned(), source),
                None => (default.to_owned(), "default"),
            };
            Shown { name, value, source, meaning }
        };
        Self::known().iter().map(shown).collect()
    }

    /// Checks the combinations of settings.
    fn check(&self, faults: &mut Vec<BadSetting>) {
        if let Some(address) = self.admin.address
            && address.port() != 0
            && (address == self.web.listen() || Some(address) == self.web.metrics)
        {
            faults.push(bad(
                "ADMIN_ADDR",
                "is the address of HOST and PORT or of METRICS_ADDR; give it another one",
            ));
        }
        let (database, keys) = (&self.store.database, &self.keys);
        let is_bad = faults.iter().any(|fault| fault.name == "JWT_SECRET");
        if matches!(database, Database::Postgres(_)) && keys.secret.is_none() && !is_bad {
            faults.push(bad(
                "JWT_SECRET",
                "is required with PostgreSQL, because all nodes share it; make one with: openssl \
                 rand -hex 32",
            ));
        }
        if keys.previous.is_some() && keys.secret.is_none() && !is_bad {
            faults.push(bad("JWT_SECRET_PREVIOUS", "needs a JWT_SECRET that takes its place"));
        }
        if keys.secret.is_some() && keys.secret == keys.previous {
            faults.push(bad("JWT_SECRET_PREVIOUS", "is the same as JWT_SECRET"));
        }
    }

    /// The key of all tokens: from the settings, or from the file beside the SQLite database.
    pub fn secret(&self) -> Result<Secret, String> {
        match (&self.keys.secret, &self.store.database) {
            (Some(secret), _) => Ok(secret.clone()),
            (None, Database::Sqlite(path)) => Secret::beside(path)
                .map_err(|error| format!("the secret beside the database: {error}")),
            (None, Database::Postgres(_)) => {
                Err("JWT_SECRET is required with PostgreSQL".to_owned())
            }
        }
    }

    /// The keys that are derived from that secret, and from the one before.
    pub fn keys(&self) -> Result<Keys, String> {
        let keys = Keys::new(&self.secret()?, self.keys.previous.as_ref());
        keys.map_err(|fault| fault.source().to_string())
    }

    /// The address people use: the one set here, or else the one the server was started with. The settings of its
    /// unit or container may not be visible to a command.
    pub async fn origin(&self, store: &Store) -> Result<String, Fault> {
        if let Some(url) = &self.web.public_url {
            return Ok(url.origin());
        }
        let noted = store.fact(Fact::PublicUrl).await?;
        let guess = || self.web.public_url_at(self.web.listen().port()).origin();
        Ok(noted.unwrap_or_else(guess))
    }

    /// What all mails have in common. `origin`: the address of this server.
    #[must_use]
    pub fn letterhead(&self, origin: String) -> Option<Letterhead> {
        let from = self.mail.from.clone()?;
        let (brand, colors) = (self.brand.name(), self.brand.colors());
        Some(Letterhead { from, brand, colors, origin, support: self.brand.support.clone() })
    }

    /// Warnings for the operator, though nothing is wrong.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if !self.throttle.on {
            warnings.push("THROTTLE=off: all rate limits are off; for load tests only".into());
        }
        if self.web.public_url.as_ref().is_some_and(|url| !url.is_https() && !url.is_loopback()) {
            warnings.push(
                "INSECURE_HTTP=yes: passwords and cookies cross the network in the clear".into(),
            );
        }
        if let Database::Postgres(url) = &self.store.database
            && url.is_unverified()
        {
            warnings.push(
                "DATABASE_URL: the connection is not verified, so an attacker on the network can \
                 read or impersonate the database; add ?sslmode=verify-full&sslrootcert=FILE"
                    .into(),
            );
        }
        if self.web.host.is_unspecified() && self.web.public_url.is_none() {
            warnings.push(
                "HOST is every address, without PUBLIC_URL: only http://localhost is answered"
                    .into(),
            );
        }
        warnings
    }
    /// The text of `.env.example`.
    #[must_use]
    pub fn example() -> String {
        let mut text = "\
# Latchkey's settings. You need none of them: copy this file to .env and remove the # from what you change.
# The environment takes precedence over this file. Put a value with spaces or a # in quotes, and one with a $ in single quotes. \
`latchkey check` shows what is in force.
"
        .to_owned();
        for Known { name, example, meaning, note, .. } in Self::known() {
            let (first, rest) = meaning.split_at(1);
            // Values keep their spelling.
            let first =
                if meaning.starts_with("IP:") { first.into() } else { first.to_uppercase() };
            text += "\n";
            for line in wrapped(&format!("{first}{rest}. {note}"), 110) {
                text += &format!("# {line}\n");
            }
            // A # or a space would end the value.
            let quote = if example.contains(['#', ' ']) { "\"" } else { "" };
            text += &format!("#{name}={quote}{example}{quote}\n");
        }
        text
    }
}

/// Wraps a text at `width` bytes.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.len() + word.len() < width => *line += &format!(" {word}"),
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests;
