//! The exchange on the box. The kernel's trace tells when a packet came and when one was sent, by the guest's clock.

use super::Programs;
use super::beside::Running;
use crate::baresip::free_port;
use crate::bench::Bench;
use crate::booted::Booted;
use crate::card::SITE;
use crate::emulator::Pace;
use crate::error::{Error, Result};
use crate::lan::Lan;
use crate::leftovers;
use crate::measure::field;
use crate::measure::trace::Trace;
use crate::sipp::{LONG, Scenario, Sipp, site};
use crate::stage::Stage;

/// The port that a telephone of the lab's network sends to.
const PORT: u16 = 5060;
/// ARP and pings are shorter than SIP.
const SHORTEST: u32 = 200;
/// The packets of a call, received (r) and sent (s): INVITE, 407, ACK, INVITE, 100, INVITE; 180, 200, ACK, BYE and 200,
/// each passed on.
const CALL: &str = "rsrrssrsrsrsrsrs";
/// A probe of a telephone may come between: then it calls once more.
const TRIES: u32 = 20;
/// Calls whose times are taken in each run.
const CALLS: u32 = 5;
/// Registrations whose times are taken in each run.
const REGISTRATIONS: u32 = 5;
/// The flood of each: two seconds of all that the emulated Ethernet adapter takes, some hundred frames a second. One that
/// never ends would measure the adapter alone, whose sending side starves.
const FLOOD: u32 = 200;
/// Takes the limit for each address out of the rules.
const UNLIMIT: &str = "nft delete rule inet dialbox input handle \
                       $(nft -a list chain inet dialbox input | sed -n 's/.*@sip-senders.*handle //p')";

/// Prints a line for each call and each registration, and one for the memory.
pub fn run(bench: &Bench, runs: u32, pace: Pace, programs: &Programs) -> Result<()> {
    let bench = Bench { emulator: bench.emulator.clone().measured(pace), ..bench.clone() };
    let stage = Stage::new(&bench)?;
    let mut machine = stage.answerer("dial-in")?;
    machine.plug_into_lan("")?;
    machine.card().write(SITE, site("address = 'dhcp'", PORT).as_bytes())?;
    let mut booted = machine.boot()?;
    booted.until("ip addr show eth0", &["inet 192.168.32.50/24"])?;
    booted.until("dialctl exchange peers", &["ata1"])?;
    let lan = machine.lan().ok_or_else(|| Error::Unexpected("the box is in no local network".to_owned()))?;
    let dir = leftovers::private_dir()?;
    let sipp = Sipp::new(&programs.sip_tools, dir.path());
    let [caller, called] = [Phone::new(&sipp, 0, lan)?, Phone::new(&sipp, 1, lan)?];
    called.register(Scenario::Register)?;
    let answers = called.answer()?;

    println!("ms in the guest that the box needs for an INVITE, and to pass a 180 on");
    Trace::begin_packets(&mut booted, SHORTEST)?;
    for _ in 0..runs * CALLS {
        let [invite, ringing] = call(&caller, &mut booted)?;
        println!("call     {invite:.3} {ringing:.3}");
    }
    let status = booted.must("cat /proc/$(pidof exchange)/status")?;
    drop(answers);
    println!("KiB of exchange: resident; its own");
    println!("memory   {} {}", field(&status, "VmRSS:"), field(&status, "RssAnon:"));

    println!(
        "ms in the guest for a registration: alone, in a flood, in a flood that the firewall does not limit"
    );
    // A response has all of the tag, and some bytes more.
    Trace::begin_packets(&mut booted, u32::try_from(LONG).unwrap_or(u32::MAX))?;
    let registrations = |row: &str, flood: u32, booted: &mut Booted| -> Result<()> {
        for _ in 0..runs * REGISTRATIONS {
            Trace::clear(booted)?;
            lan.flood().order(flood);
            println!("{row:8} {:.3}", registration(&caller, booted)?);
        }
        Ok(())
    };
    registrations("alone", 0, &mut booted)?;
    registrations("limited", FLOOD, &mut booted)?;
    booted.must(UNLIMIT)?;
    registrations("unlimited", FLOOD, &mut booted)?;
    Ok(())
}

/// One of the two telephones in the box's local network, with the account of its number.
struct Phone<'a> {
    sipp: &'a Sipp,
    account: usize,
    exchange: u16,
    port: u16,
}

impl<'a> Phone<'a> {
    fn new(sipp: &'a Sipp, account: usize, lan: &Lan) -> Result<Self> {
        Ok(Self { sipp, account, exchange: lan.phones()[account], port: free_port()? })
    }

    fn register(&self, scenario: Scenario) -> Result<()> {
        self.once(scenario)
    }

    fn answer(&self) -> Result<Running> {
        Running::start(self.sipp.command(Scenario::Answer, self.exchange, self.port)?)
    }

    fn once(&self, scenario: Scenario) -> Result<()> {
        let users = [(self.account, self.port)];
        let mut command = self.sipp.by(&users, scenario, self.exchange, self.port)?;
        Sipp::finish(command.args(["-m", "1", "-aa"])).map(drop)
    }
}

/// A call: what the box needs until it rings the called telephone, and to pass the 180 on.
fn call(caller: &Phone, booted: &mut Booted) -> Result<[f64; 2]> {
    let mut seen = String::new();
    for _ in 0..TRIES {
        Trace::clear(booted)?;
        caller.once(Scenario::Call)?;
        let packets = Trace::read(booted)?.packets();
        seen = packets.iter().map(|(_, sent)| if *sent { 's' } else { 'r' }).collect();
        if seen == CALL {
            let between = |from: usize, to: usize| (packets[to].0 - packets[from].0) * 1000.0;
            return Ok([between(3, 5), between(6, 7)]);
        }
    }
    Err(Error::Unexpected(format!("no call without a probe between: {seen}")))
}

/// A registration: what the box needs for the challenge and for the answer, with what gets lost.
fn registration(caller: &Phone, booted: &mut Booted) -> Result<f64> {
    caller.register(Scenario::RegisterLong)?;
    let (mut total, mut asked) = (0.0, None);
    for (at, sent) in Trace::read(booted)?.packets() {
        match sent {
            false => asked = asked.or(Some(at)),
            true => total += asked.take().map_or(0.0, |asked| (at - asked) * 1000.0),
        }
    }
    Ok(total)
}
