//! The SMS service centre: accepts, stores and delivers messages. TS 23.040 §3.

use super::Subscriber;
use crate::modem::TimeOfDay;
use crate::modem::refusal::Cms;
use dialbox::sms::pdu::{
    Address, Body, Deliver, Illegal, Part, ServiceCentreTime, Status, StatusReport, Submit,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// TP-Status "received by the SME": TS 23.040 §9.2.3.15.
const DELIVERED: Status = Status(0x00);

/// A request for a status report.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Report {
    to: Subscriber,
    /// TP-MR of the message it is about.
    reference: u8,
    recipient: Address,
    submitted: ServiceCentreTime,
}

/// Something on its way to a subscriber.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parcel {
    /// As a modem shows it.
    pub pdu: String,
    /// Decoded, for a telephone; `None` for what a telephone does not show.
    pub message: Option<Deliver>,
    report: Option<Report>,
}

/// The centre.
#[derive(Debug, Clone)]
pub struct SmsCentre {
    address: Option<Address>,
    time: TimeOfDay,
    waiting: BTreeMap<Subscriber, VecDeque<Parcel>>,
    /// The subscribers to whom their first waiting message is being delivered.
    under_way: BTreeSet<Subscriber>,
    /// The errors that the next submissions get.
    refusals: VecDeque<Cms>,
    /// The reference of the last multipart message.
    reference: u16,
}

impl SmsCentre {
    /// A centre whose clock shows this.
    pub fn new(time: TimeOfDay) -> Self {
        Self {
            address: "+33695000695".parse().ok(),
            time,
            waiting: BTreeMap::new(),
            under_way: BTreeSet::new(),
            refusals: VecDeque::new(),
            reference: 0,
        }
    }

    /// Refuses the next submission.
    pub fn refuse_next(&mut self, why: Cms) {
        self.refusals.push_back(why);
    }

    /// How many messages wait for this subscriber.
    pub fn waiting_for(&self, subscriber: Subscriber) -> usize {
        self.waiting.get(&subscriber).map_or(0, VecDeque::len)
    }

    /// Accepts a text from a telephone; a long one becomes a multipart message.
    pub fn text(&mut self, from: &Address, to: Subscriber, text: &str, now: Duration) {
        let Some(sent) = self.stamp(now) else { return };
        let message =
            |text: &str, part| Deliver { from: from.clone(), sent, body: Body::Text(text.to_owned()), part };
        let whole = message(text, None);
        if self.pack(&whole).is_some() {
            return self.put(to, whole);
        }
        self.reference = self.reference.wrapping_add(1);
        let reference = self.reference;
        let part = |number, of| Some(Part { reference, number, of });
        let mut pieces = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let ends = rest.char_indices().map(|(at, c)| at + c.len_utf8());
            let fitting = ends.take_while(|end| self.pack(&message(&rest[..*end], part(1, 2))).is_some());
            let Some(end) = fitting.last() else { return };
            pieces.push(&rest[..end]);
            rest = &rest[end..];
        }
        let Ok(of) = u8::try_from(pieces.len()) else { return };
        for (number, piece) in (1..=of).zip(pieces) {
            self.put(to, message(piece, part(number, of)));
        }
    }

    /// Accepts a ready message, unchecked.
    pub fn put(&mut self, to: Subscriber, message: Deliver) {
        if let Some(pdu) = self.pack(&message) {
            self.queue(to, Parcel { pdu, message: Some(message), report: None });
        }
    }

    /// Accepts a PDU from another centre, unchecked.
    pub fn put_as_it_is(&mut self, to: Subscriber, pdu: String) {
        self.queue(to, Parcel { pdu, message: None, report: None });
    }

    /// Accepts a message from a modem: the octets of a SMS-SUBMIT. `find` maps numbers to subscribers; a message to an
    /// unknown number is accepted and dropped.
    pub fn submit(
        &mut self,
        from: (Subscriber, &Address),
        tpdu: &[u8],
        find: impl Fn(&str) -> Option<Subscriber>,
        now: Duration,
    ) -> Result<Submit, Cms> {
        if let Some(why) = self.refusals.pop_front() {
            return Err(why);
        }
        let hex: String =
            std::iter::once(0).chain(tpdu.iter().copied()).map(|o| format!("{o:02X}")).collect();
        let submit = Submit::decode(&hex).map_err(|_: Illegal| Cms::InvalidPduParameter)?;
        let submitted = self.stamp(now).ok_or(Cms::Unknown)?;
        let message = Deliver {
            from: from.1.clone(),
            sent: submitted,
            body: submit.body().clone(),
            part: submit.part(),
        };
        let report = submit.wants_report().then(|| Report {
            to: from.0,
            reference: tpdu.get(1).copied().unwrap_or(0),
            recipient: submit.to().clone(),
            submitted,
        });
        if let (Some(to), Some(pdu)) = (find(&submit.to().to_string()), self.pack(&message)) {
            self.queue(to, Parcel { pdu, message: Some(message), report });
        }
        Ok(submit)
    }

    /// The next message for this subscriber, unless one is being delivered to it.
    pub fn send_next(&mut self, to: Subscriber) -> Option<Parcel> {
        let parcel = self.waiting.get(&to)?.front().filter(|_| !self.under_way.contains(&to))?;
        self.under_way.insert(to);
        Some(parcel.clone())
    }

    /// The delivery failed; the message waits.
    pub fn returned(&mut self, from: Subscriber) {
        self.under_way.remove(&from);
    }

    /// The delivery succeeded.
    pub fn delivered(&mut self, to: Subscriber, now: Duration) {
        self.under_way.remove(&to);
        let parcel = self.waiting.get_mut(&to).and_then(VecDeque::pop_front);
        let report = parcel.and_then(|parcel| parcel.report).zip(self.stamp(now));
        if let Some((Report { to, reference, recipient, submitted }, discharged)) = report {
            let report = StatusReport { reference, to: recipient, submitted, discharged, status: DELIVERED };
            let (pdu, _) = report.encode(self.address.as_ref());
            self.queue(to, Parcel { pdu, message: None, report: None });
        }
    }

    /// The subscribers with waiting messages.
    pub fn recipients(&self) -> Vec<Subscriber> {
        self.waiting.iter().filter(|(_, parcels)| !parcels.is_empty()).map(|(to, _)| *to).collect()
    }

    fn queue(&mut self, to: Subscriber, parcel: Parcel) {
        self.waiting.entry(to).or_default().push_back(parcel);
    }

    fn pack(&self, message: &Deliver) -> Option<String> {
        message.encode(self.address.as_ref()).ok().map(|(pdu, _)| pdu)
    }

    fn stamp(&self, now: Duration) -> Option<ServiceCentreTime> {
        ServiceCentreTime::new(self.time.unix_at(now), self.time.quarters)
    }
}
