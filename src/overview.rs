//! The overview of an account: the page where everything begins.

pub mod pages;
