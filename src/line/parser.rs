//! The answerer in a [process of its own](crate::modem::sandbox). The service keeps from it who may log in.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::answerer::{Answerer, AnswererConfig};
use super::login::{Admitted, Credentials, Typed};
use super::report::{Connected, Report};
use super::secret::Registers;
use crate::modem::recovery::RecoveryStep;
use crate::modem::sandbox::{Guard, Sandboxable, Violation};
use crate::published::{LineState, LineStatus, Published};
use crate::record::Record;
use crate::site::Offer;

/// The longest text about a call: a line of the modem.
const LONGEST_TEXT: usize = 2100;

/// An order to the process of a line.
#[derive(Debug, Serialize, Deserialize)]
pub enum Order {
    /// The call is over, or must end.
    HangUp,
    /// The user of the checked name and password, and what it may get; `None` if they are wrong.
    Checked(Option<(String, Vec<String>)>),
}

/// A [`Report`] for sending.
#[derive(Debug, Serialize, Deserialize)]
pub enum Claim {
    /// A caller is connected.
    Connected(Call),
    /// A name and a password are to be checked.
    CheckPassword {
        /// The name.
        name: Vec<u8>,
        /// The password.
        password: Vec<u8>,
    },
    /// A call was answered and failed.
    Lost {
        /// The caller's number.
        caller: Option<String>,
        /// Why.
        why: String,
    },
    /// A caller has not logged in.
    LoginFailed {
        /// The call.
        call: Call,
        /// Why.
        why: String,
    },
}

/// An answered call, for sending.
#[derive(Debug, Serialize, Deserialize)]
pub struct Call {
    since: Duration,
    caller: Option<String>,
    speed: Option<String>,
    user: Option<String>,
    offer: String,
}

impl From<Connected> for Call {
    fn from(Connected { since, caller, speed, user, offer }: Connected) -> Self {
        Self { since, caller, speed, user: user.map(|user| user.to_string()), offer: offer.to_string() }
    }
}

impl Call {
    /// A call that is not in the future, with texts that a modem can have sent.
    fn check(self, now: Duration) -> Result<Connected, Violation> {
        let Self { since, caller, speed, user, offer } = self;
        let offer = offer.parse().map_err(|_| Violation::Claim)?;
        let user = user.map(|user| user.parse().map_err(|_| Violation::Claim)).transpose()?;
        let [caller, speed] = [caller, speed].map(|text| text.map(checked_text).transpose());
        Ok(Connected { since: since.min(now), caller: caller?, speed: speed?, user, offer })
    }
}

fn checked_text(text: String) -> Result<String, Violation> {
    let fits = text.len() <= LONGEST_TEXT && !text.contains(char::is_control);
    if fits { Ok(text) } else { Err(Violation::Claim) }
}

/// Names that the service has sent are valid.
fn admitted((user, offers): (String, Vec<String>)) -> Option<Admitted> {
    let offers = offers.iter().map(|offer| offer.parse().ok()).collect::<Option<_>>()?;
    Some(Admitted { user: user.parse().ok()?, offers })
}

impl Sandboxable for Answerer {
    const NAME: &'static str = "answerer";
    type Start = AnswererConfig;
    type Order = Order;
    type Answer = ();
    type Claim = Claim;

    fn start(config: AnswererConfig) -> Option<Self> {
        Some(Self::new(config, Registers::random))
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::HangUp => self.hang_up(),
            Order::Checked(user) => self.set_checked(user.and_then(admitted)),
        }
    }

    fn claim(&mut self, report: Report) -> Claim {
        match report {
            Report::Connected(connected) => Claim::Connected(connected.into()),
            Report::CheckPassword => {
                let Credentials { name, password } = self.credentials().unwrap_or_default();
                Claim::CheckPassword { name: name.bytes().to_owned(), password: password.bytes().to_owned() }
            }
            Report::Lost { caller, why } => Claim::Lost { caller, why },
            Report::LoginFailed { connected, why } => Claim::LoginFailed { call: connected.into(), why },
        }
    }

    fn has_pending_orders(&self) -> bool {
        false
    }
}

/// The service's side of a line's protocol.
#[derive(Debug)]
pub struct LineGuard {
    config: AnswererConfig,
    /// The user who was authenticated in this call.
    authenticated: Option<Admitted>,
    credentials: Option<Credentials>,
}

impl LineGuard {
    /// The guard of a line.
    pub fn new(config: AnswererConfig) -> Self {
        Self { config, authenticated: None, credentials: None }
    }

    /// The name and the password of [`Report::CheckPassword`].
    pub fn credentials(&mut self) -> Option<Credentials> {
        self.credentials.take()
    }

    /// The caller is authenticated as this user, or not. The process has no other way to log in a caller.
    pub fn set_authenticated(&mut self, user: Option<Admitted>) {
        self.authenticated = user;
    }
}

impl Guard for LineGuard {
    type Parser = Answerer;
    type Report = Report;
    const IS_IDLE_WITHOUT_PROCESS: bool = false;

    fn start(&self) -> AnswererConfig {
        self.config.clone()
    }

    /// The values of the modem's registers are lost with the process, as when the service itself is restarted.
    fn step_after_restart(&self, step: Option<RecoveryStep>) -> Option<RecoveryStep> {
        step.max(Some(RecoveryStep::HangUp))
    }

    fn accept(&mut self, claim: Claim, now: Duration) -> Result<Report, Violation> {
        if let Claim::CheckPassword { name, password } = claim {
            let [name, password] = [name, password].map(|bytes| Typed::from_bytes(&bytes));
            self.credentials = Some(Credentials { name, password });
            return Ok(Report::CheckPassword);
        }
        // All other reports end the authentication.
        let authenticated = self.authenticated.take();
        match claim {
            Claim::Connected(call) => {
                let connected = call.check(now)?;
                let is_proven = match &connected.user {
                    // pppd asks for the name.
                    None => connected.offer == Offer::Ppp,
                    Some(user) => authenticated.is_some_and(|it| it.may_get(user, &connected.offer)),
                };
                if is_proven { Ok(Report::Connected(connected)) } else { Err(Violation::Claim) }
            }
            Claim::Lost { caller, why } => {
                Ok(Report::Lost { caller: caller.map(checked_text).transpose()?, why: checked_text(why)? })
            }
            Claim::LoginFailed { call, why } => {
                Ok(Report::LoginFailed { connected: call.check(now)?, why: checked_text(why)? })
            }
            Claim::CheckPassword { .. } => Err(Violation::Claim),
        }
    }

    fn remembers(&self, _record: &Record) -> Option<(&'static str, Record)> {
        None
    }

    fn lost(&mut self, record: &Record, now: Duration) -> Vec<Report> {
        (self.authenticated, self.credentials) = (None, None);
        let Some(status) = LineStatus::from_record(record) else { return Vec::new() };
        let why = "the modem's parser has died".to_owned();
        match status.state {
            LineState::Answering => vec![Report::Lost { caller: status.caller, why }],
            LineState::LoggingIn => {
                let connected = Connected { since: now, caller: status.caller, ..Connected::default() };
                vec![Report::LoginFailed { connected, why }]
            }
            LineState::Resetting | LineState::Ready | LineState::Connected | LineState::HangingUp => {
                Vec::new()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::login::PromptWords;
    use crate::site::{Role, Site};

    const NOW: Duration = Duration::from_secs(100);

    fn config() -> AnswererConfig {
        let site = "role='dial-in'\nhostname='box'\n[[line]]\nport='auto'\nlocal='192.0.2.1'\nremote='192.0.2.2'\n\
                    login=true\n[[user]]\nname='u'\npassword='Xy7Qz9'\n";
        let site = Site::parse(site).unwrap();
        let Role::DialIn(dial_in) = &site.role else { unreachable!("role='dial-in'") };
        AnswererConfig::new(&dial_in.lines[0], &PromptWords::new(&dial_in.prompts, &site.hostname))
    }

    fn guard() -> LineGuard {
        LineGuard::new(config())
    }

    fn connected(user: Option<&str>) -> Claim {
        gets(user, "ppp")
    }

    fn gets(user: Option<&str>, offer: &str) -> Claim {
        let (user, offer) = (user.map(str::to_owned), offer.to_owned());
        Claim::Connected(Call { since: NOW, caller: None, speed: Some("33600".to_owned()), user, offer })
    }

    fn admitted(user: &str, offers: &[&str]) -> Option<Admitted> {
        super::admitted((user.to_owned(), offers.iter().map(|offer| (*offer).to_owned()).collect()))
    }

    fn lost() -> Claim {
        Claim::Lost { caller: None, why: "NO CARRIER".to_owned() }
    }

    #[test]
    fn the_process_alone_cannot_log_in_a_caller() {
        let mut guard = guard();
        assert_eq!(guard.accept(connected(Some("guest")), NOW), Err(Violation::Claim));
        assert!(guard.accept(connected(None), NOW).is_ok(), "pppd asks for the password");
    }

    #[test]
    fn an_authenticated_user_is_logged_in_once_and_under_that_name() {
        let mut guard = guard();
        let prove = |guard: &mut LineGuard| guard.set_authenticated(admitted("guest", &["ppp"]));
        prove(&mut guard);
        assert!(matches!(guard.accept(connected(Some("guest")), NOW), Ok(Report::Connected(_))));
        assert_eq!(guard.accept(connected(Some("guest")), NOW), Err(Violation::Claim), "another call");
        prove(&mut guard);
        assert_eq!(guard.accept(connected(Some("root")), NOW), Err(Violation::Claim), "another user");
        prove(&mut guard);
        assert!(guard.accept(lost(), NOW).is_ok());
        assert_eq!(guard.accept(connected(Some("guest")), NOW), Err(Violation::Claim), "after that call");
        prove(&mut guard);
        guard.lost(&Record::new(), NOW);
        assert_eq!(guard.accept(connected(Some("guest")), NOW), Err(Violation::Claim), "another process");
    }

    #[test]
    fn a_user_gets_only_what_the_site_offers_it() {
        let mut guard = guard();
        let mut claim = |user, offer| {
            guard.set_authenticated(admitted("guest", &["bbs", "slip"]));
            guard.accept(gets(user, offer), NOW).is_ok()
        };
        assert!(claim(Some("guest"), "bbs") && claim(Some("guest"), "slip"));
        for (user, offer) in
            [(Some("guest"), "ppp"), (Some("guest"), "mud"), (None, "bbs"), (Some("root"), "bbs")]
        {
            assert!(!claim(user, offer), "{user:?} {offer}");
        }
        assert!(claim(None, "ppp"), "pppd asks for the password");
        assert!(!claim(None, "no offer"));
    }

    #[test]
    fn impossible_texts_and_times_of_a_call_are_refused() {
        let why = |why: &str| Claim::Lost { caller: None, why: why.to_owned() };
        assert!(guard().accept(why("NO CARRIER"), NOW).is_ok());
        for forged in ["a\nb", "\u{1b}[2J", &"x".repeat(LONGEST_TEXT + 1)] {
            assert_eq!(guard().accept(why(forged), NOW), Err(Violation::Claim), "{forged:?}");
        }
        let call = Call { since: 2 * NOW, caller: None, speed: None, user: None, offer: "ppp".to_owned() };
        let Ok(Report::Connected(connected)) = guard().accept(Claim::Connected(call), NOW) else {
            panic!("a call")
        };
        assert_eq!(connected.since, NOW, "not in the future");
    }

    #[test]
    fn the_process_of_a_line_cannot_store_anything() {
        assert_eq!(guard().remembers(&Record::new().with("outcome", "accepted")), None);
    }

    #[test]
    fn a_call_that_was_being_answered_is_recorded_when_the_process_dies() {
        let lost = |state: &str| guard().lost(&Record::new().with("line", state).with("caller", "0555"), NOW);
        assert!(
            matches!(&lost("answering")[..], [Report::Lost { caller: Some(caller), .. }] if caller == "0555")
        );
        assert!(matches!(lost("logging-in")[..], [Report::LoginFailed { .. }]));
        assert_eq!(lost("ready"), []);
        assert_eq!(lost("connected"), [], "pppd's end is the call's");
    }

    #[test]
    fn the_process_of_a_line_gets_no_secret() {
        let shown = format!("{:?}", guard().start());
        assert_eq!(
            shown,
            "AnswererConfig { rings: 1, callers: None, prompt: Some(PromptWords { name: \"box login: \", password: \"Password: \" }), settle: 0ns, init: [], null_modem: false, caller_id: \"AT+VCID=1\" }"
        );
    }
}
