//! One attempt at one copy: a connection, the transaction, and the original once if the edited mail was refused.

use std::sync::Arc;

use super::connection::{Connection, Patience, Peer};
use super::hop::{Hop, NoConnection};
use super::outcome::RecipientOutcome;
use super::transaction::{Content, Made, make};
use crate::mail::address::Address;
use crate::mail::edit::Edits;
use crate::mail::envelope::Envelope;
use crate::proto::smtp::client::{After, Plan, Recipient};

/// One copy for one next hop.
#[derive(Clone, Debug)]
pub(super) struct Parcel<'a> {
    pub(super) envelope: &'a Envelope,
    pub(super) recipients: Vec<Recipient<'a>>,
    pub(super) trace: &'a [u8],
    pub(super) original: &'a [u8],
    pub(super) edits: &'a Edits,
    /// The sender that goes with the edits; the envelope's when there is none, or when they stay behind.
    pub(super) return_path: Option<&'a Address>,
}

impl<'a> Parcel<'a> {
    fn content(&self, edits: &'a Edits) -> Content<'a> {
        Content { trace: self.trace, original: self.original, edits }
    }

    fn plan(&self, recipients: Vec<Recipient<'a>>, content: &Content<'_>, connection: &Connection) -> Plan<'a> {
        let mut plan = Plan {
            octets: content.octets(),
            reset_first: connection.reset_first,
            terms: connection.terms,
            ..Plan::of(self.envelope, recipients)
        };
        // Mail with the null sender is never tagged but by us: it is a probe, which has its path whatever it says.
        let is_probe = self.envelope.sender.is_none();
        if (is_probe || !content.edits.is_empty()) && self.return_path.is_some() {
            plan.sender = self.return_path;
        }
        if plan.asks_what_octets(&connection.offered) {
            plan.what_octets = content.what_octets();
        }
        plan
    }
}

/// How an attempt ended.
pub(super) enum Attempt {
    /// Every recipient has an outcome.
    Settled(Ended),
    /// The caller's time was over before the dot: nobody has it.
    GivenUp,
    /// The caller's time was over behind the dot.
    InDoubt(Box<Pending>),
}

/// A transaction whose dot waits for its answer.
pub(super) struct Pending {
    pub(super) made: Made,
    pub(super) connection: Connection,
    pub(super) hop: Arc<Hop>,
    /// Outcomes from before, and which recipients the open transaction is for.
    pub(super) before: Option<(Vec<RecipientOutcome>, Vec<usize>)>,
    /// Whether the open transaction carries the original though there were edits.
    pub(super) uncounted: bool,
    /// Whether it carries edits.
    pub(super) edited: bool,
}

/// How it ended for good.
pub(super) struct Ended {
    /// One for each recipient of the parcel.
    pub(super) outcomes: Vec<RecipientOutcome>,
    /// Whether the next hop refused the edited mail and took the original.
    pub(super) edit_blamed: bool,
    /// Who was asked last.
    pub(super) peer: Peer,
}

/// Who sends and how long it may take.
pub(super) struct Sender<'a> {
    pub(super) hop: &'a Arc<Hop>,
    pub(super) hostname: &'a str,
    pub(super) patience: Patience,
}

impl Sender<'_> {
    /// Sends the parcel over a connection to the next hop. `with_edits` says whether its edits may be used.
    pub(super) async fn send(&self, parcel: &Parcel<'_>, mut connection: Connection, with_edits: bool) -> Attempt {
        let edited = with_edits && !parcel.edits.is_empty() && parcel.content(parcel.edits).is_sound();
        let untouched = Edits::default();
        let edits = if edited { parcel.edits } else { &untouched };
        let withheld = !edited && !parcel.edits.is_empty();
        let made = self.make(parcel, &mut connection, parcel.recipients.clone(), edits).await;
        let again = if edited { made.refused_for_content() } else { Vec::new() };
        if made.is_in_doubt() {
            let hop = Arc::clone(self.hop);
            let pending = Pending { made, connection, hop, before: None, uncounted: withheld, edited };
            return Attempt::InDoubt(Box::new(pending));
        }
        if made.is_given_up() {
            return Attempt::GivenUp;
        }
        if made.is_stalled() {
            self.hop.stalled();
        }
        let outcomes = self.outcomes(&made, withheld);
        let connection = keep_or_close(&made, connection);
        if again.is_empty() {
            self.give_back(connection);
            return Attempt::Settled(Ended { outcomes, edit_blamed: false, peer: made.peer });
        }
        let first = Ended { outcomes, edit_blamed: false, peer: made.peer };
        match self.send_original(parcel, connection, first, again).await {
            Ok(ended) => Attempt::Settled(ended),
            Err(pending) => Attempt::InDoubt(pending),
        }
    }

    /// Offers the original once to those for whom the edited mail was refused.
    async fn send_original(
        &self,
        parcel: &Parcel<'_>,
        connection: Option<Connection>,
        mut first: Ended,
        again: Vec<usize>,
    ) -> Result<Ended, Box<Pending>> {
        let connection = match connection {
            Some(connection) => Ok(connection),
            None => self.hop.open(self.hostname, &self.patience).await,
        };
        let Ok(mut connection) = connection else {
            // Not offered to the end: the spool tries once more, edited mail first.
            defer(&mut first.outcomes, &again);
            return Ok(first);
        };
        let recipients = again.iter().map(|i| parcel.recipients[*i]).collect();
        let untouched = Edits::default();
        let made = self.make(parcel, &mut connection, recipients, &untouched).await;
        if made.is_in_doubt() {
            let hop = Arc::clone(self.hop);
            let before = Some((first.outcomes, again));
            let pending = Pending { made, connection, hop, before, uncounted: true, edited: false };
            return Err(Box::new(pending));
        }
        if made.is_given_up() {
            // The others have their answer, and may have the mail: only these are tried again.
            defer(&mut first.outcomes, &again);
            return Ok(first);
        }
        let mut outcomes = first.outcomes;
        merge(&mut outcomes, &again, self.outcomes(&made, true));
        self.give_back(keep_or_close(&made, connection));
        let edit_blamed = again.iter().any(|i| outcomes[*i].is_accepted());
        Ok(Ended { outcomes, edit_blamed, peer: made.peer })
    }

    /// Makes the transaction; a kept connection that was closed meanwhile is replaced once.
    async fn make<'a>(
        &self,
        parcel: &Parcel<'a>,
        connection: &mut Connection,
        recipients: Vec<Recipient<'a>>,
        edits: &'a Edits,
    ) -> Made {
        let content = parcel.content(edits);
        let plan = self.plan(parcel, recipients, &content, connection);
        let kept = connection.used > 0;
        let made = make(connection, &plan, &content, &self.patience).await;
        connection.used += 1;
        if made.chunking_failed() {
            self.hop.distrust_chunking();
        }
        if !kept || !made.found_closed() {
            return made;
        }
        let Ok(fresh) = self.hop.open(self.hostname, &self.patience).await else { return made };
        *connection = fresh;
        connection.used = 1;
        let plan = self.plan(parcel, plan.recipients, &content, connection);
        make(connection, &plan, &content, &self.patience).await
    }

    fn plan<'a>(
        &self,
        parcel: &Parcel<'a>,
        recipients: Vec<Recipient<'a>>,
        content: &Content<'_>,
        connection: &Connection,
    ) -> Plan<'a> {
        let mut plan = parcel.plan(recipients, content, connection);
        plan.terms.chunking &= self.hop.trusts_chunking();
        plan
    }

    /// What became of each recipient; the next hop's last word is noted.
    fn outcomes(&self, made: &Made, uncounted: bool) -> Vec<RecipientOutcome> {
        let outcomes = RecipientOutcome::all_of(made, uncounted);
        self.hop.said.note(&outcomes);
        outcomes
    }

    fn give_back(&self, connection: Option<Connection>) {
        if let Some(connection) = connection {
            self.hop.give_back(connection);
        }
    }
}

impl Pending {
    /// Waits on for the answer, and offers the original when the edited mail is refused after all.
    pub(super) async fn wait(self, sender: &Sender<'_>, parcel: &Parcel<'_>) -> Ended {
        let mut pending = self;
        loop {
            match pending.wait_once(sender, parcel).await {
                Ok(ended) => return ended,
                Err(next) => pending = *next,
            }
        }
    }

    async fn wait_once(mut self, sender: &Sender<'_>, parcel: &Parcel<'_>) -> Result<Ended, Box<Self>> {
        let in_doubt: Vec<bool> = self.made.answers().map(|a| a.is_none()).collect();
        self.made.resume(&mut self.connection, &sender.patience).await;
        let late = sender.outcomes(&self.made, self.uncounted);
        let mut again = if self.edited { self.made.refused_for_content() } else { Vec::new() };
        // Who was refused before the doubt has been told so.
        again.retain(|i| in_doubt[*i]);
        let connection = keep_or_close(&self.made, self.connection);
        let late = Ended { outcomes: late, edit_blamed: false, peer: self.made.peer };
        if !again.is_empty() {
            return sender.send_original(parcel, connection, late, again).await;
        }
        sender.give_back(connection);
        let Some((mut outcomes, again)) = self.before else { return Ok(late) };
        merge(&mut outcomes, &again, late.outcomes);
        let edit_blamed = again.iter().any(|i| outcomes[*i].is_accepted());
        Ok(Ended { outcomes, edit_blamed, peer: late.peer })
    }

    /// What is known already; `None` for the recipients in doubt.
    pub(super) fn so_far(&self) -> Vec<Option<RecipientOutcome>> {
        let outcome = |a| RecipientOutcome::of(a, &self.made, self.uncounted);
        let now: Vec<_> = self.made.answers().map(|a| a.map(outcome)).collect();
        let Some((before, again)) = &self.before else { return now };
        let mut all: Vec<_> = before.iter().cloned().map(Some).collect();
        for (i, outcome) in again.iter().zip(now) {
            all[*i] = outcome;
        }
        all
    }
}

fn merge(outcomes: &mut [RecipientOutcome], again: &[usize], second: Vec<RecipientOutcome>) {
    for (i, outcome) in again.iter().zip(second) {
        outcomes[*i] = outcome;
    }
}

/// Turns refusals into deferrals with the same words.
fn defer(outcomes: &mut [RecipientOutcome], again: &[usize]) {
    for i in again {
        if let RecipientOutcome::Refused { reply, by_next_hop } = &outcomes[*i] {
            let (reply, by_next_hop) = (Arc::clone(reply), *by_next_hop);
            outcomes[*i] = RecipientOutcome::Deferred { reply, by_next_hop, maybe_doubled: false };
        }
    }
}

fn keep_or_close(made: &Made, mut connection: Connection) -> Option<Connection> {
    match made.after() {
        After::Clean => connection.reset_first = false,
        After::Reset => connection.reset_first = true,
        After::Close => return None,
    }
    Some(connection)
}

impl From<NoConnection> for super::outcome::NotTried {
    fn from(none: NoConnection) -> Self {
        match none {
            NoConnection::Full => Self::NextHopFull,
            NoConnection::Failed(broken) if broken.given_up => Self::TooSlow,
            NoConnection::Down | NoConnection::Failed(_) | NoConnection::Refused(_) => Self::NextHopDown,
        }
    }
}
