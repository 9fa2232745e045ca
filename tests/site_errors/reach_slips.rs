//! What is reached, from where and how, and cannot work: each makes one of the valid sites invalid.

use super::valid::*;

/// One error in an otherwise valid site.
pub const REACH_SLIPS: &[(&str, &str, &str, &str)] = &[
    ("chat that waits for no network", DIALER, "[operator]", "[link]\nchat-timeout = 1\n[operator]"),
    (
        "command that dials before the box does",
        DIALER,
        "[operator]",
        "[modem]\ninit = [\"ATZ\", \"ATDT112\"]\n[operator]",
    ),
    ("command that turns off the radio", DIALER, "[operator]", "[modem]\ninit = [\"AT+CFUN=4\"]\n[operator]"),
    ("emergency call", DIALER, "apn = \"free\"", "apn = \"free\"\nnumber = \"112\""),
    ("emergency call after a pause", DIALER, "apn = \"free\"", "apn = \"free\"\nnumber = \",112\""),
    (
        "PIN that is given at every call",
        DIALER,
        "[operator]",
        "[modem]\ninit = [\"ATZ\", \"AT+CPIN=1234\"]\n[operator]",
    ),
    ("one lost echo", DIALER, "[operator]", "[link]\nlcp-echo-failure = 1\n[operator]"),
    (
        "echoes that a pause outlasts",
        DIALER,
        "[operator]",
        "[link]\nlcp-echo-interval = 1\nlcp-echo-failure = 4\n[operator]",
    ),
    (
        "echoes of a dial-in that a pause outlasts",
        DIAL_IN,
        "[[line]]",
        "[dial-in]\nlcp-echo-interval = 1\n[[line]]",
    ),
    ("budget that one link uses up", DIALER, "[operator]", "[link]\ndata-budget = \"1kB\"\n[operator]"),
    (
        "endpoint on the local network",
        FORWARD,
        "203.0.113.5:51820\"\nnetworks = [\"10.9.0.0/24\"]\n[forward]\nnetworks = [\"192.168.32.0/24\"]",
        "192.168.32.5:51820\"\nnetworks = [\"10.9.0.0/24\"]\n[forward]\nfrom-lan = true",
    ),
    (
        "another endpoint on the local network",
        FORWARD,
        "networks = [\"10.9.0.0/24\"]",
        "other-endpoints = [\"203.0.113.6:443\", \"192.168.32.5:443\"]\nnetworks = [\"10.9.0.0/24\"]",
    ),
    ("endpoint that is the box", VPN, "203.0.113.5", "10.9.0.2"),
    ("address in the VPN of every host itself", VPN, "10.9.0.2/24", "127.0.0.2/8"),
    (
        "network of the VPN's address over the link",
        VPN,
        "networks = [\"10.9.0.0/24\"]",
        "networks = [\"10.8.0.0/16\"]\n[link]\nroutes = [\"10.9.0.0/24\"]",
    ),
    ("only the box itself behind the VPN", VPN, "[\"10.9.0.0/24\"]", "[\"10.9.0.2/32\"]"),
    ("endpoint behind the VPN", VPN, "[\"10.9.0.0/24\"]", "[\"10.9.0.0/24\", \"203.0.113.5/32\"]"),
    (
        "another endpoint behind the VPN",
        VPN,
        "networks = [\"10.9.0.0/24\"]",
        "other-endpoints = [\"203.0.113.6:443\"]\nnetworks = [\"203.0.113.6/32\"]",
    ),
    ("address in the VPN that is on the local network", FORWARD, "10.9.0.2/24", "192.168.32.7/16"),
    (
        "preshared key that is the private one",
        VPN,
        "public-key",
        "preshared-key = \"yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\"\npublic-key",
    ),
    (
        "preshared key that is the public one",
        VPN,
        "public-key",
        "preshared-key = \"HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=\"\npublic-key",
    ),
    ("network behind the VPN twice", VPN, "[\"10.9.0.0/24\"]", "[\"10.0.0.0/8\", \"10.9.0.0/24\"]"),
    ("network behind the VPN without hosts", VPN, "[\"10.9.0.0/24\"]", "[\"224.0.0.0/4\"]"),
    (
        "network behind the VPN and over the link",
        VPN,
        "[operator]",
        "[link]\nroutes = [\"10.9.0.0/24\"]\n[operator]",
    ),
    (
        "overlapping routes",
        DIALER,
        "[operator]",
        "[link]\nroutes = [\"10.1.0.0/16\", \"10.0.0.0/8\"]\n[operator]",
    ),
    (
        "default route as one of the routes",
        DIALER,
        "[operator]",
        "[link]\nroutes = [\"0.0.0.0/0\"]\n[operator]",
    ),
    ("route to the box itself", DIALER, "[operator]", "[link]\nroutes = [\"127.0.0.0/8\"]\n[operator]"),
    ("forward of a part of the VPN", DHCP_FORWARD, "[\"192.168.32.0/24\"]", "[\"10.9.0.1/32\"]"),
    ("forward of the box itself", DHCP_FORWARD, "[\"192.168.32.0/24\"]", "[\"127.0.0.0/8\"]"),
    (
        "forwarded port to the box's loopback",
        DHCP_FORWARD,
        "[operator]",
        "[[forward.port]]\nlisten = 8080\nto = \"127.0.0.1:80\"\n[operator]",
    ),
    (
        "forwarded port to the box's address in the VPN",
        DHCP_FORWARD,
        "[operator]",
        "[[forward.port]]\nlisten = 8080\nto = \"10.9.0.2:80\"\n[operator]",
    ),
    (
        "forwarded port to the far side",
        DHCP_FORWARD,
        "[operator]",
        "[[forward.port]]\nlisten = 8080\nto = \"10.9.0.1:80\"\n[operator]",
    ),
    ("tunnel to a server on the local network", FORWARD, "[operator]", LOCAL_TUNNEL),
    ("tunnel to the box itself", VPN, "[operator]", OWN_TUNNEL),
    ("tunnel at the server's own port", DIALER, "[operator]", BUSY_TUNNEL),
];

const LOCAL_TUNNEL: &str = "[ssh]\nkeys = [\"ssh-ed25519 \
     AAAAC3NzaC1lZDI1NTE5AAAAILmYoNvgJvhHM5aBxq3WGNzQ+eQFVHXhXoRyNzMNjYw5 me\"]\n\
     [tunnel]\nserver = \"192.168.32.5:22\"\nuser = \"cabin\"\nport = 2201\nhost-key = \"ssh-ed25519 \
     AAAAC3NzaC1lZDI1NTE5AAAAILmYoNvgJvhHM5aBxq3WGNzQ+eQFVHXhXoRyNzMNjYw5\"\n[operator]";

const OWN_TUNNEL: &str = "[ssh]\nkeys = [\"ssh-ed25519 \
     AAAAC3NzaC1lZDI1NTE5AAAAILmYoNvgJvhHM5aBxq3WGNzQ+eQFVHXhXoRyNzMNjYw5 me\"]\n\
     [tunnel]\nserver = \"10.9.0.2:22\"\nuser = \"cabin\"\nport = 2201\nhost-key = \"ssh-ed25519 \
     AAAAC3NzaC1lZDI1NTE5AAAAILmYoNvgJvhHM5aBxq3WGNzQ+eQFVHXhXoRyNzMNjYw5\"\n[operator]";

const BUSY_TUNNEL: &str = "[ssh]\nkeys = [\"ssh-ed25519 \
     AAAAC3NzaC1lZDI1NTE5AAAAILmYoNvgJvhHM5aBxq3WGNzQ+eQFVHXhXoRyNzMNjYw5 me\"]\n\
     [tunnel]\nserver = \"203.0.113.5:22\"\nuser = \"cabin\"\nport = 22\nhost-key = \"ssh-ed25519 \
     AAAAC3NzaC1lZDI1NTE5AAAAILmYoNvgJvhHM5aBxq3WGNzQ+eQFVHXhXoRyNzMNjYw5\"\n[operator]";
