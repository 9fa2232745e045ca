//! The box as telephone exchange of its local network, with Debian's baresip in the place of the adapters.

use super::dial_in::{self, PAGE};
use super::{SITE, check, shows};
use crate::baresip::{Account, Baresip, free_port};
use crate::booted::Booted;
use crate::error::{Error, Result};
use crate::lan::{Lan, get};
use crate::leftovers;
use crate::machine::Machine;
use crate::stage::{Stage, boot_both, stick};

const TABLES: &str = "\n[exchange]\n[[exchange.account]]\nname = \"console\"\npassword = \"Ohm-47\"\n\
    [[exchange.account]]\nname = \"modem1\"\npassword = \"Farad-33\"\nextension = \"100\"\n\
    [[exchange.route]]\npattern = \"_X!\"\nto = [\"modem1\"]\n";
/// The REGISTERs of the flood: more than the firewall lets in during the test.
const FLOOD: u32 = 1000;
/// What it lets in from one address, at once and in a second.
const BURST: u32 = 64;
const RATE: f64 = 50.0;
/// The most memory of its own that `exchange` may have, in kB.
const MEMORY: u64 = 2048;

/// Two telephones register over the box's local network. One calls any number, the other answers, and the console shows
/// the call. No sound is modulated here: the lab's network connects the modems, so that the line rings, and the caller
/// gets a page. A caller does not reach the exchange. After a stranger's flood a telephone registers as before.
pub fn calls(stage: &Stage) -> Result<()> {
    let tools = stage.bench().sip_tools.as_deref();
    let tools = tools.ok_or_else(|| Error::NoSipTool("no directory was given".to_owned()))?;
    let (caller, mut called) = (stage.dialer(stick())?, stage.answerer("dial-in")?);
    called.plug_into_lan(PAGE)?;
    dial_in::let_in_the_dialer(&called)?;
    let site = called.card().read_text(SITE)? + TABLES;
    called.card().write(SITE, site.as_bytes())?;
    let (mut caller_box, mut called_box) = boot_both(&caller, &called)?;
    caller_box.until("dialctl status", &["Option N.V."])?;
    called_box.until("dialctl lines", &["line1   ready, 0 calls"])?;
    called_box.until("ip addr show eth0", &["inet 192.168.32.50/24"])?;

    let dir = leftovers::private_dir()?;
    let [first, second] = ports(&called)?;
    let modem = Account { name: "modem1", password: "Farad-33", server: second };
    let answers = Baresip::start(tools, &dir.path().join("modem1"), modem, free_port()?, None)?;
    called_box.until("dialctl exchange peers", &["modem1       100      192.168.32.254:5062", "baresip"])?;
    // The lab's network takes a telephone's datagrams from one port only.
    let (console, port) = (Account { name: "console", password: "Ohm-47", server: first }, free_port()?);
    let dials = Baresip::start(tools, &dir.path().join("console"), console, port, Some("5551234"))?;
    called_box
        .until("dialctl exchange calls", &["console      5551234      modem1", "PCMA"])
        .map_err(|error| Error::Unexpected(format!("{error}\nthe calling telephone:\n{}", dials.said())))?;
    // From telephone to telephone, since the exchange passes no sound.
    answers.wait_for("incoming rtp for 'audio' established")?;

    dial_in::call(&mut caller_box)?;
    called_box.until("dialctl lines", &["connected", "as free", "on ppp0"])?;
    let page = caller_box.must(&get(&Lan::HOST.to_string(), 80))?;
    shows("the server in the local network", &page, &[PAGE])?;
    is_closed_to_callers(&mut caller_box, &mut called_box)?;

    dials.hang_up()?;
    called_box.until("dialctl exchange calls", &["no call is up"])?;
    let ended = &["console      5551234      modem1", "the caller hung up"];
    called_box
        .until("dialctl exchange log", ended)
        .map_err(|error| Error::Unexpected(format!("{error}\nthe called telephone:\n{}", answers.said())))?;

    // It gave its registration back when it ended.
    called_box.until("dialctl exchange peers | grep console", &["not registered"])?;
    Flooded::begin(&called, &mut called_box)?.is_limited(&called, &mut called_box)?;
    let again = Baresip::start(tools, &dir.path().join("again"), console, port, None)?;
    called_box
        .until("dialctl exchange peers", &["console      -        192.168.32.254:5061", "baresip"])
        .map_err(|error| Error::Unexpected(format!("{error}\nthe telephone:\n{}", again.said())))?;
    let status = called_box.must("cat /proc/$(pidof exchange)/status")?;
    let own = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let own: Option<u64> = own.and_then(|own| own.trim().trim_end_matches(" kB").parse().ok());
    check(own.is_some_and(|own| own <= MEMORY), || {
        format!("the exchange has more than {MEMORY} kB:\n{status}")
    })
}

/// A flood of wrong REGISTERs, since a moment of the box's clock in seconds.
struct Flooded(f64);

impl Flooded {
    fn begin(called: &Machine, called_box: &mut Booted) -> Result<Self> {
        let began = uptime(called_box)?;
        lan(called)?.flood().order(FLOOD);
        Ok(Self(began))
    }

    /// The exchange gets no more of it than the firewall lets in by then. The emulated adapter delivers a hundred frames a
    /// second, and QEMU keeps the others: until it has delivered them, nothing else comes through, as the answer to a ping.
    /// What a flood costs the telephones is measured (`lab measure exchange`).
    fn is_limited(&self, called: &Machine, called_box: &mut Booted) -> Result<()> {
        let flood = lan(called)?.flood();
        while flood.left() > 0 {
            called_box.must("sleep 1")?;
        }
        called_box.must(&format!("until ping -c 1 -W 1 {}; do sleep 1; done", Lan::HOST))?;
        let answered = flood.answered();
        let most = f64::from(BURST) + RATE * (uptime(called_box)? - self.0);
        let is_limited = (BURST..FLOOD).contains(&answered) && f64::from(answered) <= most;
        check(is_limited, || format!("{answered} wrong REGISTERs were answered; at most {most} may be"))
    }
}

/// Seconds since the box's boot.
fn uptime(called_box: &mut Booted) -> Result<f64> {
    let shown = called_box.must("cat /proc/uptime")?;
    let seconds = shown.split_whitespace().next().and_then(|seconds| seconds.parse().ok());
    seconds.ok_or_else(|| Error::Unexpected(format!("no uptime: {shown}")))
}

fn lan<'a>(called: &'a Machine<'_>) -> Result<&'a Lan> {
    called.lan().ok_or_else(|| Error::Unexpected("the box is in no local network".to_owned()))
}

fn ports(called: &Machine) -> Result<[u16; 2]> {
    lan(called).map(Lan::phones)
}

/// Datagrams of a caller to the exchange's port come to the box, and pass all rules of its firewall up to the end, where
/// they are dropped. Debian's busybox sends UDP to any port by tftp only.
fn is_closed_to_callers(caller_box: &mut Booted, called_box: &mut Booted) -> Result<()> {
    let input = called_box.must("nft list chain inet dialbox input")?;
    shows("the firewall", &input, &["policy drop", "iifname \"eth0\" udp dport 5060 accept"])?;
    for place in ["insert", "add"] {
        called_box.must(&format!(
            "nft {place} rule inet dialbox input iifname ppp0 udp dport 5060 counter comment lab"
        ))?;
    }
    for address in ["192.168.32.1", "192.168.32.50"] {
        caller_box.run(&format!("timeout 5 tftp -g -r none -l /tmp/none {address} 5060"))?;
    }
    let input = called_box.must("nft list chain inet dialbox input")?;
    let counters: Vec<&str> = input.lines().filter(|line| line.contains("comment \"lab\"")).collect();
    let is_dropped = counters.len() == 2 && counters[0] == counters[1] && !counters[0].contains("packets 0 ");
    check(is_dropped, || format!("a caller reaches the exchange's port, or the box not at all:\n{input}"))
}
