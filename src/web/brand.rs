//! The operator's name on every page: name, logo, color, links.

pub(crate) mod palette;
mod settings;

use std::fmt::Write;

use aws_lc_rs::digest::{SHA256, digest};
use axum::{
    Extension,
    body::Bytes,
    extract::{MatchedPath, Path, Request, State, rejection::PathRejection},
    http::header,
    response::{IntoResponse, Redirect, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use leptos::prelude::use_context;

use self::palette::Palette;
pub use self::settings::{BrandSettings, Link, Logo};
use super::{assets, routes::Map, sending::OneCopy, state::AppState};
use crate::{
    platform::error::{Error, Refusal},
    texts::t_with,
};

/// Our own name, where the operator has set none.
pub const OWN_NAME: &str = "Latchkey";

pub(crate) fn routes(map: &mut Map) {
    map.asset("/brand/{file}", serve);
    for icon in [FAVICON, "/favicon.ico", TOUCH_ICON] {
        map.asset(icon, icon_by_habit);
    }
}

const FAVICON: &str = "/favicon.svg";
const TOUCH_ICON: &str = "/apple-touch-icon.png";

/// An icon at the address where browsers look for it without reading the page.
async fn icon_by_habit(
    State(state): State<AppState>,
    path: MatchedPath,
    request: Request,
) -> Result<Response, Error> {
    let brand = &state.brand;
    let icon = match path.as_str() {
        TOUCH_ICON => brand.touch_icon.as_deref().ok_or(Refusal::NotFound)?,
        _ => &brand.icon,
    };
    if [FAVICON, TOUCH_ICON].contains(&icon) {
        return assets::serve(path, request).await;
    }
    Ok(Redirect::temporary(icon).into_response())
}

/// The operator's name, on the page that is being rendered.
fn name() -> String {
    use_context::<AppState>().map(|state| state.brand.name.clone()).unwrap_or_default()
}

/// Where somebody who has forgotten the password gets on: by mail, or with the operator's help.
pub(crate) fn way_back_in() -> Option<String> {
    let has_mail = use_context::<AppState>()?.mail.is_some();
    if has_mail { Some("/forgot-password".to_owned()) } else { support_url() }
}

/// The host that passkeys are for.
pub(crate) fn passkeys_home() -> Option<String> {
    Some(use_context::<AppState>()?.home.id.clone())
}

/// Whether nobody is let in before their address is verified.
pub(crate) fn must_verify() -> bool {
    use_context::<AppState>().is_some_and(|state| state.settings.mail.required)
}

/// Where people get help, if the operator says so.
pub(crate) fn support_url() -> Option<String> {
    use_context::<AppState>()?.brand.support.clone()
}

/// A text that mentions the operator's name.
pub(crate) fn t_brand(text: &str) -> String {
    t_with(text, &[("brand", name().into())])
}

/// The title of a page as the browser shows it.
pub(crate) fn page_title(title: String) -> String {
    t_with("page-title", &[("brand", name().into()), ("title", title.into())])
}

/// What every page shows of the operator.
pub struct Brand {
    pub name: String,
    /// Whether the operator has set a name.
    pub is_set: bool,
    pub links: Vec<Link>,
    pub support: Option<String>,
    /// Whether the footer says who made this.
    pub credits: bool,
    /// The ground of the pages in the light and in the dark theme, for the browser's own frame.
    pub grounds: [String; 2],
    /// The address of the logo.
    pub logo: Option<String>,
    /// The address of the icon of the tab.
    pub icon: String,
    /// The address of the icon on a home screen: a PNG.
    pub touch_icon: Option<String>,
    /// The address of the style sheet with the operator's colors.
    pub style: Option<String>,
    files: Vec<File>,
}

/// A file that is made of the settings.
struct File {
    /// Its hash, and the ending of its kind.
    name: String,
    content_type: &'static str,
    bytes: Bytes,
}

impl File {
    fn new(ending: &str, content_type: &'static str, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let hash = URL_SAFE_NO_PAD.encode(&digest(&SHA256, &bytes).as_ref()[..12]);
        Self { name: format!("{hash}.{ending}"), content_type, bytes }
    }

    fn address(&self) -> String {
        format!("/brand/{}", self.name)
    }
}

impl Brand {
    #[must_use]
    pub fn new(settings: &BrandSettings) -> Self {
        let is_set = settings.name.is_some();
        let (name, palette) = (settings.name(), settings.palette());
        let mut files = Vec::new();
        let mut add = |file: File| {
            let address = file.address();
            files.push(file);
            address
        };
        let logo = settings.logo.as_ref().map(|logo| match logo {
            Logo::Svg(bytes) => add(File::new("svg", SVG, bytes.clone())),
            Logo::Png(bytes) => add(File::new("png", "image/png", bytes.clone())),
        });
        let style = settings.color.is_some().then(|| add(File::new("css", CSS, style(&palette))));
        let touch_icon = match settings.logo {
            Some(Logo::Png(_)) => logo.clone(),
            _ => (!is_set).then(|| TOUCH_ICON.to_owned()),
        };
        let icon = match &logo {
            Some(logo) => logo.clone(),
            None if is_set => add(File::new("svg", SVG, monogram(&name, &palette))),
            None => FAVICON.to_owned(),
        };
        let grounds = [&palette.light, &palette.dark].map(|theme| theme.get("ground").to_owned());
        Self {
            name,
            is_set,
            links: settings.links.clone(),
            support: settings.support.clone(),
            credits: is_set && settings.credits,
            grounds,
            logo,
            icon,
            touch_icon,
            style,
            files,
        }
    }
}

const SVG: &str = "image/svg+xml; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";

/// The style sheet that replaces the colors of `tokens.css`.
fn style(palette: &Palette) -> String {
    let (light, dark) = (palette.light.declarations(""), palette.dark.declarations(""));
    format!(":root{{\n{light}}}\n@media (prefers-color-scheme: dark){{:root{{\n{dark}}}}}\n")
}

/// The icon of a tab where there is no logo: the first letter of the name.
fn monogram(name: &str, palette: &Palette) -> String {
    let letter = name.chars().next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    let mut escaped = String::new();
    for c in letter.chars() {
        _ = write!(escaped, "&#{};", u32::from(c));
    }
    let color = palette.light.get("accent");
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 32 32\"><rect width=\"32\" \
         height=\"32\" rx=\"7\" fill=\"{color}\"/><text x=\"16\" y=\"22.5\" font-size=\"18\" \
         font-weight=\"600\" font-family=\"system-ui,sans-serif\" text-anchor=\"middle\" \
         fill=\"#fff\">{escaped}</text></svg>"
    )
}

/// For a file of the operator's that somebody opens by itself: an SVG there can run nothing, load
/// nothing, and is of no origin.
const NOTHING_RUNS: &str =
    "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'";

async fn serve(
    State(state): State<AppState>,
    file: Result<Path<String>, PathRejection>,
) -> Result<Response, Error> {
    let name = file.map(|Path(name)| name).unwrap_or_default();
    let file = state.brand.files.iter().find(|file| file.name == name).ok_or(Refusal::NotFound)?;
    let headers = [
        (header::CONTENT_TYPE, file.content_type),
        (header::CONTENT_SECURITY_POLICY, NOTHING_RUNS),
        // Its name has the hash of its content.
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    Ok((Extension(OneCopy), headers, file.bytes.clone()).into_response())
}

#[cfg(test)]
mod tests {
    use super::{palette::OWN, *};

    #[test]
    fn the_first_letter_of_a_name_is_no_markup() {
        let palette = Palette::of(OWN).expect("a palette");
        for (name, letter) in [("acme", "&#65;"), ("<b>", "&#60;"), ("ßtore", "&#83;&#83;")] {
            assert!(monogram(name, &palette).contains(&format!(">{letter}</text>")), "{name}");
        }
    }
}
