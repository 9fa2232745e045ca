//! How the seat finds its port.

use std::io;
use std::time::Duration;

use super::chair::Chair;
use super::{Attendant, LOOK_EVERY, Seat, State, Surveyed};
use crate::modem::lock::Names;
use crate::modem::ports::{self, Candidate, Choice};
use crate::modem::survey::Survey;

impl<A: Attendant> Seat<'_, A> {
    /// Opens every port where the modem may be.
    pub(super) fn seek(&mut self, now: Duration, reports: &mut Vec<A::Report>) -> State {
        let candidates = ports::candidates(self.post.places, self.post.port);
        if candidates.is_empty() {
            return self.start_over("no modem found".to_owned(), now);
        }
        let (mut chairs, mut locked, mut trouble) = (Vec::new(), Vec::new(), String::new());
        for candidate in &candidates {
            let names = self.names(candidate);
            match Chair::open(&self.post, candidate, &names) {
                Ok(chair) => chairs.push(chair),
                Err(error) => {
                    trouble = format!("{}: {error}", candidate.device.display());
                    if error.kind() == io::ErrorKind::WouldBlock {
                        locked.push(names);
                    }
                }
            }
        }
        self.notice.trying(chairs.iter().map(|chair| chair.candidate.to_string()).collect());
        if chairs.len() > 1 {
            let survey = Survey::new(chairs.len());
            return self.survey(Surveyed { candidates, chairs, survey }, now, reports);
        }
        match chairs.pop() {
            Some(chair) => {
                let answering = [chair.candidate.clone()];
                self.choose(vec![chair], &candidates, &answering, now, reports)
            }
            None if locked.is_empty() => self.start_over(trouble, now),
            None => {
                self.notice.trouble(trouble);
                State::Waiting { locks: locked, again: now + LOOK_EVERY }
            }
        }
    }

    pub(super) fn names(&self, candidate: &Candidate) -> Names {
        Names::of_port(self.post.places, &candidate.device, self.notice.link())
    }

    pub(super) fn survey(
        &mut self,
        mut surveyed: Surveyed,
        now: Duration,
        reports: &mut Vec<A::Report>,
    ) -> State {
        let Surveyed { chairs, survey, .. } = &mut surveyed;
        for (port, chair) in chairs.iter_mut().enumerate() {
            if chair.probe(port, survey, now).is_err() {
                survey.lose(port);
            }
        }
        let Some(answering) = survey.answering(now) else {
            return State::Surveying(surveyed);
        };
        let mut answering: Vec<_> =
            answering.iter().filter_map(|port| Some(chairs.get(*port)?.candidate.clone())).collect();
        // A modem that was left in a call answers nothing but what the ladder has to say to it.
        let first = chairs.first().filter(|_| answering.is_empty() && self.remedy.is_some());
        answering.extend(first.map(|chair| chair.candidate.clone()));
        let Surveyed { candidates, chairs, .. } = surveyed;
        self.choose(chairs, &candidates, &answering, now, reports)
    }

    /// Keeps the port to talk to, and closes the others.
    fn choose(
        &mut self,
        chairs: Vec<Chair>,
        all: &[Candidate],
        answering: &[Candidate],
        now: Duration,
        reports: &mut Vec<A::Report>,
    ) -> State {
        let Some(Choice { talk, data }) = ports::choose(all, answering, self.notice.linked(all)) else {
            return self.start_over("no port answers AT".to_owned(), now);
        };
        match chairs.into_iter().find(|chair| chair.candidate == talk) {
            Some(chair) => {
                self.device = talk.usb_device().map(str::to_owned).or(self.device.take());
                let actions = self.attendant.begin(self.remedy.take(), now);
                self.sit(chair, data, actions, now, reports)
            }
            None => self.start_over("no port answers AT".to_owned(), now),
        }
    }
}
