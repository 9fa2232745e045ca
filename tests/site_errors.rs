//! The error messages for mistakes in `site.toml`.

use dialbox::site::Site;

const DIALER: &str = r#"role = "dialer"
hostname = "dialbox"
[operator]
name = "free"
apn = "free"
user = "free"
password = "hunter2"
"#;

const OTHER_USER_WITH_A_HASH: &str = concat!(
    "[[user]]\nname = \"other\"\n",
    "password-hash = \"$5$labsalt$171mnlxIn9LqdDVR6Qm4ysjZZnzk3se2mUTizlZ7BZ9\"\n",
    "[[user]]"
);

const DIAL_IN: &str = r#"role = "dial-in"
hostname = "dialbox"
[[line]]
port = "/dev/ttyUSB0"
local = "192.168.32.1"
remote = "192.168.32.105"
[[user]]
name = "caller"
password = "hunter2"
"#;

/// The same on a local network.
const LAN_DIAL_IN: &str = r#"role = "dial-in"
hostname = "dialbox"
[lan]
address = "192.168.32.2/24"
gateway = "192.168.32.254"
dns = ["192.168.32.253"]
[[line]]
port = "/dev/ttyUSB0"
local = "192.168.32.1"
remote = "192.168.32.105"
[[user]]
name = "caller"
password = "hunter2"
"#;

/// The same with an exchange.
const EXCHANGE: &str = r#"role = "dial-in"
hostname = "dialbox"
[lan]
address = "dhcp"
[[line]]
port = "auto"
local = "192.168.32.1"
remote = "192.168.32.105"
[[user]]
name = "caller"
password = "hunter2"
[exchange]
port = 5060
[[exchange.account]]
name = "console"
password = "hunter2"
extension = "10"
[[exchange.account]]
name = "modem1"
password = "hunter3"
extension = "11"
[[exchange.route]]
pattern = "_X!"
to = ["modem1"]
"#;

/// A dialer with a VPN.
const VPN: &str = r#"role = "dialer"
hostname = "dialbox"
[vpn]
private-key = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="
address = "10.9.0.2/24"
public-key = "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw="
endpoint = "203.0.113.5:51820"
networks = ["10.9.0.0/24"]
[operator]
name = "free"
apn = "free"
"#;

/// A dialer that lets the far side of its VPN into its local network.
const FORWARD: &str = r#"role = "dialer"
hostname = "dialbox"
[lan]
address = "192.168.32.2/24"
[vpn]
private-key = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="
address = "10.9.0.2/24"
public-key = "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw="
endpoint = "203.0.113.5:51820"
networks = ["10.9.0.0/24"]
[forward]
networks = ["192.168.32.0/24"]
[operator]
name = "free"
apn = "free"
"#;
const PORT_TWICE: &str = "[[forward.port]]\nlisten = 8080\nto = \"192.168.32.7:80\"\n\
                          [[forward.port]]\nlisten = 8080\nto = \"192.168.32.8:80\"\n[operator]";

/// One error in an otherwise valid site.
const SLIPS: &[(&str, &str, &str, &str)] = &[
    ("misspelt key", DIALER, "apn =", "apm ="),
    ("misspelt secret key", DIALER, "password =", "pasword ="),
    ("key unlike any other", DIALER, "apn =", "colour ="),
    ("misspelt table", DIALER, "[operator]", "[operater]"),
    ("misspelt role", DIALER, "\"dialer\"", "\"dailer\""),
    ("role unlike any other", DIALER, "\"dialer\"", "\"router\""),
    ("no role", DIALER, "role = \"dialer\"\n", ""),
    ("no hostname", DIALER, "hostname = \"dialbox\"\n", ""),
    ("no apn", DIALER, "apn = \"free\"\n", ""),
    (
        "no operator",
        DIALER,
        "[operator]\nname = \"free\"\napn = \"free\"\nuser = \"free\"\npassword = \"hunter2\"\n",
        "",
    ),
    ("text without quotes", DIALER, "\"dialbox\"", "dialbox"),
    ("no closing quote", DIALER, "\"dialbox\"", "\"dialbox"),
    ("key twice", DIALER, "apn = \"free\"", "apn = \"free\"\napn = \"other\""),
    ("number instead of text", DIALER, "\"dialbox\"", "7"),
    ("text instead of number", DIALER, "[operator]", "[reboot]\nhour = \"4\"\n[operator]"),
    ("list instead of text", DIALER, "\"dialbox\"", "[\"dialbox\"]"),
    ("text instead of a list", DIALER, "[operator]", "[modem]\ninit = \"ATZ\"\n[operator]"),
    ("text instead of true or false", DIALER, "[operator]", "[link]\ndefault-route = \"yes\"\n[operator]"),
    ("value instead of a table", DIALER, "hostname", "reboot = 4\nhostname"),
    ("list of tables instead of one", DIALER, "[operator]", "[[operator]]"),
    ("fraction of an hour", DIALER, "[operator]", "[reboot]\nhour = 4.5\n[operator]"),
    ("hour beyond all numbers", DIALER, "[operator]", "[reboot]\nhour = 99999999999999999999\n[operator]"),
    ("hour in hexadecimal", DIALER, "[operator]", "[reboot]\nhour = 0x18\n[operator]"),
    ("key with an underscore", DIALER, "[operator]", "[link]\nidle_limit = \"10m\"\n[operator]"),
    ("two misspelt keys", DIALER, "apn = \"free\"\nuser", "yuser = \"free\"\nbpn"),
    ("hostname with a blank", DIALER, "\"dialbox\"", "\"dial box\""),
    ("impossible hour", DIALER, "[operator]", "[reboot]\nhour = 24\n[operator]"),
    ("watchdog beyond its counter", DIALER, "[operator]", "[watchdog]\ntimeout = 60\n[operator]"),
    (
        "watchdog outside /dev",
        DIALER,
        "[operator]",
        "[watchdog]\ndevice = \"/dev/../etc/passwd\"\n[operator]",
    ),
    ("time zone by its city", DIALER, "[operator]", "timezone = \"Europe/Paris\"\n[operator]"),
    ("unsupported speed", DIALER, "[operator]", "[modem]\nspeed = 115000\n[operator]"),
    ("invalid port", DIALER, "[operator]", "[modem]\nport = \"ttyUSB0\"\n[operator]"),
    ("invalid init command", DIALER, "[operator]", "[modem]\ninit = [\"ATZ\", \"Z\\n\"]\n[operator]"),
    ("PIN without quotes", DIALER, "[operator]", "[modem]\npin = 4711\n[operator]"),
    ("PIN too short", DIALER, "[operator]", "[modem]\npin = \"471\"\n[operator]"),
    ("provider that leaves its directory", DIALER, "name = \"free\"", "name = \"../options\""),
    ("apn with a quote", DIALER, "apn = \"free\"", "apn = 'fr\"ee'"),
    ("user without password", DIALER, "password = \"hunter2\"\n", ""),
    ("password without user", DIALER, "user = \"free\"\n", ""),
    ("password without quotes", DIALER, "\"hunter2\"", "hunter2"),
    ("password without equals sign", DIALER, "password = \"hunter2\"", "password \"hunter2\""),
    ("password over two lines", DIALER, "\"hunter2\"", "\"\"\"hunter2\nhunter2\\z\"\"\""),
    ("password with a line break", DIALER, "\"hunter2\"", "\"hunter2\\n\""),
    ("password that pppd reads from a file", DIALER, "hunter2", "@/etc/passwd"),
    ("password that pppd asks the system for", DIAL_IN, "hunter2", "@login"),
    ("user that is a wildcard", DIAL_IN, "\"caller\"", "\"*\""),
    ("unknown model of modem", DIAL_IN, "remote =", "model = \"rokwell\"\nremote ="),
    ("model unlike any other", DIAL_IN, "remote =", "model = \"BaudMaster 3000\"\nremote ="),
    ("init that turns result codes off", DIAL_IN, "remote =", "init = [\"AT&K3\", \"ATQ1\"]\nremote ="),
    ("init that answers calls", DIAL_IN, "remote =", "init = [\"ATS0=1\"]\nremote ="),
    ("init without an OK", DIAL_IN, "remote =", "init = [\"ATDT123\"]\nremote ="),
    ("init that is no command", DIAL_IN, "remote =", "init = [\"AT&\"]\nremote ="),
    ("fixed speed without a model", DIAL_IN, "remote =", "fixed-speed = 2400\nremote ="),
    (
        "fixed speed that the model has not",
        DIAL_IN,
        "remote =",
        "model = \"silabs\"\nfixed-speed = 9600\nremote =",
    ),
    (
        "fixed speed of a model without any",
        DIAL_IN,
        "remote =",
        "model = \"lucent\"\nfixed-speed = 9600\nremote =",
    ),
    ("fixed speed beyond all modems", DIAL_IN, "remote =", "fixed-speed = 115200\nremote ="),
    ("no error correction without a model", DIAL_IN, "remote =", "error-correction = false\nremote ="),
    ("prompt with the escape sequence", DIAL_IN, "[[line]]", "[dial-in]\nlogin-prompt = \"+++\"\n[[line]]"),
    ("unknown protocol for the name", DIAL_IN, "[[line]]", "[dial-in]\nauth = [\"chapp\"]\n[[line]]"),
    ("no protocol for the name", DIAL_IN, "[[line]]", "[dial-in]\nauth = []\n[[line]]"),
    (
        "CHAP with a hash",
        DIAL_IN,
        "[[user]]\nname = \"caller\"\npassword = \"hunter2\"\n",
        concat!(
            "[dial-in]\nauth = [\"pap\", \"mschap-v2\"]\n[[user]]\nname = \"other\"\n",
            "password-hash = \"$5$labsalt$171mnlxIn9LqdDVR6Qm4ysjZZnzk3se2mUTizlZ7BZ9\"\n",
        ),
    ),
    (
        "three WINS servers",
        DIAL_IN,
        "[[line]]",
        "[dial-in]\nwins = [\"192.0.2.1\", \"192.0.2.2\", \"192.0.2.3\"]\n[[line]]",
    ),
    ("rings of a cable", DIAL_IN, "remote =", "null-modem = true\nrings = 2\nremote ="),
    ("cable at an unknown port", DIAL_IN, "\"/dev/ttyUSB0\"", "\"auto\"\nnull-modem = true"),
    ("guest with a login prompt", DIAL_IN, "remote =", "guest = true\nlogin = true\nremote ="),
    ("prompt without a login", DIAL_IN, "[[line]]", "[dial-in]\nlogin-prompt = \"username:\"\n[[line]]"),
    (
        "route with host bits",
        DIALER,
        "[operator]",
        "[link]\nroutes = [\"10.0.0.0/8\", \"10.1.2.3/16\"]\n[operator]",
    ),
    ("route twice", DIALER, "[operator]", "[link]\nroutes = [\"10.0.0.0/8\", \"10.0.0.0/8\"]\n[operator]"),
    (
        "routes besides the default",
        DIALER,
        "[operator]",
        "[link]\ndefault-route = true\nroutes = [\"10.0.0.0/8\"]\n[operator]",
    ),
    ("limit without a unit", DIALER, "[operator]", "[link]\nidle-limit = \"10\"\n[operator]"),
    ("limit as a number", DIALER, "[operator]", "[link]\nsession-limit = 7200\n[operator]"),
    ("limit too short to dial", DIALER, "[operator]", "[link]\nidle-limit = \"5s\"\n[operator]"),
    ("limit beyond the month", DIALER, "[operator]", "[link]\nsession-limit = \"40d\"\n[operator]"),
    ("budget in binary units", DIALER, "[operator]", "[link]\ndata-budget = \"500MiB\"\n[operator]"),
    (
        "forward without a VPN",
        DIALER,
        "[operator]",
        "[forward]\nnetworks = [\"192.168.32.0/24\"]\n[operator]",
    ),
    ("forward without a local network", VPN, "[operator]", "[forward]\nfrom-lan = true\n[operator]"),
    ("forward of nothing", FORWARD, "networks = [\"192.168.32.0/24\"]", "masquerade = false"),
    ("forward into another network", FORWARD, "[\"192.168.32.0/24\"]", "[\"192.168.33.0/24\"]"),
    ("forward into the VPN", FORWARD, "[\"192.168.32.0/24\"]", "[\"10.9.0.0/16\"]"),
    (
        "forward into the link's network",
        FORWARD,
        "[forward]\nnetworks = [\"192.168.32.0/24\"]",
        "[link]\nroutes = [\"192.168.32.128/25\"]\n[forward]\nnetworks = [\"192.168.32.0/24\"]",
    ),
    ("overlapping forwards", FORWARD, "[\"192.168.32.0/24\"]", "[\"192.168.32.0/25\", \"192.168.32.7/32\"]"),
    ("forwarded port twice", FORWARD, "[operator]", PORT_TWICE),
    (
        "forwarded port to the box itself",
        FORWARD,
        "[operator]",
        "[[forward.port]]\nlisten = 8080\nto = \"192.168.32.2:80\"\n[operator]",
    ),
    (
        "forwarded port into another network",
        FORWARD,
        "[operator]",
        "[[forward.port]]\nlisten = 8080\nto = \"192.168.33.2:80\"\n[operator]",
    ),
    (
        "forwarded ssh port",
        FORWARD,
        "[operator]",
        "[[forward.port]]\nlisten = 22\nto = \"192.168.32.7:22\"\n[ssh]\nkeys = [\"ssh-ed25519 \
         AAAAC3NzaC1lZDI1NTE5AAAAILmYoNvgJvhHM5aBxq3WGNzQ+eQFVHXhXoRyNzMNjYw5 me\"]\n[operator]",
    ),
    (
        "scheduled on a day that some months lack",
        DIALER,
        "[operator]",
        "[schedule]\non = \"31\"\nat = \"02:30\"\n[operator]",
    ),
    (
        "scheduled by frequency",
        DIALER,
        "[operator]",
        "[schedule]\non = \"weekly\"\nat = \"02:30\"\n[operator]",
    ),
    ("schedule without a time", DIALER, "[operator]", "[schedule]\non = \"sunday\"\n[operator]"),
    ("schedule at an impossible time", DIALER, "[operator]", "[schedule]\nat = \"24:00\"\n[operator]"),
    (
        "scheduled for longer than a session",
        DIALER,
        "[operator]",
        "[link]\nsession-limit = \"30m\"\n[schedule]\nat = \"02:30\"\nopen-for = \"1h\"\n[operator]",
    ),
    (
        "schedule that spreads over days",
        DIALER,
        "[operator]",
        "[schedule]\nat = \"02:30\"\nspread = \"2d\"\n[operator]",
    ),
    ("schedule of a dial-in", DIAL_IN, "[[line]]", "[schedule]\nat = \"02:30\"\n[[line]]"),
    ("private key cut off", VPN, "yAnz5TF+lXXJte14", "yAnz5TF+lXXJte"),
    ("private key without quotes", VPN, "\"yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\"", "yAnz5TF"),
    ("misspelt private key", VPN, "private-key", "privat-key"),
    ("invalid public key", VPN, "HIgo9xNz", "HIgo9xN="),
    ("endpoint by name", VPN, "203.0.113.5:51820", "vpn.example:51820"),
    ("endpoint without a port", VPN, "203.0.113.5:51820", "203.0.113.5"),
    ("network as the box's address", VPN, "10.9.0.2/24", "10.9.0.0/24"),
    ("keepalive too short", VPN, "[operator]", "keepalive = 1\n[operator]"),
    ("vpn to nowhere", VPN, "[\"10.9.0.0/24\"]", "[]"),
    ("vpn of a dial-in", VPN, "\"dialer\"", "\"dial-in\""),
    (
        "private ssh key",
        DIALER,
        "[operator]",
        "[ssh]\nkeys = [\"-----BEGIN OPENSSH PRIVATE KEY-----\"]\n[operator]",
    ),
    ("ssh key cut off", DIALER, "[operator]", "[ssh]\nkeys = [\"ssh-ed25519 AAAAC3NzaC1lZDI1\"]\n[operator]"),
    ("ssh key without its type", DIALER, "[operator]", "[ssh]\nkeys = [\"AAAAC3NzaC1lZDI1\"]\n[operator]"),
    ("no ssh key", DIALER, "[operator]", "[ssh]\nkeys = []\n[operator]"),
    ("number in national form", DIALER, "[operator]", "[sms]\nnumbers = [\"0612345678\"]\n[operator]"),
    (
        "number twice",
        DIALER,
        "[operator]",
        "[sms]\nnumbers = [\"+33612345678\", \"+33612345678\"]\n[operator]",
    ),
    ("no number", DIALER, "[operator]", "[sms]\nnumbers = []\nproof = \"sender-only\"\n[operator]"),
    ("number without proof", DIALER, "[operator]", "[sms]\nnumbers = [\"+33612345678\"]\n[operator]"),
    (
        "proof without secret",
        DIALER,
        "[operator]",
        "[sms]\nnumbers = [\"+33612345678\"]\nproof = \"hotp\"\n[operator]",
    ),
    (
        "proof that does not exist",
        DIALER,
        "[operator]",
        "[sms]\nnumbers = [\"+33612345678\"]\nproof = \"topt\"\n[operator]",
    ),
    (
        "secret that is not Base32",
        DIALER,
        "[operator]",
        "[sms]\nnumbers = [\"+33612345678\"]\nsecret = \"hunter1hunter1hunter1\"\n[operator]",
    ),
    (
        "secret too short",
        DIALER,
        "[operator]",
        "[sms]\nnumbers = [\"+33612345678\"]\nsecret = \"JBSWY3DPEHPK3PXP\"\n[operator]",
    ),
    (
        "unused secret",
        DIALER,
        "[operator]",
        "[sms]\nnumbers = [\"+33612345678\"]\nproof = \"sender-only\"\nsecret = \"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\"\n[operator]",
    ),
    (
        "unused digits",
        DIALER,
        "[operator]",
        "[sms]\nnumbers = [\"+33612345678\"]\nproof = \"sender-only\"\ndigits = 6\n[operator]",
    ),
    (
        "unsupported digits",
        DIALER,
        "[operator]",
        "[sms]\nnumbers = [\"+33612345678\"]\nsecret = \"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\"\ndigits = 7\n[operator]",
    ),
    (
        "commands for a dial-in",
        DIAL_IN,
        "[[line]]",
        "[sms]\nnumbers = [\"+33612345678\"]\nproof = \"sender-only\"\n[[line]]",
    ),
    (
        "line of a dialer",
        DIALER,
        "[operator]",
        "[[line]]\nport = \"auto\"\nlocal = \"10.0.0.1\"\nremote = \"10.0.0.2\"\n[operator]",
    ),
    (
        "exchange of a dialer",
        DIALER,
        "[operator]",
        "[exchange]\n[[exchange.account]]\nname = \"a\"\npassword = \"hunter2\"\n[operator]",
    ),
    ("exchange without a network", EXCHANGE, "[lan]\naddress = \"dhcp\"\n", ""),
    ("exchange that relays", EXCHANGE, "port = 5060", "rtp-relay = true"),
    ("two accounts of one name", EXCHANGE, "name = \"modem1\"", "name = \"console\""),
    ("two accounts of one extension", EXCHANGE, "extension = \"11\"", "extension = \"10\""),
    ("account without a password", EXCHANGE, "password = \"hunter3\"\n", ""),
    ("account with an empty password", EXCHANGE, "\"hunter3\"", "\"\""),
    ("account whose password is its name", EXCHANGE, "\"hunter3\"", "\"modem1\""),
    ("account with a blank in its name", EXCHANGE, "name = \"modem1\"", "name = \"modem 1\""),
    ("algorithm that does not exist", EXCHANGE, "extension = \"11\"", "digest = \"sha256\""),
    ("pattern that nobody can dial", EXCHANGE, "\"_X!\"", "\"_X!5\""),
    ("pattern with letters", EXCHANGE, "\"_X!\"", "\"_XY\""),
    ("pattern without its mark", EXCHANGE, "\"_X!\"", "\"X!\""),
    ("pattern behind an extension", EXCHANGE, "\"_X!\"", "\"11\""),
    (
        "pattern behind a wider one",
        EXCHANGE,
        "to = [\"modem1\"]",
        "to = [\"modem1\"]\n[[exchange.route]]\npattern = \"_55X\"\nto = [\"console\"]",
    ),
    ("route to nobody", EXCHANGE, "to = [\"modem1\"]", "to = []"),
    ("route to a stranger", EXCHANGE, "to = [\"modem1\"]", "to = [\"modem2\"]"),
    ("route to one account twice", EXCHANGE, "to = [\"modem1\"]", "to = [\"modem1\", \"modem1\"]"),
    ("no user", DIAL_IN, "[[user]]\nname = \"caller\"\npassword = \"hunter2\"\n", ""),
    ("empty password", DIAL_IN, "\"hunter2\"", "\"\""),
    ("caller without password", DIAL_IN, "password = \"hunter2\"\n", ""),
    ("password instead of a hash", DIAL_IN, "password =", "password-hash ="),
    ("hash cut off", DIAL_IN, "password = \"hunter2\"", "password-hash = \"$5$salt$hunter2\""),
    ("hash beside a password", DIAL_IN, "[[user]]", OTHER_USER_WITH_A_HASH),
    ("caller twice", DIAL_IN, "[[user]]", "[[user]]\nname = \"caller\"\npassword = \"a\"\n[[user]]"),
    ("caller with the box's address", DIAL_IN, "32.105", "32.1"),
    ("address with five numbers", DIAL_IN, "32.105", "32.105.1"),
    ("netmask with a hole", DIAL_IN, "[[line]]", "[dial-in]\nnetmask = \"255.0.255.0\"\n[[line]]"),
    (
        "three name servers",
        DIAL_IN,
        "[[line]]",
        "[dial-in]\ndns = [\"1.1.1.1\", \"8.8.8.8\", \"9.9.9.9\"]\n[[line]]",
    ),
    (
        "two automatic lines",
        DIAL_IN,
        "[[line]]",
        "[[line]]\nport = \"auto\"\nlocal = \"10.0.0.1\"\nremote = \"10.0.0.2\"\n[[line]]",
    ),
    ("caller with the box's address", LAN_DIAL_IN, "192.168.32.105", "192.168.32.2"),
    ("caller with the gateway's address", LAN_DIAL_IN, "192.168.32.105", "192.168.32.254"),
    ("caller with a name server's address", LAN_DIAL_IN, "192.168.32.105", "192.168.32.253"),
    ("caller with the network's address", LAN_DIAL_IN, "192.168.32.105", "192.168.32.0"),
    ("caller with the broadcast address", LAN_DIAL_IN, "192.168.32.105", "192.168.32.255"),
    ("line with the gateway's address", LAN_DIAL_IN, "192.168.32.1\"", "192.168.32.254\""),
    ("caller with a broadcast address and no network", DIAL_IN, "192.168.32.105", "10.0.0.255"),
];

fn slip(base: &str, good: &str, bad: &str) -> String {
    assert!(base.contains(good), "{good:?} is not in the good site");
    let text = base.replacen(good, bad, 1);
    match Site::parse(&text) {
        Ok(_) => panic!("accepted:\n{text}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn every_error_has_its_position_and_a_hint() {
    let said = SLIPS.iter().map(|(name, base, good, bad)| format!("## {name}\n{}\n", slip(base, good, bad)));
    insta::assert_snapshot!(said.collect::<Vec<_>>().join("\n"));
}

#[test]
fn the_valid_sites_are_accepted() {
    for text in [DIALER, DIAL_IN, VPN] {
        Site::parse(text).unwrap_or_else(|error| panic!("{error}"));
    }
}

/// A byte order mark and CR LF, as Windows Notepad writes them.
#[test]
fn a_site_edited_on_windows_is_read_and_its_errors_are_found() {
    let windows = |text: &str| format!("\u{feff}{}", text.replace('\n', "\r\n"));
    assert_eq!(Site::parse(&windows(DIALER)), Site::parse(DIALER));
    let slip = DIALER.replace("hostname = \"dialbox\"", "hostname = \"dial box\"");
    let said = |text: &str| Site::parse(text).unwrap_err().to_string();
    assert_eq!(said(&windows(&slip)), said(&slip));
    let first = "hostnam = \"dialbox\"\n";
    assert_eq!(said(&windows(first)), said(first));
}

#[test]
fn no_error_contains_control_characters() {
    for value in ["dial\u{96}n", "\\u001b[2J", "a\\nb", "\\u009b"] {
        let error = Site::parse(&format!("role = \"{value}\"\n")).unwrap_err();
        let text = error.to_string();
        assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
        assert!(!error.headline().contains('\n'), "{text:?}");
    }
}

#[test]
fn the_error_names_the_given_file() {
    let error = Site::parse("").unwrap_err().in_file("/boot/site.toml");
    assert!(error.to_string().starts_with("/boot/site.toml:1:1: "), "{error}");
}

/// The error for an unknown key lists the known ones: each must be in the reference.
#[test]
fn docs_site_md_describes_every_key() {
    let reference = include_str!("../docs/site.md");
    let tables = [
        ("top", "hostname =", DIALER),
        ("[reboot]", "[operator]", DIALER),
        ("[watchdog]", "[operator]", DIALER),
        ("[modem]", "[operator]", DIALER),
        ("[operator]", "[operator]", DIALER),
        ("[link]", "[operator]", DIALER),
        ("[sms]", "[operator]", DIALER),
        ("[vpn]", "[operator]", DIALER),
        ("[forward]", "[operator]", DIALER),
        ("[[forward.port]]", "[operator]", DIALER),
        ("[schedule]", "[operator]", DIALER),
        ("[ssh]", "[operator]", DIALER),
        ("[dial-in]", "[[line]]", DIAL_IN),
        ("[[line]]", "[[line]]", DIAL_IN),
        ("[[user]]", "[[user]]", DIAL_IN),
        ("[exchange]", "[[user]]", DIAL_IN),
        ("[[exchange.account]]", "[[user]]", DIAL_IN),
        ("[[exchange.route]]", "[[user]]", DIAL_IN),
    ];
    for (table, place, base) in tables {
        let stranger = "zzzzzzzzzzzz = 1\n";
        let text = match table {
            "top" => base.replacen(place, &format!("{stranger}{place}"), 1),
            table if table == place => base.replacen(place, &format!("{place}\n{stranger}"), 1),
            table => base.replacen(place, &format!("{table}\n{stranger}{place}"), 1),
        };
        let error = Site::parse(&text).unwrap_err();
        let keys = error.next().strip_prefix("use one of ").unwrap_or_else(|| panic!("{table}: {error}"));
        for key in keys.split(", ") {
            assert!(
                reference.contains(&format!("`{key}`"))
                    || reference.contains(&format!("[{key}]"))
                    || reference.contains(&format!(".{key}]]")),
                "{table} {key}"
            );
        }
    }
}
