//! Setting the counter of the one-time codes by hand, with `dialctl codes resync`.

use super::{Dialer, Effect, Pending};
use crate::control::{ClientId, Reply};
use crate::log::Level;
use crate::sms::gate::Gate;

const SET: &str = "the code after these two is the next to be accepted";
const NOT_STORED: &str =
    "the counter is set until the next boot only: the card cannot be written, see `logread`";
const NO_COUNTER: &str = "the site's codes are not counted: there is nothing to set";

impl Dialer {
    /// Whether no code can be accepted until the counter is set.
    pub fn lacks_counter(&self) -> bool {
        self.gate.as_ref().is_some_and(Gate::lacks_counter)
    }

    pub(super) fn set_counter(&mut self, client: ClientId, used: u64) -> Vec<Effect> {
        match self.gate.as_mut().and_then(|gate| gate.set_counter(used)) {
            Some(remember) => {
                let what = format!("the counter of the codes is set to {used}, by hand");
                let pending = Pending::Counter(client);
                vec![Effect::log(Level::Warning, what), Effect::Store { trial: None, remember, pending }]
            }
            None => vec![Effect::Answer(client, Reply::Failed(NO_COUNTER.to_owned()))],
        }
    }
}

/// The answer once the counter is stored.
pub(super) fn stored(client: ClientId) -> Effect {
    Effect::Answer(client, Reply::Done(SET.to_owned()))
}

/// The answer if the counter cannot be stored.
pub(super) fn not_stored(client: ClientId) -> Effect {
    Effect::Answer(client, Reply::Failed(NOT_STORED.to_owned()))
}
