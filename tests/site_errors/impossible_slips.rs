//! What reads well and cannot work: each makes one of the valid sites invalid.

use super::valid::*;

/// One error in an otherwise valid site.
pub const IMPOSSIBLE_SLIPS: &[(&str, &str, &str, &str)] = &[
    ("ringing for hours", EXCHANGE, "port = 5060", "no-answer = \"10h\""),
    ("ringing for less than a ring", EXCHANGE, "port = 5060", "no-answer = \"1s\""),
    ("exchange at the DHCP client's port", EXCHANGE, "port = 5060", "port = 68"),
    ("exchange at a name server's port", EXCHANGE, "port = 5060", "port = 53"),
    ("proxy ARP without a local network", DIAL_IN, "[[line]]", "[dial-in]\nproxyarp = true\n[[line]]"),
    (
        "proxy ARP in another network",
        LAN_DIAL_IN,
        "[[line]]\nport = \"/dev/ttyUSB0\"\nlocal = \"192.168.32.1\"\nremote = \"192.168.32.105\"",
        "[dial-in]\nproxyarp = true\n[[line]]\nport = \"/dev/ttyUSB0\"\nlocal = \"192.168.33.1\"\nremote = \"192.168.33.105\"",
    ),
    ("card as a line's port", DIAL_IN, "/dev/ttyUSB0", "/dev/mmcblk0"),
    ("stick's CD-ROM as the modem's port", DIALER, "[operator]", "[modem]\nport = \"/dev/sr0\"\n[operator]"),
    ("card as the watchdog", DIALER, "[operator]", "[watchdog]\ndevice = \"/dev/mmcblk0\"\n[operator]"),
    ("watchdog that is fed too late", DIALER, "[operator]", "[watchdog]\ntimeout = 1\n[operator]"),
    ("call too short to log in", DIAL_IN, "[[line]]", "[dial-in]\nidle-limit = \"1s\"\n[[line]]"),
    ("call of a few seconds", DIAL_IN, "[[line]]", "[dial-in]\nsession-limit = \"20s\"\n[[line]]"),
    (
        "forwarded port to the broadcast address",
        FORWARD,
        "[operator]",
        "[[forward.port]]\nlisten = 8080\nto = \"192.168.32.255:80\"\n[operator]",
    ),
    (
        "forwarded port to the network's own address",
        FORWARD,
        "[operator]",
        "[[forward.port]]\nlisten = 8080\nto = \"192.168.32.0:80\"\n[operator]",
    ),
    ("forward to the broadcast address", FORWARD, "[\"192.168.32.0/24\"]", "[\"192.168.32.255/32\"]"),
    ("forward to the box itself", FORWARD, "[\"192.168.32.0/24\"]", "[\"192.168.32.2/32\"]"),
    ("broadcast address as the gateway", LAN_DIAL_IN, "192.168.32.254", "192.168.32.255"),
    ("network's own address as a name server", LAN_DIAL_IN, "192.168.32.253", "192.168.32.0"),
    (
        "broadcast address as the callers' name server",
        LAN_DIAL_IN,
        "[[line]]",
        "[dial-in]\ndns = [\"192.168.32.255\"]\n[[line]]",
    ),
    ("broadcast address for a line's own end", LAN_DIAL_IN, "\"192.168.32.1\"", "\"192.168.32.255\""),
    (
        "broadcast address for a service",
        LAN_DIAL_IN,
        "[[user]]\n",
        "[[service]]\nname = \"bbs\"\naddress = \"192.168.32.255:23\"\n[[user]]\nservices = [\"bbs\"]\n",
    ),
    (
        "tunnel of a dial-in",
        DIAL_IN,
        "[[line]]",
        "[tunnel]\nserver = \"203.0.113.5:22\"\nuser = \"cabin\"\nport = 2201\nhost-key = \"ssh-ed25519 \
         AAAAC3NzaC1lZDI1NTE5AAAAILmYoNvgJvhHM5aBxq3WGNzQ+eQFVHXhXoRyNzMNjYw5\"\n[[line]]",
    ),
];
