//! The mistakes about what follows the login prompt.

use super::valid::*;

/// One error in an otherwise valid site.
pub const SERVICE_SLIPS: &[(&str, &str, &str, &str)] = &[
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
