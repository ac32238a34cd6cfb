//! What every room stands on: errors, the clock, randomness, settings.

pub mod clock;
pub mod error;
pub mod random;
pub mod settings;
pub mod visit;
