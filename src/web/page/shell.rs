//! The frame of every page.

use leptos::{hydration::AutoReload, nonce::use_nonce, prelude::*};

use super::{
    Around, Frame, Section, Title,
    avatar::avatar,
    icons::{DONE, INFO, KEY, LOG_OUT, WARNING},
};
use crate::{
    texts::{Language, language, t},
    web::{
        brand::{Brand, page_title, t_brand},
        form::TOKEN_FIELD,
        notices::{Notice, PASSKEY_OFFER},
        state::AppState,
        viewer::Viewer,
    },
};

/// The id of the form of a page whose language can be changed without losing what is typed.
pub(crate) const FORM: &str = "form";

/// The field by which a form asks for itself in another language.
pub(crate) const LANGUAGE_FIELD: &str = "form_language";

/// Copies code.
pub(crate) const COPY_SCRIPT: &str = include_str!("copy_code.js");

pub(crate) fn page(
    state: &AppState,
    viewer: &Viewer,
    around: &Around,
    content: AnyView,
) -> impl IntoView + use<> {
    let brand = &state.brand;
    let centered = matches!(around.frame, Frame::Centered) && viewer.caller.is_none();
    let navigation = match around.frame {
        Frame::Account(here) => {
            let admin = viewer.administers.then(|| state.routes.admin_sections.first()).flatten();
            Some(navigation(here, &state.routes.sections, admin, "account-navigation"))
        }
        Frame::Admin(here) => {
            Some(navigation(here, &state.routes.admin_sections, None, "admin-navigation"))
        }
        _ => None,
    };
    let frame = match around.frame {
        Frame::Account(_) | Frame::Admin(_) => "frame account",
        Frame::Docs => "frame account docs",
        Frame::Wide | Frame::Centered => "frame",
    };
    let notice = viewer.notice.as_ref().and_then(said);
    let offer = offers_passkey(viewer).then(|| offer(viewer.form_token(state).unwrap_or_default()));
    let main = view! { {notice}{offer}{content} };
    // The page of the documentation brings its own navigation along.
    let main = match around.frame {
        Frame::Docs => main.into_any(),
        _ => view! { <main id="main" tabindex="-1">{main}</main> }.into_any(),
    };
    view! {
        <!DOCTYPE html>
        <html lang=language().tag()>
            {head(state, around, offers_passkey(viewer))}
            <body class=centered.then_some("centered")>
                <a class="skip" href="#main">{t("skip")}</a>
                <header class="top">
                    {brand_link(brand)}
                    {account_menu(state, viewer)}
                </header>
                <div class=frame>{navigation}{main}</div>
                <footer class="bottom">
                    {links(brand)}
                    {languages(&viewer.here, around.keeps_form)}
                </footer>
            </body>
        </html>
    }
}

fn head(state: &AppState, around: &Around, offers: bool) -> impl IntoView + use<> {
    let (brand, assets) = (&state.brand, &state.assets);
    let title = match &around.title {
        Title::Brand => brand.name.clone(),
        Title::Name(name) => page_title(t_brand(name)),
        Title::Text(text) => page_title(text.clone()),
    };
    let title = if around.wrong {
        language().text_with("page-title-wrong", &[("title", title.into())])
    } else {
        title
    };
    let bundle = assets.bundle.clone().filter(|_| around.islands);
    let [light, dark] = brand.grounds.clone();
    let touch_icon = brand.touch_icon.clone();
    let touch_icon = touch_icon.map(|icon| view! { <link rel="apple-touch-icon" href=icon/> });
    let style = brand.style.clone();
    let style = style.map(|style| view! { <link rel="stylesheet" href=style/> });
    view! {
        <head>
            <meta charset="utf-8"/>
            <meta name="viewport" content="width=device-width, initial-scale=1"/>
            <meta name="color-scheme" content="light dark"/>
            {theme_color(light, "(prefers-color-scheme: light)")}
            {theme_color(dark, "(prefers-color-scheme: dark)")}
            <meta name="description" content=t_brand("description")/>
            <title>{title}</title>
            <link rel="icon" href=brand.icon.clone()/>
            {touch_icon}
            <link rel="stylesheet" href=assets.style.clone()/>
            {style}
            {bundle.map(|(script, wasm)| islands(script, wasm))}
            {around.times.then(|| script(include_str!("local_times.js")))}
            {around.code.then(|| script(COPY_SCRIPT))}
            {around.new_password.then(|| script(include_str!("common_passwords.js")))}
            {(around.passkeys || offers).then(|| script(include_str!("passkeys.js")))}
            {script(include_str!("rest_buttons.js"))}
            <AutoReload options=assets.options.clone()/>
        </head>
    }
}

/// The color of the browser's own frame.
fn theme_color(color: String, media: &'static str) -> impl IntoView {
    leptos::html::meta().name("theme-color").content(color).attr("media", media)
}

fn brand_link(brand: &Brand) -> impl IntoView + use<> {
    let name = brand.name.clone();
    match (&brand.logo, brand.is_set) {
        (Some(logo), _) => view! {
            <a class="brand" href="/"><img src=logo.clone() alt=""/><span dir="auto">{name}</span></a>
        }
        .into_any(),
        (None, true) => view! { <a class="brand" href="/"><span dir="auto">{name}</span></a> }.into_any(),
        (None, false) => view! {
            <a class="brand" href="/">
                <img src="/favicon.svg" alt="" width="32" height="32"/>
                {name}
            </a>
        }
        .into_any(),
    }
}

/// Who is signed in, with the way out, on every page (SE-09).
fn account_menu(state: &AppState, viewer: &Viewer) -> Option<impl IntoView + use<>> {
    let profile = viewer.caller.as_ref()?.profile();
    let token = viewer.form_token(state).ok()?;
    let name = profile.display_name().to_owned();
    Some(view! {
        <div class="account-menu">
            <a class="who" href="/account">
                {avatar(profile, false)}
                <span dir="auto">{name}</span>
            </a>
            <form method="post" action="/api/sign_out">
                <input type="hidden" name=TOKEN_FIELD value=token/>
                <button type="submit" class="button quiet small">
                    {LOG_OUT.view()} {t("sign-out")}
                </button>
            </form>
        </div>
    })
}

/// Whether the viewer has just signed in with a password, and could do so with a passkey next time.
fn offers_passkey(viewer: &Viewer) -> bool {
    let is_offer = |notice: &Notice| notice.word == PASSKEY_OFFER.word;
    viewer.caller.is_some() && viewer.notice.as_ref().is_some_and(is_offer)
}

/// The offer of a passkey, only where the browser knows passkeys.
fn offer(token: String) -> impl IntoView + use<> {
    view! {
        <section class="notice info offer" aria-labelledby="offer" data-with-passkeys hidden>
            {KEY.view()}
            <div>
                <p class="what" id="offer">{t("offer-passkey")}</p>
                <p>{t("offer-passkey-how")}</p>
                <div class="actions">
                    <a class="button small" href="/account/security/passkey">{t("offer-passkey-yes")}</a>
                    <form method="post" action="/api/decline_passkey_offer">
                        <input type="hidden" name=TOKEN_FIELD value=token/>
                        <button type="submit" class="button quiet small">{t("offer-passkey-no")}</button>
                    </form>
                </div>
            </div>
        </section>
    }
}

/// The notice about what was just done. It takes the focus: a screen reader says nothing of a live
/// region that is there from the start.
fn said(notice: &Notice) -> Option<impl IntoView + use<>> {
    if notice.word == PASSKEY_OFFER.word {
        return None;
    }
    let name = format!("saved-{}", notice.word);
    let text = match notice.at {
        Some(at) => language().text_with(&name, &[("date", language().date(at).into())]),
        None => language().text(&name),
    };
    // What was done is good news, but for these.
    let (class, icon) = match &*notice.word {
        "over" | "signed-out" => ("notice info", INFO),
        "deleted" | "device-over" | "not-done" | "few-codes" | "second-factor-over" => {
            ("notice warn", WARNING)
        }
        word if word.starts_with("provider-") => ("notice warn", WARNING),
        "identity-linked-to-another" | "identity-too-many" => ("notice warn", WARNING),
        _ => ("notice", DONE),
    };
    Some(view! {
        <div class=class role="status" tabindex="-1" autofocus>
            {icon.view()}
            <p>{text}</p>
        </div>
    })
}

/// `other`: the section of another navigation, at the end.
fn navigation(
    here: Section,
    sections: &[Section],
    other: Option<&Section>,
    label: &'static str,
) -> impl IntoView + use<> {
    let links = sections.iter().chain(other).map(|section| {
        let current = (section.page == here.page).then_some("page");
        let words = language().text(section.name);
        view! {
            <li><a href=section.page aria-current=current>{section.icon.view()} {words}</a></li>
        }
    });
    view! {
        <nav class="side" aria-label=language().text(label)>
            <ul>{links.collect::<Vec<_>>()}</ul>
        </nav>
    }
}

fn links(brand: &Brand) -> Option<impl IntoView + use<>> {
    let own = (!brand.is_set).then(|| view! { <li><a href="/docs">{t("json-routes")}</a></li> });
    let help = brand.support.clone();
    let help = help.map(|url| view! { <li><a href=url>{t("help")}</a></li> });
    let named = brand.links.iter().map(|link| {
        view! { <li><a href=link.url.clone() dir="auto">{link.name.clone()}</a></li> }
    });
    let named: Vec<_> = named.collect();
    let credit = brand.credits.then(|| view! { <li><span>{t("credit")}</span></li> });
    let is_empty = own.is_none() && help.is_none() && named.is_empty() && credit.is_none();
    (!is_empty).then(|| view! { <ul>{help}{named}{own}{credit}</ul> })
}

/// The language switch: every language in its own words. On a page with a form it submits the form,
/// so that nothing typed is lost.
fn languages(here: &str, keeps_form: bool) -> impl IntoView + use<> {
    let next: String = form_urlencoded::byte_serialize(here.as_bytes()).collect();
    let links = Language::ALL.map(|(other, tag, _)| {
        let name = other.text("language");
        if other == language() {
            view! { <li><span aria-current="true">{name}</span></li> }.into_any()
        } else if keeps_form {
            view! {
                <li>
                    <button type="submit" form=FORM formnovalidate name=LANGUAGE_FIELD value=tag lang=tag>
                        {name}
                    </button>
                </li>
            }
            .into_any()
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
fn islands(module: String, wasm: String) -> impl IntoView {
    let start =
        include_str!("start_islands.js").replace("{script}", &module).replace("{wasm}", &wasm);
    view! {
        <link rel="modulepreload" href=module nonce=use_nonce()/>
        {script(&start)}
    }
}

/// A script of ours, which holds no user's text.
pub(crate) fn script(text: &str) -> impl IntoView + use<> {
    view! { <script nonce=use_nonce() type="module" inner_html=text.to_owned()></script> }
}
