//! The second factors on the security page, and their forms.

pub mod by_mail;
pub mod identities;
pub mod setup;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::FutureExt;
use leptos::prelude::*;

use super::{
    FEW_CODES, Factors, decline_offer, of, remove_passkey as use_remove_passkey,
    remove_totp as use_remove_totp, rename_passkey as use_rename_passkey, trusted,
};
use crate::{
    domain::{Code, FieldError, PasskeyName},
    emails::SECURITY,
    passkeys::{self, Passkey, RelyingParty, user_handle},
    platform::{
        clock::now,
        error::{Error, Refusal, Result},
        visit::network_in_words,
    },
    sessions::caller::SignedIn,
    texts::{number, t, t_with},
    web::{
        accepted::Done,
        form::{Form, TOKEN_FIELD, field},
        notices::{Notice, notices},
        page::{
            device,
            icons::{KEY, QR},
            parts::{hidden, panel, passkey_name},
            times::{ago, day},
        },
        pending::PendingAct,
        routes::{Map, Policy},
        state::AppState,
        submit::FormCall,
    },
};

notices! {
    /// The proof is fresh, and the set-up goes on.
    GO_ON = "set-up-goes-on";
    TOTP_ON = "totp-on";
    TOTP_OFF = "totp-off";
    PASSKEY_ADDED = "passkey-added";
    PASSKEY_RENAMED = "passkey-renamed";
    PASSKEY_REMOVED = "passkey-removed";
    /// There is no other way in.
    LAST_WAY_IN = "last-way-in";
    /// The operator requires a second factor.
    FACTOR_REQUIRED = "factor-required";
    NAME_REFUSED = "passkey-name-refused";
    CODES_IN_USE = "codes-in-use";
    DEVICE_DISTRUSTED = "device-distrusted";
    OFFER_DECLINED = "offer-declined";
}

pub(crate) fn routes(map: &mut Map) {
    setup::routes(map);
    identities::routes(map);
    map.form(&REMOVE_TOTP);
    map.form(&RENAME);
    map.form(&REMOVE);
    map.form(&DISTRUST);
    map.form(&DECLINE);
}

/// The second factors, as the security page shows them.
#[derive(Clone)]
pub(crate) struct Shown {
    factors: Factors,
    passkeys: Vec<Passkey>,
    trusted: Vec<trusted::TrustedDevice>,
    home: RelyingParty,
    user: String,
    links: identities::Links,
}

impl Shown {
    pub(crate) async fn read(state: &AppState, caller: &SignedIn) -> Result<Self> {
        let account = caller.account();
        Ok(Self {
            factors: of(state, account).await?,
            passkeys: passkeys::of_account(&state.store, account, &state.home).await?,
            trusted: trusted::list(state, account).await?,
            home: state.home.clone(),
            user: URL_SAFE_NO_PAD.encode(user_handle(account)),
            links: identities::Links::read(state, caller).await?,
        })
    }

    pub(crate) fn view(&self, token: &str) -> impl IntoView + use<> {
        let trusted = (!self.trusted.is_empty()).then(|| self.trusted_panel(token));
        let codes = self.factors.any().then(|| self.codes_panel());
        view! {
            {self.passkeys_panel(token)}
            {self.totp_panel(token)}
            {codes}
            {self.links.panel(token)}
            {trusted}
        }
    }

    fn passkeys_panel(&self, token: &str) -> AnyView {
        let rows: Vec<_> =
            self.passkeys.iter().enumerate().map(|(index, key)| row(key, index, token)).collect();
        let accepted: Vec<&str> = self.passkeys.iter().map(|passkey| &*passkey.id).collect();
        let list = (!rows.is_empty()).then(|| view! { <ul class="list">{rows}</ul> });
        // For the browser's password manager: it forgets passkeys that are not among these.
        let content = view! {
            <div data-passkeys-accepted=accepted.join(" ") data-rp=self.home.id.clone()
                data-user=self.user.clone()>
                {list}
                <p>
                    <a class="button" href=setup::ADD_PASSKEY>{KEY.view()} {t("passkey-add")}</a>
                </p>
            </div>
        };
        panel(Some("passkeys"), t("passkeys"), Some(t("passkeys-lead")), content.into_any())
    }

    fn totp_panel(&self, token: &str) -> AnyView {
        let state = match self.factors.totp {
            true => view! {
                <p><span class="badge right">{t("totp-is-on")}</span></p>
                <div class="actions">
                    <form method="post" action=setup::SET_UP_TOTP.action>
                        {hidden(TOKEN_FIELD, token)}
                        <button type="submit" class="button quiet small">{t("totp-replace")}</button>
                    </form>
                    <form method="post" action=REMOVE_TOTP.action>
                        {hidden(TOKEN_FIELD, token)}
                        <button type="submit" class="button quiet small">{t("totp-remove")}</button>
                    </form>
                </div>
                <p class="hint">{t("totp-remove-how")}</p>
            }
            .into_any(),
            false => view! {
                <form method="post" action=setup::SET_UP_TOTP.action>
                    {hidden(TOKEN_FIELD, token)}
                    <button type="submit" class="button quiet">{QR.view()} {t("totp-set-up")}</button>
                </form>
            }
            .into_any(),
        };
        panel(Some("authenticator"), t("totp"), Some(t("totp-lead")), state)
    }

    fn codes_panel(&self) -> AnyView {
        let left = self.factors.codes_left;
        let count = ("count", number(usize::try_from(left).unwrap_or_default()));
        let few = (left <= FEW_CODES).then(|| {
            view! { " " <span class="badge warn">{t("codes-few")}</span> }
        });
        let content = view! {
            <p>{t_with("codes-left", &[count])} {few}</p>
            <p>
                <a class="button quiet small" href=setup::CODES>{t("codes-new")}</a>
            </p>
        };
        panel(Some("codes"), t("codes"), Some(t("codes-lead")), content.into_any())
    }

    fn trusted_panel(&self, token: &str) -> AnyView {
        let rows: Vec<_> = self.trusted.iter().map(|device| trusted_row(device, token)).collect();
        let content = view! { <ul class="list">{rows}</ul> };
        panel(Some("trusted"), t("trusted"), Some(t("trusted-lead")), content.into_any())
    }
}

fn row(passkey: &Passkey, index: usize, token: &str) -> AnyView {
    let synced = match (passkey.backed_up, passkey.backup_eligible) {
        (true, _) => t("passkey-synced"),
        (false, true) => t("passkey-not-synced-yet"),
        (false, false) => t("passkey-this-device"),
    };
    let used = match passkey.last_used_at {
        Some(at) => t_with("passkey-used", &[("ago", ago(at).into())]),
        None => t("passkey-unused"),
    };
    let label = t_with("passkey-change", &[("name", passkey.name.clone().into())]);
    view! {
        <li>
            {KEY.view()}
            <div>
                <p class="what" dir="auto">{passkey.name.clone()}</p>
                <p class="hint">{synced} " · " {used} " · " {t("passkey-created")} " " {day(passkey.created_at)}</p>
                <details class="dialog">
                    <summary aria-label=label>{t("passkey-change-short")}</summary>
                    <form method="post" action=RENAME.action>
                        {hidden(TOKEN_FIELD, token)}
                        {hidden("id", &passkey.id)}
                        {passkey_name(&passkey.name, format!("name-{index}"))}
                        <button type="submit" class="button quiet small">{t("passkey-rename")}</button>
                    </form>
                    <form method="post" action=REMOVE.action>
                        {hidden(TOKEN_FIELD, token)}
                        {hidden("id", &passkey.id)}
                        <p class="hint">{t("passkey-remove-how")}</p>
                        <button type="submit" class="button danger small">{t("passkey-remove")}</button>
                    </form>
                </details>
            </div>
        </li>
    }
    .into_any()
}

fn trusted_row(trusted: &trusted::TrustedDevice, token: &str) -> AnyView {
    let place = network_in_words(&trusted.network);
    view! {
        <li>
            {device::icon(&trusted.device).view()}
            <div>
                <p class="what">{device::name(&trusted.device)}</p>
                <p class="hint">{place} " · " {t("trusted-until")} " " {day(trusted.expires_at)}</p>
            </div>
            <form method="post" action=DISTRUST.action>
                {hidden(TOKEN_FIELD, token)}
                {hidden("id", &trusted.id)}
                <button type="submit" class="button quiet small">{t("trusted-end")}</button>
            </form>
        </li>
    }
    .into_any()
}

/// The notice about a removal, or about why there was none.
fn said(removed: Result<()>, notice: Notice) -> Result<Notice> {
    let is = |errors: &[FieldError], code| errors.iter().any(|error| error.code == code);
    Ok(match removed {
        Err(Error::Refusal(Refusal::InvalidInput(errors))) if is(&errors, Code::LastWayIn) => {
            LAST_WAY_IN
        }
        Err(Error::Refusal(Refusal::InvalidInput(errors))) if is(&errors, Code::Required) => {
            FACTOR_REQUIRED
        }
        // It is gone: by the same form sent twice, or in another tab.
        Err(Error::Refusal(Refusal::NotFound)) | Ok(()) => notice,
        Err(error) => return Err(error),
    })
}

/// Back to the security page.
fn back(call: &FormCall, removed: Result<()>, notice: Notice) -> Result<Done> {
    call.stay(SECURITY, said(removed, notice)?)
}

static REMOVE_TOTP: Form =
    Form { pending: Some(&REMOVING_TOTP), ..Form::at("/api/remove_totp", SECURITY) };

static REMOVING_TOTP: PendingAct = PendingAct {
    word: "remove-totp",
    page: SECURITY,
    lead: "confirm-lead-factors",
    of_form: |_| Some(String::new()),
    run: |call, caller, _| {
        async move { said(use_remove_totp(&call.state, caller, &call.visit).await, TOTP_OFF) }
            .boxed()
    },
};

#[server(endpoint = "/remove_totp")]
pub async fn remove_totp() -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            let removed = use_remove_totp(&call.state, call.fresh()?, &call.visit).await;
            back(&call, removed, TOTP_OFF)
        }
        .await,
    );
    Ok(())
}

static RENAME: Form = Form::at("/api/rename_passkey", SECURITY);

#[server(endpoint = "/rename_passkey")]
pub async fn rename_passkey(
    #[server(default)] id: String,
    #[server(default)] name: String,
) -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            let Ok(name) = PasskeyName::parse(&name) else {
                return call.stay(SECURITY, NAME_REFUSED);
            };
            let (state, caller) = (&call.state, call.caller()?);
            let renamed = use_rename_passkey(state, caller, &id, &name, &call.visit).await;
            back(&call, renamed.map(|_| ()), PASSKEY_RENAMED)
        }
        .await,
    );
    Ok(())
}

static REMOVE: Form =
    Form { pending: Some(&REMOVING), ..Form::at("/api/remove_passkey", SECURITY) };

static REMOVING: PendingAct = PendingAct {
    word: "remove-passkey",
    page: SECURITY,
    lead: "confirm-lead-factors",
    of_form: |fields| field(fields, "id").map(str::to_owned),
    run: |call, caller, id| {
        async move {
            let removed = use_remove_passkey(&call.state, caller, id, &call.visit).await;
            said(removed, PASSKEY_REMOVED)
        }
        .boxed()
    },
};

#[server(endpoint = "/remove_passkey")]
pub async fn remove_passkey(#[server(default)] id: String) -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            let removed = use_remove_passkey(&call.state, call.fresh()?, &id, &call.visit).await;
            back(&call, removed, PASSKEY_REMOVED)
        }
        .await,
    );
    Ok(())
}

static DISTRUST: Form = Form::at("/api/distrust_device", SECURITY);

#[server(endpoint = "/distrust_device")]
pub async fn distrust_device(#[server(default)] id: String) -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            let (state, caller) = (&call.state, call.caller()?);
            let gone = trusted::distrust(state, caller, &id, &call.visit).await;
            back(&call, gone, DEVICE_DISTRUSTED)
        }
        .await,
    );
    Ok(())
}

static DECLINE: Form =
    Form { policy: Policy::SettingUp, ..Form::at("/api/decline_passkey_offer", "/profile") };

/// No offer of a passkey any more.
#[server(endpoint = "/decline_passkey_offer")]
pub async fn decline_passkey_offer() -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            decline_offer(&call.state, call.caller()?, now()).await?;
            call.stay("/profile", OFFER_DECLINED)
        }
        .await,
    );
    Ok(())
}
