//! The tables of `site.toml` as written. Keys and single values are checked here, relations between them in `validate`.

use super::amount::{DataSize, TimeSpan};
use super::at::{Apn, AtCommand, DialNumber};
use super::caller::CallerNumber;
use super::context_auth::ContextAuth;
use super::device::{DevicePath, Port, Speed};
use super::error::{Checked, Problem};
use super::exchange::{AccountName, DigestAlgorithm, Extension, Pattern, Qualify, UdpPort};
use super::gpio::{Bias, Board, GpioNumber, Level, LineName};
use super::hash::PasswordHash;
use super::ip_type::IpType;
use super::lan::{InterfaceName, LanAddress};
use super::line_init::LineInit;
use super::modem_model::{LineSpeed, ModemModel};
use super::name::{Hostname, ProviderName, UserName};
use super::net::{Address, HostAddress, Ipv4Net, Netmask};
use super::peer::{AnyEndpoint, Endpoint};
use super::prompt::Prompt;
use super::schedule::{Days, TimeOfDay};
use super::secret::{Pin, Secret};
use super::service::{Offer, ServiceName, ServiceProtocol};
use super::sms::{Digits, OtpSecret, PhoneNumber};
use super::ssh::SshKey;
use super::table::{Value, Written, tables, word};
use super::tell::{MessagesADay, Occasion};
use super::timezone::Timezone;
use super::tunnel::SshUser;
use super::vpn::{Keepalive, PublicKey, SecretKey};
use super::{
    BillingDay, ChatTimeout, EchoFailure, EchoInterval, Hour, Mtu, PppAuth, Rings, TcpPort, WatchdogTimeout,
};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

pub(super) fn parse(text: &str) -> Checked<Site> {
    let document = DeTable::parse(text).map_err(|error| Problem::from_syntax(&error))?;
    // An error about the whole file has its start as position.
    Site::read(&Spanned::new(0..0, DeValue::Table(document.into_inner())))
}

tables! {
    struct Site {
        role: Spanned<Role>,
        hostname: Hostname,
        timezone: Option<Timezone>,
        reboot: Option<Reboot>,
        watchdog: Option<Watchdog>,
        lan: Option<Spanned<Lan>>,
        modem: Option<Spanned<Modem>>,
        operator: Option<Spanned<Operator>>,
        link: Option<Spanned<Link>>,
        sms: Option<Spanned<Sms>>,
        vpn: Option<Spanned<Vpn>>,
        tunnel: Option<Spanned<Tunnel>>,
        forward: Option<Spanned<Forward>>,
        gpio: Option<Spanned<Gpio>>,
        schedule: Option<Spanned<Schedule>>,
        missed_call: Option<Spanned<MissedCall>>,
        tell: Option<Spanned<Tell>>,
        ssh: Option<Ssh>,
        dial_in: Option<Spanned<DialIn>>,
        line: Option<Vec<Spanned<Line>>>,
        user: Option<Vec<Spanned<User>>>,
        service: Option<Vec<Spanned<Service>>>,
        exchange: Option<Spanned<Exchange>>,
    }

    #[derive(Default)]
    struct Reboot {
        hour: Option<Hour>,
    }

    #[derive(Default)]
    struct Watchdog {
        device: Option<Spanned<DevicePath>>,
        timeout: Option<WatchdogTimeout>,
    }

    struct Lan {
        address: LanAddress,
        gateway: Option<Spanned<Address>>,
        dns: Option<Vec<Spanned<Address>>>,
        interface: Option<InterfaceName>,
    }

    #[derive(Default)]
    struct Modem {
        port: Option<Port>,
        speed: Option<Speed>,
        pin: Option<Pin>,
        init: Option<Vec<Spanned<AtCommand>>>,
        other_after: Option<Spanned<TimeSpan>>,
    }

    struct Operator {
        name: ProviderName,
        apn: Apn,
        other_apns: Option<Vec<Spanned<Apn>>>,
        number: Option<DialNumber>,
        ip_type: Option<IpType>,
        user: Option<Spanned<UserName>>,
        password: Option<Spanned<Secret>>,
        auth: Option<Spanned<ContextAuth>>,
    }

    #[derive(Default)]
    struct Link {
        default_route: Option<Spanned<bool>>,
        routes: Option<Vec<Spanned<Ipv4Net>>>,
        lcp_echo_interval: Option<Spanned<EchoInterval>>,
        lcp_echo_failure: Option<Spanned<EchoFailure>>,
        chat_timeout: Option<ChatTimeout>,
        idle_limit: Option<Spanned<TimeSpan>>,
        session_limit: Option<Spanned<TimeSpan>>,
        data_budget: Option<Spanned<DataSize>>,
        billing_day: Option<Spanned<BillingDay>>,
    }

    struct Sms {
        numbers: Vec<Spanned<PhoneNumber>>,
        proof: Option<Spanned<Proof>>,
        secret: Option<Spanned<OtpSecret>>,
        digits: Option<Spanned<Digits>>,
        set: Option<Spanned<bool>>,
    }

    struct Vpn {
        private_key: Spanned<SecretKey>,
        address: Spanned<HostAddress>,
        public_key: PublicKey,
        preshared_key: Option<Spanned<SecretKey>>,
        endpoint: Spanned<AnyEndpoint>,
        other_endpoints: Option<Vec<Spanned<AnyEndpoint>>>,
        networks: Spanned<Vec<Spanned<Ipv4Net>>>,
        keepalive: Option<Keepalive>,
        renew: Option<bool>,
    }

    struct Tunnel {
        server: Spanned<AnyEndpoint>,
        user: SshUser,
        host_key: SshKey,
        port: Spanned<TcpPort>,
    }

    #[derive(Default)]
    struct Forward {
        networks: Option<Vec<Spanned<Ipv4Net>>>,
        port: Option<Vec<Spanned<PortForward>>>,
        serial: Option<Vec<Spanned<SerialForward>>>,
        masquerade: Option<Spanned<bool>>,
        from_lan: Option<bool>,
    }

    struct PortForward {
        listen: Spanned<TcpPort>,
        to: Spanned<Endpoint>,
    }

    struct SerialForward {
        listen: Spanned<TcpPort>,
        port: Spanned<Port>,
        speed: Option<Speed>,
    }

    struct Gpio {
        board: Board,
        output: Option<Vec<Spanned<GpioOutput>>>,
        input: Option<Vec<Spanned<GpioInput>>>,
    }

    struct GpioOutput {
        name: Spanned<LineName>,
        line: Spanned<GpioNumber>,
        at_boot: Option<Level>,
        active_low: Option<bool>,
    }

    struct GpioInput {
        name: Spanned<LineName>,
        line: Spanned<GpioNumber>,
        bias: Option<Bias>,
        active_low: Option<bool>,
    }

    struct Schedule {
        on: Option<Days>,
        at: TimeOfDay,
        open_for: Option<Spanned<TimeSpan>>,
        spread: Option<Spanned<TimeSpan>>,
    }

    struct MissedCall {
        numbers: Spanned<Vec<Spanned<PhoneNumber>>>,
        open_for: Option<Spanned<TimeSpan>>,
    }

    struct Tell {
        to: Spanned<Vec<Spanned<PhoneNumber>>>,
        on: Spanned<Vec<Spanned<Occasion>>>,
        a_day: Option<MessagesADay>,
    }

    struct Ssh {
        keys: Spanned<Vec<Spanned<SshKey>>>,
    }

    #[derive(Default)]
    struct DialIn {
        netmask: Option<Netmask>,
        dns: Option<Vec<Spanned<Address>>>,
        proxyarp: Option<Spanned<bool>>,
        masquerade: Option<bool>,
        open_ports: Option<Vec<Spanned<TcpPort>>>,
        mtu: Option<Mtu>,
        idle_limit: Option<Spanned<TimeSpan>>,
        session_limit: Option<Spanned<TimeSpan>>,
        lcp_echo_interval: Option<Spanned<EchoInterval>>,
        lcp_echo_failure: Option<Spanned<EchoFailure>>,
        auth: Option<Spanned<Vec<Spanned<PppAuth>>>>,
        wins: Option<Vec<Spanned<Address>>>,
        callers_meet: Option<bool>,
        login_prompt: Option<Spanned<Prompt>>,
        password_prompt: Option<Spanned<Prompt>>,
    }

    struct Line {
        port: Spanned<Port>,
        speed: Option<Speed>,
        local: Spanned<Address>,
        remote: Spanned<Address>,
        crtscts: Option<bool>,
        rings: Option<Spanned<Rings>>,
        callers: Option<Spanned<Vec<Spanned<CallerNumber>>>>,
        login: Option<bool>,
        guest: Option<Spanned<bool>>,
        null_modem: Option<Spanned<bool>>,
        model: Option<Spanned<ModemModel>>,
        init: Option<Spanned<Vec<LineInit>>>,
        fixed_speed: Option<Spanned<LineSpeed>>,
        error_correction: Option<Spanned<bool>>,
    }

    struct User {
        name: Spanned<UserName>,
        password: Option<Spanned<Secret>>,
        password_hash: Option<Spanned<PasswordHash>>,
        services: Option<Spanned<Vec<Spanned<Offer>>>>,
    }

    struct Service {
        name: Spanned<ServiceName>,
        address: Spanned<Endpoint>,
        protocol: Option<ServiceProtocol>,
    }

    struct Exchange {
        port: Option<Spanned<UdpPort>>,
        no_answer: Option<Spanned<TimeSpan>>,
        qualify: Option<Qualify>,
        rtp_relay: Option<Spanned<bool>>,
        account: Option<Vec<Spanned<ExchangeAccount>>>,
        route: Option<Vec<Spanned<ExchangeRoute>>>,
    }

    struct ExchangeAccount {
        name: Spanned<AccountName>,
        password: Spanned<Secret>,
        extension: Option<Spanned<Extension>>,
        digest: Option<DigestAlgorithm>,
    }

    struct ExchangeRoute {
        pattern: Spanned<Pattern>,
        to: Spanned<Vec<Spanned<AccountName>>>,
    }
}

#[derive(Clone, Copy)]
pub(super) enum Role {
    Dialer,
    DialIn,
}

impl Value for Role {
    fn read(value: &Written<'_>) -> Checked<Self> {
        word(value, "a role", &[("dialer", Self::Dialer), ("dial-in", Self::DialIn)])
    }
}

impl Value for PppAuth {
    fn read(value: &Written<'_>) -> Checked<Self> {
        let words = [("pap", Self::Pap), ("chap", Self::Chap), ("mschap-v2", Self::MsChapV2)];
        word(value, "a protocol", &words)
    }
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Proof {
    Totp,
    Hotp,
    SenderOnly,
}

impl Value for Proof {
    fn read(value: &Written<'_>) -> Checked<Self> {
        let words = [("totp", Self::Totp), ("hotp", Self::Hotp), ("sender-only", Self::SenderOnly)];
        word(value, "a kind of proof", &words)
    }
}
