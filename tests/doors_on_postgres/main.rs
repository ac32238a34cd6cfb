//! The tests of `tests/doors`, on PostgreSQL, and those that need one.

const DATABASE: support::Kind = support::Kind::Postgres;

#[path = "../doors/access.rs"]
mod access;
mod copy;
#[path = "../doors/limits.rs"]
mod limits;
#[path = "../doors/nodes.rs"]
mod nodes;
#[path = "../doors/origin.rs"]
mod origin;
mod outage;
#[path = "../doors/pages.rs"]
mod pages;
mod postgres;
#[path = "../doors/sessions.rs"]
mod sessions;
#[path = "../doors/sign_in.rs"]
mod sign_in;
#[path = "../doors/sign_up.rs"]
mod sign_up;
#[path = "../doors/support.rs"]
mod support;
