//! ARCHITECTURE.md's promises about the code, checked in the source text.

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

/// Every line of code that contains one of the words, except in tests, comments and files whose
/// paths begin with `allowed`.
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

/// The same in some files or folders, which must exist.
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
fn only_the_store_and_the_tables_of_rooms_know_sql() {
    let mut places = vec!["src/store.rs", "src/store/"];
    places.extend(
        [
            "accounts",
            "admin",
            "apps",
            "audit",
            "authority",
            "challenges",
            "directory",
            "emails",
            "factors",
            "figures",
            "groups",
            "invitations",
            "links",
            "openid",
            "openid/devices",
            "outbox",
            "passkeys",
            "passwords",
            "providers",
            "sessions",
            "sessions/grants",
            "signing",
            "throttle",
            "webhooks",
        ]
        .map(|room| {
            let path: &str = Box::leak(format!("src/{room}/sql.rs").into_boxed_str());
            path
        }),
    );
    none(&lines_with(&["sqlx", "SELECT ", "INSERT INTO", "DELETE FROM", "UPDATE "], &places));
}

#[test]
fn only_the_tokens_know_jwt() {
    let allowed =
        ["src/platform/jose.rs", "src/sessions/tokens.rs", "src/signing.rs", "src/signing/"];
    none(&lines_with(&["jsonwebtoken"], &allowed));
}

#[test]
fn only_the_cookies_know_cookies() {
    none(&lines_with(&["SameSite", "CookieBuilder", "Cookie::build"], &["src/web/cookies.rs"]));
}

#[test]
fn only_the_settings_know_the_environment() {
    none(&lines_with(&["env::", "dotenvy"], &["src/platform/settings.rs"]));
}

#[test]
fn only_the_passwords_know_argon2() {
    none(&lines_with(
        &["argon2::", "Argon2", "bcrypt::", "scrypt::", "pbkdf2::"],
        &["src/passwords.rs", "src/passwords/"],
    ));
}

#[test]
fn the_domain_knows_no_framework() {
    let words = ["leptos", "axum", "SystemTime", "tokio", "crate::platform", "crate::store"];
    none(&lines_in(&["src/domain.rs", "src/domain/"], &words));
}

#[test]
fn no_page_writes_html_that_is_not_escaped() {
    let (shell, icons) = ("src/web/page/shell.rs", "src/web/page/icons.rs");
    none(&lines_with(&["inner_html", "<textarea", "<noscript", "<style"], &[shell, icons]));
    for file in [shell, icons] {
        let text = fs::read_to_string(file).expect("text");
        assert_eq!(text.matches("inner_html").count(), 1, "our own scripts and shapes, in {file}");
    }
}

#[test]
fn randomness_comes_from_the_operating_system() {
    let random = "src/platform/random.rs";
    let salts = ["src/passwords.rs", "src/passwords/imported.rs"];
    none(&lines_with(&["getrandom"], &[random, salts[0], salts[1]]));
    none(&lines_with(
        &[" rand::", "(rand::", "thread_rng", "fastrand"],
        &[random, "src/signing/material.rs"],
    ));
}

#[test]
fn a_function_that_takes_a_secret_is_not_instrumented() {
    none(&lines_with(&["instrument("], &["src/web/telemetry.rs"]));
}

#[test]
fn no_file_is_longer_than_500_lines() {
    let long = sources().into_iter().filter(|(_, text)| text.lines().count() > 500);
    none(&long.map(|(path, _)| path.display().to_string()).collect::<Vec<_>>());
}

/// The paths in a `use`, with its braces expanded.
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

/// The rooms, in order: each may use those after it.
const ROOMS: [&str; 34] = [
    "server",
    "cli",
    "admin",
    "forward_auth",
    "openid",
    "overview",
    "sign_in",
    "accounts",
    "factors",
    "webhooks",
    "emails",
    "devices",
    "invitations",
    "services",
    "settings",
    "mail",
    "passwords",
    "passkeys",
    "providers",
    "apps",
    "authority",
    "groups",
    "sessions",
    "signing",
    "links",
    "challenges",
    "outbox",
    "throttle",
    "keys",
    "figures",
    "audit",
    "directory",
    "store",
    "platform",
];

/// The role of a file in its room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Use cases, values and tables: no HTTP, no pages.
    Core,
    /// `json`, `pages`, `cli`.
    Door,
}

/// The room that a path from the crate's root leads to, and its role there.
fn place<'a>(steps: &[&'a str]) -> (&'a str, Kind) {
    let is_door = steps.get(1).is_some_and(|file| ["json", "pages", "cli"].contains(file));
    let is_room = !["server", "cli", "web", "domain"].contains(&steps[0]);
    (steps[0], if is_door && is_room { Kind::Door } else { Kind::Core })
}

/// Whether a file of `this` may use `other`.
fn may_use(this: (&str, Kind), other: (&str, Kind)) -> bool {
    let order = |room: &str| ROOMS.iter().position(|known| *known == room);
    match (this, other) {
        (("server" | "cli", _), _) | (_, ("domain" | "export", _)) => true,
        // A core knows not even the doors of its own room.
        ((this, kind), (other, used)) if this == other => kind == Kind::Door || used == Kind::Core,
        (("domain" | "islands" | "texts", _), _) => other.0 == "domain",
        // Doors may use any core, what pages are made of, and the doors of the rooms below.
        ((_, Kind::Door), ("web" | "texts" | "islands", _)) => true,
        ((_, Kind::Door), (room, Kind::Core)) => !["server", "cli"].contains(&room),
        ((this, Kind::Door), (other, Kind::Door)) => order(this) < order(other),
        (("web", _), (room, kind)) => kind == Kind::Core && !["server", "cli"].contains(&room),
        // `settings` collects those of every room.
        (("settings", _), (room, Kind::Core)) => !["server", "cli"].contains(&room),
        // For the reasons why lines are refused.
        // And the words of mails.
        (("accounts" | "mail", Kind::Core), ("texts", _)) => true,
        ((this, Kind::Core), (other, Kind::Core)) => {
            order(this).zip(order(other)).is_some_and(|(this, other)| this < other)
        }
        ((_, Kind::Core), (_, Kind::Door)) => false,
    }
}

#[test]
fn rooms_use_those_below_them_and_cores_know_no_doors() {
    let (mut uses, mut wrong) = (0, Vec::new());
    for (path, text) in sources() {
        let file = path.with_extension("").display().to_string();
        let here: Vec<&str> = file.split('/').skip(1).collect();
        if ["lib", "main", "browser"].contains(&here[0]) || file.ends_with("/tests") {
            continue;
        }
        let this = place(&here);
        let code = text.split("#[cfg(test)]").next().expect("code");
        let trees = code.split("\nuse ").chain(code.split("\npub use ")).skip(1);
        for tree in trees.filter_map(|rest| rest.split_once(';').map(|(tree, _)| tree)) {
            let tree: String = tree.split_whitespace().collect();
            // A list in braces may end with a comma.
            for used in paths(&tree, "").iter().filter(|used| !used.ends_with("::")) {
                let steps: Vec<&str> = used.split("::").filter(|step| !step.is_empty()).collect();
                let up = steps.iter().take_while(|step| **step == "super").count();
                let from_root = match (steps[0], up) {
                    ("crate", _) => steps[1..].to_vec(),
                    (_, 1..) => [&here[..here.len() - up], &steps[up..]].concat(),
                    ("axum" | "leptos" | "leptos_axum", _)
                        if this.1 == Kind::Core && ROOMS[2..].contains(&this.0) =>
                    {
                        wrong.push(format!("{file} uses {used}"));
                        continue;
                    }
                    _ => continue,
                };
                uses += 1;
                if !may_use(this, place(&from_root)) {
                    wrong.push(format!("{file} uses {}", from_root.join("::")));
                }
            }
        }
    }
    assert!(uses > 500, "{uses}");
    none(&wrong);
}
