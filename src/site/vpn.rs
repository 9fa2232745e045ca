//! The VPN: one WireGuard interface with one peer.

use super::net::{HostAddress, Ipv4Net};
use super::peer::{AnyEndpoint, Endpoint};
use super::secret::MASK;
use super::text::{Invalid, Text, text_value};
use super::{Routing, Whole};
use base64ct::{Base64, Encoding};
use std::fmt;
use std::net::Ipv4Addr;

/// A WireGuard interface that comes up with the link.
#[derive(Clone, Debug, PartialEq)]
pub struct Vpn {
    /// The box's own key.
    pub private_key: SecretKey,
    /// The box's address in the VPN.
    pub address: HostAddress,
    /// The peer's key.
    pub public_key: PublicKey,
    /// A second, symmetric secret between the two.
    pub preshared_key: Option<SecretKey>,
    /// Where the peer listens.
    pub endpoint: AnyEndpoint,
    /// Where else it may listen; they are tried in this order, and `endpoint` again after the last one.
    pub other_endpoints: Vec<AnyEndpoint>,
    /// The networks behind it, which are its allowed source addresses as well; at least one.
    pub networks: Vec<Ipv4Net>,
    /// The interval of keepalives, which keep the operator's NAT mapping open.
    pub keepalive: Keepalive,
    /// Whether tunnel and link are renewed if the peer does not answer.
    pub renew: bool,
}

/// Seconds, 10 to 600. Carrier NAT forgets a mapping after half a minute; keepalives more often than every ten seconds
/// would keep an idle link from being idle.
pub type Keepalive = Whole<10, 600>;

impl Vpn {
    /// Whether its only endpoint needs its own route: when the link's routes do not lead there, or the VPN's own networks
    /// would route the tunnel into itself.
    #[must_use]
    pub fn needs_endpoint_route(&self, endpoint: Ipv4Addr, routing: &Routing) -> bool {
        let over_link = match routing {
            Routing::Default => true,
            Routing::Only(networks) => networks.iter().any(|network| network.contains(endpoint)),
        };
        let own = self.address.network();
        !over_link || self.networks.iter().chain([&own]).any(|network| network.contains(endpoint))
    }

    /// An endpoint that is rather the peer's address in the VPN.
    #[must_use]
    pub fn endpoint_inside(&self) -> Option<Endpoint> {
        let all = [&self.endpoint].into_iter().chain(&self.other_endpoints);
        let mut addresses = all.filter_map(|endpoint| match endpoint {
            AnyEndpoint::Address(endpoint) => Some(*endpoint),
            AnyEndpoint::Name(_) => None,
        });
        addresses.find(|endpoint| self.address.network().contains(endpoint.address()))
    }
}

/// A Curve25519 public key in base64, as `wg pubkey` prints it.
#[derive(Clone, Debug, PartialEq)]
pub struct PublicKey(String);

impl PublicKey {
    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A private or a preshared key in base64, as `wg genkey` and `wg genpsk` print it. It is never shown.
#[derive(Clone, PartialEq)]
pub struct SecretKey(String);

impl SecretKey {
    /// The key as text.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    pub(super) fn masked() -> Self {
        Self(MASK.to_owned())
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey({MASK})")
    }
}

/// Whether this is 32 bytes in base64 with padding (RFC 4648 §4), not all of them zero.
fn is_key(text: &str) -> bool {
    let bytes = Base64::decode_vec(text);
    bytes.is_ok_and(|bytes| bytes.len() == 32 && bytes.iter().any(|byte| *byte != 0))
}

impl Text for PublicKey {
    const EXPECTED: &'static str = "a public key";

    fn from_text(text: &str) -> Result<Self, Invalid> {
        // Not quoted: it may be the private key.
        let wrong =
            || Invalid::new("this is no WireGuard key", "copy the 44 characters that `wg pubkey` prints");
        is_key(text).then(|| Self(text.to_owned())).ok_or_else(wrong)
    }
}

impl Text for SecretKey {
    const EXPECTED: &'static str = "a secret key";

    fn from_text(text: &str) -> Result<Self, Invalid> {
        let wrong = || {
            Invalid::new(
                "this is no WireGuard key",
                "copy the 44 characters that `wg genkey` or `wg genpsk` prints",
            )
        };
        is_key(text).then(|| Self(text.to_owned())).ok_or_else(wrong)
    }
}

text_value!(PublicKey, SecretKey);

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by `wg genkey`; each of the others has one change.
    const KEY: &str = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=";

    #[test]
    fn a_key_is_32_bytes_in_base64_and_not_zero() {
        for (key, good) in [
            (KEY, true),
            (&KEY[1..], false),
            ("yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBml=", false), // bits after the end
            ("yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmkk", false), // no padding
            ("yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3f_mk=", false), // the URL alphabet
            ("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", false),
            ("", false),
            ("é", false),
        ] {
            assert_eq!(is_key(key), good, "{key}");
        }
    }

    #[test]
    fn the_peer_is_reached_over_the_link_and_never_through_the_tunnel() {
        let networks = |list: &[&str]| list.iter().map(|it| it.parse().unwrap()).collect::<Vec<Ipv4Net>>();
        let own = "10.9.0.2/24";
        for (routing, own, through, needed) in [
            (Routing::Default, own, &["10.9.0.0/24"][..], false),
            (Routing::Default, own, &["0.0.0.0/0"], true),
            (Routing::Default, own, &["203.0.113.0/24"], true),
            (Routing::Default, "203.0.113.9/24", &["10.9.0.0/24"], true),
            (Routing::Only(networks(&["203.0.113.0/24"])), own, &["10.9.0.0/24"], false),
            (Routing::Only(networks(&["10.1.0.0/16"])), own, &["10.9.0.0/24"], true),
            (Routing::Only(Vec::new()), own, &["10.9.0.0/24"], true),
        ] {
            let vpn = Vpn {
                private_key: KEY.parse().unwrap(),
                address: own.parse().unwrap(),
                public_key: KEY.parse().unwrap(),
                preshared_key: None,
                endpoint: "203.0.113.5:51820".parse().unwrap(),
                other_endpoints: Vec::new(),
                networks: networks(through),
                keepalive: Whole::constant(25),
                renew: true,
            };
            let endpoint = Ipv4Addr::new(203, 0, 113, 5);
            assert_eq!(vpn.needs_endpoint_route(endpoint, &routing), needed, "{routing:?} {own} {through:?}");
        }
    }
}
