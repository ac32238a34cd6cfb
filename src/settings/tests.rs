use super::*;

const GOOD_SECRET: &str = "6f1c9c1e5b0a4a1f8d2e7c3b9a0f5e4d";

fn faults(settings: &[(&str, &str)]) -> Vec<String> {
    match Settings::read(&Sources::of(settings)) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.into_iter().map(|fault| fault.name).collect(),
    }
}

#[test]
fn no_settings_at_all_work() {
    let settings = Settings::read(&Sources::of(&[])).expect("the defaults");
    assert_eq!(settings.web.listen().to_string(), "127.0.0.1:3000");
    assert_eq!(settings.web.public_url_at(3000).origin(), "http://localhost:3000");
    assert_eq!(settings.store.database, Database::Sqlite("data/latchkey.db".into()));
}

#[test]
fn each_bad_setting_is_named() {
    for (name, value) in [
        ("HOST", "nowhere"),
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("PORT", "http"),
        ("PUBLIC_URL", "accounts.example.org"),
        ("PUBLIC_URL", "http://accounts.example.org"),
        ("PUBLIC_URL", "ftp://accounts.example.org"),
        ("PUBLIC_URL", "https://accounts.example.org/sub"),
        ("PUBLIC_URL", "https://user:word@accounts.example.org"),
        ("PUBLIC_URL", "https://accounts.example.org/?a=b"),
        ("INSECURE_HTTP", "true"),
        ("DATABASE_URL", "mysql://x"),
        ("DATABASE_URL", "sqlite:"),
        ("DATABASE_URL", "sqlite::memory:"),
        ("DATABASE_URL", "postgres://localhost"),
        ("DATABASE_URL", "postgres://localhost/latchkey?sslmode=perhaps"),
        ("DATABASE_CONNECTIONS", "1"),
        ("FORWARDED_HEADER", "x-real-ip"),
        ("HSTS_SUBDOMAINS", "true"),
        ("JWT_SECRET", "yoursecretvalue"),
        ("JWT_SECRET", "0123456789012345678901234567890"),
        ("JWT_SECRET", "yoursecretvalueyoursecretvalueyoursecretvalue"),
        ("JWT_SECRET", "a-string-secret-at-least-256-bits-long"),
        ("JWT_SECRET", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
        ("JWT_SECRET", "12345678901234567890123456789012"),
        ("JWT_SECRET", "keyboard cat keyboard cat keyboard cat"),
        ("JWT_SECRET", "abcdefghijklmnopqrstuvwxyz123456"),
        ("PASSWORD_MIN_LENGTH", "5"),
        ("PASSWORD_MIN_LENGTH", "65"),
        ("PASSWORD_MIN_LENGTH", "eight"),
        ("ACCESS_TOKEN_TTL", "15"),
        ("ACCESS_TOKEN_TTL", "0s"),
        ("ACCESS_TOKEN_TTL", "-5m"),
        ("ACCESS_TOKEN_TTL", "1h30m"),
        ("SESSION_TTL", "99999d"),
        ("TRUSTED_PROXIES", "10.0.0.0/33"),
        ("THROTTLE", "false"),
        ("METRICS_ADDR", "9090"),
        ("METRICS_ADDR", "localhost:9090"),
        ("LOG_FORMAT", "xml"),
        ("RUST_LOG", "info=info=info"),
        ("JWT_SECRETS", GOOD_SECRET),
        ("SESION_TTL", "1h"),
        ("LATCHKEY_PORT", "3000"),
        ("LATCHKEY_PROT", "tcp://10.0.0.5:3000"),
    ] {
        assert_eq!(faults(&[(name, value)]), [name], "{name}={value}");
    }
}

#[test]
fn all_faults_are_told_at_once() {
    assert_eq!(faults(&[("PORT", "x"), ("THROTTLE", "x"), ("HOST", "x")]).len(), 3);
}

#[test]
fn other_programs_variables_are_left_alone() {
    assert!(
        faults(&[("PATH", "/bin"), ("SESSION_MANAGER", "local/x"), ("HOSTNAME", "h")]).is_empty()
    );
}

#[test]
fn what_kubernetes_injects_for_a_service_is_no_setting_and_no_mistake() {
    let of_service = [
        ("LATCHKEY_PORT", "tcp://10.0.0.5:3000"),
        ("LATCHKEY_SERVICE_HOST", "10.0.0.5"),
        ("LATCHKEY_SERVICE_PORT", "3000"),
        ("LATCHKEY_SERVICE_PORT_HTTP", "3000"),
        ("LATCHKEY_PORT_3000_TCP", "tcp://10.0.0.5:3000"),
        ("LATCHKEY_PORT_3000_TCP_PROTO", "tcp"),
        ("LATCHKEY_PORT_3000_TCP_PORT", "3000"),
        ("LATCHKEY_PORT_3000_TCP_ADDR", "10.0.0.5"),
        ("LATCHKEY_WEB_PORT", "tcp://10.0.0.6:80"),
        ("JWT_ISSUER_SERVICE_HOST", "10.0.0.7"),
    ];
    assert!(faults(&of_service).is_empty(), "{:?}", faults(&of_service));
    assert_eq!(faults(&[("LATCHKEY_PORT_3000_TPC", "x")]), ["LATCHKEY_PORT_3000_TPC"]);
}

#[test]
fn what_is_empty_is_not_set_and_is_never_a_secret() {
    let empty: Vec<(&str, &str)> = Settings::known().iter().map(|known| (known.name, "")).collect();
    let settings = Settings::read(&Sources::of(&empty)).expect("the defaults");
    assert!(settings.keys.secret.is_none() && settings.keys.previous.is_none());
    let url = ("DATABASE_URL", "postgres://latchkey@localhost/latchkey");
    assert_eq!(faults(&[url, ("JWT_SECRET", " ")]), ["JWT_SECRET"]);
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    assert_eq!(faults(&[("SESSION_TTL", "1h"), ("SESSION_IDLE_TTL", "2h")]), ["SESSION_IDLE_TTL"]);
    assert_eq!(faults(&[("JWT_SECRET_PREVIOUS", GOOD_SECRET)]), ["JWT_SECRET_PREVIOUS"]);
    assert_eq!(
        faults(&[("JWT_SECRET", GOOD_SECRET), ("JWT_SECRET_PREVIOUS", GOOD_SECRET)]),
        ["JWT_SECRET_PREVIOUS"]
    );
}

#[test]
fn postgres_needs_a_secret_that_its_nodes_share() {
    let url = ("DATABASE_URL", "postgres://latchkey:hunter2@db.example.org/latchkey");
    assert_eq!(faults(&[url]), ["JWT_SECRET"]);
    let settings = Settings::read(&Sources::of(&[url, ("JWT_SECRET", GOOD_SECRET)]));
    let settings = settings.expect("good settings");
    assert_eq!(settings.store.database.to_string(), "postgres://latchkey@db.example.org/latchkey");
    assert!(!format!("{settings:?}").contains("hunter2"));
    assert!(settings.warnings().iter().any(|warning| warning.contains("sslmode=verify-full")));
}

#[test]
fn a_short_session_needs_no_shorter_idle_time() {
    let settings = Settings::read(&Sources::of(&[("SESSION_TTL", "2s")]));
    let sessions = settings.expect("good settings").sessions;
    for idle in [sessions.idle_ttl, sessions.remember_ttl, sessions.refresh_ttl] {
        assert_eq!(idle, sessions.ttl);
    }
    let longer = [("SESSION_TTL", "7d"), ("REMEMBER_TTL", "30d")];
    assert_eq!(faults(&longer), ["REMEMBER_TTL"]);
}

#[test]
fn plain_http_beyond_loopback_must_be_said() {
    let url = ("PUBLIC_URL", "http://192.168.1.5:3000");
    assert_eq!(faults(&[url]), ["PUBLIC_URL"]);
    assert!(faults(&[url, ("INSECURE_HTTP", "yes")]).is_empty());
    assert!(faults(&[("PUBLIC_URL", "http://[::1]:3000")]).is_empty());
}

#[test]
fn no_fault_shows_a_secret() {
    for value in ["hunter2", "hunter2hunter2hunter2hunter2hunter2hunter2"] {
        let faults = Settings::read(&Sources::of(&[("JWT_SECRET", value)])).expect_err("bad");
        assert!(!format!("{faults:?}").contains("hunter2"));
    }
}

#[test]
fn a_long_key_may_hold_an_ordinary_word() {
    assert!(faults(&[("JWT_SECRET", "staging-secret-9f8e7d6c5b4a3f2e1d0c")]).is_empty());
}
