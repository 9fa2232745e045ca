use super::*;
use crate::site::ChangedKey;

const OWNER: &str = "+33612345678";

fn changes(keys: &str) -> Changes {
    keys.split(", ").filter(|key| *key != "nothing").fold(Changes::default(), |changes, key| {
        let (key, value) = match key {
            "endpoint" => (ChangedKey::Endpoint, "203.0.113.9:51820"),
            "apn" => (ChangedKey::Apn, "web"),
            "numbers" => (ChangedKey::Numbers, "+33612345678 +33698765432"),
            _ => panic!("no such key: {key}"),
        };
        changes.with(key, value).unwrap()
    })
}

fn begin(keys: &str, starts: u8, has_link: bool) -> Begin {
    let confirmation = match keys {
        "numbers" => Confirmation::Message,
        _ => Confirmation::FarSide,
    };
    let trial = Trial { changes: changes(keys), from: OWNER.parse().unwrap(), starts };
    Begin { trial, confirmation, has_link }
}

struct Harness {
    trials: Trials,
    stored: Option<Begin>,
    now: Duration,
    done: Vec<Action>,
}

impl Harness {
    /// A state of the table.
    fn in_state(name: &str) -> Self {
        let now = Duration::from_secs(1000);
        let mut harness = Self { trials: Trials::default(), stored: None, now, done: Vec::new() };
        let without_vpn = |keys| Begin { confirmation: Confirmation::Link, ..begin(keys, 0, false) };
        match name {
            "nothing on trial" => {}
            "endpoint kept" => harness.trials = Trials::new(changes("endpoint")),
            "endpoint on trial" => harness.receive(Event::Set(begin("endpoint", 0, false))),
            "endpoint on trial over an open link" => {
                harness.receive(Event::Set(begin("endpoint", 0, true)));
            }
            "apn on trial without VPN" => harness.receive(Event::Set(without_vpn("apn"))),
            "numbers on trial" => harness.receive(Event::Set(begin("numbers", 0, false))),
            "endpoint stored on trial" => harness.stored = Some(begin("endpoint", 0, false)),
            "numbers stored on trial" => harness.stored = Some(begin("numbers", 0, false)),
            _ => panic!("no such state: {name}"),
        }
        harness.done.clear();
        harness
    }

    fn receive(&mut self, event: Event) {
        let actions = self.trials.receive(event, self.now);
        self.done.extend(actions);
    }

    fn pass(&mut self, time: &str, is_up: bool) {
        self.now += time.parse::<TimeSpan>().unwrap().get();
        self.receive(Event::Time { is_up });
    }

    /// An event of the table.
    fn happens(&mut self, what: &str) {
        if let Some(time) = what.strip_suffix(" pass") {
            return self.pass(time, false);
        }
        if let Some(time) = what.strip_suffix(" pass over a link") {
            return self.pass(time, true);
        }
        let stored = self.stored.clone();
        let start = |starts, has_link| {
            let Begin { trial, confirmation, .. } = stored.unwrap();
            Event::Start(Begin { trial: Trial { starts, ..trial }, confirmation, has_link })
        };
        let refused = || "the operator refuses user or password".to_owned();
        self.receive(match what {
            "set apn" => Event::Set(begin("apn", 0, self.trials.on_trial().is_some())),
            "set apn over an open link" => Event::Set(begin("apn", 0, true)),
            "set numbers" => Event::Set(begin("numbers", 0, false)),
            "confirm" => Event::Confirm,
            "the far side answers" => Event::FarSide,
            "connect" => Event::Wanted,
            "the link ends" => Event::LinkEnded(LinkEnd::MayPass),
            "the login is refused" => Event::LinkEnded(LinkEnd::Hopeless(refused())),
            "disconnect" => Event::LinkEnded(LinkEnd::Asked),
            "the box stops" => Event::LinkEnded(LinkEnd::Stopping),
            "the files cannot be written" => Event::NotWritten,
            "start" => start(0, false),
            "start over an open link" => start(0, true),
            "fourth start" => start(3, false),
            _ => panic!("no such event: {what}"),
        });
    }
}

fn words(action: &Action) -> String {
    match action {
        Action::Store => "store".to_owned(),
        Action::Use => "use".to_owned(),
        Action::Dial => "dial".to_owned(),
        Action::Close => "close".to_owned(),
        Action::Ask => "ask".to_owned(),
        Action::Tell(_, news) => format!("tell \"{news}\""),
    }
}

fn shown(changes: Option<&Changes>) -> String {
    let keys = changes.map(ToString::to_string).unwrap_or_default();
    if keys.is_empty() { "nothing".to_owned() } else { keys }
}

#[test]
fn every_row_of_the_table_in_docs_dialer_md_holds() {
    let rows = include_str!("../../../docs/dialer.md").lines().filter_map(|line| {
        let cells: Vec<_> = line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ").collect();
        <[&str; 5]>::try_from(cells).ok().filter(|cells| cells[0] != "before")
    });
    let mut count = 0;
    for [before, what, expected, on_trial, kept] in rows {
        let mut harness = Harness::in_state(before);
        for event in what.split(", ") {
            harness.happens(event);
        }
        let actions: Vec<_> = harness.done.iter().map(words).collect();
        let found = if actions.is_empty() { "nothing".to_owned() } else { actions.join(", ") };
        let trial = shown(harness.trials.on_trial().map(|(changes, _)| changes));
        let state = (found.as_str(), trial, shown(Some(harness.trials.kept())));
        assert_eq!(state, (expected, on_trial.to_owned(), kept.to_owned()), "{before}: {what}");
        count += 1;
    }
    assert!(count > 35, "only {count} rows were found");
}

/// A box that only restarts does not stay on trial for ever.
#[test]
fn a_trial_survives_three_starts_and_each_is_counted() {
    let mut stored = begin("endpoint", 0, false);
    for start in 1..=4 {
        let mut trials = Trials::default();
        let actions = trials.receive(Event::Start(stored.clone()), Duration::ZERO);
        assert_eq!(actions.first(), Some(&Action::Store), "the count is stored before anything else");
        match trials.trial() {
            Some(trial) => stored.trial = trial.clone(),
            None => assert_eq!(start, 4),
        }
    }
}

#[test]
fn the_next_time_to_look_is_known() {
    let mut harness = Harness::in_state("endpoint on trial");
    let after = |seconds: u64| Some(Duration::from_secs(1000 + seconds));
    assert_eq!(harness.trials.deadline(false), after(900));
    assert_eq!(harness.trials.deadline(true), after(0), "the counter");
    harness.happens("the link ends");
    assert_eq!(harness.trials.deadline(false), after(60));
    assert_eq!(Trials::default().deadline(true), None);
}
