//! The parts of a page that come to life in the browser.
//!
//! There is one: it wraps a form, checks each field by the light rules of the domain as soon as the
//! user leaves it, says in the hint when its rule is met, and shows the password on request. It
//! never stops a form from being sent: only the server refuses.
//!
//! The fields are plain HTML from the server (`web/page/parts.rs`), and the island has no
//! properties: it reads what it needs from attributes of the fields. Reading properties from JSON
//! would make the bundle half as large again (62 KB in brotli instead of 41).

use leptos::{
    ev,
    prelude::*,
    wasm_bindgen::JsCast,
    web_sys::{Element, HtmlElement, HtmlInputElement},
};

use crate::domain::{Code, FullName, Password, PasswordPolicy, Username};

/// On a field: the light rule to check it by. A field without it is never checked here.
const RULE: &str = "data-rule";

/// On a new password: the minimum number of code points.
const MIN_LENGTH: &str = "data-min-length";

/// The class of the button that shows the password. `components.css` hides it until the island is live.
pub const REVEAL: &str = "reveal";

/// The names of the light rules.
pub const RULES: [&str; 3] = ["username", "fullName", "password"];

/// Makes the form inside it respond at once.
#[island]
pub fn LiveForm(children: Children) -> impl IntoView {
    view! {
        <div on:focusout=judge on:input=forgive on:click=reveal on:submit=conceal>{children()}</div>
    }
}

/// Shows the error of a field when the user leaves it, but not for a click on a button: the message
/// would move the button away from under the pointer, and the click would be lost. (Safari
/// does not report that a button gets the focus, so no focus target counts as the button.)
fn judge(event: ev::FocusEvent) {
    let next = event.related_target().and_then(|next| next.dyn_into::<Element>().ok());
    let is_clicked = |next: &Element| next.matches(":hover").unwrap_or(false);
    if next.is_some_and(|next| next.tag_name() != "BUTTON" || !is_clicked(&next))
        && let Some(input) = target::<HtmlInputElement>(&event)
        && let Some(message) = verdict(&input)
    {
        tell(&input, &message);
    }
}

/// Removes the error as soon as the field is fixed, and says when the rule of the hint is met.
fn forgive(event: ev::Event) {
    if let Some(input) = target::<HtmlInputElement>(&event) {
        if verdict(&input).is_none() {
            tell(&input, "");
        }
        praise(&input);
    }
}

/// Shows in the hint of a new password whether it is long enough. For some texts only the server
/// knows.
fn praise(input: &HtmlInputElement) {
    let hint = document().get_element_by_id(&format!("{}-hint", input.id()));
    let words = hint.as_ref().and_then(|hint| hint.query_selector("strong").ok()?);
    if let (Some(hint), Some(words)) = (hint, words) {
        let is_met = Password::is_plain(&input.value()) && matches!(result(input), Some(Ok(())));
        _ = hint.toggle_attribute_with_force("data-met", is_met);
        _ = words.toggle_attribute_with_force("hidden", !is_met);
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

/// Hides the password again before it is sent: otherwise the browser would remember it as typed
/// text.
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
    let label = button.get_attribute(if shown { "data-hide" } else { "data-show" });
    _ = button.set_attribute("aria-label", &label.unwrap_or_default());
    _ = button.toggle_attribute_with_force("data-shown", shown);
}

/// The password field that belongs to a button.
fn password(button: &HtmlElement) -> Option<HtmlInputElement> {
    document().get_element_by_id(&button.get_attribute("aria-controls")?)?.dyn_into().ok()
}

/// The error of a field, as far as the browser can tell. The field carries its sentences, in the
/// language of the page.
fn verdict(input: &HtmlInputElement) -> Option<String> {
    // An empty field is not wrong yet: the user may only be tabbing through. It has no sentence.
    input.get_attribute(&format!("data-{}", result(input)?.err()?.as_str()))
}

/// The result of a field's light rule. `None`: the field has none.
fn result(input: &HtmlInputElement) -> Option<Result<(), Code>> {
    let text = input.value();
    Some(match input.get_attribute(RULE)?.as_str() {
        "username" => Username::light(&text),
        "fullName" => FullName::light(&text),
        "password" => {
            let min_length = input.get_attribute(MIN_LENGTH)?.parse().ok()?;
            Password::light(&text, PasswordPolicy { min_length, service: "" })
        }
        _ => return None,
    })
}

/// Writes the error of a field to the place where the server would.
fn tell(input: &HtmlInputElement, message: &str) {
    if let Some(error) = document().get_element_by_id(&format!("{}-error", input.id())) {
        error.set_text_content(Some(message));
        _ = input.set_attribute("aria-invalid", if message.is_empty() { "false" } else { "true" });
    }
}

fn target<T: JsCast>(event: &ev::Event) -> Option<T> {
    event.target()?.dyn_into().ok()
}
