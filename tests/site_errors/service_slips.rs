//! The mistakes about what follows `CONNECT`: callers' names, the login prompt, services.

use super::valid::*;

/// One error in an otherwise valid site.
pub const SERVICE_SLIPS: &[(&str, &str, &str, &str)] = &[
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
    ("service that does not exist", DIAL_IN, "[[user]]", "[[user]]\nservices = [\"pppp\"]"),
    (
        "service that nobody has",
        DIAL_IN,
        "[[user]]",
        "[[service]]\nname = \"bbs\"\naddress = \"192.0.2.9:23\"\n[[user]]",
    ),
    (
        "service with the name of another offer",
        DIAL_IN,
        "[[user]]",
        "[[service]]\nname = \"slip\"\naddress = \"192.0.2.9:23\"\n[[user]]",
    ),
    (
        "service with a host name",
        DIAL_IN,
        "[[user]]",
        "[[service]]\nname = \"bbs\"\naddress = \"bbs.example.org:23\"\n[[user]]",
    ),
    (
        "service without a login prompt",
        DIAL_IN,
        "[[user]]",
        "[[service]]\nname = \"bbs\"\naddress = \"192.0.2.9:23\"\n[[user]]\nservices = [\"bbs\"]",
    ),
    ("SLIP with PAP", DIAL_IN, "[[user]]", "[[user]]\nservices = [\"slip\"]"),
    (
        "SLIP without an idle limit",
        DIAL_IN,
        "remote = \"192.168.32.105\"\n[[user]]",
        "remote = \"192.168.32.105\"\nlogin = true\n[[user]]\nservices = [\"ppp\", \"cslip\"]",
    ),
    ("user with nothing to log in to", DIAL_IN, "[[user]]", "[[user]]\nservices = []"),
];
