//! Latchkey: accounts for your app, in one binary.
//!
//! In reading order: what an account is ([`domain`]), what the browser runs of it ([`islands`]),
//! what people see ([`app`]), the two doors ([`server_functions`] for forms, [`server`]'s `json` for programs),
//! the rooms
//! behind them ([`server`]), and the texts in every language ([`texts`]). ARCHITECTURE.md walks through a request.
//!
//! `cfg` stands in this file only: what is listed without one is compiled for the server and for
//! the browser.

pub mod domain;
pub mod islands;

#[cfg(feature = "ssr")]
pub mod accounts;
#[cfg(feature = "ssr")]
pub mod audit;
#[cfg(feature = "ssr")]
pub mod cli;
#[cfg(feature = "otel")]
#[path = "platform/export.rs"]
pub mod export;
#[cfg(all(feature = "ssr", not(feature = "otel")))]
#[path = "platform/no_export.rs"]
pub mod export;
#[cfg(feature = "ssr")]
pub mod keys;
#[cfg(feature = "ssr")]
pub mod links;
#[cfg(feature = "ssr")]
pub mod passwords;
#[cfg(feature = "ssr")]
pub mod platform;
#[cfg(feature = "ssr")]
pub mod server;
#[cfg(feature = "ssr")]
pub mod services;
#[cfg(feature = "ssr")]
pub mod sessions;
#[cfg(feature = "ssr")]
pub mod settings;
#[cfg(feature = "ssr")]
pub mod sign_in;
#[cfg(feature = "ssr")]
pub mod store;
#[cfg(feature = "ssr")]
pub mod texts;
#[cfg(feature = "ssr")]
pub mod throttle;
#[cfg(feature = "ssr")]
pub mod web;
