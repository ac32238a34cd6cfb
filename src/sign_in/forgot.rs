//! A way back in for owners who have forgotten their password.

use super::{
    RESET_ASKED,
    asking::{Addressee, Request, identifier},
};
use crate::{
    links::{self, Purpose},
    platform::{error::Result, visit::Visit},
    services::Services,
};

/// Sends a link to set a new password to the verified address of an account. `raw`: its username,
/// or that address.
pub async fn forgot(services: &Services, raw: &str, visit: &Visit) -> Result<()> {
    let request = Request::of(services, &identifier(raw)?, RESET_ASKED, visit).await?;
    let mut tx = services.store.begin().await?;
    let message = match (request.count(&mut tx, services).await?, &request.addressee) {
        (false, _) => None,
        (true, Addressee::Owner(holder, reachable, key)) => {
            let (account, at) = (holder.profile.id, request.event.at);
            let link = links::make(&mut tx, Purpose::ResetPassword, account, at, Some(key)).await?;
            let message = reachable.message("reset-password");
            Some(message.leading_to(format!("/set-password?link={link}")))
        }
        (true, _) => Some(request.no_account()),
    };
    request.finish(tx, services, message).await
}
