//! The settings of administration.

use std::net::SocketAddr;

use crate::platform::settings::{settings, switch};

settings! {
    /// The settings of administration.
    pub struct AdminSettings {
        second_factor: bool = or("ADMIN_SECOND_FACTOR", "required", |text| switch(text, "required", "off")),
            "whether administrators need a second factor: required or off",
            "With required, those who have none set one up before anything else under /admin.";
        address: Option<SocketAddr> = given("ADMIN_ADDR", "none", address, "127.0.0.1:3001"),
            "IP:PORT of a separate listener for the admin area",
            "Pages under /admin and their API are then answered there only. It has all other pages, too, since \
             administrators sign in there.";
    }
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "must be IP:PORT, for example 127.0.0.1:3001".to_owned())
}
