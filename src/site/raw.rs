//! The tables of `site.toml` as they are written: keys and single values are checked here, what
//! one says about another in `validate`.

use super::amount::{DataSize, TimeSpan};
use super::at::{Apn, AtCommand, DialNumber};
use super::caller::CallerNumber;
use super::device::{DevicePath, Port, Speed};
use super::error::SiteError;
use super::lan::{InterfaceName, LanAddress};
use super::name::{Hostname, ProviderName, UserName};
use super::net::{Address, HostAddress, Ipv4Net, Netmask};
use super::secret::{Pin, Secret};
use super::sms::{Digits, OtpSecret, PhoneNumber};
use super::ssh::SshKey;
use super::timezone::Timezone;
use super::vpn::{Endpoint, Keepalive, PublicKey, SecretKey};
use super::{ChatTimeout, EchoFailure, EchoInterval, Hour, Mtu, Rings, TcpPort, WatchdogTimeout};
use serde::Deserialize;
use toml::Spanned;

pub(super) fn parse(text: &str) -> Result<Site, SiteError> {
    toml::from_str(text).map_err(|error| SiteError::from_toml(&error, text))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Site {
    pub role: Spanned<Role>,
    pub hostname: Hostname,
    pub timezone: Option<Timezone>,
    #[serde(default)]
    pub reboot: Reboot,
    #[serde(default)]
    pub watchdog: Watchdog,
    pub lan: Option<Spanned<Lan>>,
    pub modem: Option<Spanned<Modem>>,
    pub operator: Option<Spanned<Operator>>,
    pub link: Option<Spanned<Link>>,
    pub sms: Option<Spanned<Sms>>,
    pub vpn: Option<Spanned<Vpn>>,
    pub ssh: Option<Ssh>,
    pub dial_in: Option<Spanned<DialIn>>,
    #[serde(default)]
    pub line: Vec<Spanned<Line>>,
    #[serde(default)]
    pub user: Vec<Spanned<User>>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Role {
    Dialer,
    DialIn,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Reboot {
    pub hour: Option<Hour>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Watchdog {
    pub device: Option<DevicePath>,
    pub timeout: Option<WatchdogTimeout>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Lan {
    pub address: LanAddress,
    pub gateway: Option<Spanned<Address>>,
    #[serde(default)]
    pub dns: Vec<Spanned<Address>>,
    pub interface: Option<InterfaceName>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Modem {
    pub port: Option<Port>,
    pub speed: Option<Speed>,
    pub pin: Option<Pin>,
    pub init: Option<Vec<AtCommand>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Operator {
    pub name: ProviderName,
    pub apn: Apn,
    pub number: Option<DialNumber>,
    pub user: Option<Spanned<UserName>>,
    pub password: Option<Spanned<Secret>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Link {
    pub default_route: Option<Spanned<bool>>,
    pub routes: Option<Vec<Spanned<Ipv4Net>>>,
    pub lcp_echo_interval: Option<EchoInterval>,
    pub lcp_echo_failure: Option<EchoFailure>,
    pub chat_timeout: Option<ChatTimeout>,
    pub idle_limit: Option<Spanned<TimeSpan>>,
    pub session_limit: Option<Spanned<TimeSpan>>,
    pub data_budget: Option<DataSize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Sms {
    pub numbers: Vec<Spanned<PhoneNumber>>,
    pub proof: Option<Spanned<Proof>>,
    pub secret: Option<Spanned<OtpSecret>>,
    pub digits: Option<Spanned<Digits>>,
}

#[derive(Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Proof {
    Totp,
    Hotp,
    SenderOnly,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Vpn {
    pub private_key: SecretKey,
    pub address: HostAddress,
    pub public_key: PublicKey,
    pub preshared_key: Option<SecretKey>,
    pub endpoint: Endpoint,
    pub networks: Spanned<Vec<Spanned<Ipv4Net>>>,
    pub keepalive: Option<Keepalive>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Ssh {
    pub keys: Spanned<Vec<Spanned<SshKey>>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct DialIn {
    pub netmask: Option<Netmask>,
    #[serde(default)]
    pub dns: Vec<Spanned<Address>>,
    #[serde(default)]
    pub proxyarp: bool,
    pub masquerade: Option<bool>,
    #[serde(default)]
    pub open_ports: Vec<Spanned<TcpPort>>,
    pub mtu: Option<Mtu>,
    pub idle_limit: Option<TimeSpan>,
    pub session_limit: Option<TimeSpan>,
    pub lcp_echo_interval: Option<EchoInterval>,
    pub lcp_echo_failure: Option<EchoFailure>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Line {
    pub port: Spanned<Port>,
    pub speed: Option<Speed>,
    pub local: Spanned<Address>,
    pub remote: Spanned<Address>,
    pub crtscts: Option<bool>,
    pub rings: Option<Rings>,
    pub callers: Option<Vec<Spanned<CallerNumber>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct User {
    pub name: Spanned<UserName>,
    pub password: Spanned<Secret>,
}
