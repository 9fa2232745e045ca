//! Settings that would have no effect beside the others: each makes one of the valid sites invalid.

use super::valid::*;

/// One error in an otherwise valid site.
pub const USELESS_SLIPS: &[(&str, &str, &str, &str)] = &[
    (
        "link that is dead for days",
        DIALER,
        "[operator]",
        "[link]\nlcp-echo-interval = 3600\nlcp-echo-failure = 100\n[operator]",
    ),
    ("call that is dead for hours", DIAL_IN, "[[line]]", "[dial-in]\nlcp-echo-interval = 3600\n[[line]]"),
    ("billing day without a budget", DIALER, "[operator]", "[link]\nbilling-day = 12\n[operator]"),
    ("link that ends before it can be idle", DIALER, "[operator]", "[link]\nidle-limit = \"3h\"\n[operator]"),
    (
        "call that ends before it can be idle",
        DIAL_IN,
        "[[line]]",
        "[dial-in]\nidle-limit = \"2h\"\nsession-limit = \"1h\"\n[[line]]",
    ),
    (
        "another modem than the named one",
        DIALER,
        "[operator]",
        "[modem]\nport = \"1-1.2\"\nother-after = \"10m\"\n[operator]",
    ),
    (
        "masquerade without a forward",
        FORWARD,
        "networks = [\"192.168.32.0/24\"]",
        "masquerade = false\nfrom-lan = true",
    ),
    (
        "other endpoints that are never tried",
        VPN,
        "networks =",
        "other-endpoints = [\"203.0.113.6:51820\"]\nrenew = false\nnetworks =",
    ),
    ("open ports for guests", DIAL_IN, "[[line]]", "[dial-in]\nopen-ports = [80]\n[[line]]\nguest = true"),
    ("names of guests", DIAL_IN, "[[line]]", "[dial-in]\nauth = [\"chap\"]\n[[line]]\nguest = true"),
];
