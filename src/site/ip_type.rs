//! The kind of packet context that the modem asks the network for.

use super::text::{Invalid, Text, text_value};

/// `<PDP_type>` of `+CGDCONT` (3GPP TS 27.007 §10.1.1). The box itself uses IPv4 only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IpType {
    /// IPv4 alone.
    Ipv4,
    /// Both, for an APN that refuses contexts of IPv4 alone. An operator may give the IPv6 half only (TS 24.301
    /// §6.2.2, ESM cause 51); then pppd finds no agreement.
    Ipv4v6,
}

impl IpType {
    /// As the modem has it.
    pub fn pdp_type(self) -> &'static str {
        match self {
            Self::Ipv4 => "IP",
            Self::Ipv4v6 => "IPV4V6",
        }
    }
}

impl Text for IpType {
    const EXPECTED: &'static str = "a kind of IP";

    fn from_text(text: &str) -> Result<Self, Invalid> {
        match text {
            "ipv4" => Ok(Self::Ipv4),
            "ipv4v6" => Ok(Self::Ipv4v6),
            "ipv6" => Err(Invalid::new(
                "the box has no IPv6 over the link: an operator that gives IPv6 alone cannot be used",
                "ask the operator for an APN with IPv4, and write \"ipv4\" or \"ipv4v6\"",
            )),
            _ => Err(Invalid::new(
                format!("{text:?} is no kind of IP that the box can ask for"),
                "write \"ipv4\" or \"ipv4v6\"",
            )),
        }
    }
}

text_value!(IpType);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operator_of_ipv6_alone_is_refused_with_the_reason() {
        assert_eq!("ipv4".parse(), Ok(IpType::Ipv4));
        assert_eq!("ipv4v6".parse(), Ok(IpType::Ipv4v6));
        let refused = "ipv6".parse::<IpType>().unwrap_err();
        assert!(refused.to_string().contains("IPv6 alone cannot be used"), "{refused}");
        assert!("IP".parse::<IpType>().is_err());
    }
}
