//! `dialctl exchange`: the accounts, calls and log of the telephone exchange.

use std::fs;
use std::time::Duration;

use crate::clock::{self, Utc};
use crate::exchange::snapshot::{self, ShownCall, ShownPeer};
use crate::exchange::{EndedCall, ExchangeLog};
use crate::names::record;
use crate::paths::Paths;
use crate::published::Fields;
use crate::site::{Exchange, Role, Site};
use crate::state::Store;
use crate::status;

const USAGE: &str = "\
usage: dialctl exchange peers|calls|log [--json]

  peers   every account: where it is registered, for how long, and in how many ms it answers
  calls   every call that is up: caller, number, called account, duration, codec
  log     the last 250 calls, why each ended, and how many there were in all

examples:
  dialctl exchange peers
  dialctl exchange log --json | grep -o '\"why\":\"[^\"]*\"'
";

/// Carries out the words after `exchange`.
///
/// # Errors
/// The box has no exchange, or it was asked for something else.
pub fn run(paths: &Paths, words: &[&str]) -> Result<String, String> {
    let (what, as_json) = match words {
        [what] => (*what, false),
        [what, "--json"] => (*what, true),
        _ => ("", false),
    };
    if matches!(what, "help" | "--help" | "-h") {
        return Ok(USAGE.to_owned());
    }
    if !["peers", "calls", "log"].contains(&what) {
        return Err(format!("this is no command\n{USAGE}"));
    }
    let site = site(paths)?;
    // Without a record the exchange has just started.
    let published = fs::read_to_string(paths.run_file(record::EXCHANGE)).unwrap_or_default();
    let now = clock::since_boot();
    Ok(match (what, as_json) {
        ("peers", false) => show_peers(&site, &snapshot::peers(&published), now),
        ("peers", true) => json(peer_rows(&site, &snapshot::peers(&published), now)),
        ("calls", false) => show_calls(&snapshot::calls(&published), now),
        ("calls", true) => json(snapshot::calls(&published).iter().map(|call| call_row(call, now))),
        (_, false) => show_log(&ExchangeLog::load(&Store::new(paths.state()))),
        (_, true) => json(ExchangeLog::load(&Store::new(paths.state())).calls.iter().map(ended_row)),
    })
}

fn site(paths: &Paths) -> Result<Exchange, String> {
    let path = paths.site();
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let exchange = match Site::parse(&text).map_err(|error| error.to_string())?.role {
        Role::DialIn(dial_in) => dial_in.exchange.map(|exchange| *exchange),
        Role::Dialer(_) => None,
    };
    exchange.ok_or_else(|| "this box is no exchange: site.toml has no [exchange]".to_owned())
}

fn json(rows: impl IntoIterator<Item = Fields>) -> String {
    let rows: Vec<String> = rows.into_iter().map(|row| status::json_object(&row)).collect();
    format!("[{}]\n", rows.join(","))
}

/// Every account with each of its contacts, or with none.
fn with_contacts<'a>(site: &'a Exchange, peers: &'a [ShownPeer]) -> Vec<(&'a str, Option<&'a ShownPeer>)> {
    let names = site.accounts.iter().map(|account| account.name.as_str());
    names
        .flat_map(|name| {
            let own: Vec<_> =
                peers.iter().filter(|peer| peer.account == name).map(|peer| (name, Some(peer))).collect();
            if own.is_empty() { vec![(name, None)] } else { own }
        })
        .collect()
}

fn state(site: &Exchange, peer: &ShownPeer) -> &'static str {
    match peer.answers_ms {
        _ if peer.is_lost => "unreachable",
        Some(ms) if ms > u64::from(site.qualify.get()) => "slow",
        Some(_) => "ok",
        None => "not asked yet",
    }
}

fn extension<'a>(site: &'a Exchange, name: &str) -> Option<&'a str> {
    let account = site.accounts.iter().find(|account| account.name.as_str() == name);
    account.and_then(|account| account.extension.as_ref()).map(|extension| extension.as_str())
}

fn show_peers(site: &Exchange, peers: &[ShownPeer], now: Duration) -> String {
    let row = |(name, peer): (&str, Option<&ShownPeer>)| {
        let number = extension(site, name).unwrap_or("-");
        let Some(peer) = peer else { return format!("{name:<12} {number:<8} not registered\n") };
        let left = peer.expires.saturating_sub(now).as_secs();
        let ms = peer.answers_ms.map_or(String::new(), |ms| format!(" ({ms} ms)"));
        let state = state(site, peer);
        format!("{name:<12} {number:<8} {:<21} {state}{ms}, for {left} s, {}\n", peer.address, peer.agent)
    };
    with_contacts(site, peers).into_iter().map(row).collect()
}

fn peer_rows(site: &Exchange, peers: &[ShownPeer], now: Duration) -> Vec<Fields> {
    let row = |(name, peer): (&str, Option<&ShownPeer>)| {
        let state = peer.map_or("not registered", |peer| state(site, peer));
        Fields::new()
            .text("account", Some(name))
            .text("extension", extension(site, name))
            .text("state", Some(state))
            .text("address", peer.map(|peer| &peer.address))
            .text("agent", peer.map(|peer| &peer.agent))
            .number("expires", peer.map(|peer| peer.expires.saturating_sub(now).as_secs()))
            .number("ms", peer.and_then(|peer| peer.answers_ms))
    };
    with_contacts(site, peers).into_iter().map(row).collect()
}

fn show_calls(calls: &[ShownCall], now: Duration) -> String {
    if calls.is_empty() {
        return "no call is up\n".to_owned();
    }
    let row = |call: &ShownCall| {
        let seconds = now.saturating_sub(call.since).as_secs();
        let codec = call.codec.as_deref().unwrap_or("-");
        let (minutes, seconds) = (seconds / 60, seconds % 60);
        let relayed = call
            .relayed
            .map_or_else(String::new, |[there, back]| format!(", relayed {there} packets and {back} back"));
        format!(
            "{:<12} {:<12} {:<12} {minutes:>4}:{seconds:02}  {codec}{relayed}\n",
            call.caller, call.number, call.callee
        )
    };
    calls.iter().map(row).collect()
}

fn call_row(call: &ShownCall, now: Duration) -> Fields {
    Fields::new()
        .text("caller", Some(&call.caller))
        .text("number", Some(&call.number))
        .text("callee", Some(&call.callee))
        .text("codec", call.codec.as_ref())
        .number("seconds", Some(now.saturating_sub(call.since).as_secs()))
        .number("relayed", call.relayed.map(|[there, _]| there))
        .number("relayed-back", call.relayed.map(|[_, back]| back))
}

fn show_log(log: &ExchangeLog) -> String {
    let calls: String = log.calls.iter().map(|call| format!("{call}\n")).collect();
    format!("{calls}{} calls in all\n", log.count)
}

fn ended_row(call: &EndedCall) -> Fields {
    Fields::new()
        .text("at", Some(Utc(call.at)))
        .text("caller", Some(&call.caller))
        .text("number", Some(&call.number))
        .text("callee", call.callee.as_ref())
        .text("codec", call.codec.as_ref())
        .number("seconds", Some(call.seconds))
        .text("why", Some(&call.why))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SITE: &str = "role='dial-in'\nhostname='x'\n[lan]\naddress='dhcp'\n\
        [[line]]\nport='1-1.2'\nlocal='192.0.2.1'\nremote='192.0.2.2'\n[[user]]\nname='u'\npassword='p'\n\
        [exchange]\n[[exchange.account]]\nname='console'\npassword='a'\n\
        [[exchange.account]]\nname='modem1'\npassword='b'\nextension='100'\n\
        [[exchange.account]]\nname='modem2'\npassword='c'\n\
        [[exchange.route]]\npattern='_X!'\nto=['modem1', 'modem2']\n";

    fn contact(account: &str, state: &str) -> String {
        let fixed = "address=192.0.2.7:5060\tcontact=sip:m@192.0.2.7\tagent=HT801\texpires=4000000\tcall-id=i\tcseq=1";
        format!("kind=peer\taccount={account}\t{fixed}\t{state}\n")
    }

    #[test]
    fn the_console_shows_who_is_registered_and_which_call_is_up() {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::below(dir.path());
        fs::create_dir_all(paths.path("/etc/dialbox")).unwrap();
        fs::create_dir_all(paths.path("/run/dialbox")).unwrap();
        fs::write(paths.site(), SITE).unwrap();
        assert!(run(&paths, &["peers"]).unwrap().starts_with("console      -        not registered\n"));
        assert_eq!(run(&paths, &["calls"]).unwrap(), "no call is up\n");
        assert_eq!(run(&paths, &["log"]).unwrap(), "0 calls in all\n");
        assert!(run(&paths, &["pears"]).unwrap_err().contains("usage: dialctl exchange peers"));

        let published =
            contact("modem1", "ms=12") + &contact("modem1", "lost=1") + &contact("modem2", "ms=201");
        let site = site(&paths).unwrap();
        let peers = snapshot::peers(&published);
        insta::assert_snapshot!(show_peers(&site, &peers, Duration::from_secs(3_999_000)), @"
        console      -        not registered
        modem1       100      192.0.2.7:5060        ok (12 ms), for 1000 s, HT801
        modem1       100      192.0.2.7:5060        unreachable, for 1000 s, HT801
        modem2       -        192.0.2.7:5060        slow (201 ms), for 1000 s, HT801
        ");
        let rows = peer_rows(&site, &peers[..1], Duration::from_secs(3_999_000));
        insta::assert_snapshot!(json(rows), @r#"[{"account":"console","state":"not registered"},{"account":"modem1","extension":"100","state":"ok","address":"192.0.2.7:5060","agent":"HT801","expires":1000,"ms":12},{"account":"modem2","state":"not registered"}]"#);
        let call = ShownCall {
            caller: "console".into(),
            number: "5551234".into(),
            callee: "modem1".into(),
            codec: Some("PCMU".into()),
            since: Duration::from_secs(10),
            relayed: None,
        };
        let relayed = ShownCall { relayed: Some([3750, 3748]), ..call.clone() };
        insta::assert_snapshot!(show_calls(&[call, relayed], Duration::from_secs(85)), @r"
        console      5551234      modem1          1:15  PCMU
        console      5551234      modem1          1:15  PCMU, relayed 3750 packets and 3748 back
        ");
    }
}
