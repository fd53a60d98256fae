//! One mail in custody being sent: its due recipients by destination and copy, a transaction for each such group.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::attempt::{Attempt, Ended, Parcel, Sender};
use super::bounce::About;
use super::connection::{Connection, Patience, Peer};
use super::hop::{Hop, NoConnection};
use super::hops::{NoHop, WayOf};
use super::outcome::{RecipientOutcome, UNANSWERED, reply_for};
use super::worker::WAIT_WHEN_BLOCKED;
use super::writes::{self, Mail, Told};
use super::{Inner, Tried};
use crate::config::Route;
use crate::ledger::Proves;
use crate::proto::smtp::client::Recipient as Addressee;
use crate::proto::smtp::reply::Reply;
use crate::spool::{Entry, EntryCopy, Recipient, RecipientState, Write};
use crate::sys::clock::{self, Now};

/// A next hop that is down for no longer is waited for; its mail stays due.
const DOWN_BRIEFLY: Duration = Duration::from_secs(2);
/// How long a mail waits for a connection to come back before it is put back among those that are due.
const PLACE_WITHIN: Duration = Duration::from_secs(1);
/// The wait when a next hop has as many connections as it may: one is free as soon as a mail is through.
const WAIT_WHEN_FULL: Duration = Duration::from_millis(50);

/// Sends an entry to those of its recipients that are due. Leave for the first transaction is taken already.
pub(super) async fn send_entry(inner: &Arc<Inner>, entry: &Entry, due: &[u32]) {
    let now = clock::steady();
    // What was due when it was listed may have been settled by an attempt that has just ended.
    let is_due = |r: &Recipient| due.contains(&r.number) && r.state == RecipientState::Waiting && r.next_at <= now;
    let mut groups: BTreeMap<(Option<WayOf<'_>>, u32), Vec<usize>> = BTreeMap::new();
    for (place, recipient) in entry.recipients.iter().enumerate().filter(|(_, r)| is_due(r)) {
        let address = &entry.envelope.recipients[place];
        groups.entry((inner.settings.way_of(address), recipient.copy)).or_default().push(place);
    }
    for (number, ((way, copy), places)) in groups.into_iter().enumerate() {
        let group = Group { inner, entry, places, copy, began: Instant::now() };
        let Some((place, domain)) = way else {
            group.settle(None, None, &unasked(unanswered("No route serves this address"))).await;
            continue;
        };
        let route = &inner.settings.routes[place];
        match inner.hops.find(place, domain) {
            Ok(hop) => {
                if number > 0 {
                    wait_for_leave(&hop).await;
                }
                group.send(route, &hop).await;
            }
            // Still due.
            Err(NoHop::NoRoom) => sleep(WAIT_WHEN_BLOCKED).await,
            Err(NoHop::NoRoute) => group.settle(Some(route), None, &no_domain()).await,
        }
    }
}

async fn wait_for_leave(hop: &Hop) {
    while let Err(wait) = hop.rate.take() {
        sleep(wait).await;
    }
}

/// Recipients of one entry that get the same copy by the same route.
struct Group<'a> {
    inner: &'a Arc<Inner>,
    entry: &'a Entry,
    /// Places in the entry's recipients.
    places: Vec<usize>,
    copy: u32,
    began: Instant,
}

/// What a group has come to.
enum Came {
    /// An outcome for each of its recipients, and who was asked.
    Outcomes(Vec<RecipientOutcome>, Peer),
    /// The next hop was not asked, for this reason.
    Unasked(RecipientOutcome),
}

fn unasked(reply: Reply) -> Came {
    Came::Unasked(RecipientOutcome::deferred_by_us(reply, false))
}

fn unanswered(why: &'static str) -> Reply {
    Reply::new(451, UNANSWERED, why)
}

/// The bare postmaster has no domain whose mail server could be looked up.
fn no_domain() -> Came {
    Came::Unasked(RecipientOutcome::refused_by_us(Reply::new(550, (5, 1, 3), "The address has no domain")))
}

impl Group<'_> {
    async fn send(&self, route: &Route, hop: &Arc<Hop>) {
        let settings = &self.inner.settings;
        let patience = Patience { deadlines: settings.deadlines(), until: None };
        let connection = match hop.connection_within(PLACE_WITHIN, &settings.hostname, &patience).await {
            Ok(connection) => connection,
            Err(none) => {
                hop.rate.give_back();
                return self.go_without(none, route, hop).await;
            }
        };
        let most = connection.recipients_max();
        if most < self.places.len() {
            hop.rate.give_back();
            hop.give_back(connection);
            return self.send_in_parts(most, route, hop).await;
        }
        if !self.mark().await {
            hop.rate.give_back();
            hop.give_back(connection);
            return sleep(WAIT_WHEN_BLOCKED).await;
        }
        let came = self.transact(connection, hop, patience).await;
        self.settle(Some(route), Some(hop), &came).await;
    }

    /// Makes a transaction for each so many recipients (RFC 9422); each part is settled as a mail of its own.
    async fn send_in_parts(&self, most: usize, route: &Route, hop: &Arc<Hop>) {
        for places in self.places.chunks(most) {
            wait_for_leave(hop).await;
            let part = Group { places: places.to_vec(), ..*self };
            Box::pin(part.send(route, hop)).await;
        }
    }

    async fn go_without(&self, none: NoConnection, route: &Route, hop: &Arc<Hop>) {
        let is_last = self.inner.settings.is_expired(self.entry.kept_since, clock::steady());
        let came = match none {
            // Still due; it is begun anew when there is a place.
            NoConnection::Full => return sleep(WAIT_WHEN_FULL).await,
            NoConnection::Down if !is_last && hop.down_left() <= DOWN_BRIEFLY => return sleep(hop.down_left()).await,
            NoConnection::Down => unasked(hop.why_down().unwrap_or_else(|| unanswered("The next hop does not answer"))),
            NoConnection::Failed(broken) => unasked(reply_for(&broken, UNANSWERED)),
            NoConnection::Refused(reply) => Came::Unasked(RecipientOutcome::refused_by_us((*reply).clone())),
        };
        self.settle(Some(route), Some(hop), &came).await;
    }

    /// The durable mark in front of the dot: after a crash it tells which mails may double.
    async fn mark(&self) -> bool {
        let recipients = self.places.iter().map(|p| self.entry.recipients[*p].number).collect();
        let write = Write::Sending { entry: self.entry.id.clone(), recipients };
        match self.inner.spool.commit(vec![write]).await {
            Ok(()) => true,
            Err(error) => {
                tracing::error!(id = %self.entry.id, %error, "cannot mark a mail before it is sent");
                false
            }
        }
    }

    async fn transact(&self, connection: Connection, hop: &Arc<Hop>, patience: Patience) -> Came {
        let untouched = EntryCopy::default();
        let copy = usize::try_from(self.copy).ok().and_then(|c| self.entry.copies.get(c)).unwrap_or(&untouched);
        let parcel = Parcel {
            envelope: &self.entry.envelope,
            recipients: self.places.iter().filter_map(|p| Addressee::of(&self.entry.envelope, *p)).collect(),
            trace: &self.entry.trace,
            original: &self.entry.original,
            edits: &copy.edits,
            return_path: copy.return_path.as_ref(),
        };
        let sender = Sender { hop, hostname: &self.inner.settings.hostname, patience };
        let company = self.entry.company.as_ref();
        // What was decided while the next hop took edited mails is sent as it came once it does not.
        let Ended { outcomes, edit_blamed, peer } =
            match sender.send(&parcel, connection, self.inner.edits(&parcel, company, hop)).await {
                Attempt::Settled(ended) => ended,
                Attempt::InDoubt(pending) => pending.wait(&sender, &parcel).await,
                Attempt::GivenUp => return unasked(unanswered("The attempt was given up")),
            };
        if edit_blamed {
            self.inner.note_edit_refused(company, hop.name());
        }
        Came::Outcomes(outcomes, peer)
    }

    async fn settle(&self, route: Option<&Route>, hop: Option<&Arc<Hop>>, came: &Came) {
        let told: Vec<Told<'_>> = self.places.iter().enumerate().map(|(i, place)| self.told(i, *place, came)).collect();
        let peer = if let Came::Outcomes(_, peer) = came { Some(peer) } else { None };
        let mail = Mail {
            id: &self.entry.id,
            about: About {
                envelope: &self.entry.envelope,
                original: &self.entry.original,
                received_at: self.entry.received_at,
                next_hop: peer.map(|p| &*p.host).or(hop.map(|h| h.host())),
            },
            kept_since: self.entry.kept_since,
            route: route.map_or("", |r| &r.name),
            proves: self.proves(route),
        };
        let written = writes::settle(&self.inner.settings, &mail, &told, Now::read());
        let number = told.iter().map(|t| t.attempts).max().unwrap_or(1);
        let (id, began, protection) = (&self.entry.id, self.began, peer.map(|p| p.protection));
        self.inner.commit(written, Tried { id, route: mail.route, number, began, protection }).await;
        self.inner.follow(&mail, &told);
    }

    /// What acceptance of this copy proves.
    fn proves(&self, route: Option<&Route>) -> Proves {
        let proves = route.map_or(Proves::Accepted, |r| r.proves);
        let copy = usize::try_from(self.copy).ok().and_then(|c| self.entry.copies.get(c));
        if copy.is_some_and(|copy| copy.return_path.is_some()) { proves.tagged() } else { proves }
    }

    fn told(&self, i: usize, place: usize, came: &Came) -> Told<'_> {
        let (outcome, unasked) = match came {
            Came::Outcomes(outcomes, _) => (outcomes[i].clone(), false),
            Came::Unasked(outcome) => (outcome.clone(), true),
        };
        let Recipient { number, attempts, .. } = self.entry.recipients[place];
        let envelope = &self.entry.envelope;
        let dsn = envelope.dsn.as_ref().and_then(|dsn| dsn.recipients.get(place));
        let recipient = Addressee { address: &envelope.recipients[place], dsn };
        Told { number, recipient, attempts: attempts + 1, outcome, unasked }
    }
}
