//! The tests of `tests/doors`, on PostgreSQL, and those that need one.

#[path = "../doors/access.rs"]
mod access;
mod as_people_have_it;
#[path = "../doors/audit.rs"]
mod audit;
mod copy;
#[path = "../doors/guessing.rs"]
mod guessing;
#[path = "../doors/limits.rs"]
mod limits;
#[path = "../doors/metrics.rs"]
mod metrics;
#[path = "../doors/nodes.rs"]
mod nodes;
#[path = "../doors/operator.rs"]
mod operator;
#[path = "../doors/origin.rs"]
mod origin;
mod outage;
#[path = "../doors/own_account.rs"]
mod own_account;
#[path = "../doors/pages.rs"]
mod pages;
mod ports;
mod postgres;
mod proxies;
#[path = "../doors/refresh.rs"]
mod refresh;
#[path = "../doors/sessions.rs"]
mod sessions;
#[path = "../doors/sign_in.rs"]
mod sign_in;
#[path = "../doors/sign_up.rs"]
mod sign_up;
#[path = "../doors/support.rs"]
mod support;
mod tls;
#[path = "../doors/twice.rs"]
mod twice;

/// The `DATABASE_URL` of an empty database.
async fn new_database(_folder: &std::path::Path) -> String {
    postgres::new_database().await
}
