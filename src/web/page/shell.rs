//! The frame of every page.

use leptos::{hydration::AutoReload, nonce::use_nonce, prelude::*};

use super::{Around, Section, Title, times::day_in_words};
use crate::{
    texts::{Language, language, t},
    web::{assets::Assets, form::TOKEN_FIELD, notices::Notice},
};

/// `sign_out`: the token of the sign-out form, if somebody is signed in. `here`: the address of
/// this page, to return to it.
pub(crate) fn page(
    assets: &Assets,
    around: &Around,
    sign_out: Option<String>,
    here: &str,
    notice: Option<&Notice>,
    sections: &[Section],
    content: AnyView,
) -> impl IntoView + use<> {
    let title = match &around.title {
        Title::Name(name) => language().text(name),
        Title::Text(text) => text.clone(),
    };
    let whole = if around.wrong { "page-title-wrong" } else { "page-title" };
    let whole = language().text_with(whole, &[("title", title.into())]);
    let bundle = assets.bundle.clone().filter(|_| around.islands);
    let (style, options) = (assets.style.clone(), assets.options.clone());
    let navigation = around.section.map(|here| navigation(here, sections));
    view! {
        <!DOCTYPE html>
        <html lang=language().tag()>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <title>{whole}</title>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                <link rel="stylesheet" href=style/>
                {bundle.map(|(script, wasm)| islands(script, wasm))}
                {around.times.then(local_times)}
                {rest_buttons()}
                <AutoReload options/>
            </head>
            <body>
                <a class="skip" href="#main">{t("skip")}</a>
                <header class="top">
                    <a class="brand" href="/">
                        <svg viewBox="0 0 24 24" width="28" height="28" aria-hidden="true" focusable="false">
                            <circle cx="8" cy="8" r="5"/>
                            <path d="M11.6 11.6 20 20m-3.5-3.5 2.5-2.5m-5 0 1.8-1.8"/>
                        </svg>
                        {t("service")}
                    </a>
                    {sign_out.map(sign_out_form)}
                </header>
                {navigation}
                <main id="main" tabindex="-1">
                    {notice.map(said)}
                    {content}
                </main>
                <footer class="bottom">
                    <a href="/docs">{t("json-routes")}</a>
                    {languages(here)}
                </footer>
            </body>
        </html>
    }
}

/// On every page that knows who is signed in (SE-09): not on the API documentation or errors.
fn sign_out_form(token: String) -> impl IntoView {
    view! {
        <form method="post" action="/api/sign_out">
            <input type="hidden" name=TOKEN_FIELD value=token/>
            <button type="submit" class="button quiet">{t("sign-out")}</button>
        </form>
    }
}

/// The notice about what was just done, to be seen and heard.
fn said(notice: &Notice) -> impl IntoView + use<> {
    let name = format!("saved-{}", notice.word);
    let text = match notice.at {
        Some(at) => language().text_with(&name, &[("date", day_in_words(language(), at).into())]),
        None => language().text(&name),
    };
    view! { <p class="saved" role="status">{text}</p> }
}

fn navigation(here: Section, sections: &[Section]) -> impl IntoView + use<> {
    let links = sections.iter().map(|section| {
        let current = (section.page == here.page).then_some("page");
        let words = language().text(section.name);
        view! { <li><a href=section.page aria-current=current>{words}</a></li> }
    });
    view! {
        <nav class="sections" aria-label=t("account-navigation")>
            <ul>{links.collect::<Vec<_>>()}</ul>
        </nav>
    }
}

/// The language switch: every language in its own words.
fn languages(here: &str) -> impl IntoView + use<> {
    let next: String = form_urlencoded::byte_serialize(here.as_bytes()).collect();
    let links = Language::ALL.map(|(other, tag, _)| {
        let name = other.text("language");
        if other == language() {
            view! { <li><span aria-current="true">{name}</span></li> }.into_any()
        } else {
            let href = format!("/language/{tag}?next={next}");
            view! { <li><a href=href lang=tag hreflang=tag>{name}</a></li> }.into_any()
        }
    });
    view! {
        <nav class="languages" aria-label=t("languages")>
            <ul>{links.into_iter().collect::<Vec<_>>()}</ul>
        </nav>
    }
}

/// Brings the islands of the page to life. leptos's own `HydrationScripts` looks for the hashed
/// names beside the executable, where a single binary has nothing, and its preload has no nonce.
fn islands(script: String, wasm: String) -> impl IntoView {
    let nonce = use_nonce();
    let start =
        include_str!("start_islands.js").replace("{script}", &script).replace("{wasm}", &wasm);
    view! {
        <link rel="modulepreload" href=script nonce=nonce.clone()/>
        <script nonce=nonce type="module" inner_html=start></script>
    }
}

/// Keeps a second click from sending a form again.
fn rest_buttons() -> impl IntoView {
    let nonce = use_nonce();
    view! { <script nonce=nonce type="module" inner_html=include_str!("rest_buttons.js")></script> }
}

fn local_times() -> impl IntoView {
    let nonce = use_nonce();
    view! { <script nonce=nonce type="module" inner_html=include_str!("local_times.js")></script> }
}
