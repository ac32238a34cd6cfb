//! The overview: the start page of the account area.

pub mod pages;
