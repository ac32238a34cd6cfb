//! Tests through the public doors: a real server, a real database, real connections.
//!
//! Each file covers one promise. A test of a rule goes through both doors, the JSON routes and the
//! pages' forms, by means of `support::Via`.

mod access;
mod admin;
mod admin_attacks;
mod admin_keys;
mod admin_support;
mod app_attacks;
mod app_devices;
mod app_kinds;
mod app_logout;
mod app_support;
mod archive;
mod assets;
mod audit;
mod authenticator;
mod brand;
mod conformance;
mod connections;
mod deletion;
mod dynamic_apps;
mod factors;
mod forward_auth;
mod forward_auth_proxies;
mod guessing;
mod history;
mod invitations;
mod languages;
mod letters;
mod limits;
mod logs;
mod mail;
mod metrics;
mod nodes;
mod openapi;
mod openid;
mod operator;
mod origin;
mod outbox;
mod own_sessions;
mod pages;
mod passkeys;
mod password;
#[path = "../doors_on_postgres/ports.rs"]
mod ports;
mod prehijacking;
mod problems;
mod process;
mod profile;
mod providers;
mod recovery;
mod refresh;
mod second_step;
mod session_life;
mod sessions;
mod sign_in;
mod sign_up;
mod signer;
mod smtp;
mod support;
mod tidy;
mod twice;
mod upstream;
mod webhooks;

/// The `DATABASE_URL` of an empty database.
async fn new_database(folder: &std::path::Path) -> String {
    format!("sqlite:{}", folder.join("latchkey.db").display())
}
