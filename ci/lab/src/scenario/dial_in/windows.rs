//! A caller that speaks as Windows 95 does.

use super::{check, shows};
use crate::error::Result;
use crate::lines::{ends, site};
use crate::network::{Line, Subscriber};
use crate::scenario::SITE;
use crate::stage::{Stage, line_number};
use crate::windows::Windows95;
use std::net::Ipv4Addr;

const NAME_SERVER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 53);
const WINS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 42);
/// NBFCP and IPXCP, which pppd does not speak.
const UNKNOWN: [u16; 2] = [0x803f, 0x802b];

/// The call, from the caller's side.
struct Call<'a> {
    stage: &'a Stage,
    line: Subscriber,
    caller: Windows95,
    /// How much of what came was read.
    read: usize,
}

/// It gets an address, a name server and a WINS server although it also asks for callback, IPX and NetBEUI. The
/// names that it broadcasts every 15 s do not keep the call open.
pub fn windows_95(stage: &Stage) -> Result<()> {
    let called = stage.with_lines("dial-in", 1)?;
    let more = format!("[dial-in]\ndns = [\"{NAME_SERVER}\"]\nwins = [\"{WINS}\"]\nidle-limit = \"1m\"\n");
    called.card().write(SITE, (site(1) + &more).as_bytes())?;
    let mut booted = called.boot()?;
    booted.until("dialctl lines", &["line1   ready, 0 calls"])?;

    let mut call = Call::begin(stage)?;
    call.until("an address", |caller| {
        caller.connected && UNKNOWN.iter().all(|it| caller.rejected.contains(it))
    })?;
    let [local, remote] = ends(1);
    let given = call.caller.address().map(|address| address.to_string());
    check(given.as_ref() == Some(&remote), || format!("it was given the address {given:?}"))?;
    let [name_server, wins, ..] = call.caller.servers();
    check([name_server, wins] == [Some(NAME_SERVER), Some(WINS)], || {
        format!("it was given the servers {:?}", call.caller.servers())
    })?;
    booted.until("dialctl lines", &["as free, on ppp0"])?;
    let local = local.parse().unwrap_or(Ipv4Addr::UNSPECIFIED);
    call.say(&call.caller.ping(local));
    call.until("an answer to a ping", |caller| caller.pinged)?;

    for _ in 0..5 {
        call.say(&call.caller.register_name());
        booted.must("sleep 15")?;
        call.answer();
    }
    let ledger = booted.until("dialctl calls", &["line 1"])?;
    shows("dialctl calls", &ledger, &["the site's limit for idle or long calls"])
}

impl<'a> Call<'a> {
    fn begin(stage: &'a Stage) -> Result<Self> {
        let line = stage.exchange().with(|network, now| {
            let caller = network.connect_peer("windows", "+33698765432");
            network.set_line(caller, Line::INSTANT);
            network.call(caller, &line_number(1), now);
            caller
        });
        stage
            .exchange()
            .until("CONNECT", |network| network.journal().said("line1").contains("CONNECT").then_some(()))?;
        let mut call = Self { stage, line, caller: Windows95::new("free", "free"), read: 0 };
        let first = call.caller.begin();
        call.say(&first);
        Ok(call)
    }

    fn say(&self, bytes: &[u8]) {
        self.stage.exchange().with(|network, now| network.say(self.line, bytes, now));
    }

    /// Answers what has come so far.
    fn answer(&mut self) {
        let came =
            self.stage.exchange().with(|network, _| network.heard_by_peer(self.line)[self.read..].to_vec());
        self.read += came.len();
        let answer = self.caller.receive(&came);
        self.say(&answer);
    }

    /// Answers until the caller has what it wants.
    fn until(&mut self, what: &str, has: fn(&Windows95) -> bool) -> Result<()> {
        while !has(&self.caller) {
            let (line, read) = (self.line, self.read);
            self.stage
                .exchange()
                .until(what, |network| (network.heard_by_peer(line).len() > read).then_some(()))?;
            self.answer();
        }
        Ok(())
    }
}
