//! `lab modem`: a simulated modem at pseudo-terminals, for any program on this machine.

use crate::cli::{Model, OfferedModem};
use crate::error::{Error, Result};
use crate::exchange::{Exchange, Patience};
use crate::modem::Modem;
use crate::modem::TimeOfDay;
use crate::modem::profile::Profile;
use crate::modem::sim::SimCard;
use crate::modem::stick::{cdc_acm, huawei, icon_225};
use crate::network::Network;
use std::io::BufRead;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The modem's number, and that of the telephone beside it.
const NUMBER: &str = "+33600000001";
const PHONE: &str = "+33612345678";
/// Nothing is waited for here.
const PATIENCE: Patience = Patience { silence: Duration::MAX, total: Duration::MAX };

fn profile(model: Model) -> &'static Profile {
    match model {
        Model::Option => icon_225(),
        Model::Huawei => huawei(),
        Model::Generic => cdc_acm(),
    }
}

/// Offers the modem until standard input ends. Each line of it is sent to the modem as a text message by a telephone;
/// then everything that passed the ports is shown.
pub fn run(args: &OfferedModem) -> Result<()> {
    let failed = |e| Error::io("read", Path::new("standard input"), e);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let origin = i64::try_from(now).unwrap_or_default();
    let sim = args.pin.as_deref().map_or_else(SimCard::open, SimCard::locked);
    let mut network = Network::new(TimeOfDay { origin, quarters: 4 });
    let modem = network.connect_modem("modem", NUMBER, Modem::new(profile(args.model), sim));
    let phone = network.connect_phone("phone", PHONE);
    let peer = network.connect_peer("operator", "*99#");
    let exchange = Exchange::new(network, PATIENCE)?;
    let ports = exchange.with(|network, _| network.modem(modem).map_or(0, Modem::ports));
    for port in 0..ports {
        println!("{}", exchange.terminal(modem, port)?.display());
    }
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(failed)?;
        exchange.with(|network, now| network.text(PHONE, modem, &line, now));
    }
    exchange.with(|network, _| {
        println!("{}", network.journal().tail(usize::MAX));
        for text in network.phone(phone).map(|phone| phone.texts()).unwrap_or_default() {
            println!("the telephone was sent: {:?}", text.text);
        }
        println!("the operator was sent {} bytes", network.heard_by_peer(peer).len());
    });
    Ok(())
}
