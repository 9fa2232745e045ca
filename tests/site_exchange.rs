//! What a site with an exchange becomes.

use dialbox::site::Site;

const DIAL_IN: &str = include_str!("../image/sites/dial-in.toml");

#[test]
fn an_exchange_opens_its_port_on_the_lan_only_and_its_passwords_stay_in_the_site() {
    let text = DIAL_IN.to_owned()
        + "[exchange]\nport = 5062\n[[exchange.account]]\nname = \"console\"\npassword = \"hunter2\"\n\
           [[exchange.account]]\nname = \"modem1\"\npassword = \"hunter3\"\nextension = \"100\"\n\
           [[exchange.route]]\npattern = \"_X!\"\nto = [\"modem1\", \"console\"]\n";
    let site = Site::parse(&text).unwrap();
    let files = site.render();
    let content = |path: &str| &files.iter().find(|file| file.path == path).unwrap().content;
    let open: Vec<&str> =
        content("/etc/nftables.conf").lines().filter(|line| line.contains("5062")).map(str::trim).collect();
    let limit = "update @sip-senders { ip saddr limit rate over 50/second burst 64 packets } drop";
    assert_eq!(
        open,
        [
            format!("iifname {{ \"eth0\" }} udp dport 5062 {limit}"),
            "iifname { \"eth0\" } udp dport 5062 accept".to_owned()
        ]
    );
    assert!(content("/etc/dialbox/dial-plan").ends_with("100 modem1\n_X! modem1 console\n"));
    assert!(files.iter().all(|file| !file.content.contains("hunter2")));
    assert!(!format!("{site:?} {}", site.summary()).contains("hunter"));
    let weak = text.replace("hunter3", "change-me");
    assert!(Site::parse(&weak).is_ok(), "the box accepts it");
    assert!(Site::parse_for_use(&weak).unwrap_err().headline().contains("password"));
}
