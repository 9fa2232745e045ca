//! The VPN and what is forwarded through it.

use super::{DIALER, content, edited, render, show};

/// Output of `wg genkey` and `wg genpsk`, for this test only.
const VPN: &str = r#"
[vpn]
private-key = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="
address = "10.9.0.2/24"
public-key = "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw="
preshared-key = "FpCyhws9cxwWoV4xELtfJvjJN+zQVRPISllRWgeopVE="
endpoint = "203.0.113.5:51820"
networks = ["10.9.0.0/24", "192.168.20.0/24"]
"#;

#[test]
fn the_vpn_starts_and_stops_with_the_link() {
    let site = edited(DIALER, &[("#routes", "routes")]) + VPN;
    let vpn: Vec<_> = render(&site).into_iter().filter(|file| file.path.contains("vpn")).collect();
    insta::assert_snapshot!(show(&vpn), @r#"
    ==> /etc/wireguard/vpn.conf 0600: keys and peer, for `wg setconf`
    # Generated from site.toml: edit that file, this one is overwritten.
    [Interface]
    PrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=

    [Peer]
    PublicKey = HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=
    PresharedKey = FpCyhws9cxwWoV4xELtfJvjJN+zQVRPISllRWgeopVE=
    Endpoint = 203.0.113.5:51820
    AllowedIPs = 10.9.0.0/24, 192.168.20.0/24
    PersistentKeepalive = 25

    ==> /etc/ppp/ip-up.d/vpn 0755: brings the VPN up over the link
    #!/bin/sh
    # Generated from site.toml: edit that file, this one is overwritten.
    ip link del vpn 2>/dev/null
    echo "$PPP_IFACE" >/run/dialbox/vpn.link
    ip link add vpn type wireguard
    wg setconf vpn /etc/wireguard/vpn.conf
    ip addr add 10.9.0.2/24 dev vpn
    ip route replace 203.0.113.5 dev "$PPP_IFACE"
    ip link set vpn up
    ip route replace 192.168.20.0/24 dev vpn

    ==> /etc/ppp/ip-down.d/vpn 0755: takes the VPN down
    #!/bin/sh
    # Generated from site.toml: edit that file, this one is overwritten.
    read -r link </run/dialbox/vpn.link && [ "$link" = "$PPP_IFACE" ] || exit 0
    rm /run/dialbox/vpn.link
    ip link del vpn
    "#);
}

#[test]
fn a_vpn_peer_on_the_link_needs_no_route() {
    let files = render(&(DIALER.to_owned() + VPN));
    assert!(!content(&files, "/etc/ppp/ip-up.d/vpn").contains("203.0.113.5"));
}

/// The far side of the VPN reaches one network and one port; the local network reaches the VPN.
#[test]
fn a_dialer_forwards_between_its_vpn_and_its_local_network() {
    const TABLES: &str = r#"
[lan]
address = "192.168.1.2/24"
[vpn]
private-key = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="
address = "10.9.0.2/24"
public-key = "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw="
endpoint = "203.0.113.5:51820"
networks = ["10.9.0.0/24", "10.20.0.0/16"]
[forward]
networks = ["192.168.1.64/26", "192.168.1.7/32"]
from-lan = true
[[forward.port]]
listen = 8080
to = "192.168.1.10:80"
"#;
    let files = render(&format!("{DIALER}{TABLES}"));
    let rules = content(&files, "/etc/nftables.conf");
    insta::assert_snapshot!(rules.split_once("\tchain forward").unwrap().1, @r#"
     {
    		type filter hook forward priority filter; policy drop;
    		oifname "vpn" tcp flags syn tcp option maxseg size set rt mtu
    		iifname "vpn" tcp flags syn tcp option maxseg size set 1380
    		ct state established,related accept
    		iifname "vpn" oifname "eth0" ip daddr { 192.168.1.64/26, 192.168.1.7/32 } accept
    		iifname "vpn" oifname "eth0" ct status dnat accept
    		iifname "eth0" oifname "vpn" ip daddr { 10.9.0.0/24, 10.20.0.0/16 } accept
    	}
    }

    table ip nat {
    	chain prerouting {
    		type nat hook prerouting priority dstnat;
    		iifname "vpn" ip daddr 10.9.0.2 tcp dport 8080 dnat to 192.168.1.10:80
    	}
    	chain postrouting {
    		type nat hook postrouting priority srcnat;
    		ip saddr { 10.9.0.0/24, 10.20.0.0/16 } oifname "eth0" masquerade
    		ip saddr != 10.9.0.2 oifname "vpn" masquerade
    	}
    }
    "#);
    let up = content(&files, "/etc/ppp/ip-up.d/vpn");
    assert!(up.contains("ip_forward=1\nip link set vpn up\n"), "{up}");
    assert!(content(&files, "/etc/ppp/ip-down.d/vpn").contains("ip_forward=0\nip link del vpn\n"));
}

#[test]
fn a_forwarded_serial_port_is_open_to_the_vpn_alone_and_forwards_no_packets() {
    let serial = "[forward]\n[[forward.serial]]\nlisten = 5000\nport = \"1-1.3\"\nspeed = 9600\n\
                  [modem]\nport = \"1-1.2\"\n";
    let files = render(&format!("{DIALER}{VPN}{serial}"));
    let rules = content(&files, "/etc/nftables.conf");
    assert!(rules.contains("\t\tiifname \"vpn\" tcp dport { 5000 } accept\n"), "{rules}");
    assert_eq!(rules.matches("5000").count(), 1, "{rules}");
    assert!(!rules.contains("table ip nat"), "{rules}");
    assert!(!content(&files, "/etc/ppp/ip-up.d/vpn").contains("ip_forward"));
    assert!(content(&files, "/etc/dialbox/serial-forward").ends_with("\n5000 1-1.3 9600\n"));
}

#[test]
fn a_vpn_with_several_endpoints_uses_the_one_that_the_dialer_has_chosen() {
    let others = "other-endpoints = [\"203.0.113.6:443\", \"vpn.example.org:51820\"]\n";
    let files = render(&format!("{DIALER}{VPN}{others}"));
    let up = content(&files, "/etc/ppp/ip-up.d/vpn");
    insta::assert_snapshot!(up.lines().skip(2).take(10).collect::<Vec<_>>().join("\n"), @r#"
    ip link del vpn 2>/dev/null
    read -r endpoint 2>/dev/null </run/dialbox/vpn.endpoint || endpoint=203.0.113.5:51820
    echo "$PPP_IFACE" >/run/dialbox/vpn.link
    ip link add vpn type wireguard
    wg setconf vpn /etc/wireguard/vpn.conf
    ip addr add 10.9.0.2/24 dev vpn
    wg set vpn peer 'HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=' endpoint "$endpoint"
    ip route replace "${endpoint%:*}" dev "$PPP_IFACE"
    ip link set vpn up
    ip route replace 192.168.20.0/24 dev vpn
    "#);
}

#[test]
fn there_is_no_vpn_to_a_name_until_the_dialer_has_resolved_it() {
    let files = render(&format!("{DIALER}{}", VPN.replace("203.0.113.5:51820", "vpn.example.org:51820")));
    assert!(!content(&files, "/etc/wireguard/vpn.conf").contains("Endpoint"));
    let up = content(&files, "/etc/ppp/ip-up.d/vpn");
    assert!(!up.contains("vpn.example.org"), "{up}");
    let ends = "read -r endpoint 2>/dev/null </run/dialbox/vpn.endpoint || exit 0\n";
    let (before, after) = up.split_once(ends).unwrap_or_else(|| panic!("{up}"));
    assert!(before.ends_with("ip link del vpn 2>/dev/null\n"), "an old one is gone: {up}");
    assert!(
        after.contains("wg set vpn peer 'HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=' endpoint"),
        "{up}"
    );
}
