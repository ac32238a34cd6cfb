//! The tests of `tests/doors` on PostgreSQL, and those that require it.

#[path = "../doors/access.rs"]
mod access;
#[path = "../doors/admin.rs"]
mod admin;
#[path = "../doors/admin_keys.rs"]
mod admin_keys;
#[path = "../doors/admin_support.rs"]
mod admin_support;
#[path = "../doors/app_attacks.rs"]
mod app_attacks;
#[path = "../doors/app_devices.rs"]
mod app_devices;
#[path = "../doors/app_kinds.rs"]
mod app_kinds;
#[path = "../doors/app_logout.rs"]
mod app_logout;
#[path = "../doors/app_support.rs"]
mod app_support;
mod as_people_have_it;
#[path = "../doors/audit.rs"]
mod audit;
#[path = "../doors/authenticator.rs"]
mod authenticator;
#[path = "../doors/conformance.rs"]
mod conformance;
mod copy;
#[path = "../doors/deletion.rs"]
mod deletion;
#[path = "../doors/dynamic_apps.rs"]
mod dynamic_apps;
#[path = "../doors/factors.rs"]
mod factors;
#[path = "../doors/forward_auth.rs"]
mod forward_auth;
#[path = "../doors/guessing.rs"]
mod guessing;
#[path = "../doors/history.rs"]
mod history;
#[path = "../doors/invitations.rs"]
mod invitations;
#[path = "../doors/letters.rs"]
mod letters;
#[path = "../doors/limits.rs"]
mod limits;
#[path = "../doors/mail.rs"]
mod mail;
#[path = "../doors/metrics.rs"]
mod metrics;
#[path = "../doors/nodes.rs"]
mod nodes;
#[path = "../doors/openid.rs"]
mod openid;
#[path = "../doors/operator.rs"]
mod operator;
#[path = "../doors/origin.rs"]
mod origin;
mod outage;
#[path = "../doors/outbox.rs"]
mod outbox;
#[path = "../doors/own_sessions.rs"]
mod own_sessions;
#[path = "../doors/pages.rs"]
mod pages;
#[path = "../doors/passkeys.rs"]
mod passkeys;
#[path = "../doors/password.rs"]
mod password;
mod ports;
mod postgres;
#[path = "../doors/prehijacking.rs"]
mod prehijacking;
#[path = "../doors/process.rs"]
mod process;
#[path = "../doors/profile.rs"]
mod profile;
#[path = "../doors/providers.rs"]
mod providers;
mod proxies;
#[path = "../doors/recovery.rs"]
mod recovery;
#[path = "../doors/refresh.rs"]
mod refresh;
#[path = "../doors/second_step.rs"]
mod second_step;
#[path = "../doors/session_life.rs"]
mod session_life;
#[path = "../doors/sessions.rs"]
mod sessions;
#[path = "../doors/sign_in.rs"]
mod sign_in;
#[path = "../doors/sign_up.rs"]
mod sign_up;
#[path = "../doors/signer.rs"]
mod signer;
#[path = "../doors/smtp.rs"]
mod smtp;
#[path = "../doors/support.rs"]
mod support;
mod tls;
#[path = "../doors/twice.rs"]
mod twice;
#[path = "../doors/upstream.rs"]
mod upstream;
#[path = "../doors/webhooks.rs"]
mod webhooks;

/// The `DATABASE_URL` of an empty database.
async fn new_database(_folder: &std::path::Path) -> String {
    postgres::new_database().await
}
