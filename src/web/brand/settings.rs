//! The settings of the operator's name.

use std::{fs, path::Path};

use axum::body::Bytes;
use url::Url;

use super::{
    OWN_NAME,
    palette::{OWN, Palette},
};
use crate::{
    domain::FullName,
    platform::settings::{BadSetting, bad, settings, switch},
};

settings! {
    /// The settings of the operator's name.
    pub struct BrandSettings {
        name: Option<String> = given("BRAND_NAME", "Latchkey", name, "Example"),
            "the name of your service, on every page";
        logo: Option<Logo> = given("BRAND_LOGO", "none", Logo::read, "/etc/latchkey/logo.svg"),
            "a file with your logo: SVG or PNG, at most 256 KiB",
            "It is read at the start.";
        color: Option<Palette> = given("BRAND_COLOR", "#0f5e5a", Palette::of, "#0f5e5a"),
            "the color of buttons and links: any CSS color",
            "The other colors of the pages, light and dark, follow from it.";
        links: Vec<Link> = or(
            "BRAND_LINKS", "none", links,
            "Imprint=https://example.org/imprint,Privacy=https://example.org/privacy"
        ),
            "links in the footer of every page, as Name=https://…,Name=https://…";
        support: Option<String> = given(
            "SUPPORT_URL", "none", address, "https://example.org/help"
        ),
            "where people get help, for example when they have forgotten their password",
            "An https:, http: or mailto: address.";
        credits: bool = or("BRAND_CREDIT", "yes", |text| switch(text, "yes", "no")),
            "whether the footer of a page with your name says \"Powered by Latchkey\": yes or no";
    }
}

/// Code points. A longer name would fill a phone's screen.
const MAX_NAME: usize = 40;

const MAX_LINKS: usize = 8;

/// The largest logo, in bytes.
const MAX_LOGO: usize = 256 * 1024;

/// A logo, as it is in its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Logo {
    Svg(Bytes),
    Png(Bytes),
}

impl Logo {
    fn read(path: &str) -> Result<Self, String> {
        let size = fs::metadata(Path::new(path))
            .map_err(|error| format!("cannot read {path}: {error}"))?;
        if !size.is_file() || size.len() > MAX_LOGO as u64 {
            return Err("must be a file of at most 256 KiB".into());
        }
        let bytes = fs::read(path).map_err(|error| format!("cannot read {path}: {error}"))?;
        Self::of(bytes)
    }

    /// Goes by the content: with a wrong ending, no browser would show it.
    fn of(bytes: Vec<u8>) -> Result<Self, String> {
        if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
            // The last chunk of a whole file (PNG, section 11.2.5).
            let is_whole = bytes.ends_with(b"IEND\xae\x42\x60\x82");
            return if is_whole { Ok(Self::Png(bytes.into())) } else { Err("is cut off".into()) };
        }
        let text = std::str::from_utf8(&bytes).unwrap_or_default().trim();
        let is_svg = text.trim_start_matches('\u{feff}').starts_with('<') && text.contains("<svg");
        match text.ends_with('>') {
            true if is_svg => Ok(Self::Svg(bytes.into())),
            false if is_svg => Err("is cut off".into()),
            _ => Err("is neither an SVG nor a PNG file".into()),
        }
    }
}

impl BrandSettings {
    /// The operator's name, or ours.
    #[must_use]
    pub fn name(&self) -> String {
        self.name.clone().unwrap_or_else(|| OWN_NAME.to_owned())
    }

    pub(super) fn palette(&self) -> Palette {
        #[expect(clippy::expect_used, reason = "a test makes this palette")]
        let own = || Palette::of(OWN).expect("the palette of our own color");
        self.color.clone().unwrap_or_else(own)
    }

    /// The accent and what is written on it, in the light and in the dark theme.
    #[must_use]
    pub fn colors(&self) -> [String; 4] {
        let Palette { light, dark } = self.palette();
        [(&light, "accent"), (&light, "on-accent"), (&dark, "accent"), (&dark, "on-accent")]
            .map(|(theme, name)| theme.get(name).to_owned())
    }

    /// Checks what is only wrong in combination.
    pub(crate) fn check(&self, faults: &mut Vec<BadSetting>) {
        if self.logo.is_some()
            && self.name.is_none()
            && !faults.iter().any(|bad| bad.name == "BRAND_NAME")
        {
            faults
                .push(bad("BRAND_LOGO", "needs BRAND_NAME: your logo would stand beside our name"));
        }
    }
}

/// A link at the foot of every page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub name: String,
    pub url: String,
}

/// Like the name of a person: visible, and no characters that turn the text around.
fn name(text: &str) -> Result<String, String> {
    match FullName::parse(text).map(FullName::into_text) {
        Ok(name) if name.chars().count() <= MAX_NAME => Ok(name),
        _ => {
            Err(format!("must have 1 to {MAX_NAME} visible characters, and no control characters"))
        }
    }
}

fn links(text: &str) -> Result<Vec<Link>, String> {
    if text == "none" {
        return Ok(Vec::new());
    }
    let links = text.split(',').map(|part| {
        let (label, url) = part.split_once('=').ok_or(
            "must be Name=https://…, separated by commas; write a comma in an address as %2C",
        )?;
        Ok(Link { name: name(label)?, url: address(url)? })
    });
    let links: Vec<Link> = links.collect::<Result<_, String>>()?;
    if links.len() > MAX_LINKS {
        Err(format!("must be at most {MAX_LINKS} links"))
    } else {
        Ok(links)
    }
}

/// An address that people can follow. Anything else, `javascript:` first of all, could run.
fn address(text: &str) -> Result<String, String> {
    let url = Url::parse(text.trim()).ok();
    let url = url.filter(|url| ["https", "http", "mailto"].contains(&url.scheme()));
    url.map(Into::into)
        .ok_or_else(|| "must be an address that begins with https:, http: or mailto:".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_read_with_their_names() {
        let read = links("Imprint=https://example.org/a?b=c, Help=mailto:help@example.org");
        let read = read.expect("links");
        assert_eq!(read[0].url, "https://example.org/a?b=c");
        assert_eq!((&*read[1].name, &*read[1].url), ("Help", "mailto:help@example.org"));
        for bad in ["Imprint", "=https://x", "X=javascript:alert(1)", "X=/imprint", "a=b,", ","] {
            assert!(links(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_logo_is_known_by_its_content() {
        let svg = b"<?xml version=\"1.0\"?><svg xmlns=\"http://www.w3.org/2000/svg\"/>".to_vec();
        assert!(matches!(Logo::of(svg), Ok(Logo::Svg(_))));
        let png = b"\x89PNG\r\n\x1a\nrest IEND\xae\x42\x60\x82".to_vec();
        assert!(matches!(Logo::of(png), Ok(Logo::Png(_))));
        let cut_off = [&b"\x89PNG\r\n\x1a\nrest"[..], b"<svg width=\"3"];
        let others = [&b""[..], b"GIF89a", b"<html></html>", b"\xff\xfe<svg>", b"garbage <svg>"];
        for bad in cut_off.into_iter().chain(others) {
            assert!(Logo::of(bad.to_vec()).is_err());
        }
        assert!(Logo::read("/nowhere/logo.svg").is_err() && Logo::read("/").is_err());
    }

    #[test]
    fn a_name_fits_on_a_phone() {
        assert_eq!(name(" Tea & Co ").as_deref(), Ok("Tea & Co"));
        assert!(name(&"x".repeat(41)).is_err() && name("a\u{1b}b").is_err());
        assert!(name("a\u{202e}b").is_err() && name("\u{200b}").is_err());
    }
}
