//! Addresses, networks and ports that cannot work: each makes one of the valid sites invalid.

use super::valid::*;

/// One error in an otherwise valid site.
pub const ADDRESS_SLIPS: &[(&str, &str, &str, &str)] = &[
    ("address of a multicast group for the box", LAN_DIAL_IN, "192.168.32.2/24", "224.0.0.5/24"),
    ("loopback as a line's address", LAN_DIAL_IN, "192.168.32.1\"", "127.0.0.1\""),
    ("no address at all for the caller", LAN_DIAL_IN, "192.168.32.105", "0.0.0.0"),
    ("multicast endpoint", VPN, "203.0.113.5:51820", "224.0.0.1:51820"),
    ("own address as the gateway", LAN_DIAL_IN, "192.168.32.254", "192.168.32.2"),
    ("gateway in another network", LAN_DIAL_IN, "192.168.32.254", "192.168.33.254"),
    ("name server twice", LAN_DIAL_IN, "[\"192.168.32.253\"]", "[\"192.168.32.253\", \"192.168.32.253\"]"),
    ("link's interface as the local network", LAN_DIAL_IN, "[lan]", "[lan]\ninterface = \"ppp0\""),
    (
        "route to the local network",
        FORWARD,
        "[operator]",
        "[link]\nroutes = [\"192.168.32.0/25\"]\n[operator]",
    ),
    ("VPN in the local network", FORWARD, "10.9.0.2/24", "192.168.32.3/24"),
    (
        "peer's network is the local one",
        FORWARD,
        "[\"10.9.0.0/24\"]",
        "[\"10.9.0.0/24\", \"192.168.32.0/24\"]",
    ),
    (
        "same key twice",
        VPN,
        "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=",
        "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=",
    ),
    (
        "endpoint as another one",
        VPN,
        "[operator]",
        "other-endpoints = [\"203.0.113.6:443\", \"203.0.113.5:51820\"]\n[operator]",
    ),
    (
        "forwarded serial port twice",
        VPN,
        "[operator]",
        "[modem]\nport = \"1-1.2\"\n[[forward.serial]]\nlisten = 5000\nport = \"1-1.3\"\n\
         [[forward.serial]]\nlisten = 5001\nport = \"1-1.3:1.0\"\n[operator]",
    ),
    (
        "lines at one device",
        LAN_DIAL_IN,
        "port = \"/dev/ttyUSB0\"\n",
        "port = \"1-1.2\"\nlocal = \"192.168.32.1\"\nremote = \"192.168.32.106\"\n[[line]]\nport = \"1-1.2:1.0\"\n",
    ),
    (
        "caller's address is another line's own",
        LAN_DIAL_IN,
        "port = \"/dev/ttyUSB0\"\n",
        "port = \"/dev/ttyUSB1\"\nlocal = \"192.168.32.105\"\nremote = \"192.168.32.106\"\n\
         [[line]]\nport = \"/dev/ttyUSB0\"\n",
    ),
    ("no callers", LAN_DIAL_IN, "[[line]]\n", "[[line]]\ncallers = []\n"),
    ("no data", DIALER, "[operator]", "[link]\ndata-budget = \"0MB\"\n[operator]"),
];
