//! The settings: the only room that reads the environment and `.env`.
//!
//! Every bad setting is found at once, and each gets one line that says what to write instead.
//! A secret is never shown, not even a wrong one (CF-01, CF-02). Written by hand, because the
//! settings libraries stop at the first fault, or show the value that was wrong.

use std::{
    collections::BTreeMap,
    fmt, io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    num::NonZero,
    path::PathBuf,
    time::Duration,
};

use ipnet::IpNet;
use leptos_config::LeptosOptions;
use url::Url;

pub use crate::store::postgres_url::PostgresUrl;
mod secret;

pub use crate::platform::settings::secret::Secret;

use crate::domain::PasswordPolicy;
use crate::platform::random;

/// Everything an operator can set, each within its rule.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The address people use. `None`: `http://localhost:PORT`, once the port is known.
    pub public_url: Option<PublicUrl>,
    pub database: Database,
    /// `None`: the one beside the database, made at the first start.
    pub jwt_secret: Option<Secret>,
    pub jwt_secret_previous: Option<Secret>,
    pub passwords: PasswordPolicy,
    pub access_token_ttl: Duration,
    pub session_idle_ttl: Duration,
    /// The same for a session that is kept signed in, and for one with a refresh token.
    pub remember_ttl: Duration,
    pub refresh_ttl: Duration,
    pub session_ttl: Duration,
    /// How many connections a node opens to PostgreSQL at most.
    pub database_connections: usize,
    /// Which header of a trusted proxy names the client.
    pub forwarded_header: ForwardedHeader,
    /// Whether HSTS is for the sub-domains, too.
    pub hsts_subdomains: bool,
    pub trusted_proxies: Vec<IpNet>,
    /// How old the proof of a password may be for what is dangerous.
    pub proof_ttl: Duration,
    /// How long an account that its owner deletes can still be had back.
    pub deletion_grace: Duration,
    pub throttle: bool,
    /// Wrong tries for one account.
    pub throttle_account: Vec<Limit>,
    /// Wrong tries from one network.
    pub throttle_network: Vec<Limit>,
    /// Wrong tries by all who are unknown.
    pub throttle_total: Vec<Limit>,
    /// Sign-ups from one network.
    pub throttle_sign_up: Vec<Limit>,
    /// What one account does that is written down, on one node.
    pub throttle_acts: Limit,
    /// Where the metrics are served, if they are.
    pub metrics: Option<SocketAddr>,
    pub log_format: LogFormat,
    /// A filter in the syntax of `tracing_subscriber::EnvFilter`.
    pub log_filter: String,
    insecure_http: bool,
}

/// Where the accounts are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Database {
    Sqlite(PathBuf),
    Postgres(PostgresUrl),
}

/// So many tries in such a time: `10/1m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    pub tries: NonZero<u32>,
    pub period: Duration,
}

/// Where a proxy says who its client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForwardedHeader {
    /// `X-Forwarded-For`, and `Forwarded` where that is missing.
    Either,
    XForwardedFor,
    Forwarded,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

/// The origin that people use: a scheme, a host and perhaps a port, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl(Url);

/// One setting that cannot be used, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadSetting {
    pub name: String,
    pub reason: String,
}

impl fmt::Display for BadSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.reason)
    }
}

/// Name, default as `check` shows it, meaning. The order is the order of `check` and of
/// `.env.example`.
pub const KNOWN: [(&str, &str, &str); 28] = [
    ("HOST", "127.0.0.1", "the address to listen on"),
    ("PORT", "3000", "the port to listen on; 0: any free one"),
    (
        "PUBLIC_URL",
        "http://localhost:PORT",
        "the address people use; https turns on Secure cookies and HSTS",
    ),
    ("INSECURE_HTTP", "no", "yes: allow a plain http PUBLIC_URL other than this machine"),
    (
        "DATABASE_URL",
        "sqlite:data/latchkey.db",
        "where the accounts are: sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE",
    ),
    ("DATABASE_CONNECTIONS", "16", "the most connections a node opens to PostgreSQL, 2 to 1000"),
    (
        "JWT_SECRET",
        "created once, beside the SQLite file",
        "the key of all tokens, at least 32 bytes; required with PostgreSQL",
    ),
    ("JWT_SECRET_PREVIOUS", "none", "the key before this one: still accepted, never used to sign"),
    ("PASSWORD_MIN_LENGTH", "8", "the shortest password, 6 to 64 code points"),
    ("ACCESS_TOKEN_TTL", "15m", "how long an access token is valid"),
    ("SESSION_IDLE_TTL", "24h", "how long a session lasts without use"),
    ("REMEMBER_TTL", "30d", "the same for \"Keep me signed in\""),
    ("REFRESH_TTL", "30d", "the same for a session with a refresh token"),
    ("SESSION_TTL", "30d", "how long any session lasts"),
    (
        "PROOF_TTL",
        "10m",
        "how long after entering the password sensitive actions don't ask for it again",
    ),
    ("DELETION_GRACE", "14d", "how long signing in cancels the deletion of an account"),
    (
        "TRUSTED_PROXIES",
        "none",
        "proxies whose forwarding header is believed: addresses or networks",
    ),
    (
        "FORWARDED_HEADER",
        "either",
        "the header your proxy sets: x-forwarded-for, forwarded, or either",
    ),
    ("HSTS_SUBDOMAINS", "no", "yes: HSTS covers all subdomains"),
    ("THROTTLE", "on", "off: no rate limits, for load tests"),
    (
        "THROTTLE_ACCOUNT",
        "10/1m,100/1d",
        "wrong tries for one account, by all strangers or by one known device",
    ),
    ("THROTTLE_NETWORK", "50/1m,500/1d", "wrong tries from one IPv4 address or IPv6 /64"),
    ("THROTTLE_TOTAL", "1000/1m", "wrong tries by all strangers together"),
    ("THROTTLE_SIGN_UP", "100/1h", "sign-ups from one IPv4 address or IPv6 /64"),
    (
        "THROTTLE_ACTS",
        "600/1h",
        "name changes and downloads of one session, and apart from them its refreshes",
    ),
    ("METRICS_ADDR", "none", "IP:PORT of a separate listener for Prometheus metrics"),
    ("LOG_FORMAT", "text", "text, or json: one object per line"),
    ("RUST_LOG", "info", "what to log"),
];

/// Where a process finds its settings, and what the settings may not do to it.
pub struct Sources {
    environment: BTreeMap<String, String>,
    file: BTreeMap<String, String>,
    unreadable: Vec<BadSetting>,
}

impl Sources {
    /// The environment, and `.env` in the working folder if it is there.
    #[must_use]
    pub fn of_process() -> Self {
        let mut unreadable = Vec::new();
        let mut environment = BTreeMap::new();
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
        let variables = std::env::vars_os();
        for (name, value) in variables {
            let Some(name) = name.to_str() else { continue };
            match value.into_string() {
                Ok(value) => _ = environment.insert(name.to_owned(), value),
                Err(_) if is_known(name) => unreadable.push(bad(name, "is not valid UTF-8")),
                Err(_) => {}
            }
        }
        let mut file = BTreeMap::new();
        match std::fs::read_to_string(".env") {
            Ok(text) => {
                // Some editors begin a file with a byte order mark.
                let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
                read_file(text, &mut file, &mut unreadable);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(_) => unreadable.push(bad(".env", "is there, but cannot be read as a text file")),
        }
        Self { environment, file, unreadable }
    }

    /// Settings given by name, for tests.
    #[must_use]
    pub fn of(settings: &[(&str, &str)]) -> Self {
        let environment =
            settings.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Self { environment, file: BTreeMap::new(), unreadable: Vec::new() }
    }

    /// The value of a setting, and where it came from. One that is empty is not set: so Compose passes
    /// on what is not set for itself. An empty text is never a secret.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<(&str, &'static str)> {
        let is_set = |value: &&String| !value.trim().is_empty();
        self.environment
            .get(name)
            .filter(is_set)
            .map(|value| (value.as_str(), "environment"))
            .or_else(|| self.file.get(name).filter(is_set).map(|value| (value.as_str(), ".env")))
    }

    /// Names that are no setting. In `.env` that is every unknown name. In the environment, which
    /// is full of other programs' names, those that look as if they were meant for Latchkey.
    fn unknown(&self) -> Vec<BadSetting> {
        let misspelled = |name: &str| {
            KNOWN.iter().map(|(known, ..)| *known).find(|known| {
                known.len() >= 8 && strsim::damerau_levenshtein(known, &name.to_uppercase()) <= 2
            })
        };
        let ours = |name: &str| ["LATCHKEY_", "JWT_"].iter().any(|prefix| name.starts_with(prefix));
        let mut unknown = Vec::new();
        for name in self.file.keys().filter(|name| !is_known(name)) {
            unknown.push((name, misspelled(name)));
        }
        let of_others =
            |(name, value): &(&String, &String)| is_known(name) || is_of_a_service(name, value);
        for (name, _) in self.environment.iter().filter(|variable| !of_others(variable)) {
            let meant = misspelled(name);
            if meant.is_some() || ours(name) {
                unknown.push((name, meant));
            }
        }
        unknown
            .into_iter()
            .map(|(name, meant)| match meant {
                Some(meant) => bad(name, &format!("is no setting; did you mean {meant}?")),
                None => bad(name, "is no setting; see `latchkey check`"),
            })
            .collect()
    }
}

/// What Kubernetes and Docker put into the environment of every container for a service: a Service
/// that is called `latchkey` makes `LATCHKEY_PORT=tcp://10.0.0.5:3000` and more.
fn is_of_a_service(name: &str, value: &str) -> bool {
    let is_address = ["tcp://", "udp://", "sctp://"].iter().any(|scheme| value.starts_with(scheme));
    let is_of_a_port = || {
        let (_, rest) = name.rsplit_once("_PORT_")?;
        let mut parts = rest.split('_');
        let number = parts.next()?;
        let protocol = parts.next()?;
        let rest: Vec<&str> = parts.collect();
        Some(
            number.parse::<u16>().is_ok()
                && ["TCP", "UDP", "SCTP"].contains(&protocol)
                && matches!(rest[..], [] | ["PROTO" | "PORT" | "ADDR"]),
        )
    };
    (name.ends_with("_PORT") && is_address)
        || name.ends_with("_SERVICE_HOST")
        || name.ends_with("_SERVICE_PORT")
        || name.contains("_SERVICE_PORT_")
        || is_of_a_port() == Some(true)
}

/// Reads the lines of `.env`. No fault shows the line: it may hold a secret.
fn read_file(text: &str, file: &mut BTreeMap<String, String>, faults: &mut Vec<BadSetting>) {
    // dotenvy puts other variables in the place of `$NAME`, and a secret is the bytes as given.
    for (name, value) in text.lines().filter_map(|line| line.split_once('=')) {
        let name = name.trim().trim_start_matches("export ").trim_start();
        if !name.starts_with('#') && value.contains('$') && !value.trim_start().starts_with('\'') {
            faults.push(bad(name, "holds a $ in .env; put the value in single quotes"));
        }
    }
    for (number, line) in dotenvy::from_read_iter(text.as_bytes()).enumerate() {
        match line {
            Ok((name, value)) => {
                if file.insert(name.clone(), value).is_some() {
                    faults.push(bad(&name, "is set twice in .env"));
                }
            }
            Err(_) => {
                let entry = format!("entry {} is not of the form NAME=value", number + 1);
                faults.push(bad(".env", &entry));
            }
        }
    }
}

fn is_known(name: &str) -> bool {
    KNOWN.iter().any(|(known, ..)| *known == name)
}

fn bad(name: &str, reason: &str) -> BadSetting {
    BadSetting { name: name.to_owned(), reason: reason.to_owned() }
}

impl Settings {
    /// All settings, or all that is wrong with them.
    pub fn read(sources: &Sources) -> Result<Self, Vec<BadSetting>> {
        let mut faults = sources.unreadable.clone();
        faults.extend(sources.unknown());
        let mut reader = SettingsReader { sources, faults };

        let host = reader.read("HOST", host);
        let port = reader.read("PORT", |text| {
            text.parse::<u16>().map_err(|_| "must be a port number, 0 to 65535".to_owned())
        });
        let mut settings = Self {
            listen: SocketAddr::new(host, port),
            insecure_http: reader.read("INSECURE_HTTP", |text| switch(text, "yes", "no")),
            public_url: reader.given("PUBLIC_URL", PublicUrl::parse),
            database: reader.read("DATABASE_URL", Database::parse),
            jwt_secret: reader.given("JWT_SECRET", Secret::parse),
            jwt_secret_previous: reader.given("JWT_SECRET_PREVIOUS", Secret::parse),
            passwords: PasswordPolicy {
                min_length: reader.read("PASSWORD_MIN_LENGTH", |text| match text.parse() {
                    Ok(length @ 6..=64) => Ok(length),
                    _ => Err("must be a whole number from 6 to 64".into()),
                }),
            },
            access_token_ttl: reader.read("ACCESS_TOKEN_TTL", duration),
            session_idle_ttl: reader.read("SESSION_IDLE_TTL", duration),
            remember_ttl: reader.read("REMEMBER_TTL", duration),
            refresh_ttl: reader.read("REFRESH_TTL", duration),
            session_ttl: reader.read("SESSION_TTL", duration),
            database_connections: reader.read("DATABASE_CONNECTIONS", |text| match text.parse() {
                Ok(connections @ 2..=1000) => Ok(connections),
                _ => Err("must be a whole number from 2 to 1000".into()),
            }),
            forwarded_header: reader.read("FORWARDED_HEADER", |text| {
                match text.to_ascii_lowercase().as_str() {
                    "either" => Ok(ForwardedHeader::Either),
                    "x-forwarded-for" => Ok(ForwardedHeader::XForwardedFor),
                    "forwarded" => Ok(ForwardedHeader::Forwarded),
                    _ => Err("must be x-forwarded-for, forwarded or either".into()),
                }
            }),
            hsts_subdomains: reader.read("HSTS_SUBDOMAINS", |text| switch(text, "yes", "no")),
            trusted_proxies: reader.read("TRUSTED_PROXIES", networks),
            proof_ttl: reader.read("PROOF_TTL", duration),
            deletion_grace: reader.read("DELETION_GRACE", duration),
            throttle: reader.read("THROTTLE", |text| switch(text, "on", "off")),
            throttle_account: reader.read("THROTTLE_ACCOUNT", Limit::parse_list),
            throttle_network: reader.read("THROTTLE_NETWORK", Limit::parse_list),
            throttle_total: reader.read("THROTTLE_TOTAL", Limit::parse_list),
            throttle_sign_up: reader.read("THROTTLE_SIGN_UP", Limit::parse_list),
            throttle_acts: reader.read(
                "THROTTLE_ACTS",
                |text| match Limit::parse_list(text)?[..] {
                    [limit] => Ok(limit),
                    _ => Err("must be one limit, for example 600/1h".to_owned()),
                },
            ),
            metrics: reader.given("METRICS_ADDR", |text| {
                text.parse().map_err(|_| "must be IP:PORT, for example 127.0.0.1:9090".to_owned())
            }),
            log_format: reader.read("LOG_FORMAT", |text| match text {
                "text" => Ok(LogFormat::Text),
                "json" => Ok(LogFormat::Json),
                _ => Err("must be text or json".into()),
            }),
            log_filter: reader.read("RUST_LOG", |text| {
                match text.parse::<tracing_subscriber::EnvFilter>() {
                    Ok(_) => Ok(text.to_owned()),
                    Err(_) => {
                        Err("is no log filter; write for example info or latchkey=debug".into())
                    }
                }
            }),
        };
        // Lowering SESSION_TTL alone must not make a default idle time invalid.
        for (name, idle) in [
            ("SESSION_IDLE_TTL", &mut settings.session_idle_ttl),
            ("REMEMBER_TTL", &mut settings.remember_ttl),
            ("REFRESH_TTL", &mut settings.refresh_ttl),
        ] {
            if sources.get(name).is_none() {
                *idle = (*idle).min(settings.session_ttl);
            }
        }
        settings.check_together(&mut reader.faults);
        if reader.faults.is_empty() { Ok(settings) } else { Err(reader.faults) }
    }

    /// What is only wrong together.
    fn check_together(&self, faults: &mut Vec<BadSetting>) {
        if let Some(url) = &self.public_url
            && !url.is_https()
            && !url.is_loopback()
            && !self.insecure_http
        {
            faults.push(bad(
                "PUBLIC_URL",
                "is plain http on an address that is not loopback, so passwords would cross the \
                 network in the clear; use https, or say INSECURE_HTTP=yes",
            ));
        }
        if self.metrics.is_some_and(|metrics| metrics == self.listen && metrics.port() != 0) {
            faults
                .push(bad("METRICS_ADDR", "is the address of HOST and PORT; give it another one"));
        }
        for (name, idle) in [
            ("SESSION_IDLE_TTL", self.session_idle_ttl),
            ("REMEMBER_TTL", self.remember_ttl),
            ("REFRESH_TTL", self.refresh_ttl),
        ] {
            if idle > self.session_ttl {
                faults.push(bad(name, "must not be longer than SESSION_TTL"));
            }
        }
        if matches!(self.database, Database::Postgres(_)) && self.jwt_secret.is_none() {
            faults.push(bad(
                "JWT_SECRET",
                "is required with PostgreSQL, because all nodes share it; make one with: openssl \
                 rand -hex 32",
            ));
        }
        if self.jwt_secret_previous.is_some() && self.jwt_secret.is_none() {
            faults.push(bad("JWT_SECRET_PREVIOUS", "needs a JWT_SECRET that takes its place"));
        }
        if self.jwt_secret.is_some() && self.jwt_secret == self.jwt_secret_previous {
            faults.push(bad("JWT_SECRET_PREVIOUS", "is the same as JWT_SECRET"));
        }
    }

    /// The address people use, now that the port is known.
    #[must_use]
    pub fn public_url_at(&self, port: u16) -> PublicUrl {
        self.public_url.clone().unwrap_or_else(|| PublicUrl::local(port))
    }

    /// What an operator should know, though nothing is wrong.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if !self.throttle {
            warnings.push("THROTTLE=off: all rate limits are off; for load tests only".into());
        }
        if self.public_url.as_ref().is_some_and(|url| !url.is_https() && !url.is_loopback()) {
            warnings.push(
                "INSECURE_HTTP=yes: passwords and cookies cross the network in the clear".into(),
            );
        }
        if let Database::Postgres(url) = &self.database
            && url.is_unverified()
        {
            warnings.push(
                "DATABASE_URL: the connection is not verified, so an attacker on the network can \
                 read or impersonate the database; add ?sslmode=verify-full&sslrootcert=FILE"
                    .into(),
            );
        }
        if self.listen.ip().is_unspecified() && self.public_url.is_none() {
            warnings.push(
                "HOST is every address, without PUBLIC_URL: only http://localhost is answered"
                    .into(),
            );
        }
        warnings
    }
}

/// The settings of the site: Leptos.toml, which is compiled in. Above it, leptos itself reads the
/// `LEPTOS_…` variables that cargo-leptos sets; nobody else should.
pub fn site() -> Result<LeptosOptions, leptos_config::errors::LeptosConfigError> {
    leptos_config::get_config_from_str(include_str!("../../Leptos.toml"))
}

/// Whether `cargo leptos watch` runs this server and wants to reload its pages.
#[must_use]
pub fn reloads() -> bool {
    #[expect(clippy::disallowed_methods, reason = "in the one file that reads the environment")]
    std::env::var_os("LEPTOS_WATCH").is_some()
}

/// Whether OpenTelemetry's variables name a place to which traces go, and do not say that none do.
#[must_use]
pub fn exports_traces() -> bool {
    let told = |name: &str| {
        #[expect(clippy::disallowed_methods, reason = "in the one file that reads the environment")]
        std::env::var(name).unwrap_or_default()
    };
    let endpoints = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];
    endpoints.iter().any(|name| !told(name).is_empty())
        && !told("OTEL_SDK_DISABLED").eq_ignore_ascii_case("true")
        && !told("OTEL_TRACES_EXPORTER").eq_ignore_ascii_case("none")
}

/// Reads setting after setting, and keeps every fault.
struct SettingsReader<'a> {
    sources: &'a Sources,
    faults: Vec<BadSetting>,
}

impl SettingsReader<'_> {
    /// A setting, or its default in [`KNOWN`].
    fn read<T>(&mut self, name: &str, parse: impl Fn(&str) -> Result<T, String>) -> T {
        self.given(name, &parse).unwrap_or_else(|| {
            let known = KNOWN.iter().find(|(known, ..)| *known == name);
            #[expect(clippy::expect_used, reason = "the first test of this file reads them all")]
            let default =
                known.and_then(|(_, default, _)| parse(default).ok()).expect("a good default");
            default
        })
    }

    /// A setting that has no default, or one that is not written down.
    fn given<T>(&mut self, name: &str, parse: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        let (text, _) = self.sources.get(name)?;
        parse(text).map_err(|reason| self.faults.push(bad(name, &reason))).ok()
    }
}

fn host(text: &str) -> Result<IpAddr, String> {
    match text {
        "localhost" => Ok(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        text => {
            text.parse().map_err(|_| "must be an IP address, for example 127.0.0.1 or ::1".into())
        }
    }
}

fn switch(text: &str, on: &str, off: &str) -> Result<bool, String> {
    match text {
        text if text == on => Ok(true),
        text if text == off => Ok(false),
        _ => Err(format!("must be {on} or {off}")),
    }
}

/// `2s`, `15m`, `24h`, `30d`: at least a second, at most ten years, one number and one unit.
fn duration(text: &str) -> Result<Duration, String> {
    const LONGEST: Duration = Duration::from_secs(3650 * 24 * 3600);
    let one_unit = text.len() > 1
        && text.ends_with(['s', 'm', 'h', 'd'])
        && text[..text.len() - 1].bytes().all(|b| b.is_ascii_digit());
    match humantime::parse_duration(text) {
        Ok(duration) if one_unit && duration >= Duration::from_secs(1) && duration <= LONGEST => {
            Ok(duration)
        }
        _ => Err("must be a duration like 2s, 15m, 24h or 30d, from 1s to 3650d".into()),
    }
}

fn networks(text: &str) -> Result<Vec<IpNet>, String> {
    if text == "none" {
        return Ok(Vec::new());
    }
    text.split([',', ' '])
        .filter(|part| !part.is_empty())
        .map(|part| {
            part.parse::<IpNet>()
                .or_else(|_| part.parse::<IpAddr>().map(IpNet::from))
                .map(canonical)
                .map_err(|_| "must be addresses or networks, for example 10.0.0.0/8, ::1".into())
        })
        .collect()
}

/// Peers are compared as IPv4 where they are: so `::ffff:10.0.0.0/104` is `10.0.0.0/8`.
fn canonical(network: IpNet) -> IpNet {
    let IpNet::V6(v6) = network else { return network };
    match (v6.addr().to_ipv4_mapped(), v6.prefix_len().checked_sub(96)) {
        (Some(v4), Some(length)) => ipnet::Ipv4Net::new(v4, length).map_or(network, IpNet::V4),
        _ => network,
    }
}

impl Limit {
    fn parse_list(text: &str) -> Result<Vec<Self>, String> {
        let limit = |part: &str| {
            let (tries, period) = part.split_once('/')?;
            let tries = tries.parse().ok().filter(|tries: &NonZero<u32>| tries.get() <= 1_000_000);
            let limit = Self { tries: tries?, period: duration(period).ok()? };
            // The counters are in milliseconds.
            (u128::from(limit.tries.get()) <= limit.period.as_millis()).then_some(limit)
        };
        let limits: Option<Vec<Self>> = text.split(',').map(|part| limit(part.trim())).collect();
        limits.ok_or(
            "must be tries in a time, at most one a millisecond, perhaps several: 10/1m,100/1d"
                .to_owned(),
        )
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}s", self.tries, self.period.as_secs())
    }
}

impl Database {
    /// `sqlite:PATH` or `postgres://…`. No reason shows the text: it may hold a password.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return PostgresUrl::parse(text).map(Self::Postgres);
        }
        let path = text.strip_prefix("sqlite:").ok_or("must be sqlite:PATH or postgres://…")?;
        // `sqlite:///srv/x.db` is how some other programs write an absolute path.
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty()
            || path == ":memory:"
            || path.contains(['?', '\0'])
            || path.ends_with('/')
        {
            return Err("must be sqlite:PATH, the path of a file".into());
        }
        Ok(Self::Sqlite(path.into()))
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(url) => write!(f, "{url}"),
        }
    }
}

impl PublicUrl {
    fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text)
            .map_err(|_| "must be a URL, for example https://accounts.example.org")?;
        if !["http", "https"].contains(&url.scheme()) || url.host().is_none() {
            return Err("must start with https:// or http://".into());
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err("must be scheme, host and port, without a path".into());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("must not hold a user or a password".into());
        }
        Ok(Self(url))
    }

    fn local(port: u16) -> Self {
        #[expect(clippy::expect_used, reason = "a port number cannot break the URL")]
        Self(Url::parse(&format!("http://localhost:{port}")).expect("a valid URL"))
    }

    #[must_use]
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Whether what is sent to it stays on this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match self.0.host() {
            Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
            Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
            None => false,
        }
    }

    /// Scheme, host and, unless it is the scheme's own, port: `https://accounts.example.org`.
    #[must_use]
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    #[must_use]
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    #[must_use]
    pub fn port(&self) -> u16 {
        self.0.port_or_known_default().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
