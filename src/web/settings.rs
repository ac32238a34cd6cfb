//! The settings of the server's address and of the proxies in front of it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use ipnet::IpNet;

use crate::platform::{
    public_url::PublicUrl,
    settings::{BadSetting, bad, networks, settings, switch},
};

settings! {
    /// The settings of the server's address and of the proxies in front of it.
    pub struct WebSettings {
        host: IpAddr = or("HOST", "127.0.0.1", host),
            "the address to listen on";
        port: u16 = or("PORT", "3000", port),
            "the port to listen on", "0 takes any free port; the server prints which.";
        public_url: Option<PublicUrl> = given(
            "PUBLIC_URL", "http://localhost:PORT", PublicUrl::parse, "https://accounts.example.org"
        ),
            "the address people use; https turns on Secure cookies and HSTS";
        insecure_http: bool = or("INSECURE_HTTP", "no", |text| switch(text, "yes", "no")),
            "whether a plain http PUBLIC_URL other than this machine is allowed: yes or no",
            "Passwords then cross the network in the clear.";
        trusted_proxies: Vec<IpNet> = or("TRUSTED_PROXIES", "none", networks, "10.0.0.0/8"),
            "proxies whose forwarding header is believed: addresses or networks",
            "Separate them by commas.";
        forwarded_header: ForwardedHeader = or("FORWARDED_HEADER", "either", forwarded_header),
            "the header your proxy sets: x-forwarded-for, forwarded, or either",
            "Either is X-Forwarded-For if it is there.";
        hsts_subdomains: bool = or("HSTS_SUBDOMAINS", "no", |text| switch(text, "yes", "no")),
            "whether HSTS covers all subdomains: yes or no",
            "Set it only if all of them are served over https.";
        metrics: Option<SocketAddr> = given("METRICS_ADDR", "none", metrics, "127.0.0.1:9090"),
            "IP:PORT of a separate listener for Prometheus metrics",
            "Anyone who can reach it can read them, at /metrics.";
    }
}

impl WebSettings {
    /// The address it listens on.
    #[must_use]
    pub fn listen(&self) -> SocketAddr {
        SocketAddr::new(self.host, self.port)
    }

    /// The address people use, once the port is known.
    #[must_use]
    pub fn public_url_at(&self, port: u16) -> PublicUrl {
        self.public_url.clone().unwrap_or_else(|| PublicUrl::local(port))
    }

    /// Checks what is only wrong in combination.
    pub(crate) fn check(&self, faults: &mut Vec<BadSetting>) {
        if let Some(url) = &self.public_url
            && !url.is_https()
            && !url.is_loopback()
            && !self.insecure_http
        {
            faults.push(bad(
                "PUBLIC_URL",
                "is plain http on an address that is not loopback, so passwords would cross the \
                 network in the clear; use https, or say INSECURE_HTTP=yes",
            ));
        }
        if self.metrics.is_some_and(|metrics| metrics == self.listen() && metrics.port() != 0) {
            faults
                .push(bad("METRICS_ADDR", "is the address of HOST and PORT; give it another one"));
        }
    }
}

/// The header in which a proxy names its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForwardedHeader {
    /// `X-Forwarded-For`, and `Forwarded` where that is missing.
    Either,
    XForwardedFor,
    Forwarded,
}

fn host(text: &str) -> Result<IpAddr, String> {
    match text {
        "localhost" => Ok(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        text => {
            text.parse().map_err(|_| "must be an IP address, for example 127.0.0.1 or ::1".into())
        }
    }
}

fn port(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| "must be a port number, 0 to 65535".to_owned())
}

fn forwarded_header(text: &str) -> Result<ForwardedHeader, String> {
    match text.to_ascii_lowercase().as_str() {
        "either" => Ok(ForwardedHeader::Either),
        "x-forwarded-for" => Ok(ForwardedHeader::XForwardedFor),
        "forwarded" => Ok(ForwardedHeader::Forwarded),
        _ => Err("must be x-forwarded-for, forwarded or either".into()),
    }
}

fn metrics(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "must be IP:PORT, for example 127.0.0.1:9090".to_owned())
}
