//! Valid sites.

pub const DIALER: &str = r#"role = "dialer"
hostname = "dialbox"
[operator]
name = "free"
apn = "free"
user = "free"
password = "hunter2"
"#;

pub const OTHER_USER_WITH_A_HASH: &str = concat!(
    "[[user]]\nname = \"other\"\n",
    "password-hash = \"$5$labsalt$171mnlxIn9LqdDVR6Qm4ysjZZnzk3se2mUTizlZ7BZ9\"\n",
    "[[user]]"
);

pub const DIAL_IN: &str = r#"role = "dial-in"
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
pub const LAN_DIAL_IN: &str = r#"role = "dial-in"
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
pub const EXCHANGE: &str = r#"role = "dial-in"
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
pub const VPN: &str = r#"role = "dialer"
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

macro_rules! forward {
    ($lan:literal) => {
        concat!(
            "role = \"dialer\"\nhostname = \"dialbox\"\n[lan]\naddress = \"",
            $lan,
            r#""
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
"#
        )
    };
}

/// A dialer that lets the far side of its VPN into its local network.
pub const FORWARD: &str = forward!("192.168.32.2/24");

/// The same in a local network whose addresses the site does not know.
pub const DHCP_FORWARD: &str = forward!("dhcp");

pub const PORT_TWICE: &str = "[[forward.port]]\nlisten = 8080\nto = \"192.168.32.7:80\"\n\
                          [[forward.port]]\nlisten = 8080\nto = \"192.168.32.8:80\"\n[operator]";

/// The same with a name for the peer.
pub const NAMED_VPN: &str = r#"role = "dialer"
hostname = "dialbox"
[vpn]
private-key = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="
address = "10.9.0.2/24"
public-key = "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw="
endpoint = "vpn.example:51820"
networks = ["10.9.0.0/24"]
[operator]
name = "free"
apn = "free"
"#;

/// A dialer that switches a router, and watches a door.
pub const GPIO: &str = r#"role = "dialer"
hostname = "dialbox"
[gpio]
board = "b-plus"
[[gpio.output]]
name = "router"
line = 5
at-boot = "on"
[[gpio.input]]
name = "door"
line = 27
bias = "pull-up"
active-low = true
[operator]
name = "free"
apn = "free"
"#;
