//! What ARCHITECTURE.md promises of the code, checked in its text.

use std::{
    fs,
    path::{Path, PathBuf},
};

fn sources() -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                walk(&path, files);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    let mut files = Vec::new();
    walk(Path::new("src"), &mut files);
    assert!(files.len() > 20);
    files.into_iter().map(|path| (path.clone(), fs::read_to_string(path).expect("text"))).collect()
}

/// Every line of code that holds one of the words, outside of tests and comments, in other files
/// than those whose paths begin so.
fn lines_with(words: &[&str], allowed: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in sources() {
        let path = path.display().to_string();
        if allowed.iter().any(|allowed| path.starts_with(allowed)) {
            continue;
        }
        if path.ends_with("/tests.rs") {
            continue;
        }
        let code = text.split("#[cfg(test)]").next().expect("code");
        for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
            if words.iter().any(|word| line.contains(word)) {
                found.push(format!("{path}: {line}"));
            }
        }
    }
    found
}

fn none(found: &[String]) {
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn cfg_stands_in_lib_rs_only() {
    none(&lines_with(&["cfg(feature", "cfg!(feature"], &["src/lib.rs"]));
}

#[test]
fn only_the_store_knows_sql() {
    let store = ["src/server/store.rs", "src/server/store/"];
    none(&lines_with(&["sqlx", "SELECT ", "INSERT INTO"], &store));
}

#[test]
fn only_the_sessions_know_jwt() {
    none(&lines_with(&["jsonwebtoken"], &["src/server/sessions.rs"]));
}

#[test]
fn only_the_cookies_know_cookies() {
    none(&lines_with(&["SameSite", "SET_COOKIE, HeaderValue"], &["src/server/cookies.rs"]));
}

#[test]
fn only_the_settings_know_the_environment() {
    none(&lines_with(&["env::", "dotenvy"], &["src/server/config.rs"]));
}

#[test]
fn only_the_passwords_know_argon2() {
    none(&lines_with(
        &["argon2::", "Argon2", "bcrypt::", "scrypt::", "pbkdf2::"],
        &["src/server/passwords.rs", "src/server/passwords/"],
    ));
}

#[test]
fn the_domain_knows_no_framework() {
    let found = lines_with(&["leptos", "axum", "SystemTime", "tokio", "crate::server"], &[]);
    none(&found.into_iter().filter(|line| line.starts_with("src/domain")).collect::<Vec<_>>());
}

#[test]
fn the_use_cases_know_no_http() {
    let found = lines_with(&["http::", "axum", "leptos"], &[]);
    none(
        &found
            .into_iter()
            .filter(|line| {
                ["src/server/accounts.rs", "src/server/own_account.rs", "src/server/operator.rs"]
                    .iter()
                    .any(|file| line.starts_with(file))
            })
            .collect::<Vec<_>>(),
    );
}

#[test]
fn no_page_writes_html_that_is_not_escaped() {
    none(&lines_with(&["inner_html", "<textarea", "<noscript", "<style"], &["src/app/shell.rs"]));
    let shell = fs::read_to_string("src/app/shell.rs").expect("text");
    assert_eq!(shell.matches("inner_html").count(), 3, "the scripts, which hold no user's text");
}

#[test]
fn randomness_comes_from_the_operating_system() {
    let salts = ["src/server/passwords.rs", "src/server/passwords/imported.rs"];
    none(&lines_with(&["getrandom"], &["src/server/random.rs", salts[0], salts[1]]));
    none(&lines_with(&["rand::", "thread_rng", "fastrand"], &["src/server/random.rs"]));
}

#[test]
fn a_function_that_takes_a_secret_is_not_instrumented() {
    none(&lines_with(&["instrument("], &["src/server/telemetry.rs"]));
}
