//! The spots of a page that come to life in the browser.
//!
//! There is one kind: a text field that says what is wrong as soon as one leaves it, by the light
//! rules of the domain, and that can show the password in it. Without JavaScript it is a plain
//! field. It never keeps a form from being sent: only the server refuses.

use leptos::{ev, html, prelude::*};
use serde::{Deserialize, Serialize};

use crate::domain::{Code, Field, FieldError, FullName, Password, PasswordPolicy, Username};

/// Which light rule a field follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rule {
    NewUsername,
    FullName,
    NewPassword { min_length: usize },
    /// For sign-in, which refuses nothing but what is missing.
    KnownUsername,
    KnownPassword,
}

impl Rule {
    #[must_use]
    pub fn field(self) -> Field {
        match self {
            Self::NewUsername | Self::KnownUsername => Field::Username,
            Self::FullName => Field::FullName,
            Self::NewPassword { .. } | Self::KnownPassword => Field::Password,
        }
    }

    fn autocomplete(self) -> &'static str {
        match self {
            Self::NewUsername | Self::KnownUsername => "username",
            Self::FullName => "name",
            Self::NewPassword { .. } => "new-password",
            Self::KnownPassword => "current-password",
        }
    }

    /// The sentence about what is wrong with `text`, as far as the browser can tell.
    fn judge(self, text: &str) -> Option<String> {
        let result = match self {
            Self::NewUsername => Username::light(text),
            Self::FullName => FullName::light(text),
            Self::NewPassword { min_length } => Password::light(text, PasswordPolicy { min_length }),
            Self::KnownUsername | Self::KnownPassword => Ok(()),
        };
        // An empty field is not yet wrong: one may only be passing through it.
        result.err().filter(|code| *code != Code::Missing).map(|code| {
            FieldError { field: self.field(), code }.message()
        })
    }
}

/// A labelled field with its hint and its error.
#[island]
pub fn TextField(
    rule: Rule,
    /// The name of the form's field; also its id.
    name: String,
    hint: Option<String>,
    /// What was typed before, if the form comes again.
    value: String,
    /// What the server found.
    error: Option<String>,
) -> impl IntoView {
    let field = rule.field();
    let is_password = field == Field::Password;
    let (error, set_error) = signal(error);
    let (alive, set_alive) = signal(false);
    let (shown, set_shown) = signal(false);
    // Runs in the browser only: what needs JavaScript is hidden until then.
    Effect::new(move |_| set_alive.set(true));
    // Nothing but a password field may be sent, or the browser would keep the password in clear
    // among the things that were typed.
    let input = NodeRef::<html::Input>::new();
    Effect::new(move |_| {
        window_event_listener(ev::submit, move |_| set_shown.set(false));
    });

    let hint_id = format!("{name}-hint");
    let error_id = format!("{name}-error");
    let described_by = {
        let hint_id = hint.is_some().then(|| hint_id.clone());
        let error_id = error_id.clone();
        move || {
            let error_id = error.with(Option::is_some).then(|| error_id.clone());
            let ids: Vec<String> = hint_id.clone().into_iter().chain(error_id).collect();
            (!ids.is_empty()).then(|| ids.join(" "))
        }
    };
    let toggle = is_password.then(|| {
        let controls = name.clone();
        view! {
            <button
                type="button"
                class="reveal"
                aria-controls=controls
                aria-label=move || if shown.get() { "Hide password" } else { "Show password" }
                hidden=move || !alive.get()
                on:click=move |_| {
                    set_shown.update(|shown| *shown = !*shown);
                    if let Some(input) = input.get() {
                        _ = input.focus();
                    }
                }
            >
                {move || if shown.get() { "Hide" } else { "Show" }}
            </button>
        }
    });
    view! {
        <div class="field" class:wrong=move || error.with(Option::is_some)>
            <label for=name.clone()>{field.label()}</label>
            {hint.map(|hint| view! { <p class="hint" id=hint_id>{hint}</p> })}
            <div aria-live="polite">
                {move || {
                    error.get().map(|message| view! {
                        <p class="error" id=error_id.clone()>
                            <span class="unseen">"Error: "</span>
                            {message}
                        </p>
                    })
                }}
            </div>
            <div class="control">
                <input
                    node_ref=input
                    id=name.clone()
                    name=name
                    type=move || if is_password && !shown.get() { "password" } else { "text" }
                    value=value
                    autocomplete=rule.autocomplete()
                    autocapitalize=if field == Field::FullName { "words" } else { "none" }
                    spellcheck="false"
                    aria-describedby=described_by
                    aria-invalid=move || error.with(Option::is_some).then_some("true")
                    on:blur=move |event| {
                        let text = event_target_value(&event);
                        if let Some(message) = rule.judge(&text) {
                            set_error.set(Some(message));
                        }
                    }
                    on:input=move |event| {
                        // Whoever mends a field sees at once that it is mended.
                        if error.with_untracked(Option::is_some)
                            && rule.judge(&event_target_value(&event)).is_none()
                        {
                            set_error.set(None);
                        }
                    }
                />
                {toggle}
            </div>
        </div>
    }
}
