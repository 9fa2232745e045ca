//! What all HTTP of the builder has in common.

use ureq::{
    config::Config,
    tls::{RootCerts, TlsConfig},
};

/// No redirects or proxies but those that the caller follows or sets; a status is no error; this machine's certificates.
pub fn config() -> Config {
    Config::builder()
        .tls_config(TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build())
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .user_agent(concat!("dialbox-xtask/", env!("CARGO_PKG_VERSION")))
        .build()
}
