//! The mistakes in `[forward]`: each makes one of the valid sites invalid.

use super::valid::*;

/// One error in an otherwise valid site.
pub const FORWARD_SLIPS: &[(&str, &str, &str, &str)] = &[
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
        "forwarded serial port without a place",
        VPN,
        "[operator]",
        "[[forward.serial]]\nlisten = 5000\nport = \"auto\"\n[operator]",
    ),
    (
        "forwarded serial port beside a modem without a place",
        VPN,
        "[operator]",
        "[[forward.serial]]\nlisten = 5000\nport = \"1-1.3\"\n[operator]",
    ),
    (
        "forwarded serial port of the modem",
        VPN,
        "[operator]",
        "[modem]\nport = \"1-1.2\"\n[[forward.serial]]\nlisten = 5000\nport = \"1-1.2:1.2\"\n[operator]",
    ),
    (
        "forwarded serial port at another one's TCP port",
        FORWARD,
        "[operator]",
        "[[forward.port]]\nlisten = 5000\nto = \"192.168.32.7:80\"\n\
         [[forward.serial]]\nlisten = 5000\nport = \"1-1.3\"\n[operator]",
    ),
    ("tunnel without an ssh server", DIALER, "[operator]", TUNNEL),
    ("tunnel to a name without the default route", DIALER, "[operator]", NAMED_TUNNEL),
    (
        "user of the tunnel",
        DIALER,
        "[operator]",
        "[tunnel]\nserver = \"203.0.113.5:22\"\nuser = \"a b\"\n[operator]",
    ),
    (
        "authentication without an account",
        DIALER,
        "user = \"free\"\npassword = \"hunter2\"",
        "auth = \"chap\"",
    ),
    ("unknown authentication", DIALER, "user =", "auth = \"md5\"\nuser ="),
    (
        "forward into the network of another endpoint",
        DHCP_FORWARD,
        "networks = [\"10.9.0.0/24\"]\n[forward]\nnetworks = [\"192.168.32.0/24\"]",
        "other-endpoints = [\"198.51.100.7:443\"]\nnetworks = [\"10.9.0.0/24\"]\n[forward]\nnetworks = [\"198.51.100.0/24\"]",
    ),
    (
        "serial port that is the link to the modem",
        VPN,
        "[operator]",
        "[modem]\nport = \"1-1.2\"\n[[forward.serial]]\nlisten = 5000\nport = \"/dev/modem\"\n[operator]",
    ),
];

const TUNNEL: &str = "[tunnel]\nserver = \"203.0.113.5:22\"\nuser = \"cabin\"\nport = 2201\nhost-key = \"ssh-ed25519 \
     AAAAC3NzaC1lZDI1NTE5AAAAILmYoNvgJvhHM5aBxq3WGNzQ+eQFVHXhXoRyNzMNjYw5\"\n[operator]";

const NAMED_TUNNEL: &str = "[link]\nroutes = [\"10.1.0.0/16\"]\n[ssh]\nkeys = [\"ssh-ed25519 \
     AAAAC3NzaC1lZDI1NTE5AAAAILmYoNvgJvhHM5aBxq3WGNzQ+eQFVHXhXoRyNzMNjYw5 me\"]\n\
     [tunnel]\nserver = \"ssh.example.org:22\"\nuser = \"cabin\"\nport = 2201\nhost-key = \"ssh-ed25519 \
     AAAAC3NzaC1lZDI1NTE5AAAAILmYoNvgJvhHM5aBxq3WGNzQ+eQFVHXhXoRyNzMNjYw5\"\n[operator]";
