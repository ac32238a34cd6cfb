//! The page around every page.

use leptos::{config::LeptosOptions, hydration::AutoReload, nonce::use_nonce, prelude::*};

/// `style` and `bundle` are paths; `bundle` is there for a page that has islands.
pub(super) fn page<V: IntoView>(
    title: &'static str,
    style: String,
    bundle: Option<(String, String)>,
    options: LeptosOptions,
    content: V,
) -> impl IntoView + use<V> {
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <title>{format!("{title} – Latchkey")}</title>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                <link rel="stylesheet" href=style/>
                {bundle.map(|(script, wasm)| islands(script, wasm))}
                <AutoReload options/>
            </head>
            <body>
                <a class="skip" href="#main">"Skip to content"</a>
                <header class="top">
                    <a class="brand" href="/">
                        <svg viewBox="0 0 24 24" width="28" height="28" aria-hidden="true" focusable="false">
                            <circle cx="8" cy="8" r="5"/>
                            <path d="M11.6 11.6 20 20m-3.5-3.5 2.5-2.5m-5 0 1.8-1.8"/>
                        </svg>
                        "Latchkey"
                    </a>
                </header>
                <main id="main" tabindex="-1">{content}</main>
                <footer class="bottom">
                    <a href="/docs">"JSON routes"</a>
                </footer>
            </body>
        </html>
    }
}

/// Brings the islands of the page to life. leptos's own `HydrationScripts` looks for the hashed
/// names beside the program's file, where a single binary has nothing, and its preload carries no
/// nonce.
fn islands(script: String, wasm: String) -> impl IntoView {
    let nonce = use_nonce();
    let start =
        include_str!("start_islands.js").replace("{script}", &script).replace("{wasm}", &wasm);
    view! {
        <link rel="modulepreload" href=script nonce=nonce.clone()/>
        <script type="module" nonce=nonce inner_html=start></script>
    }
}
