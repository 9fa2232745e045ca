//! Dialogs (RFC 3261 §12): those of calls that are up, and the early ones of accounts that ring. PRACK (RFC 3262), UPDATE
//! (RFC 3311) and a caller's BYE (RFC 3261 §15) may come before the answer.

use std::time::Duration;

use super::call::{Call, Side, Who, contact, who_sends};
use super::core::Exchange;
use super::header::name;
use super::message::Message;
use super::request::Fields;
use super::setup::{Setup, Target};

/// Early dialogs of one INVITE. An adapter has one; a telephone that forks by itself has more.
const MOST_EARLY: usize = 4;

/// Where a dialog is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialog {
    /// Of a call that is up, by its index.
    Up(usize),
    /// Of an INVITE that is not answered yet: the indices of the INVITE and of the called side.
    Early(usize, usize),
}

impl Exchange {
    /// The dialog that a message belongs to, and the side that has sent the request.
    pub(super) fn dialog(&self, fields: &Fields) -> Option<(Dialog, Who)> {
        let who = |call: &Call| call.sender(&fields.call_id, fields.from.tag(), fields.to.tag());
        let up = self.calls.iter().enumerate();
        let early = || {
            let setups = self.setups.iter().enumerate();
            let of_call = setups.filter(|(_, setup)| setup.fields.call_id == fields.call_id);
            let sides = of_call.flat_map(|(at, setup)| {
                setup.early.iter().enumerate().map(move |(early, side)| (at, early, &setup.side, side))
            });
            sides.into_iter().find_map(|(at, early, caller, callee)| {
                let who = who_sends(&caller.tag, &callee.tag, fields.from.tag(), fields.to.tag())?;
                Some((Dialog::Early(at, early), who))
            })
        };
        up.into_iter().find_map(|(at, call)| Some((Dialog::Up(at), who(call)?))).or_else(early)
    }

    /// A side of a dialog.
    pub(super) fn side_mut(&mut self, dialog: Dialog, who: Who) -> &mut Side {
        match (dialog, who) {
            (Dialog::Up(at), who) => self.calls[at].side_mut(who),
            (Dialog::Early(setup, _), Who::Caller) => &mut self.setups[setup].side,
            (Dialog::Early(setup, early), Who::Callee) => &mut self.setups[setup].early[early],
        }
    }

    /// The called side, as a response to its INVITE has it.
    pub(super) fn called(&self, target: &Target, response: &Message, fields: &Fields) -> Side {
        Side {
            account: self.site.accounts[target.account].name.to_string(),
            identity: response.get(name::TO).unwrap_or_default().to_owned(),
            // Without a tag it is the empty one (RFC 3261 §12.1.2).
            tag: fields.to.tag().unwrap_or_default().to_owned(),
            address: target.address,
            target: contact(response).unwrap_or_else(|| target.uri.clone()),
            cseq: 0,
        }
    }

    /// A provisional response with a tag has begun an early dialog, or says where its called side is now.
    pub(super) fn note_early(&mut self, at: usize, target: &Target, response: &Message, fields: &Fields) {
        let called = self.called(target, response, fields);
        let early = &mut self.setups[at].early;
        let is_new = !called.tag.is_empty() && early.len() < MOST_EARLY;
        match early.iter_mut().find(|known| known.tag == called.tag) {
            Some(known) if contact(response).is_some() => known.target = called.target,
            Some(_) => {}
            None if is_new => early.push(called),
            None => {}
        }
    }

    /// The call that a 2xx has established, with what its early dialog has brought.
    pub(super) fn established(
        &mut self,
        at: usize,
        target: &Target,
        response: &Message,
        fields: &Fields,
        now: Duration,
    ) -> Call {
        let called = self.called(target, response, fields);
        let Setup { early, side, number, .. } = &mut self.setups[at];
        let known = early.iter().position(|known| known.tag == called.tag);
        let cseq = known.map_or(0, |known| early.remove(known).cseq);
        let codec = super::sdp::codec(&response.body);
        Call {
            call_id: fields.call_id.clone(),
            caller: side.clone(),
            callee: Side { cseq, ..called },
            number: number.clone(),
            codec,
            since: now,
            session: None,
            ended: None,
        }
    }
}
