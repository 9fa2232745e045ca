//! Which proxy a request goes through. The rules are those of curl (curl(1), "PROXY ENVIRONMENT VARIABLES") and, where
//! the environment names none, those of apt (apt.conf(5), the group `Acquire`, "http").

use std::{collections::BTreeMap, net::IpAddr};

/// The settings of this machine and of the user.
#[derive(Debug, Clone, Default)]
pub struct Proxies {
    /// `http_proxy` and the like, by name. Of names that differ in case only, curl takes the one in lower case.
    variables: BTreeMap<String, String>,
    /// `Acquire::http::Proxy` and the like, in lower case.
    apt: BTreeMap<String, String>,
}

impl Proxies {
    /// `variables`: of the environment; `apt`: the output of `apt-config dump`.
    pub fn new<'a>(variables: impl IntoIterator<Item = (&'a str, &'a str)>, apt: &str) -> Self {
        let mut named = BTreeMap::new();
        for (name, value) in variables {
            let lower = name.to_ascii_lowercase();
            if lower.ends_with("_proxy") && (lower == name || !named.contains_key(&lower)) {
                named.insert(lower, value.to_owned());
            }
        }
        // Acquire::http::Proxy "http://proxy.example:3128";
        let settings = apt.lines().filter_map(|line| line.trim_end().strip_suffix(';')?.split_once(' '));
        let settings = settings.map(|(name, value)| (name.to_ascii_lowercase(), value.trim_matches('"')));
        let apt = settings.filter(|(name, _)| name.contains("::proxy"));
        Self { variables: named, apt: apt.map(|(name, value)| (name, value.to_owned())).collect() }
    }

    /// The address of the proxy for a server; `None` if it is asked directly.
    pub fn of(&self, scheme: &str, host: &str) -> Option<&str> {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if self.variables.get("no_proxy").is_some_and(|list| is_excepted(list, host)) {
            return None;
        }
        let variables = [format!("{scheme}_proxy"), "all_proxy".to_owned()];
        // An empty variable switches the proxy off.
        let variable = variables.iter().find_map(|name| self.variables.get(name));
        let proxy = variable.map(String::as_str).or_else(|| self.of_apt(scheme, host))?;
        (!proxy.is_empty() && !proxy.eq_ignore_ascii_case("direct")).then_some(proxy)
    }

    fn of_apt(&self, scheme: &str, host: &str) -> Option<&str> {
        // https takes the settings of http where it has none of its own (apt-transport-https(1)).
        let schemes = [scheme, "http"];
        let of_host = schemes.map(|it| format!("acquire::{it}::proxy::{host}"));
        let of_all = schemes.map(|it| format!("acquire::{it}::proxy"));
        of_host.iter().chain(&of_all).find_map(|name| self.apt.get(name)).map(String::as_str)
    }
}

/// Whether `no_proxy` names a server: `*`, a name with those below it, an address, or a network as `10.0.0.0/8`.
fn is_excepted(list: &str, host: &str) -> bool {
    list.split([',', ' ']).filter(|it| !it.is_empty()).any(|entry| {
        let entry = entry.trim_start_matches('[').trim_end_matches(']');
        if let (Ok(address), Some((network, bits))) = (host.parse(), entry.split_once('/')) {
            return network
                .parse()
                .is_ok_and(|it| bits.parse().is_ok_and(|bits| contains(it, bits, address)));
        }
        let (name, host) = (entry.trim_matches('.').to_ascii_lowercase(), host.to_ascii_lowercase());
        entry == "*" || host == name || host.strip_suffix(&name).is_some_and(|it| it.ends_with('.'))
    })
}

fn contains(network: IpAddr, bits: u32, address: IpAddr) -> bool {
    let same = |left: u128, right: u128, width: u32| {
        bits <= width && (left ^ right).checked_shr(width - bits).unwrap_or(0) == 0
    };
    match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            same(network.to_bits().into(), address.to_bits().into(), 32)
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => same(network.to_bits(), address.to_bits(), 128),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const APT: &str = "APT \"\";\nAcquire::http \"\";\nAcquire::http::Proxy \"http://apt.example:3142\";\n\
                       Acquire::http::Proxy::near.example \"DIRECT\";\nAcquire::http::Timeout \"30\";\n";

    #[test]
    fn the_variable_of_the_scheme_comes_before_the_one_for_all_and_lower_case_before_upper_case() {
        let proxies = Proxies::new(
            [("HTTP_PROXY", "http://upper"), ("http_proxy", "http://lower"), ("ALL_PROXY", "http://all")],
            "",
        );
        assert_eq!(proxies.of("http", "mirror.example"), Some("http://lower"));
        assert_eq!(proxies.of("https", "mirror.example"), Some("http://all"));
        assert_eq!(Proxies::new([("PATH", "/bin")], "").of("http", "mirror.example"), None);
        assert_eq!(Proxies::new([("http_proxy", "")], APT).of("http", "mirror.example"), None);
    }

    #[test]
    fn without_a_variable_the_proxy_of_apt_is_used() {
        let proxies = Proxies::new([("no_proxy", "intern.example")], APT);
        for scheme in ["http", "https"] {
            assert_eq!(proxies.of(scheme, "mirror.example"), Some("http://apt.example:3142"));
            for direct in ["near.example", "a.intern.example"] {
                assert_eq!(proxies.of(scheme, direct), None, "{direct}");
            }
        }
        let user = Proxies::new([("http_proxy", "http://mine")], APT);
        assert_eq!(user.of("http", "mirror.example"), Some("http://mine"));
    }

    #[test]
    fn exceptions_are_names_addresses_and_networks() {
        for (list, host, excepted) in [
            ("*", "mirror.example", true),
            ("mirror.example", "mirror.example", true),
            ("example", "Mirror.Example", true),
            (".example", "mirror.example", true),
            ("localhost, mirror.example", "mirror.example", true),
            ("irror.example", "mirror.example", false),
            ("mirror.example", "example", false),
            ("127.0.0.1", "127.0.0.1", true),
            ("10.0.0.0/8", "10.1.2.3", true),
            ("10.0.0.0/8", "11.1.2.3", false),
            ("10.1.2.3/32", "10.1.2.3", true),
            ("0.0.0.0/0", "10.1.2.3", true),
            ("10.0.0.0/8", "10.example", false),
            ("10.0.0.0/99", "10.1.2.3", false),
            ("fd00::/8", "[fd12::1]", true),
            ("[fd12::1]", "[fd12::1]", true),
            ("fd00::/8", "10.1.2.3", false),
            ("", "mirror.example", false),
        ] {
            let variables = [("http_proxy", "http://proxy"), ("no_proxy", list)];
            let through = Proxies::new(variables, "").of("http", host).is_some();
            assert_eq!(!through, excepted, "{list}: {host}");
        }
    }
}
