//! The two shipped sites, and every file rendered from them.

mod examples;
mod vpn;

use dialbox::site::{RenderedFile, Site};

const DIALER: &str = include_str!("../../image/sites/dialer.toml");
const DIAL_IN: &str = include_str!("../../image/sites/dial-in.toml");

fn show(files: &[RenderedFile]) -> String {
    let show = |file: &RenderedFile| {
        format!("==> {} {:04o}: {}\n{}", file.path, file.mode, file.summary, file.content)
    };
    files.iter().map(show).collect::<Vec<_>>().join("\n")
}

fn render(text: &str) -> Vec<RenderedFile> {
    Site::parse(text).unwrap_or_else(|error| panic!("{error}")).render()
}

fn content<'a>(files: &'a [RenderedFile], path: &str) -> &'a str {
    &files.iter().find(|file| file.path == path).unwrap_or_else(|| panic!("no {path}")).content
}

const GENERATED: &str = "# Generated from site.toml: edit that file, this one is overwritten.\n";

#[test]
fn the_dialer_is_the_original_setup() {
    insta::assert_snapshot!(show(&render(DIALER)));
}

#[test]
fn the_dial_in_is_the_original_setup() {
    insta::assert_snapshot!(show(&render(DIAL_IN)));
}

/// `base` with some lines replaced.
fn edited(base: &str, edits: &[(&str, &str)]) -> String {
    edits.iter().fold(base.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from:?} is not in the site");
        text.replacen(from, to, 1)
    })
}

#[test]
fn restricted_routes_replace_the_default_route() {
    let files = render(&edited(DIALER, &[("#routes = [", "routes = [\"192.168.7.0/24\", ")]));
    let peer = content(&files, "/etc/ppp/peers/free");
    assert!(peer.ends_with("\nnodefaultroute\n"), "{peer}");
    let script = |verb: &str| {
        format!(
            "#!/bin/sh\n{GENERATED}\
             ip route {verb} 192.168.7.0/24 dev \"$PPP_IFACE\"\n\
             ip route {verb} 10.1.0.0/16 dev \"$PPP_IFACE\"\n"
        )
    };
    assert_eq!(content(&files, "/etc/ppp/ip-up.d/routes"), script("replace"));
    assert_eq!(content(&files, "/etc/ppp/ip-down.d/routes"), script("del"));
    let mode = |path: &str| files.iter().find(|file| file.path == path).map(|file| file.mode);
    assert_eq!(mode("/etc/ppp/ip-up.d/routes"), Some(0o755));
}

#[test]
fn a_link_without_routes_reaches_its_peer() {
    let files = render(&edited(DIALER, &[("[link]", "[link]\ndefault-route = false")]));
    assert!(content(&files, "/etc/ppp/peers/free").ends_with("\nnodefaultroute\n"));
}

#[test]
fn an_operator_without_an_account_gets_no_user_and_no_secret() {
    let files = render(&edited(DIALER, &[("user = \"free\"\npassword = \"free\"\n", "")]));
    assert!(!content(&files, "/etc/ppp/peers/free").contains("user"));
    for path in ["/etc/ppp/pap-secrets", "/etc/ppp/chap-secrets"] {
        assert_eq!(content(&files, path), format!("{GENERATED}# client server secret addresses\n"));
    }
}

/// The port in `site.toml`, and the device for pppd.
#[test]
fn pppd_gets_the_port_or_the_symlink_to_the_found_modem() {
    for (port, device) in [
        ("auto", "/dev/modem"),
        ("1-1.4", "/dev/modem"),
        ("1-1.4:1.2", "/dev/modem"),
        ("/dev/ttyHS3", "/dev/ttyHS3"),
        (
            "/dev/serial/by-path/platform-20980000.usb-usb-0:1.2:1.0-port0",
            "/dev/serial/by-path/platform-20980000.usb-usb-0:1.2:1.0-port0",
        ),
    ] {
        let files = render(&edited(
            DIALER,
            &[("#[modem]", "[modem]"), ("#port = \"auto\"", &format!("port = {port:?}"))],
        ));
        let options = content(&files, "/etc/ppp/peers/free");
        assert_eq!(options.lines().nth(1), Some(device), "{port}");
    }
}

#[test]
fn every_line_has_its_own_options() {
    let second = "\n[[line]]\nport = \"1-1.3\"\nlocal = \"192.168.32.1\"\nremote = \"192.168.32.106\"\ncrtscts = false\n";
    let files = render(&(edited(DIAL_IN, &[("port = \"auto\"", "port = \"/dev/ttyUSB0\"")]) + second));
    let first = content(&files, "/etc/ppp/options.line1");
    let expected = first.replace("192.168.32.105", "192.168.32.106").replace("\ncrtscts\n", "\nnocrtscts\n");
    let expected = expected.replace("\nunit 0\n", "\nunit 1\n");
    assert_eq!(content(&files, "/etc/ppp/options.line2"), expected);
}

#[test]
fn a_login_prompt_is_in_the_summary_and_changes_no_file() {
    let site = Site::parse(&edited(DIAL_IN, &[("#login = false", "login = true")])).unwrap();
    assert!(site.summary().contains("answers the first ring, login prompt\n"), "{}", site.summary());
    assert_eq!(site.render(), render(DIAL_IN), "pppd is told on its command line");
}

#[test]
fn pppd_gets_an_option_for_hashed_passwords() {
    // openssl passwd -6 -salt labsalt free
    const HASH: &str = concat!(
        "$6$labsalt$qBN2OGJ8z19bgnJqJ5XH7JhrO0IKH6UyrMYaE0g2PbN",
        "WhA2PIgMGUUR0LzQQlm9rsHkfX8WBBNT0zSsh/ykiD."
    );
    let hash = format!("password-hash = \"{HASH}\"");
    let site = Site::parse(&edited(DIAL_IN, &[("password = \"change-me\"", &hash)])).unwrap();
    let files = site.render();
    assert!(content(&files, "/etc/ppp/options.line1").contains("auth\n+pap\npapcrypt\n"));
    assert!(content(&files, "/etc/ppp/pap-secrets").ends_with(&format!("\"caller\" * \"{HASH}\" *\n")));
    assert!(!format!("{files:?} {site:?} {:?}", site.masked().render()).contains(HASH));
    assert!(!content(&render(DIAL_IN), "/etc/ppp/options.line1").contains("papcrypt"));
}

#[test]
fn limits_and_the_longest_packet_are_pppd_options() {
    let limits = "[dial-in]\nmtu = 576\nidle-limit = \"15m\"\nsession-limit = \"4h\"";
    let files = render(&edited(DIAL_IN, &[("[dial-in]", limits)]));
    let options = content(&files, "/etc/ppp/options.line1");
    for option in ["mtu 576", "mru 576", "idle 900", "maxconnect 14400"] {
        assert!(options.lines().any(|line| line == option), "no {option} in:\n{options}");
    }
}

#[test]
fn callers_reach_only_the_open_ports_and_keep_their_address_without_masquerading() {
    let open = "[dial-in]\nmasquerade = false\nopen-ports = [22, 80]";
    let files = render(&edited(DIAL_IN, &[("[dial-in]", open)]));
    let rules = content(&files, "/etc/nftables.conf");
    assert!(rules.contains("\n\t\tiifname \"ppp*\" tcp dport { 22, 80 } accept\n"), "{rules}");
    assert!(!rules.contains("nat"), "{rules}");
}

#[test]
fn the_rules_bind_every_caller_to_the_address_of_its_line() {
    let second = "\n[[line]]\nport = \"1-1.3\"\nlocal = \"192.168.32.1\"\nremote = \"192.168.32.106\"\n";
    let files = render(&(edited(DIAL_IN, &[("port = \"auto\"", "port = \"/dev/ttyUSB0\"")]) + second));
    let rules = content(&files, "/etc/nftables.conf");
    for (unit, remote) in ["192.168.32.105", "192.168.32.106"].iter().enumerate() {
        let options = content(&files, &format!("/etc/ppp/options.line{}", unit + 1));
        assert!(options.contains(&format!(":{remote}\nunit {unit}\n")), "{options}");
        assert!(rules.contains(&format!("iifname \"ppp{unit}\" ip saddr {remote} accept\n")), "{rules}");
    }
    let both = "ip saddr { 192.168.32.105, 192.168.32.106 }";
    assert!(rules.contains(&format!("accept\n\t\tiifname \"ppp*\" {both} drop\n")), "{rules}");
    assert!(rules.contains(&format!("oifname != \"ppp*\" {both} accept\n")), "{rules}");
    assert!(rules.contains("ip saddr { 192.168.32.105, 192.168.32.106 } oifname"), "{rules}");
}

#[test]
fn every_interface_is_closed_except_for_the_sites_settings() {
    let key = "[ssh]\nkeys = [\"ssh-ed25519 \
        AAAAC3NzaC1lZDI1NTE5AAAAILmYoNvgJvhHM5aBxq3WGNzQ+eQFVHXhXoRyNzMNjYw5 nobody\"]\n";
    for (site, opened) in [
        (DIALER.to_owned(), ""),
        (DIAL_IN.to_owned(), ""),
        (DIALER.to_owned() + key, ""), // with a key, but without a network
        (DIAL_IN.to_owned() + key, "iifname { \"eth0\" } tcp dport 22 accept"),
        (
            DIAL_IN.replace("#interface = \"eth0\"", "interface = \"usb0\"") + key,
            "iifname { \"usb0\" } tcp dport 22 accept",
        ),
    ] {
        let files = render(&site);
        let rules = content(&files, "/etc/nftables.conf");
        assert!(rules.contains("hook input priority filter; policy drop;\n"), "{rules}");
        let opens = |rule: &&str| rule.contains("dport") && rule.ends_with("accept");
        let open: Vec<_> = rules.lines().map(str::trim).filter(opens).collect();
        assert_eq!(open.join("\n"), opened);
    }
}

#[test]
fn every_pppd_has_ipv6_turned_off() {
    for site in [DIALER, DIAL_IN] {
        assert!(content(&render(site), "/etc/ppp/options").contains("\nnoipv6\n"));
    }
}

#[test]
fn the_lan_has_a_fixed_address_or_dhcp_or_is_absent() {
    let fixed =
        "address = \"192.168.32.2/24\"\ngateway = \"192.168.32.254\"\ndns = [\"9.9.9.9\", \"1.1.1.1\"]";
    let files = render(&edited(DIAL_IN, &[("address = \"dhcp\"", fixed)]));
    let interfaces = content(&files, "/etc/network/interfaces");
    insta::assert_snapshot!(interfaces.split_once("loopback\n\n").unwrap().1, @"
    iface eth0 inet static
    	address 192.168.32.2
    	netmask 255.255.255.0
    	gateway 192.168.32.254
    	metric 100
    	up /etc/network/name-servers 9.9.9.9 1.1.1.1
    ");
    let files =
        render(&edited(DIAL_IN, &[("[lan]\n", ""), ("address = \"dhcp\"\n", ""), ("proxyarp = true\n", "")]));
    assert!(content(&files, "/etc/network/interfaces").ends_with("loopback\n"));
}

#[test]
fn commented_out_settings_of_the_examples_are_the_defaults() {
    for example in [DIALER, DIAL_IN] {
        let spelt_out: Vec<_> = example.split("\n\n").map(spelt_out).collect();
        let spelt_out = spelt_out.join("\n\n");
        assert_ne!(spelt_out, example);
        let parse = |text| Site::parse(text).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(parse(&spelt_out), parse(example));
    }
}

/// A paragraph of an example, with its commented-out defaults activated.
fn spelt_out(paragraph: &str) -> String {
    if ABSENT_TABLES.iter().any(|table| paragraph.contains(table)) {
        return paragraph.to_owned();
    }
    let setting = |line: &&str| {
        let rest = line.strip_prefix('#').unwrap_or(" ");
        rest.starts_with(|c: char| c == '[' || c.is_ascii_lowercase()) && !has_no_default(rest)
    };
    let lines: Vec<_> =
        paragraph.lines().map(|line| if setting(&line) { &line[1..] } else { line }).collect();
    lines.join("\n")
}

/// Tables that are absent by default: the examples show their syntax, without keys that could be
/// used by mistake.
const ABSENT_TABLES: [&str; 10] = [
    "#[forward]\n",
    "#[gpio]\n",
    "#[lan]\n",
    "#[missed-call]\n",
    "#[schedule]\n",
    "#[sms]\n",
    "#[ssh]\n",
    "#[tell]\n",
    "#[tunnel]\n",
    "#[vpn]\n",
];

/// A setting that is absent by default, or needs one that is: its line in the example shows the syntax.
fn has_no_default(line: &str) -> bool {
    let of_a_dialer = ["pin", "routes", "data-budget", "billing-day"];
    let of_a_dial_in = ["gateway", "dns", "mtu", "callers", "idle-limit = \"15m\"", "session-limit = \"4h\""];
    let more = ["login-prompt", "password-prompt", "model", "fixed-speed"];
    of_a_dialer.iter().chain(&of_a_dial_in).chain(&more).any(|key| line.starts_with(key))
}

#[test]
fn the_tunnel_knows_one_server_and_has_a_route_to_it_beside_others() {
    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILmYoNvgJvhHM5aBxq3WGNzQ+eQFVHXhXoRyNzMNjYw5";
    let tables = format!(
        "[ssh]\nkeys = [\"{KEY} me\"]\n[tunnel]\nserver = \"203.0.113.5:2222\"\nuser = \"cabin\"\n\
         host-key = \"{KEY} of the server\"\nport = 2201\n"
    );
    let files = render(&format!("{DIALER}\n{tables}"));
    let known = content(&files, "/etc/dialbox/tunnel/.ssh/known_hosts");
    assert!(known.ends_with(&format!("\n203.0.113.5 {KEY}\n")), "{known}");
    let connect = content(&files, "/etc/dialbox/tunnel/connect");
    assert!(connect.contains(" -R 2201:127.0.0.1:22 -p 2222 cabin@203.0.113.5\n"), "{connect}");
    assert!(!connect.contains(" -y"), "no other key is accepted: {connect}");
    assert!(
        !files.iter().any(|file| file.path == "/etc/ppp/ip-up.d/tunnel"),
        "the default route leads there"
    );
    let routes = edited(DIALER, &[("[link]\n", "[link]\nroutes = [\"10.1.0.0/16\"]\n")]);
    let files = render(&format!("{routes}\n{tables}"));
    assert!(content(&files, "/etc/ppp/ip-up.d/tunnel").contains("ip route replace 203.0.113.5 dev"));
}

#[test]
fn without_a_table_there_is_neither_vpn_nor_ssh() {
    for site in [DIALER, DIAL_IN] {
        let files = render(site);
        assert!(!files.iter().any(|file| file.path.contains("vpn") || file.path.contains("ssh")));
    }
}

#[test]
fn the_ssh_keys_are_in_a_file_that_only_root_can_read() {
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILmYoNvgJvhHM5aBxq3WGNzQ+eQFVHXhXoRyNzMNjYw5 me";
    for site in [DIALER, DIAL_IN] {
        let files = render(&format!("{site}\n[ssh]\nkeys = [{key:?}]\n"));
        assert_eq!(content(&files, "/root/.ssh/authorized_keys"), format!("{GENERATED}{key}\n"));
        let file = files.iter().find(|file| file.path.ends_with("authorized_keys")).unwrap();
        assert_eq!(file.mode, 0o600);
    }
}

const HASH_5: &str = "$5$labsalt$171mnlxIn9LqdDVR6Qm4ysjZZnzk3se2mUTizlZ7BZ9";
const HASH_6: &str =
    "$6$labsalt$o5MqIn2L0OkJjgNkpUjVJE15LpsYQkFq6EatQIYALmPVIVS0Hi6AwT83PpZPxQ6FBIWLTwUyTaop6/4MDxMWD1";
const PUBLIC_KEY: &str = "LVzhNIRwcCZ8nLbCbvMs1ql87Jh84ADfLhO3gs7nils=";

/// A site with a secret that the documentation shows.
fn with_secret(key: &str, value: &str) -> String {
    let dialer = "role = 'dialer'\nhostname = 'cabin'\n[operator]\nname = 'free'\napn = 'free'\n";
    match key {
        "password" | "password-hash" => {
            let (before, _) = DIAL_IN.split_once("\n[[user]]").expect("the example has a user");
            format!("{before}\n[[user]]\nname = 'caller'\n{key} = {value}\n")
        }
        "secret" => format!("{dialer}[sms]\nnumbers = ['+33612345678']\nsecret = {value}\n"),
        other => panic!("{other} = {value}: in which table?"),
    }
}

#[test]
fn every_secret_in_the_documentation_is_refused_by_the_builder() {
    let mut shown = 0;
    for text in [
        DIALER,
        DIAL_IN,
        include_str!("../../README.md"),
        include_str!("../../docs/site.md"),
        include_str!("../../docs/dialer.md"),
        include_str!("../../docs/dial-in.md"),
        include_str!("../../docs/architecture.md"),
        include_str!("../../docs/testing.md"),
        include_str!("../../docs/benchmarks.md"),
    ] {
        for line in text.lines() {
            let Some((key, value)) = line.trim_start_matches('#').split_once(" = ") else { continue };
            if !["password", "password-hash", "secret"].contains(&key) {
                continue;
            }
            shown += 1;
            assert!(Site::parse_for_use(&with_secret(key, value)).is_err(), "{line} is good enough");
        }
    }
    assert!(shown >= 3, "{shown} secrets");
}

#[test]
fn a_published_password_is_refused_with_its_line_and_not_shown() {
    let error = Site::parse_for_use(DIAL_IN).unwrap_err().in_file("cabin.toml").to_string();
    insta::assert_snapshot!(error);
    assert!(Site::parse(DIAL_IN).is_ok());
}

#[test]
fn the_hash_of_a_published_password_is_refused_too() {
    // `openssl passwd -6 -salt labsalt change-me`, `openssl passwd -5 -salt labsalt free`
    for hash in [HASH_6, HASH_5] {
        let site = with_secret("password-hash", &format!("\"{hash}\""));
        assert!(Site::parse(&site).is_ok());
        let error = Site::parse_for_use(&site).unwrap_err();
        assert!(error.to_string().contains("this password is public"), "{error}");
    }
}

#[test]
fn the_secret_of_the_rfcs_and_the_key_of_the_tests_are_refused() {
    let rfc = "\"GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ\"";
    let error = Site::parse_for_use(&with_secret("secret", rfc)).unwrap_err();
    assert!(error.to_string().contains("this secret is public"), "{error}");
    let fresh = "\"JJDUIQ2TGM4DQN2XKRSTMNJTGQ2DCMRT\"";
    assert!(Site::parse_for_use(&with_secret("secret", fresh)).is_ok());

    let key = "private-key = \"aAtSHjdVOAl1GdMyUhhgyIHY14tpX+dhE3kdwY79QH4=\"";
    let vpn = format!(
        "[vpn]\n{key}\naddress = \"10.9.0.2/24\"\npublic-key = \"{PUBLIC_KEY}\"\n\
         endpoint = \"203.0.113.5:51820\"\nnetworks = [\"10.9.0.0/24\"]\n"
    );
    let error = Site::parse_for_use(&format!("{DIALER}\n{vpn}")).unwrap_err();
    assert!(error.to_string().contains("this key is public"), "{error}");
}
