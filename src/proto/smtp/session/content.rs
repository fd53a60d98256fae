//! The message on its way in: DATA (RFC 5321 4.1.1.4), BDAT (RFC 3030), and the room they take.

use super::transaction::too_large;
use super::{Action, Session, Stage, Step, Transaction};
use crate::proto::smtp::data::{DataFault, DataLimits, Decoder, Progress};
use crate::proto::smtp::reply::Reply;
use crate::proto::smtp::trace;

/// Room asked for when the client did not say how large its message is, in octets.
pub(super) const ROOM_OCTETS_FIRST: usize = 16 * 1024;
/// Room given on a client's word alone, in octets; a larger statement is believed once this much has come.
pub(super) const ROOM_OCTETS_ON_WORD_MAX: usize = 1024 * 1024;

/// Octets behind a BDAT.
#[derive(Debug)]
pub(super) struct Chunk {
    /// How many there are in all, and how many of them are still to come.
    octets: u64,
    left: u64,
    /// Whether the message ends with them.
    last: bool,
    /// Why they are read and dropped.
    refusal: Option<Reply>,
}

impl Session {
    /// The room asked for is there.
    pub fn grant(&mut self, octets: usize) {
        self.room = octets;
        self.message.reserve_exact(octets.saturating_sub(self.message.len()));
        if let Stage::Opening { .. } = self.stage {
            self.stage = Stage::Opened { granted: true };
        }
    }

    /// The room asked for is not there: the message will get a 452 and nothing of it is kept.
    pub fn deny(&mut self) {
        if let Stage::Opening { .. } = self.stage {
            self.stage = Stage::Opened { granted: false };
        } else {
            self.give_up(DataFault::NoRoom);
        }
    }

    fn give_up(&mut self, fault: DataFault) {
        (self.message, self.room) = (Vec::new(), 0);
        if let Some(decoder) = self.decoder() {
            decoder.give_up(fault);
        }
    }

    fn decoder(&mut self) -> Option<&mut Decoder> {
        self.open.as_mut()?.decoder.as_mut()
    }

    pub(super) fn ask_for_data(&mut self) -> Action {
        let refusal = match &self.open {
            None => Reply::new(503, (5, 5, 1), "Say MAIL first"),
            Some(open) if open.decoder.is_some() => Reply::new(503, (5, 5, 1), "The message comes by BDAT"),
            Some(open) if open.recipients.is_empty() => Reply::new(554, (5, 5, 1), "No valid recipients"),
            Some(open) => {
                let room = room_for(open.mail.size.unwrap_or(0)).min(ROOM_OCTETS_ON_WORD_MAX);
                self.stage = Stage::Opening { room };
                return Action::Room(room);
            }
        };
        self.refuse(refusal)
    }

    pub(super) fn open_data(&mut self, granted: bool, more: bool) -> Action {
        let decoder = Decoder::new(self.data_limits(), self.terms.bare_lf);
        match &mut self.open {
            Some(open) if granted => {
                open.decoder = Some(decoder);
                self.stage = Stage::Data;
                Action::Reply(Reply::plain(354, "End with <CR><LF>.<CR><LF>"))
            }
            _ => {
                self.reset();
                if more { Action::Close(no_room()) } else { Action::Reply(no_room()) }
            }
        }
    }

    fn data_limits(&self) -> DataLimits {
        let limits = &self.terms.limits;
        DataLimits { octets_max: limits.message_octets_max, line_octets_max: limits.line_octets_max }
    }

    /// Takes octets behind 354.
    pub(super) fn take_data(&mut self, input: &[u8]) -> Step {
        if input.is_empty() {
            return Step { consumed: 0, action: Action::Read };
        }
        if let Some(room) = self.room_wanted(input.len(), 0) {
            return Step { consumed: 0, action: Action::Room(room) };
        }
        match self.feed(input) {
            Progress::More => Step { consumed: input.len(), action: Action::Read },
            Progress::Done { consumed, fault } => Step { consumed, action: self.end_message(fault) },
            Progress::Refused(fault) => self.close_on(fault, input.len()),
        }
    }

    fn feed(&mut self, input: &[u8]) -> Progress {
        let Some(decoder) = self.open.as_mut().and_then(|open| open.decoder.as_mut()) else { return Progress::More };
        let progress = decoder.feed(input, &mut self.message);
        if decoder.fault().is_some() {
            // Nothing more of it is kept.
            self.room = 0;
        }
        progress
    }

    /// Octets that cannot be trusted: the connection has to end.
    fn close_on(&mut self, fault: DataFault, consumed: usize) -> Step {
        self.reset();
        let reply = Reply::new(554, (5, 6, 0), "").with_text(format!("The message holds {fault}, closing"));
        Step { consumed, action: Action::Close(reply) }
    }

    /// The room to ask for before so many octets are fed, when what there is might not do. `announced` octets are to
    /// come in all, as far as the client said so now.
    fn room_wanted(&self, octets: usize, announced: u64) -> Option<usize> {
        let open = self.open.as_ref()?;
        let decoder = open.decoder.as_ref().filter(|decoder| decoder.fault().is_none())?;
        let most = self.terms.limits.message_octets_max;
        let needed = self.message.len().saturating_add(decoder.growth_max(octets)).min(most);
        if needed <= self.room {
            return None;
        }
        let stated = room_for(open.mail.size.unwrap_or(0).max(announced));
        let on_word = if self.room < ROOM_OCTETS_ON_WORD_MAX { ROOM_OCTETS_ON_WORD_MAX } else { usize::MAX };
        Some(needed.max(self.room.saturating_mul(2)).max(stated.min(on_word)).min(most))
    }

    /// Makes ready for the octets behind a BDAT; they are read whatever becomes of them.
    pub(super) fn open_chunk(&mut self, octets: u64, last: bool) {
        let fresh = Decoder::chunked(self.data_limits(), self.terms.bare_lf);
        let held = self.message.len() as u64;
        let too_large = held.saturating_add(octets) > self.terms.limits.message_octets_max as u64;
        let refusal = match &mut self.open {
            None => Some("Say MAIL first"),
            Some(open) if open.recipients.is_empty() => Some("No valid recipients"),
            Some(open) => {
                open.decoder.get_or_insert(fresh);
                None
            }
        };
        if too_large && refusal.is_none() {
            self.give_up(DataFault::TooLarge);
        }
        let refusal = refusal.map(|text| Reply::new(503, (5, 5, 1), text));
        self.stage = Stage::Chunk(Box::new(Chunk { octets, left: octets, last, refusal }));
    }

    /// Takes octets of a chunk.
    pub(super) fn take_chunk(&mut self, input: &[u8]) -> Step {
        let Stage::Chunk(chunk) = &self.stage else { return Step { consumed: 0, action: Action::Read } };
        let (left, kept) = (chunk.left, chunk.refusal.is_none());
        let part = &input[..input.len().min(usize::try_from(left).unwrap_or(usize::MAX))];
        if part.is_empty() && left > 0 {
            return Step { consumed: 0, action: Action::Read };
        }
        if kept {
            let announced = left.saturating_add(self.message.len() as u64);
            if let Some(room) = self.room_wanted(part.len(), announced).filter(|_| !part.is_empty()) {
                return Step { consumed: 0, action: Action::Room(room) };
            }
            if let Progress::Refused(fault) = self.feed(part) {
                return self.close_on(fault, input.len());
            }
        }
        let left = left - part.len() as u64;
        if let Stage::Chunk(chunk) = &mut self.stage {
            chunk.left = left;
        }
        let action = if left == 0 { self.end_chunk() } else { Action::Read };
        Step { consumed: part.len(), action }
    }

    fn end_chunk(&mut self) -> Action {
        let Stage::Chunk(chunk) = std::mem::replace(&mut self.stage, Stage::Commands) else { return Action::Read };
        let Chunk { octets, last, refusal, .. } = *chunk;
        if let Some(refusal) = refusal {
            return self.refuse(refusal);
        }
        let decoder = self.decoder();
        let fault = decoder.and_then(|decoder| if last { decoder.end() } else { decoder.fault() });
        match fault {
            Some(fault) if fault.ends_connection() => self.close_on(fault, 0).action,
            None if !last => Action::Reply(Reply::new(250, (2, 0, 0), "").with_text(format!("{octets} octets"))),
            fault => self.end_message(fault),
        }
    }

    /// The end of the message: hands it over, or says why not.
    fn end_message(&mut self, fault: Option<DataFault>) -> Action {
        let message = std::mem::take(&mut self.message);
        if fault == Some(DataFault::NoRoom) {
            self.reset();
            return Action::Reply(no_room());
        }
        let refusal = match fault {
            Some(DataFault::TooLarge) => Some(too_large()),
            Some(fault) => Some(Reply::new(554, (5, 6, 0), "").with_text(format!("The message holds {fault}"))),
            None if trace::count_hops(&message) > self.terms.limits.hops_max => {
                Some(Reply::new(554, (5, 4, 6), "Too many hops: the mail is looping"))
            }
            None => None,
        };
        match (refusal, self.open.take(), self.hello.clone()) {
            (None, Some(open), Some(hello)) => {
                self.stage = Stage::Answering;
                let (peer, came_back) = (self.peer, open.came_back);
                let (envelope, message) = (open.into_envelope(), message.into());
                Action::Message(Box::new(Transaction { hello, peer, envelope, message, came_back }))
            }
            (refusal, ..) => {
                self.reset();
                self.refuse(refusal.unwrap_or(Reply::new(503, (5, 5, 1), "Say EHLO first")))
            }
        }
    }
}

fn no_room() -> Reply {
    Reply::new(452, (4, 3, 1), "Not enough memory just now, try again")
}

/// Room for a message of the stated size and the final dot.
fn room_for(octets: u64) -> usize {
    usize::try_from(octets).unwrap_or(usize::MAX).saturating_add(ROOM_OCTETS_FIRST)
}
