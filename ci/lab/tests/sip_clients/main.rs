//! Telephones that others wrote, sipp and baresip, call through the host build of `exchange` on the loopback interface.
//!
//! `cargo xtask test` unpacks them (`image/tools/sip.toml`) and names their directory in `DIALBOX_SIP_TOOLS`. Without it
//! these tests say that they were left out.

// The helpers below belong to the tests; clippy's allow-unwrap-in-tests covers only `#[test]` functions.
#![allow(clippy::unwrap_used)]

#[path = "../services/binaries.rs"]
mod binaries;
mod phones;

use phones::{Box, Tools};

/// How much the process may grow in a thousand calls, in kB: allocators keep a few pages more or less.
const GROWTH: u64 = 128;

#[test]
fn a_thousand_calls_and_32_accounts_that_register_again_do_not_grow_the_exchange() {
    let Some(tools) = Tools::find() else { return };
    let host = Box::start();
    let accounts: Vec<usize> = (0..32).collect();
    tools.register(&host, &accounts);
    host.wait_until(|host| !host.dialctl(&["peers"]).contains("not registered"));
    let called = tools.answer(&host, 1);
    let work = |calls| {
        for _ in 0..10 {
            tools.register(&host, &accounts);
        }
        tools.call(&host, 0, calls);
    };
    // What is kept for a while, such as the last 250 calls and the answers to retransmissions, is full after this.
    work(300);
    let before = host.memory();
    work(1000);
    let after = host.memory();
    drop(called);
    assert!(after <= before + GROWTH, "from {before} kB to {after} kB");
    let log = host.dialctl(&["log", "--json"]);
    assert_eq!(log.matches("\"why\":").count(), log.matches("\"why\":\"the caller hung up\"").count());
    host.wait_until(|host| host.dialctl(&["calls"]) == "no call is up\n");
}

#[test]
fn one_baresip_calls_any_number_the_other_answers_and_the_console_shows_the_call() {
    let Some(tools) = Tools::find() else { return };
    let host = Box::start();
    let called = tools.baresip(&host, 1, None);
    host.wait_until(|host| host.dialctl(&["peers"]).contains("baresip"));
    let caller = tools.baresip(&host, 0, Some("5551234"));
    host.wait_until(|host| host.dialctl(&["calls"]).contains("PCMA"));
    assert!(host.dialctl(&["calls"]).starts_with("ata0         5551234      ata1 "));
    called.wait_for("incoming rtp for 'audio' established").unwrap();
    caller.hang_up().unwrap();
    host.wait_until(|host| host.dialctl(&["calls"]) == "no call is up\n");
    host.wait_until(|host| host.dialctl(&["log"]).contains("the caller hung up"));
}

#[test]
fn with_a_relay_the_sound_passes_through_the_box_both_ways() {
    let Some(tools) = Tools::find() else { return };
    let host = Box::relaying();
    let called = tools.baresip(&host, 1, None);
    host.wait_until(|host| host.dialctl(&["peers"]).contains("baresip"));
    let caller = tools.baresip(&host, 0, Some("5551234"));
    for telephone in [&called, &caller] {
        telephone.wait_for("incoming rtp for 'audio' established").unwrap();
    }
    // 50 packets a second; the first ones may come before the other side's.
    let has_passed = |key: &str, calls: &str| {
        let count = calls.split(key).nth(1).and_then(|rest| rest.split([',', '}']).next());
        count.and_then(|count| count.parse::<u32>().ok()).is_some_and(|count| count >= 50)
    };
    host.wait_until(|host| {
        let calls = host.dialctl(&["calls", "--json"]);
        has_passed("\"relayed\":", &calls) && has_passed("\"relayed-back\":", &calls)
    });
    caller.hang_up().unwrap();
    host.wait_until(|host| host.dialctl(&["calls"]) == "no call is up\n");
}

#[test]
fn a_call_goes_on_when_the_exchange_restarts() {
    let Some(tools) = Tools::find() else { return };
    let mut host = Box::start();
    let called = tools.baresip(&host, 1, None);
    host.wait_until(|host| host.dialctl(&["peers"]).contains("baresip"));
    let caller = tools.baresip(&host, 0, Some("5551234"));
    host.wait_until(|host| host.dialctl(&["calls"]).contains("PCMA"));
    host.restart();
    assert!(host.dialctl(&["calls"]).contains("PCMA"));
    caller.hang_up().unwrap();
    // The called baresip 1.0.0 prints "terminated" only if the call was up for a whole second.
    called.wait_for("session closed").unwrap();
    host.wait_until(|host| host.dialctl(&["log"]).contains("the caller hung up"));
}
