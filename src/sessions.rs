//! Sessions: how they begin, go on and end.

pub mod carrier;
pub mod live;
pub mod refresh;
pub mod tokens;
