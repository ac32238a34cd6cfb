//! The browser bundle: the islands of `latchkey`, and the function that brings them to life.

// The islands export themselves.
use latchkey::islands as _;

/// Called once by the browser, before the islands of the page come to life.
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    leptos::mount::hydrate_islands();
}
