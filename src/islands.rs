//! The spots of a page that come to life in the browser.
//!
//! There is one: it stands around a form, listens to what happens in it, says what is wrong with a
//! field as soon as one leaves it, by the light rules of the domain, and shows the password if one
//! wants to see it. It never keeps a form from being sent: only the server refuses.
//!
//! The fields themselves are plain HTML of the server (`web/page/parts.rs`), and the island has no
//! properties: what it needs to know stands on the fields. Reading properties from JSON would make
//! the bundle half as large again (62 KB in brotli instead of 41).

use leptos::{
    ev,
    prelude::*,
    wasm_bindgen::JsCast,
    web_sys::{Element, HtmlElement, HtmlInputElement},
};

use crate::domain::{FullName, Password, PasswordPolicy, Username};

/// On a field: the light rule that it follows. A field without it is never judged here.
const RULE: &str = "data-rule";

/// On a new password: the least number of code points.
const MIN_LENGTH: &str = "data-min-length";

/// The class of the button that shows the password. `main.css` hides it until the island is alive.
pub const REVEAL: &str = "reveal";

/// The names of the light rules.
pub const RULES: [&str; 3] = ["username", "fullName", "password"];

/// Makes the form in it answer at once.
#[island]
pub fn LiveForm(children: Children) -> impl IntoView {
    view! {
        <div on:focusout=judge on:input=forgive on:click=reveal on:submit=conceal>{children()}</div>
    }
}

/// Whoever goes on from a field is told what is wrong with it. Not on the way to the button that
/// sends the form: a message would move the button away from under the pointer, and the click would
/// be lost. (Safari does not say that a button gets the focus, so nowhere counts as there.)
fn judge(event: ev::FocusEvent) {
    let sends = |next: &Element| next.get_attribute("type").as_deref() == Some("submit");
    let next = event.related_target().and_then(|next| next.dyn_into::<Element>().ok());
    if next.is_some_and(|next| !sends(&next))
        && let Some(input) = target::<HtmlInputElement>(&event)
        && let Some(message) = verdict(&input)
    {
        tell(&input, &message);
    }
}

/// Whoever mends a field sees at once that it is mended.
fn forgive(event: ev::Event) {
    if let Some(input) = target::<HtmlInputElement>(&event)
        && verdict(&input).is_none()
    {
        tell(&input, "");
    }
}

fn reveal(event: ev::MouseEvent) {
    let Some(button) = target::<HtmlElement>(&event).filter(|button| button.class_name() == REVEAL)
    else {
        return;
    };
    if let Some(input) = password(&button) {
        show(&input, &button, input.type_() == "password");
    }
}

/// A password is sent as one, or the browser would keep it among the texts that were typed.
fn conceal(event: ev::SubmitEvent) {
    if let Some(form) = target::<Element>(&event)
        && let Ok(Some(button)) = form.query_selector(&format!(".{REVEAL}"))
        && let Ok(button) = button.dyn_into::<HtmlElement>()
        && let Some(input) = password(&button)
    {
        show(&input, &button, false);
    }
}

fn show(input: &HtmlInputElement, button: &HtmlElement, shown: bool) {
    input.set_type(if shown { "text" } else { "password" });
    let (words, label) =
        if shown { ("data-hide", "data-hide-label") } else { ("data-show", "data-show-label") };
    button.set_inner_text(&button.get_attribute(words).unwrap_or_default());
    _ = button.set_attribute("aria-label", &button.get_attribute(label).unwrap_or_default());
}

/// The field that a button shows.
fn password(button: &HtmlElement) -> Option<HtmlInputElement> {
    document().get_element_by_id(&button.get_attribute("aria-controls")?)?.dyn_into().ok()
}

/// The sentence about what is wrong with a field, as far as the browser can tell. The field carries
/// its sentences, in the language of the page.
fn verdict(input: &HtmlInputElement) -> Option<String> {
    let text = input.value();
    let result = match input.get_attribute(RULE)?.as_str() {
        "username" => Username::light(&text),
        "fullName" => FullName::light(&text),
        "password" => {
            let min_length = input.get_attribute(MIN_LENGTH)?.parse().ok()?;
            Password::light(&text, PasswordPolicy { min_length })
        }
        _ => return None,
    };
    // An empty field is not yet wrong: one may only be passing through it. It has no sentence.
    input.get_attribute(&format!("data-{}", result.err()?.as_str()))
}

/// Writes the error of a field where the server would.
fn tell(input: &HtmlInputElement, message: &str) {
    if let Some(error) = document().get_element_by_id(&format!("{}-error", input.id())) {
        error.set_text_content(Some(message));
        _ = input.set_attribute("aria-invalid", if message.is_empty() { "false" } else { "true" });
    }
}

fn target<T: JsCast>(event: &ev::Event) -> Option<T> {
    event.target()?.dyn_into().ok()
}
