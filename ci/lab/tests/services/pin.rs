//! The PIN of the SIM in other makers' modems.

use super::host_box::{HostBox, ONLY_PORT, site};
use lab::modem::Modem;
use lab::modem::makers::{MAKERS, Maker};
use lab::modem::profile::{Extended, Profile};
use lab::modem::sim::SimCard;
use lab::modem::stick::cdc_acm;

/// A stick of this maker, without the standard's counter.
fn made_by(maker: &Maker) -> &'static Profile {
    let others = cdc_acm().extended.iter().filter(|(name, _)| !["+CGMI", "+CPINR"].contains(name)).cloned();
    let own = [("+CGMI", Extended::Text(maker.name)), maker.counter.clone()];
    let extended = Vec::leak(others.chain(own).collect());
    Box::leak(Box::new(Profile { extended, ..*cdc_acm() }))
}

fn box_with(maker: &Maker, sim: SimCard) -> HostBox {
    HostBox::dialer(&site("[modem]\npin = '4321'"), Modem::new(made_by(maker), sim), ONLY_PORT)
}

fn tries(host_box: &HostBox) -> u8 {
    host_box.exchange.with(|network, _| network.modem(host_box.modem).unwrap().sim().tries().0)
}

#[test]
fn every_maker_s_modem_gets_the_pin_while_two_tries_are_left_and_no_longer() {
    for maker in &MAKERS {
        // A right PIN gives the tries back.
        let open = box_with(maker, SimCard::locked("4321").with_tries(2));
        let withheld = box_with(maker, SimCard::locked("4321").with_tries(1));
        open.until_published("modem", |record| record.get("sim") == Some("ready"));
        assert_eq!(tries(&open), 3, "{}", maker.name);
        withheld.until_published("modem", |record| {
            record.get("sim").is_some_and(|sim| sim.contains("too few tries are left: 1"))
        });
        assert!(!withheld.typed().contains("+CPIN="), "{}: {}", maker.name, withheld.typed());
    }
}

#[test]
fn every_maker_s_modem_gets_a_wrong_pin_once() {
    for maker in &MAKERS {
        let host_box = box_with(maker, SimCard::locked("1111"));
        host_box
            .until_published("modem", |record| record.get("sim").is_some_and(|sim| sim.contains("refused")));
        assert_eq!(tries(&host_box), 2, "{}", maker.name);
        assert_eq!(host_box.typed().matches("+CPIN=").count(), 1, "{}", maker.name);
    }
}
