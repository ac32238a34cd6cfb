//! The path of a request, from connection to answer, and the building blocks of pages.
//!
//! Rooms put their routes into a [`routes::Map`]. Every request first passes, in this order, the
//! layer (`router.rs`), the check of the origin (`origin.rs`) and the guard (`guard.rs`).

pub mod accepted;
pub mod assets;
pub mod brand;
pub mod client;
pub mod connections;
pub mod cookies;
pub mod explain;
pub mod form;
pub(crate) mod go_on;
pub mod guard;
pub mod headers;
pub mod health;
pub mod json;
pub mod mail_link;
pub mod media_type;
pub mod metrics;
pub mod next;
pub mod notices;
pub mod openapi;
pub mod origin;
pub mod page;
pub mod pages;
pub mod pending;
pub mod problem_kinds;
pub mod reply;
pub mod router;
pub mod routes;
pub mod sending;
pub mod settings;
pub mod state;
pub mod strict_json;
pub mod submit;
pub mod telemetry;
pub mod viewer;

crate::audit::acts! {
    /// A write from another origin.
    CROSS_ORIGIN = "malicious_cors";
}
