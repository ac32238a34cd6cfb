//! The way of a request, and the pages around every room.

pub mod accepted;
pub mod access;
pub mod assets;
pub mod client;
pub mod connections;
pub mod cookies;
pub mod explain;
pub mod form_pages;
pub mod forms;
pub mod headers;
pub mod json;
pub mod media_type;
pub mod metrics;
pub mod notices;
pub mod openapi;
pub mod origin;
pub mod pages;
pub mod pending;
pub mod problem_kinds;
pub mod reply;
pub mod router;
pub mod routes;
pub mod sending;
pub mod server_functions;
pub mod state;
pub mod telemetry;
