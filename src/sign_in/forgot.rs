//! A way back in for owners who have forgotten their password.

use super::{
    RESET_ASKED,
    asking::{Addressee, Request, identifier},
};
use crate::{
    emails::NOBODY,
    links::{self, Purpose},
    mail::Message,
    platform::{error::Result, visit::Visit},
    services::Services,
};

/// Sends a link to set a new password to the verified address of an account. `raw`: its username,
/// or that address.
pub async fn forgot(services: &Services, raw: &str, visit: &Visit) -> Result<()> {
    let identifier = identifier(raw)?;
    let Some(request) = Request::of(services, &identifier, RESET_ASKED, visit).await? else {
        return Ok(());
    };
    let Some((mut tx, sends)) = request.begin(services, visit).await? else { return Ok(()) };
    let (account, key) = match &request.addressee {
        Addressee::Owner(holder, _, key) if sends => (holder.profile.id, &**key),
        // No link is made, by the same statements.
        _ => (NOBODY, ""),
    };
    let at = request.event.at;
    let link = links::make(&mut tx, Purpose::ResetPassword, account, at, Some(key)).await?;
    let message = match &request.addressee {
        _ if !sends => Message::nothing(),
        Addressee::Owner(_, reachable, _) => {
            let message = reachable.message("reset-password");
            let message = message.leading_to(format!("/set-password?link={link}"));
            message.until(at + Purpose::ResetPassword.ttl())
        }
        _ => request.no_account(services),
    };
    request.finish(tx, services, &message).await
}
