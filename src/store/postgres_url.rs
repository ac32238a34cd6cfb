//! `postgres://…`: the address and login of a PostgreSQL, read as libpq does (PostgreSQL manual,
//! 34.1.1.2). That includes what libpq supports and sqlx doesn't: several hosts with
//! `target_session_attrs`, a socket by `host=`, a user without a host.
//!
//! It may contain a password, so it is shown without one, and errors never repeat the input.

use std::{fmt, net::IpAddr};

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use zeroize::Zeroizing;

const HINT: &str = "must be like postgres://USER:PASSWORD@HOST:5432/DATABASE?sslmode=verify-full, \
                    with / ? # @ : % in the password written as %2F %3F %23 %40 %3A %25";

/// Parameters that sqlx supports, with sqlx's names for them.
const FOR_SQLX: [(&str, &str); 11] = [
    ("sslmode", "sslmode"),
    ("ssl-mode", "sslmode"),
    ("sslrootcert", "sslrootcert"),
    ("ssl-root-cert", "sslrootcert"),
    ("ssl-ca", "sslrootcert"),
    ("sslcert", "sslcert"),
    ("ssl-cert", "sslcert"),
    ("sslkey", "sslkey"),
    ("ssl-key", "sslkey"),
    ("options", "options"),
    ("statement-cache-capacity", "statement-cache-capacity"),
];

/// Parameters handled here.
const OURS: [&str; 7] =
    ["host", "hostaddr", "port", "dbname", "user", "password", "target_session_attrs"];

/// libpq parameters that make no difference here.
const IGNORED: [&str; 16] = [
    "application_name",
    "channel_binding",
    "client_encoding",
    "connect_timeout",
    "fallback_application_name",
    "gssencmode",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "krbsrvname",
    "load_balance_hosts",
    "sslcompression",
    "sslsni",
    "ssl_min_protocol_version",
    "tcp_user_timeout",
];

const SSL_MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl {
    servers: Vec<Server>,
    user: String,
    password: Option<Zeroizing<String>>,
    database: String,
    parameters: Vec<(&'static str, String)>,
    /// Whether only a server that takes writes will do.
    writable_only: bool,
}

/// A name, an address, or the folder of a socket.
#[derive(Clone, PartialEq, Eq)]
struct Server {
    host: String,
    port: Option<u16>,
}

/// Parameters that may demand a protection that the connection wouldn't have, and the values that
/// don't.
const KEPT: [(&str, &[&str]); 3] = [
    ("channel_binding", &["disable", "prefer"]),
    ("gssencmode", &["disable", "prefer"]),
    ("ssl_min_protocol_version", &["", "TLSv1", "TLSv1.1", "TLSv1.2"]),
];

impl PostgresUrl {
    pub fn parse(text: &str) -> Result<Self, String> {
        let hint = || HINT.to_owned();
        let rest = text.strip_prefix("postgres://").or_else(|| text.strip_prefix("postgresql://"));
        let rest = rest.filter(|rest| !rest.contains('#')).ok_or_else(hint)?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        // An unescaped slash in a password.
        if path.contains(['@', '/']) {
            return Err(hint());
        }
        let (login, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (user, password) = match login.split_once(':') {
            Some((user, password)) => (user, Some(password)),
            None => (login, None),
        };
        let mut url = Self {
            servers: servers(hosts).ok_or_else(hint)?,
            user: decode(user).ok_or_else(hint)?,
            password: password
                .map(decode)
                .map(|p| p.ok_or_else(hint))
                .transpose()?
                .map(Zeroizing::new),
            database: decode(path).ok_or_else(hint)?,
            parameters: Vec::new(),
            writable_only: false,
        };
        // An escaped colon would make user and password one name.
        if url.user.contains(':') {
            return Err(hint());
        }
        let (mut hosts, mut ports) = (None, None);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            // As libpq reads it: a plus is a plus.
            let (name, value) = pair.split_once('=').ok_or_else(hint)?;
            let (name, value) = decode(name).zip(decode(value)).ok_or_else(hint)?;
            match &*name {
                "host" | "hostaddr" if hosts.is_some() => {
                    return Err("give host or hostaddr, and only once".to_owned());
                }
                "host" | "hostaddr" => hosts = Some(value),
                "port" => ports = Some(value),
                "dbname" => url.database = value,
                "user" => url.user = value,
                "password" => url.password = Some(Zeroizing::new(value)),
                "target_session_attrs" => match &*value {
                    "any" => {}
                    "read-write" | "primary" => url.writable_only = true,
                    _ => {
                        return Err("target_session_attrs must be any, read-write or primary: \
                                     Latchkey writes"
                            .to_owned());
                    }
                },
                name if KEPT.iter().any(|(known, values)| {
                    *known == name && !values.iter().any(|kept| kept.eq_ignore_ascii_case(&value))
                }) =>
                {
                    return Err(format!(
                        "{name} asks for something that Latchkey cannot guarantee"
                    ));
                }
                name if IGNORED.contains(&name) => {}
                name => {
                    let known = FOR_SQLX.iter().find(|(known, _)| *known == name);
                    let Some((_, known)) = known else { return Err(unknown(name)) };
                    if *known == "sslmode" && !SSL_MODES.contains(&&*value) {
                        return Err(format!("sslmode must be one of {}", SSL_MODES.join(", ")));
                    }
                    if *known == "statement-cache-capacity" && value.parse::<usize>().is_err() {
                        return Err(format!("{known} must be a number"));
                    }
                    url.parameters.push((known, value));
                }
            }
        }
        url.place(hosts.as_deref(), ports.as_deref())?;
        if url.database.is_empty() {
            // As in libpq.
            url.database.clone_from(&url.user);
        }
        if url.database.is_empty() {
            return Err(hint());
        }
        // Of several servers, we want the one that takes writes.
        url.writable_only |= url.servers.len() > 1;
        Ok(url)
    }

    /// Lets the parameters override the hosts and ports before the path.
    fn place(&mut self, hosts: Option<&str>, ports: Option<&str>) -> Result<(), String> {
        if let Some(hosts) = hosts {
            let named = |host: &str| Server { host: host.to_owned(), port: None };
            self.servers = hosts.split(',').map(named).collect();
        }
        let Some(ports) = ports else { return Ok(()) };
        let ports: Option<Vec<u16>> = ports.split(',').map(|port| port.parse().ok()).collect();
        let ports = ports.filter(|ports| ports.len() == 1 || ports.len() == self.servers.len());
        let ports = ports.ok_or("port must be one port, or one for each host")?;
        for (index, server) in self.servers.iter_mut().enumerate() {
            server.port = ports.get(index).or(ports.first()).copied();
        }
        Ok(())
    }

    /// A URL for each server, as sqlx reads it.
    #[must_use]
    pub fn expose(&self) -> Vec<Zeroizing<String>> {
        let text = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let of_server = |server: &Server| {
            let mut url = Zeroizing::new("postgres://".to_owned());
            if !self.user.is_empty() {
                url.push_str(&text(&self.user));
                if let Some(password) = &self.password {
                    url.push(':');
                    url.push_str(&Zeroizing::new(text(password)));
                }
                url.push('@');
            }
            url.push_str(&server.for_url());
            url.push_str(&format!("/{}", text(&self.database)));
            for (index, (name, value)) in self.parameters.iter().enumerate() {
                let sign = if index == 0 { '?' } else { '&' };
                url.push_str(&format!("{sign}{name}={}", text(value)));
            }
            url
        };
        self.servers.iter().map(of_server).collect()
    }

    /// Whether only a server that takes writes will do.
    #[must_use]
    pub fn writable_only(&self) -> bool {
        self.writable_only
    }

    /// Whether passwords and names cross a network on which an attacker could pose as the database
    /// (CF-03).
    #[must_use]
    pub fn is_unverified(&self) -> bool {
        let mode = self.parameters.iter().rfind(|(name, _)| *name == "sslmode");
        !self.servers.iter().all(Server::is_local)
            && mode.is_none_or(|(_, mode)| mode != "verify-full")
    }
}

impl Server {
    fn is_local(&self) -> bool {
        let host = self.host.as_str();
        let ip = host.trim_matches(['[', ']']).parse::<IpAddr>();
        host.is_empty()
            || host == "localhost"
            || host.starts_with('/')
            || ip.is_ok_and(|ip| ip.is_loopback())
    }

    fn for_url(&self) -> String {
        let host = match self.host.as_str() {
            "" => "localhost".to_owned(),
            host if host.parse::<IpAddr>().is_ok_and(|ip| ip.is_ipv6()) => format!("[{host}]"),
            host if host.starts_with('/') => {
                utf8_percent_encode(host, NON_ALPHANUMERIC).to_string()
            }
            host => host.to_owned(),
        };
        match self.port {
            Some(port) => format!("{host}:{port}"),
            None => host,
        }
    }
}

/// `HOST:PORT,HOST:PORT`. `None`: a port is invalid, or a host has an invalid character.
fn servers(hosts: &str) -> Option<Vec<Server>> {
    let server = |text: &str| {
        let after_bracket = text.rfind(']').map_or(0, |end| end + 1);
        let (host, port) = match text[after_bracket..].split_once(':') {
            Some((rest, port)) => (&text[..after_bracket + rest.len()], Some(port.parse().ok()?)),
            None => (text, None),
        };
        let host = decode(host)?;
        let fits = |c: char| c.is_alphanumeric() || "-._[]:/@%~".contains(c);
        host.chars().all(fits).then_some(Server { host, port })
    };
    hosts.split(',').map(server).collect()
}

fn decode(text: &str) -> Option<String> {
    percent_decode_str(text).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

/// The error for an unknown parameter, which is not repeated: it may be part of a password.
fn unknown(name: &str) -> String {
    let known = FOR_SQLX.iter().map(|(known, _)| *known).chain(OURS).chain(IGNORED);
    let meant = known
        .filter(|known| strsim::damerau_levenshtein(known, name) <= 2)
        .min_by_key(|known| strsim::damerau_levenshtein(known, name));
    match meant {
        Some(meant) => format!("has an unknown parameter; did you mean {meant}?"),
        None => "has an unknown parameter: see docs/postgresql.md".to_owned(),
    }
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let servers: Vec<String> = self.servers.iter().map(Server::for_url).collect();
        let at = if self.user.is_empty() { "" } else { "@" };
        write!(f, "postgres://{}{at}{}/{}", self.user, servers.join(","), self.database)
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_libpq_reads_is_read() {
        for (text, shown, unverified) in [
            ("postgres://lk@localhost/lk", "postgres://lk@localhost/lk", false),
            ("postgresql://lk:pw@db:5433/lk", "postgres://lk@db:5433/lk", true),
            ("postgres://lk:pw@db/lk?sslmode=verify-full", "postgres://lk@db/lk", false),
            (
                "postgres://lk:pw@/lk?host=/run/postgresql",
                "postgres://lk@%2Frun%2Fpostgresql/lk",
                false,
            ),
            ("postgres://lk@%2Frun%2Fpostgresql/lk", "postgres://lk@%2Frun%2Fpostgresql/lk", false),
            ("postgres://lk@[::1]:5432/lk", "postgres://lk@[::1]:5432/lk", false),
            ("postgres://lk@a:1,b:2/lk", "postgres://lk@a:1,b:2/lk", true),
            ("postgres://lk@/lk?host=a,b&port=1,2", "postgres://lk@a:1,b:2/lk", true),
            ("postgres:///lk", "postgres://localhost/lk", false),
            ("postgres://db/?dbname=lk&user=u&password=p", "postgres://u@db/lk", true),
            ("postgres://lk@db/lk?connect_timeout=5", "postgres://lk@db/lk", true),
        ] {
            let url = PostgresUrl::parse(text).expect(text);
            assert_eq!(url.to_string(), shown, "{text}");
            assert_eq!(url.is_unverified(), unverified, "{text}");
        }
    }

    #[test]
    fn of_several_servers_the_one_that_takes_writes_is_wanted() {
        let parse = |text| PostgresUrl::parse(text).expect(text);
        assert!(!parse("postgres://lk@db/lk").writable_only());
        assert!(parse("postgres://lk@db/lk?target_session_attrs=read-write").writable_only());
        let both = parse("postgres://lk:p%2Fw@a,b:2/lk?sslmode=disable");
        let urls: Vec<String> = both.expose().iter().map(|url| url.to_string()).collect();
        assert_eq!(
            urls,
            [
                "postgres://lk:p%2Fw@a/lk?sslmode=disable",
                "postgres://lk:p%2Fw@b:2/lk?sslmode=disable"
            ]
        );
    }

    #[test]
    fn a_plus_is_a_plus_and_the_database_is_called_as_its_user() {
        let parse = |text: &str| PostgresUrl::parse(text).expect(text);
        let url = parse("postgres://db/lk?user=lk&password=a+b%2Bc");
        assert_eq!(*url.expose()[0], "postgres://lk:a%2Bb%2Bc@db/lk");
        assert_eq!(*parse("postgres://lk:pw@db").expose()[0], "postgres://lk:pw@db/lk");
    }

    #[test]
    fn what_is_wrong_is_told_without_a_secret() {
        for text in [
            "postgres://lk:99/hunter2@db/app",
            "postgres://lk:hun/ter2@db/app",
            "postgres://lk:hunter2?x@db/app",
            "postgres://lk:99?hunter2@db/app",
            "postgres://lk:hunter2#x@db/app",
            "postgres://lk@db/app?passwrod=hunter2",
            "postgres://lk@db/app?hunter2",
            "postgres://lk@db/app?hunter2=1",
            "postgres://lk@db/app?sslmode=hunter2",
            "postgres://lk@db/app?channel_binding=require",
            "postgres://lk@db/app?gssencmode=REQUIRE",
            "postgres://lk@db/app?channel_binding=requird",
            "postgres://lk@db/app?host=a&hostaddr=10.0.0.1",
            "postgres://lk%3Ahunter2@db/app",
            "postgres://lk@db/app?ssl_min_protocol_version=TLSv1.3",
            "postgres://lk@db/app?target_session_attrs=hunter2",
            "postgres://lk@db:hunter2/app",
        ] {
            let reason = PostgresUrl::parse(text).expect_err(text);
            assert!(!reason.contains("hunter2"), "{text}: {reason}");
        }
        let reason = PostgresUrl::parse("postgres://lk@db/app?sslmod=require").expect_err("bad");
        assert!(reason.contains("did you mean sslmode"), "{reason}");
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic_and_never_shows_its_password(
            password in "[a-z0-9/?#@:%,]{0,12}", rest in "[a-z0-9/?#@:%,=&\\[\\]]{0,30}"
        ) {
            let secret = format!("hunter2{password}");
            if let Ok(url) = PostgresUrl::parse(&format!("postgres://lk:{secret}@{rest}")) {
                prop_assert!(!url.to_string().contains("hunter2"), "{}", url);
            }
        }
    }
}
