//! The identities at other providers, on the security page.

use futures_util::FutureExt;
use leptos::prelude::*;

use super::{back, said};
use crate::{
    emails::SECURITY,
    factors::unlink,
    platform::error::Result,
    providers::{self, identities},
    sessions::caller::SignedIn,
    texts::{t, t_with},
    web::{
        form::{Form, TOKEN_FIELD, field},
        notices::notices,
        page::{
            icons::GRID,
            parts::{hidden, isolated, panel},
            times::{ago, day},
        },
        pending::PendingAct,
        routes::Map,
        state::AppState,
        submit::FormCall,
    },
};

notices! {
    UNLINKED = "identity-unlinked";
}

pub(crate) fn routes(map: &mut Map) {
    map.form(&UNLINK);
}

static UNLINK: Form =
    Form { pending: Some(&UNLINKING), ..Form::at("/api/unlink_provider", SECURITY) };

static UNLINKING: PendingAct = PendingAct {
    word: "unlink-provider",
    page: SECURITY,
    lead: "confirm-lead-factors",
    of_form: |fields| field(fields, "id").map(str::to_owned),
    run: |call, caller, id| {
        async move { said(unlink(&call.state, caller, id, &call.visit).await, UNLINKED) }.boxed()
    },
};

#[server(endpoint = "/unlink_provider")]
pub async fn unlink_provider(#[server(default)] id: String) -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            let gone = unlink(&call.state, call.fresh()?, &id, &call.visit).await;
            back(&call, gone, UNLINKED)
        }
        .await,
    );
    Ok(())
}

/// The identities that open the account, and the providers that can be linked.
#[derive(Clone)]
pub(super) struct Links {
    identities: Vec<(identities::Identity, String)>,
    /// Id and name of each provider.
    providers: Vec<(String, String)>,
}

impl Links {
    pub(super) async fn read(state: &AppState, caller: &SignedIn) -> Result<Self> {
        let all = identities::of(&state.store, caller.account()).await?;
        let named = |identity: identities::Identity| {
            let provider = state.providers.of_issuer(&identity.issuer);
            let name = provider.map_or_else(|| identity.provider.clone(), |p| p.name.clone());
            (identity, name)
        };
        let providers = state.providers.all().iter();
        Ok(Self {
            identities: all.into_iter().map(named).collect(),
            providers: providers.map(|p| (p.id.clone(), p.name.clone())).collect(),
        })
    }

    /// `None`: there is nothing to show.
    pub(super) fn panel(&self, token: &str) -> Option<AnyView> {
        if self.identities.is_empty() && self.providers.is_empty() {
            return None;
        }
        let rows: Vec<_> =
            self.identities.iter().map(|(known, name)| row(known, name, token)).collect();
        let list = (!rows.is_empty()).then(|| view! { <ul class="list">{rows}</ul> });
        let link = |(id, name): &(String, String)| {
            let name = ("provider", isolated(name).into());
            view! {
                <form method="post" action=providers::LINK>
                    {hidden(TOKEN_FIELD, token)}
                    {hidden("provider", id)}
                    <button type="submit" class="button quiet small">{t_with("link-provider", &[name])}</button>
                </form>
            }
        };
        let buttons: Vec<_> = self.providers.iter().map(link).collect();
        let content = view! { {list} <div class="actions">{buttons}</div> };
        Some(panel(Some("links"), t("links"), Some(t("links-lead")), content.into_any()))
    }
}

fn row(identity: &identities::Identity, provider: &str, token: &str) -> AnyView {
    let used = match identity.last_used_at {
        Some(at) => t_with("link-used", &[("ago", ago(at).into())]),
        None => t("link-unused"),
    };
    let label = t_with("link-remove-of", &[("provider", isolated(provider).into())]);
    view! {
        <li>
            {GRID.view()}
            <div>
                <p class="what"><span dir="auto">{provider.to_owned()}</span> " · " <span dir="auto">{identity.label.clone()}</span></p>
                <p class="hint">{used} " · " {t("link-since")} " " {day(identity.created_at)}</p>
            </div>
            <form method="post" action=UNLINK.action>
                {hidden(TOKEN_FIELD, token)}
                {hidden("id", &identity.id)}
                <button type="submit" class="button quiet small" aria-label=label>{t("link-remove")}</button>
            </form>
        </li>
    }
    .into_any()
}
