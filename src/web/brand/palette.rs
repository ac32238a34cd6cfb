//! The palette: every color of the pages, made of one (OKLCH, CSS Color 4).
//!
//! The operator's color is the accent of the light theme exactly as given: buttons, links, the
//! current page. So it must be readable on every light ground; if it is not, the nearest color of
//! the same hue that is readable is named. Everything else is made of its hue and of a little of its
//! chroma.

use color::{Oklch, OpaqueColor, Srgb, parse_color};

/// Latchkey's own color, of which `style/tokens.css` has the palette.
pub(crate) const OWN: &str = "#0f5e5a";

/// WCAG 2.2, 1.4.3: the contrast of text.
const READABLE: f32 = 4.5;

/// The lightness, chroma and hue of OKLCH.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Shade {
    lightness: f32,
    chroma: f32,
    hue: f32,
}

impl Shade {
    fn of(color: OpaqueColor<Srgb>) -> Self {
        let [lightness, chroma, hue] = color.convert::<Oklch>().components;
        Self { lightness, chroma, hue: if hue.is_finite() { hue } else { 0.0 } }
    }

    /// The color on a screen. What no screen can show loses chroma until it can.
    fn color(self) -> OpaqueColor<Srgb> {
        let at = |chroma: f32| OpaqueColor::<Oklch>::new([self.lightness, chroma, self.hue]);
        let is_shown = |color: &OpaqueColor<Srgb>| {
            color.components.iter().all(|part| (-0.001..=1.001).contains(part))
        };
        let mut chroma = self.chroma;
        loop {
            let color = at(chroma).convert::<Srgb>();
            if is_shown(&color) || chroma <= 0.0 {
                // As it is written, so that its contrast is that of the written color.
                let [r, g, b, _] = color.to_rgba8().to_u8_array();
                return OpaqueColor::from_rgb8(r, g, b);
            }
            chroma = (chroma - 0.002).max(0.0);
        }
    }

    fn with_lightness(self, lightness: f32) -> Self {
        Self { lightness, ..self }
    }

    /// The same hue, with at most this chroma.
    fn tint(self, lightness: f32, chroma: f32) -> Self {
        Self { lightness, chroma: self.chroma.min(chroma), hue: self.hue }
    }
}

/// The contrast of two colors, from 1 to 21 (WCAG 2.2, "contrast ratio").
fn contrast(one: OpaqueColor<Srgb>, other: OpaqueColor<Srgb>) -> f32 {
    let (one, other) = (one.relative_luminance(), other.relative_luminance());
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

fn hex(color: OpaqueColor<Srgb>) -> String {
    let [r, g, b, _] = color.to_rgba8().to_u8_array();
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// A theme: the colors of `style/tokens.css`, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Theme(Vec<(&'static str, String)>);

impl Theme {
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| *known == name).map_or("", |(_, color)| color)
    }

    /// The declarations, each on a line with `indent` before it.
    #[must_use]
    pub fn declarations(&self, indent: &str) -> String {
        self.0.iter().map(|(name, color)| format!("{indent}--{name}: {color};\n")).collect()
    }
}

/// Both themes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Palette {
    pub light: Theme,
    pub dark: Theme,
}

impl Palette {
    /// The palette of a color in any notation of CSS, or what is wrong with the color.
    pub fn of(text: &str) -> Result<Self, String> {
        let color = parse_color(text.trim()).ok().filter(|color| color.components[3] >= 1.0);
        let color =
            color.ok_or("must be an opaque CSS color, for example #0f5e5a or rebeccapurple")?;
        let [r, g, b, _] = color.to_alpha_color::<Srgb>().to_rgba8().to_u8_array();
        let given: OpaqueColor<Srgb> = OpaqueColor::from_rgb8(r, g, b);
        let brand = Shade::of(given);
        let light = light(given);
        let reached = light.least_contrast();
        if reached >= READABLE {
            return Ok(Self { light: light.theme(), dark: dark(brand).theme() });
        }
        let darker = (0..1000_u16).map(|step| brand.lightness - f32::from(step) / 1000.0);
        let mut darker = darker.map(|lightness| brand.with_lightness(lightness).color());
        let nearest = darker.find(|color| self::light(*color).least_contrast() >= READABLE);
        // Rounded down: 4.499 is not 4.5.
        let reached = (reached * 100.0).floor() / 100.0;
        Err(format!(
            "{} is too light: text in it would have a contrast of {reached:.2} to 1, and WCAG AA \
             asks for 4.5; the nearest color that passes is {}",
            hex(given),
            hex(nearest.unwrap_or(OpaqueColor::BLACK)),
        ))
    }
}

/// A theme in the making.
struct Draft {
    ground: OpaqueColor<Srgb>,
    surface: OpaqueColor<Srgb>,
    line: OpaqueColor<Srgb>,
    edge: OpaqueColor<Srgb>,
    ink: OpaqueColor<Srgb>,
    ink_soft: OpaqueColor<Srgb>,
    accent: OpaqueColor<Srgb>,
    accent_strong: OpaqueColor<Srgb>,
    accent_soft: OpaqueColor<Srgb>,
    on_accent: OpaqueColor<Srgb>,
}

impl Draft {
    /// The least contrast between the accent and what it is on, or what is on it.
    fn least_contrast(&self) -> f32 {
        let pairs = [
            (self.accent, self.ground),
            (self.accent, self.surface),
            (self.accent, self.accent_soft),
            (self.accent, self.on_accent),
            (self.accent_strong, self.on_accent),
        ];
        pairs.into_iter().map(|(one, other)| contrast(one, other)).fold(f32::MAX, f32::min)
    }

    fn theme(&self) -> Theme {
        let named = [
            ("ground", self.ground),
            ("surface", self.surface),
            ("line", self.line),
            ("edge", self.edge),
            ("ink", self.ink),
            ("ink-soft", self.ink_soft),
            ("accent", self.accent),
            ("accent-strong", self.accent_strong),
            ("accent-soft", self.accent_soft),
            ("on-accent", self.on_accent),
        ];
        Theme(named.into_iter().map(|(name, color)| (name, hex(color))).collect())
    }
}

/// The brand's color as it is.
fn light(accent: OpaqueColor<Srgb>) -> Draft {
    let brand = Shade::of(accent);
    // What is nearly black can only become lighter.
    let strong =
        if brand.lightness < 0.3 { brand.lightness + 0.12 } else { brand.lightness - 0.08 };
    Draft {
        ground: brand.tint(0.972, 0.004).color(),
        surface: OpaqueColor::WHITE,
        line: brand.tint(0.885, 0.01).color(),
        edge: brand.tint(0.57, 0.02).color(),
        ink: brand.tint(0.235, 0.02).color(),
        ink_soft: brand.tint(0.45, 0.02).color(),
        accent,
        accent_strong: brand.with_lightness(strong).color(),
        accent_soft: brand.tint(0.95, 0.02).color(),
        on_accent: OpaqueColor::WHITE,
    }
}

/// The brand's hue, light enough to be easy to read on dark grounds.
fn dark(brand: Shade) -> Draft {
    Draft {
        ground: brand.tint(0.19, 0.012).color(),
        surface: brand.tint(0.235, 0.014).color(),
        line: brand.tint(0.36, 0.018).color(),
        edge: brand.tint(0.66, 0.02).color(),
        ink: brand.tint(0.945, 0.008).color(),
        ink_soft: brand.tint(0.78, 0.015).color(),
        accent: brand.tint(0.79, 0.13).color(),
        accent_strong: brand.tint(0.86, 0.1).color(),
        accent_soft: brand.tint(0.3, 0.04).color(),
        on_accent: brand.tint(0.2, 0.03).color(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// WCAG 2.2, 1.4.11: the contrast of the edge of a control.
    const VISIBLE: f32 = 3.0;

    fn parsed(text: &str) -> OpaqueColor<Srgb> {
        parse_color(text).expect("a color").to_alpha_color::<Srgb>().discard_alpha()
    }

    /// Checks every pair of colors that pages put on each other.
    fn is_readable(theme: &Theme) {
        for (text, ground) in [
            ("ink", "ground"),
            ("ink", "surface"),
            ("ink", "accent-soft"),
            ("ink-soft", "ground"),
            ("ink-soft", "surface"),
            ("accent", "ground"),
            ("accent", "surface"),
            ("accent", "accent-soft"),
            ("accent-strong", "ground"),
            ("accent-strong", "surface"),
            ("on-accent", "accent"),
            ("on-accent", "accent-strong"),
        ] {
            let reached = contrast(parsed(theme.get(text)), parsed(theme.get(ground)));
            assert!(reached >= READABLE, "{text} on {ground}: {reached} in {theme:?}");
        }
        for ground in ["ground", "surface"] {
            let reached = contrast(parsed(theme.get("edge")), parsed(theme.get(ground)));
            assert!(reached >= VISIBLE, "edge on {ground}: {reached} in {theme:?}");
        }
    }

    #[test]
    fn the_style_sheet_has_the_palette_of_our_own_color() {
        let style = include_str!("../../../style/tokens.css");
        let palette = Palette::of(OWN).expect("a palette");
        for (theme, indent) in [(palette.light, "  "), (palette.dark, "    ")] {
            let wanted = theme.declarations(indent);
            assert!(style.contains(&wanted), "style/tokens.css should have\n{wanted}");
        }
    }

    #[test]
    fn a_color_that_is_too_light_is_refused_with_the_nearest_that_passes() {
        for text in ["#ffcc00", "white", "hotpink", "#7fd6a2", "oklch(0.9 0.3 120)"] {
            let refused = Palette::of(text).expect_err(text);
            let nearest = refused.rsplit(' ').next().expect("a color");
            assert!(Palette::of(nearest).is_ok(), "{refused}");
        }
        for text in ["", "blurple", "#12", "#0f5e5a80", "url(x)", "red;}"] {
            let refused = Palette::of(text).expect_err(text);
            assert!(refused.starts_with("must be an opaque CSS color"), "{text}: {refused}");
        }
    }

    #[test]
    fn the_color_stays_as_it_was_given() {
        for (text, hex) in
            [("#7434A8", "#7434a8"), ("rebeccapurple", "#663399"), ("#000", "#000000")]
        {
            let palette = Palette::of(text).expect(text);
            assert_eq!(palette.light.get("accent"), hex);
        }
    }

    proptest! {
        #[test]
        fn every_palette_is_readable_and_every_refusal_names_one_that_is(rgb in any::<[u8; 3]>()) {
            let [r, g, b] = rgb;
            let palette = Palette::of(&format!("#{r:02x}{g:02x}{b:02x}")).or_else(|refused| {
                Palette::of(refused.rsplit(' ').next().expect("a color"))
            });
            let palette = palette.expect("one of them passes");
            is_readable(&palette.light);
            is_readable(&palette.dark);
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in "\\PC{0,40}") {
            let _ = Palette::of(&text);
        }
    }
}
