//! The dialer's part in a trial of other values: what [`Trials`] decides becomes effects, and what happens to the link
//! becomes its events.

use super::trial::{Action, Begin, Event, LinkEnd, Reach, Trial, Trials};
use super::{Apns, Dialer, Effect, Endpoints, Question, Requester, View};
use crate::log::Level;
use crate::ppp::{DownReason, Exit, LinkOutcome, Phase, RequestRefusal};
use crate::record::Record;
use crate::site::{self, Changes, PhoneNumber, Role, Shown, Site};
use crate::sms::command::Command;
use crate::sms::past::Past;
use crate::sms::pdu::Address;
use crate::sms::reply::Reply;
use crate::sms::set::Wanted;
use crate::sms::trial_news::{Confirmation, TrialNews};

/// The site in force, and the values that differ from its text.
#[derive(Debug)]
pub struct Trying {
    text: String,
    in_force: Site,
    trials: Trials,
    /// A trial that the last run of the service has left.
    left: Option<Trial>,
}

/// The role of a site that a dialer runs.
fn dialer(site: &Site) -> Option<&site::Dialer> {
    match &site.role {
        Role::Dialer(dialer) => Some(dialer),
        Role::DialIn(_) => None,
    }
}

impl Trying {
    /// The site of this text with the stored values; `None` if the record is void for it, and must be removed.
    #[must_use]
    pub fn restore(text: &str, record: &Record) -> Option<Self> {
        let Reach { kept, trial } = Reach::from_record(record, text)?;
        let in_force = Site::parse_changed(text, &kept, trial.as_ref().map(|trial| &trial.changes)).ok()?;
        Some(Self { text: text.to_owned(), in_force, trials: Trials::new(kept), left: trial })
    }

    /// The site as its text says.
    #[must_use]
    pub fn unchanged(text: String, site: Site) -> Self {
        Self { text, in_force: site, trials: Trials::default(), left: None }
    }

    /// The site in force.
    #[must_use]
    pub fn in_force(&self) -> &Site {
        &self.in_force
    }

    /// The role in force.
    #[must_use]
    pub fn role(&self) -> Option<&site::Dialer> {
        dialer(&self.in_force)
    }

    /// The values of a message as a trial, or why they cannot be tried.
    fn propose(&self, Wanted(wanted): &Wanted, from: &Address) -> Result<Trial, String> {
        let changes = wanted.clone().map_err(|why| why.to_string())?;
        let is_sender = |number: &PhoneNumber| from.is(number, None);
        if changes.numbers().is_some_and(|numbers| !numbers.iter().any(is_sender)) {
            return Err(format!("it would cut you off: add {from}"));
        }
        let site = Site::parse_changed(&self.text, self.trials.kept(), Some(&changes));
        site.map_err(|error| error.reason().to_owned())?;
        Ok(Trial { changes, from: from.clone(), starts: 0 })
    }

    fn confirmation(&self, changes: &Changes) -> Confirmation {
        match (changes.numbers(), dialer(&self.in_force).and_then(|dialer| dialer.vpn.as_ref())) {
            (Some(_), _) => Confirmation::Message,
            (None, Some(_)) => Confirmation::FarSide,
            (None, None) => Confirmation::Link,
        }
    }

    /// Whether this is a number that only the values on trial admit.
    fn is_new(&self, from: &Address) -> bool {
        let Some((changes, _)) = self.trials.on_trial() else { return false };
        let Some(new) = changes.numbers() else { return false };
        let without = Site::parse_changed(&self.text, self.trials.kept(), None).ok();
        let old = without.as_ref().and_then(dialer).and_then(|dialer| dialer.sms.as_ref());
        let has = |numbers: &[PhoneNumber]| numbers.iter().any(|number| from.is(number, None));
        has(new) && old.is_some_and(|sms| !has(&sms.numbers))
    }

    fn record(&self) -> Record {
        Reach::from(&self.trials).to_record(&self.text, None)
    }
}

impl Dialer {
    /// Goes on with a trial that the last run has left.
    pub fn resume_trial(&mut self, view: View) -> Vec<Effect> {
        let has_link = self.session.phase() != Phase::Down;
        let Some(trying) = &mut self.trying else { return Vec::new() };
        let Some(trial) = trying.left.take() else { return Vec::new() };
        let confirmation = trying.confirmation(&trial.changes);
        self.step_trial(Event::Start(Begin { trial, confirmation, has_link }), view)
    }

    /// The record of the trial that a proven message asks for, with what it has made of the past.
    pub(super) fn trial_record(&self, command: &Command, from: &Address, past: &Past) -> Option<Record> {
        let (trying, Command::Set(wanted)) = (self.trying.as_ref()?, command) else { return None };
        let trial = trying.propose(wanted, from).ok().filter(|_| !self.is_by_hand())?;
        let reach = Reach { kept: trying.trials.kept().clone(), trial: Some(trial) };
        Some(reach.to_record(&trying.text, Some(past)))
    }

    /// The order of a message could not be stored: its trial, which may be, must not begin at the next start.
    pub(super) fn forget_trial(&self, command: &Command) -> Option<Effect> {
        let trying = self.trying.as_ref().filter(|_| matches!(command, Command::Set(_)))?;
        Some(Effect::StoreTrial(trying.record()))
    }

    /// Tries the values of a message whose record is stored.
    pub(super) fn try_values(&mut self, wanted: &Wanted, from: &Requester, view: View) -> Vec<Effect> {
        let (Some(trying), Requester::Phone(sender)) = (&self.trying, from) else { return Vec::new() };
        let proposed = match self.is_by_hand() {
            true => Err("a link opened by hand is up, close it first".to_owned()),
            false => trying.propose(wanted, sender),
        };
        match proposed {
            Ok(trial) => {
                let confirmation = trying.confirmation(&trial.changes);
                let has_link = self.session.phase() != Phase::Down;
                self.step_trial(Event::Set(Begin { trial, confirmation, has_link }), view)
            }
            Err(why) => self.answer(from, Reply::Trial(TrialNews::Refused(why)), view.at.now),
        }
    }

    /// Keeps the values on trial, by request.
    pub(super) fn confirm_trial(&mut self, requester: &Requester, view: View) -> Vec<Effect> {
        let trial = self.trying.as_ref().and_then(|trying| trying.trials.trial());
        let Some(Trial { changes, from, .. }) = trial else {
            return self.answer(requester, Reply::Trial(TrialNews::None), view.at.now);
        };
        let kept = Reply::Trial(TrialNews::Kept(changes.to_string()));
        // The trial's sender is told of it anyway.
        let is_told = *requester == Requester::Phone(from.clone());
        let answer = if is_told { Vec::new() } else { self.answer(requester, kept, view.at.now) };
        self.step_trial(Event::Confirm, view).into_iter().chain(answer).collect()
    }

    /// A proven command has come: from a number that is on trial, it confirms that.
    pub(super) fn hear_from(&mut self, requester: &Requester, view: View) -> Vec<Effect> {
        match (&self.trying, requester) {
            (Some(trying), Requester::Phone(from)) if trying.is_new(from) => {
                self.step_trial(Event::Confirm, view)
            }
            _ => Vec::new(),
        }
    }

    /// The values in force could not be written.
    pub(super) fn site_not_used(&mut self, view: View) -> Vec<Effect> {
        self.step_trial(Event::NotWritten, view)
    }

    pub(super) fn follow_trial(&mut self, view: View) -> Vec<Effect> {
        self.step_trial(Event::Time { is_up: self.is_up() }, view)
    }

    pub(super) fn trial_deadline(&self) -> Option<std::time::Duration> {
        self.trying.as_ref()?.trials.deadline(self.is_up())
    }

    /// The VPN has received so many bytes since its interface exists: since the link is up.
    pub(super) fn hear_far_side(&mut self, received: Option<u64>, view: View) -> Vec<Effect> {
        let has_answered = self.is_up() && received.is_some_and(|bytes| bytes > 0);
        if has_answered { self.step_trial(Event::FarSide, view) } else { Vec::new() }
    }

    /// A link is about to be requested: the end of a trial does not close it.
    pub(super) fn want_link(&mut self, view: View) {
        self.step_trial(Event::Wanted, view);
    }

    pub(super) fn end_link_of_trial(&mut self, outcome: &LinkOutcome, view: View) -> Vec<Effect> {
        link_end(outcome).map_or(Vec::new(), |end| self.step_trial(Event::LinkEnded(end), view))
    }

    /// What a message has changed, and what is on trial, for a status.
    pub(super) fn changed(&self) -> (Option<String>, Option<(String, std::time::Duration)>) {
        let Some(Trying { trials, .. }) = &self.trying else { return (None, None) };
        let kept = Some(trials.kept()).filter(|kept| !kept.is_empty());
        let on_trial = trials.on_trial().map(|(changes, until)| (Shown(changes).to_string(), until));
        (kept.map(|kept| Shown(kept).to_string()), on_trial)
    }

    /// The same, in a few words: `trying apn; set endpoint`.
    pub(super) fn changed_keys(&self) -> Option<String> {
        let trials = &self.trying.as_ref()?.trials;
        let on_trial = trials.on_trial().map(|(changes, _)| format!("trying {changes}"));
        let kept = Some(trials.kept()).filter(|kept| !kept.is_empty()).map(|kept| format!("set {kept}"));
        let parts: Vec<_> = on_trial.into_iter().chain(kept).collect();
        Some(parts.join("; ")).filter(|text| !text.is_empty())
    }

    fn is_up(&self) -> bool {
        matches!(self.session.phase(), Phase::Up(..))
    }

    fn is_by_hand(&self) -> bool {
        matches!(self.session.phase(), Phase::ByHand(_))
    }

    fn step_trial(&mut self, event: Event, view: View) -> Vec<Effect> {
        let Some(trying) = &mut self.trying else { return Vec::new() };
        let actions = trying.trials.receive(event, view.at.now);
        actions.into_iter().flat_map(|action| self.act(action, view)).collect()
    }

    fn act(&mut self, action: Action, view: View) -> Vec<Effect> {
        match action {
            Action::Store => self.trying.iter().map(|trying| Effect::StoreTrial(trying.record())).collect(),
            Action::Use => self.use_values(),
            Action::Dial if self.is_stopping || self.is_by_hand() => Vec::new(),
            Action::Dial => {
                let reaction = match self.session.phase() {
                    Phase::Up(..) | Phase::Dialling => self.session.renew(DownReason::Changed, view.at),
                    _ => self.session.open(None, view.at),
                };
                self.follow(reaction, view)
            }
            Action::Close if matches!(self.session.phase(), Phase::Down | Phase::ByHand(_)) => Vec::new(),
            Action::Close => {
                let reaction = self.session.close(DownReason::Changed, view.at);
                self.follow(reaction, view)
            }
            Action::Ask => vec![Effect::Ask(Question::Counter)],
            Action::Tell(to, news) => self.tell_of_trial(to, news, view),
        }
    }

    fn tell_of_trial(&mut self, to: Address, news: TrialNews, view: View) -> Vec<Effect> {
        let level = match &news {
            TrialNews::TakenBack(..) => Level::Warning,
            _ => Level::Info,
        };
        if let TrialNews::TakenBack(..) = &news {
            self.last_error = Some(news.to_string());
        }
        let said = Effect::log(level, format!("by message of {to}: {news}"));
        let told = self.answer(&Requester::Phone(to), Reply::Trial(news), view.at.now);
        [said].into_iter().chain(told).collect()
    }

    /// Puts the values into force that [`Trials`] has decided on.
    fn use_values(&mut self) -> Vec<Effect> {
        let Some(trying) = &mut self.trying else { return Vec::new() };
        let on_trial = trying.trials.on_trial().map(|(changes, _)| changes);
        let new = match Site::parse_changed(&trying.text, trying.trials.kept(), on_trial) {
            Ok(new) => new,
            // They were valid when they were proposed, and the text is the same.
            Err(error) => return vec![Effect::log(Level::Error, format!("the site: {}", error.reason()))],
        };
        let old = std::mem::replace(&mut trying.in_force, new.clone());
        if let (Some(old), Some(new)) = (dialer(&old), dialer(&new)) {
            if let (Some(gate), Some(sms)) = (&mut self.gate, &new.sms) {
                gate.set_numbers(&sms.numbers);
            }
            if old.operator != new.operator {
                self.apns = Apns::new(&new.operator);
                self.session.set_attempts(self.apns.count());
            }
            if old.vpn != new.vpn {
                self.endpoints = new.vpn.as_ref().map(Endpoints::new);
                let count = self.endpoints.as_ref().map_or(0, Endpoints::count);
                self.liveness.iter_mut().for_each(|liveness| liveness.set_endpoints(count));
            }
        }
        vec![Effect::UseSite(Box::new(new))]
    }
}

/// What the outcome of a link means for a trial; `None` if it goes on as before.
fn link_end(outcome: &LinkOutcome) -> Option<LinkEnd> {
    match outcome {
        LinkOutcome::Up { .. } | LinkOutcome::Extended(_) => None,
        LinkOutcome::Refused(RequestRefusal::NotConnected | RequestRefusal::ByHand) => None,
        LinkOutcome::Refused(RequestRefusal::Budget { .. }) => Some(LinkEnd::Hopeless(outcome.to_string())),
        LinkOutcome::Failed(why) | LinkOutcome::Closed(why) => match why {
            DownReason::Changed => None,
            DownReason::Asked => Some(LinkEnd::Asked),
            DownReason::Stopping => Some(LinkEnd::Stopping),
            DownReason::Budget(_) | DownReason::Exit(Exit::AuthRefused) => {
                Some(LinkEnd::Hopeless(why.to_string()))
            }
            _ => Some(LinkEnd::MayPass),
        },
    }
}
