//! The foundation of every room: errors, the clock, randomness, settings.

pub mod clock;
pub mod error;
pub mod fetch;
pub mod jose;
pub mod log;
pub mod pkce;
pub mod public_url;
pub mod random;
pub mod secret;
pub mod settings;
pub mod terminal;
pub mod visit;
