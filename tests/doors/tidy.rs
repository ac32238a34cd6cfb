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
    for place in allowed {
        assert!(Path::new(place).exists(), "{place}");
    }
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

/// The same in some files or folders, which must be there.
fn lines_in(places: &[&str], words: &[&str]) -> Vec<String> {
    for place in places {
        assert!(Path::new(place).exists(), "{place}");
    }
    let found = lines_with(words, &[]);
    found.into_iter().filter(|line| places.iter().any(|place| line.starts_with(place))).collect()
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
    none(&lines_with(&["SameSite", "CookieBuilder", "Cookie::build"], &["src/server/cookies.rs"]));
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
    let words = ["leptos", "axum", "SystemTime", "tokio", "crate::server"];
    none(&lines_in(&["src/domain.rs", "src/domain/"], &words));
}

#[test]
fn the_use_cases_know_no_http() {
    let files = ["src/server/accounts.rs", "src/server/own_account.rs", "src/server/operator.rs"];
    none(&lines_in(&files, &["http::", "axum", "leptos"]));
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

/// The paths that a `use` names, with its braces taken apart.
fn paths(tree: &str, before: &str) -> Vec<String> {
    let Some(open) = tree.find('{') else { return vec![format!("{before}{tree}")] };
    let (mut parts, mut depth, mut part) = (Vec::new(), 0, String::new());
    for c in tree.chars() {
        depth += i32::from(c == '{') - i32::from(c == '}');
        if c == ',' && depth == 0 {
            parts.push(std::mem::take(&mut part));
        } else {
            part.push(c);
        }
    }
    parts.push(part);
    match &parts[..] {
        [one] => paths(&one[open + 1..one.len() - 1], &format!("{before}{}", &one[..open])),
        many => many.iter().flat_map(|part| paths(part, before)).collect(),
    }
}

/// Which room a file belongs to: a file or folder of `src/server/`, or one of `src/`.
fn room(steps: &[&str]) -> Option<String> {
    match steps {
        ["server", room, ..] => Some(format!("server/{room}")),
        ["app" | "server_functions" | "texts" | "islands" | "domain", ..] => {
            Some(steps[0].to_owned())
        }
        _ => None,
    }
}

#[test]
fn no_two_rooms_need_each_other() {
    use std::collections::{BTreeMap, BTreeSet};
    let mut needs: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (path, text) in sources() {
        let path = path.with_extension("").display().to_string();
        let here: Vec<&str> = path.split('/').skip(1).collect();
        let Some(this) = room(&here) else { continue };
        let code = text.split("#[cfg(test)]").next().expect("code");
        let uses = code.split("\nuse ").chain(code.split("\npub use ")).skip(1);
        for tree in uses.filter_map(|rest| rest.split_once(';').map(|(tree, _)| tree)) {
            let tree: String = tree.split_whitespace().collect();
            for path in paths(&tree, "") {
                let steps: Vec<&str> = path.split("::").collect();
                let up = steps.iter().take_while(|step| **step == "super").count();
                let from_root = match (steps[0], up) {
                    ("crate", _) => steps[1..].to_vec(),
                    (_, 1..) => [&here[..here.len() - up], &steps[up..]].concat(),
                    _ => continue,
                };
                let other = room(&from_root).filter(|other| *other != this);
                needs.entry(this.clone()).or_default().extend(other);
            }
        }
    }
    assert!(needs.len() > 40 && needs.values().map(BTreeSet::len).sum::<usize>() > 200);
    // Whoever needs nobody that is left is taken away, until all are, or all that is left is a circle.
    while let Some(room) = needs
        .iter()
        .find(|(_, others)| !others.iter().any(|other| needs.contains_key(other)))
        .map(|(room, _)| room.clone())
    {
        needs.remove(&room);
    }
    assert!(needs.is_empty(), "{needs:#?}");
}
