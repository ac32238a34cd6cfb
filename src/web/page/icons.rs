//! The icons: unchanged files of Lucide 1.62.0 (ISC; `icons/LICENSE`), written into the page.

use leptos::prelude::*;

/// An icon: the text of its file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Icon(&'static str);

macro_rules! icons {
    ($($name:ident = $file:literal;)*) => {
        $(pub(crate) const $name: Icon = Icon(include_str!(concat!("icons/", $file, ".svg")));)*

        /// Every icon, for the page of the components.
        pub(crate) const ICONS: &[(&str, Icon)] = &[$(($file, $name)),*];
    };
}

icons! {
    ALERT = "circle-alert";
    CHART = "chart-column";
    CLOCK = "clock";
    DATABASE = "database";
    DONE = "circle-check";
    DOWNLOAD = "download";
    EMPTY = "inbox";
    EYE = "eye";
    EYE_OFF = "eye-off";
    GRID = "layout-grid";
    GROUP = "users-round";
    HISTORY = "history";
    HOUSE = "house";
    INFO = "info";
    KEY = "key-round";
    LOG_OUT = "log-out";
    MAIL = "mail";
    MONITOR = "monitor";
    PHONE = "smartphone";
    QR = "qr-code";
    SEND = "send";
    SETTINGS = "settings";
    SHIELD = "shield-check";
    TABLET = "tablet";
    TERMINAL = "terminal";
    TICKET = "ticket";
    UNKNOWN = "circle-question-mark";
    USER = "user";
    USERS = "users";
    WARNING = "triangle-alert";
    WEBHOOK = "webhook";
}

impl Icon {
    /// The icon, as decoration: words beside it say the same. `base.css` draws it.
    pub(crate) fn view(self) -> impl IntoView + use<> {
        view! {
            <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false"
                inner_html=self.shapes()></svg>
        }
    }

    /// What is inside the `<svg>` of its file.
    fn shapes(self) -> String {
        let inside = self.0.split_once("<svg").and_then(|(_, svg)| svg.split_once('>'));
        let shapes = inside.map_or("", |(_, shapes)| shapes.trim_end().trim_end_matches("</svg>"));
        shapes.lines().map(str::trim).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_icon_has_its_shapes() {
        for (name, icon) in ICONS {
            let shapes = icon.shapes();
            assert!(shapes.starts_with('<') && shapes.ends_with("/>"), "{name}: {shapes}");
            assert!(!shapes.contains("svg"), "{name}: {shapes}");
        }
    }
}
