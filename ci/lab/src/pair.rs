//! A dialer, a second box that acts as the operator and the VPN's peer, and the telephone of the dialer's owner.

use crate::booted::Booted;
use crate::error::Result;
use crate::machine::Machine;
use crate::modem::Modem;
use crate::modem::sim::SimCard;
use crate::modem::stick::icon_225;
use crate::network::Subscriber;
use crate::owner::{Owner, sms_table};
use crate::stage::{DIALER_NUMBER, Stage};
use crate::usb::hso::Hso;

/// The networks that the dialer reaches over the link.
pub const ROUTES: [&str; 2] = ["10.1.0.0/16", "10.2.3.0/24"];
/// The dialer's and the operator's addresses on the link.
pub const ENDS: [&str; 2] = ["192.168.32.105", "192.168.32.1"];
/// The dialer's and the far side's addresses in the VPN.
pub const VPN_ENDS: [&str; 2] = ["10.9.0.2", "10.9.0.1"];

/// A private and a public key of WireGuard, used by the lab only.
struct Keys {
    private: &'static str,
    public: &'static str,
}
const DIALER: Keys = Keys {
    private: "wJSh0lc74rMN4fIKpHZMT2e8GJPZSQzQfSjUDjjg2Vg=",
    public: "0S7um28njh3Y/bKQDoZmKtNzT/gwxZ73O7ATQkM3rDk=",
};
const FAR: Keys = Keys {
    private: "qG+UkDE4nNWLeDnS+yAG0LR81sp1Yo9KvLnYQ987mEM=",
    public: "IJ/TaL1iDVnH+sTbIssWI9kQGYRaXKs+VBDgCp3wCSM=",
};

/// Both boxes, switched off, and the telephone.
pub struct Pair<'a> {
    /// The operator, with the networks behind it.
    pub far: Machine<'a>,
    /// The dialer, with the reference stick.
    pub dialer: Machine<'a>,
    /// The stick's modem.
    pub modem: Subscriber,
    /// The telephone that may command the dialer.
    pub owner: Owner<'a>,
}

impl<'a> Pair<'a> {
    /// Puts them on a stage.
    pub fn on(stage: &'a Stage) -> Result<Self> {
        let far = stage.answerer("operator")?;
        far.card().write("site.toml", FAR_SITE.as_bytes())?;
        let mut dialer = stage.machine("dialer", &[])?;
        let modem = Modem::new(icon_225(), SimCard::open());
        let modem = stage.exchange().with(|network, _| network.connect_modem("dialer", DIALER_NUMBER, modem));
        let [calls, application, control] = stage.wires(modem)?;
        dialer.attach(Box::new(Hso::default()), vec![control, application, None, calls])?;
        let pair = Self { far, dialer, modem, owner: Owner::of(stage, modem)? };
        pair.admit(&[])?;
        Ok(pair)
    }

    /// Writes the dialer's site, in which these public keys may log in.
    pub fn admit(&self, keys: &[&str]) -> Result<()> {
        self.dialer.card().write("site.toml", site(keys).as_bytes())
    }
}

/// The commands that make the called box the operator and the VPN's peer. It then accepts all traffic.
pub fn put_behind_vpn(far: &mut Booted) -> Result<()> {
    // Its rules are loaded when the line is ready, before PPP's line discipline.
    far.until("lsmod", &["ppp_async"])?;
    for command in [
        "nft flush ruleset".to_owned(),
        "ip link add far type wireguard".to_owned(),
        format!("(umask 077; echo {} > /run/far.key)", FAR.private),
        format!(
            "wg set far listen-port 51820 private-key /run/far.key peer {} allowed-ips {}/32",
            DIALER.public, VPN_ENDS[0]
        ),
        format!("ip addr add {}/24 dev far", VPN_ENDS[1]),
        "ip link set far up".to_owned(),
    ] {
        far.must(&command)?;
    }
    Ok(())
}

fn site(ssh_keys: &[&str]) -> String {
    let list = |entries: &[&str]| entries.iter().map(|it| format!("\"{it}\"")).collect::<Vec<_>>().join(", ");
    let routes = list(&ROUTES);
    let ssh = match ssh_keys {
        [] => String::new(),
        keys => format!("[ssh]\nkeys = [{}]\n", list(keys)),
    };
    format!(
        "role = \"dialer\"\nhostname = \"dialer\"\n\
         [operator]\nname = \"free\"\napn = \"free\"\nuser = \"free\"\npassword = \"free\"\n\
         [link]\nroutes = [{routes}]\n\
         {}\
         [vpn]\nprivate-key = \"{}\"\naddress = \"{}/24\"\npublic-key = \"{}\"\n\
         endpoint = \"{}:51820\"\nnetworks = [\"10.9.0.0/24\"]\n{ssh}",
        sms_table(),
        DIALER.private,
        VPN_ENDS[0],
        FAR.public,
        ENDS[1]
    )
}

/// The site of the operator's box.
const FAR_SITE: &str = "role = \"dial-in\"\nhostname = \"operator\"\n\
     [[line]]\nport = \"auto\"\nlocal = \"192.168.32.1\"\nremote = \"192.168.32.105\"\n\
     [[user]]\nname = \"free\"\npassword = \"free\"\n";

#[cfg(test)]
mod tests {
    use super::*;
    use dialbox::site::{Role, Site};

    #[test]
    fn both_sites_are_valid_and_fit_each_other() {
        let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILmYoNvgJvhHM5aBxq3WGNzQ+eQFVHXhXoRyNzMNjYw5 nobody";
        assert!(Site::parse(&site(&[])).is_ok() && Site::parse(&site(&[key])).is_ok());
        let Role::DialIn(far) = Site::parse(FAR_SITE).unwrap().role else { panic!("it is called") };
        assert_eq!([far.lines[0].remote.to_string(), far.lines[0].local.to_string()], ENDS);
    }
}
