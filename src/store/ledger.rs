//! What a store of the ledger is asked for, whatever database it stands on.
//!
//! A second store implements this and passes the same suite (`tests/conformance.rs`). Rows that people change at run
//! time (users, opt-outs, templates, switches) lie beside the count and are no part of it.

use std::collections::{HashMap, HashSet};
use std::future::Future;

use jiff::Timestamp as Time;

use super::{
    Acted, Agreement, CompanyFaults, ContractRow, Corrected, CountAct, DisputeRow, Entered, ErasePerson, Erased,
    EventStory, Heads, Import, KeyRow, Parked, ParkedStory, Posted, Progress, Proof, Proven, ReferralRow,
    ReportedOutcomes, ReportedTo, SlotAct, SlotRow, Store, StoreError, TokenOf, Told, Total, Traced,
    signals::{Seen, SignalClear},
};
use crate::ledger::chain::Hash;
use crate::ledger::signature::PublicKey;
use crate::ledger::statement::SignedBy;
use crate::ledger::witness::Witness;
use crate::ledger::{Balance, Entry, Fault, Grant, KeepPersons, Notice, ReferralEvent, Statement};
use crate::referral::{CandidateKey, CompanyId, LinkToken};
use crate::spool::OutboxRow;
use crate::watch::HeldBack;

type Done<T> = Result<T, StoreError>;
type Tokens = HashSet<LinkToken>;
/// Whom tokens name: who, and the contract series of the link.
type Named = HashMap<LinkToken, (CandidateKey, String)>;
/// An entry with its hash.
type Linked = (Entry, Hash);
/// From, and until before.
type Period = (Time, Time);

/// A ledger that is durable. Clones are the same ledger. What writes returns when it is synced, or has changed nothing;
/// what reads sees one moment and waits for no writer. The rules are those of [`crate::ledger`], and nobody else's.
pub trait Ledger: Clone + Send + Sync + 'static {
    /// Posts outbox rows: entries, states, balances, grants and notices in one commit. A row that was posted before
    /// adds nothing; rows no agreed contract or key rules are kept aside, whole.
    fn post(&self, rows: Vec<OutboxRow>) -> impl Future<Output = Done<Posted>> + Send;

    /// Makes company, keys and contract versions known, and posts what was kept aside for want of them.
    fn agree(&self, agreement: Agreement) -> impl Future<Output = Done<Posted>> + Send;

    /// Notes that a probe came back, and posts which mails count as delivered because of it; once for each probe.
    fn prove(&self, proof: Proof) -> impl Future<Output = Done<Posted>> + Send;

    /// How long each return path of a company is proven, and since when.
    fn proven(&self, company: &CompanyId) -> impl Future<Output = Done<Vec<Proven>>> + Send;

    /// Every company, in id order.
    fn companies(&self) -> impl Future<Output = Done<Vec<CompanyId>>> + Send;

    /// The balances of a company, one for each contract series in use.
    fn balance(&self, company: &CompanyId) -> impl Future<Output = Done<Vec<Balance>>> + Send;

    /// Every grant of a company, oldest first within its series.
    fn grants(&self, company: &CompanyId) -> impl Future<Output = Done<Vec<Grant>>> + Send;

    /// The statement of a company for the entries posted from `from` until before `to`.
    fn statement(&self, of: &CompanyId, from: Time, to: Time) -> impl Future<Output = Done<Statement>> + Send;

    /// Replays one company's chain, or all, and names every fault.
    fn verify(&self, company: Option<&CompanyId>) -> impl Future<Output = Done<Vec<CompanyFaults>>> + Send;

    /// Events kept aside because no agreed contract or key rules them.
    fn parked(&self) -> impl Future<Output = Done<Vec<Parked>>> + Send;

    /// How far this node's outbox was posted.
    fn progress(&self) -> impl Future<Output = Done<Progress>> + Send;

    /// For each of these referrals whether the ledger has it, posted or kept aside.
    fn known(&self, events: Vec<ReferralEvent>) -> impl Future<Output = Done<Vec<bool>>> + Send;

    /// Companies with slots that are in no notice yet.
    fn companies_to_tell(&self) -> impl Future<Output = Done<Vec<CompanyId>>> + Send;

    /// Makes one notice of the company's slots that are in none, for each series. From then on it is due.
    fn gather_notice(&self, company: CompanyId) -> impl Future<Output = Done<()>> + Send;

    /// Notices no courier has taken, by company, series and number; not more than `limit`.
    fn notices_due(&self, limit: usize) -> impl Future<Output = Done<Vec<Notice>>> + Send;

    /// Marks a notice as taken by a courier.
    fn mark_taken(&self, notice: Notice) -> impl Future<Output = Done<()>> + Send;

    /// Does an act upon a slot: the entry, the act it stands on, and the slot's state in one commit.
    fn act_on_slot(&self, act: SlotAct) -> impl Future<Output = Done<Acted>> + Send;

    /// Lets the clock do what the contracts say: ends reservations and free slots whose time is over.
    fn let_time_pass(&self) -> impl Future<Output = Done<()>> + Send;

    /// Every slot of a company with its acts, oldest first within its series.
    fn slots(&self, company: &CompanyId) -> impl Future<Output = Done<Vec<SlotRow>>> + Send;

    /// Gives a credit back, or does something to a dispute: entry and act in one commit.
    fn act_on_count(&self, act: CountAct) -> impl Future<Output = Done<Corrected>> + Send;

    /// The disputes of a company, oldest first.
    fn disputes(&self, company: &CompanyId) -> impl Future<Output = Done<Vec<DisputeRow>>> + Send;

    /// Enters what a file of the operator tells; all of it or nothing, and what is known already adds nothing.
    fn import(&self, import: Import) -> impl Future<Output = Done<Entered>> + Send;

    /// What the operator has told of persons for a time, by that time.
    fn told(&self, of: &CompanyId, from: Time, until: Time) -> impl Future<Output = Done<Vec<Told>>> + Send;

    /// The totals the operator has reported, the newest of each month and stage.
    fn totals(&self, company: &CompanyId) -> impl Future<Output = Done<Vec<Total>>> + Send;

    /// What became of the people of a company in a period, as the operator had reported it up to an entry and a total.
    fn outcomes(
        &self,
        company: &CompanyId,
        period: Period,
        to: ReportedTo,
    ) -> impl Future<Output = Done<ReportedOutcomes>> + Send;

    /// Of these tokens those a person has: who, and the contract series of the link.
    fn find_tokens(&self, of: &CompanyId, wanted: Tokens, made: TokenOf) -> impl Future<Output = Done<Named>> + Send;

    /// The newest referrals of a company's persons, those offered last in front; not more than `limit`.
    fn referrals(&self, company: &CompanyId, limit: u32) -> impl Future<Output = Done<Vec<ReferralRow>>> + Send;

    /// The newest referral of one person.
    fn referral_of(&self, of: &CompanyId, who: CandidateKey) -> impl Future<Output = Done<Option<ReferralRow>>> + Send;

    /// The open signals of a company at a time, as far as they stand on credits of the period.
    fn signals(&self, of: &CompanyId, period: Period, now: Time) -> impl Future<Output = Done<Seen>> + Send;

    /// Writes down that somebody has looked at a signal: the entry, 0 when it is only told that it could be.
    fn clear_signal(&self, clear: SignalClear) -> impl Future<Output = Done<u64>> + Send;

    /// The referrals of candidates or of a mail, each with the entries it made, and those kept aside.
    fn traced(&self, wanted: Traced) -> impl Future<Output = Done<(Vec<EventStory>, Vec<ParkedStory>)>> + Send;

    /// Erases a person: key, salt and evidence go, the chain stays whole, an entry says so in the same commit.
    fn erase(&self, person: ErasePerson) -> impl Future<Output = Done<Erased>> + Send;

    /// Looks at some persons behind a row, and erases those whose time is over.
    fn erase_over(&self, keep: KeepPersons, behind: i64) -> impl Future<Output = Done<Erased>> + Send;

    /// Adds to what is held back, which statements tell.
    fn note_held_back(&self, held_back: Vec<HeldBack>) -> impl Future<Output = Done<()>> + Send;

    /// Adds to those who got the line and are not counted, whom statements tell.
    fn note_excluded(&self, excluded: Vec<HeldBack>) -> impl Future<Output = Done<()>> + Send;

    /// The entries of a company behind number `after`, with their hashes, in order; not more than `limit`.
    fn entries(&self, of: &CompanyId, after: u64, limit: u32) -> impl Future<Output = Done<Vec<Linked>>> + Send;

    /// [`Ledger::statement`] as it was when entry `last` was the last.
    fn statement_to(&self, of: &CompanyId, period: Period, last: u64) -> impl Future<Output = Done<Statement>> + Send;

    /// The ledger's name, and where all chains end now.
    fn heads(&self) -> impl Future<Output = Done<Heads>> + Send;

    /// Holds the chains against what others have seen of them, one company or all that are seen.
    fn witnessed(&self, witnesses: Vec<Witness>) -> impl Future<Output = Done<Vec<(CompanyId, Vec<Fault>)>>> + Send;

    /// Notes a key that signs for this ledger.
    fn note_signing_key(&self, key: PublicKey) -> impl Future<Output = Done<()>> + Send;

    /// The keys that sign, or signed, for this ledger, and since when; oldest first.
    fn signing_keys(&self) -> impl Future<Output = Done<Vec<SignedBy>>> + Send;

    /// The contract versions of one company, or of all.
    fn contract_versions(&self, only: Option<&CompanyId>) -> impl Future<Output = Done<Vec<ContractRow>>> + Send;

    /// The keys under which candidates are known, by company and number.
    fn candidate_keys(&self) -> impl Future<Output = Done<Vec<KeyRow>>> + Send;
}

impl Ledger for Store {
    async fn post(&self, rows: Vec<OutboxRow>) -> Done<Posted> {
        Self::post(self, rows).await
    }

    async fn agree(&self, agreement: Agreement) -> Done<Posted> {
        Self::agree(self, agreement).await
    }

    async fn prove(&self, proof: Proof) -> Done<Posted> {
        Self::prove(self, proof).await
    }

    async fn proven(&self, company: &CompanyId) -> Done<Vec<Proven>> {
        Self::proven(self, company).await
    }

    async fn companies(&self) -> Done<Vec<CompanyId>> {
        Self::companies(self).await
    }

    async fn balance(&self, company: &CompanyId) -> Done<Vec<Balance>> {
        Self::balance(self, company).await
    }

    async fn grants(&self, company: &CompanyId) -> Done<Vec<Grant>> {
        Self::grants(self, company).await
    }

    async fn statement(&self, company: &CompanyId, from: Time, until: Time) -> Done<Statement> {
        Self::statement(self, company, from, until).await
    }

    async fn verify(&self, company: Option<&CompanyId>) -> Done<Vec<CompanyFaults>> {
        Self::verify(self, company).await
    }

    async fn parked(&self) -> Done<Vec<Parked>> {
        Self::parked(self).await
    }

    async fn progress(&self) -> Done<Progress> {
        Self::progress(self).await
    }

    async fn known(&self, events: Vec<ReferralEvent>) -> Done<Vec<bool>> {
        Self::known(self, events).await
    }

    async fn companies_to_tell(&self) -> Done<Vec<CompanyId>> {
        Self::companies_to_tell(self).await
    }

    async fn gather_notice(&self, company: CompanyId) -> Done<()> {
        Self::gather_notice(self, company).await
    }

    async fn notices_due(&self, limit: usize) -> Done<Vec<Notice>> {
        Self::notices_due(self, limit).await
    }

    async fn mark_taken(&self, notice: Notice) -> Done<()> {
        Self::mark_taken(self, notice).await
    }

    async fn act_on_slot(&self, act: SlotAct) -> Done<Acted> {
        Self::act_on_slot(self, act).await
    }

    async fn let_time_pass(&self) -> Done<()> {
        Self::let_time_pass(self).await
    }

    async fn slots(&self, company: &CompanyId) -> Done<Vec<SlotRow>> {
        Self::slots(self, company).await
    }

    async fn act_on_count(&self, act: CountAct) -> Done<Corrected> {
        Self::act_on_count(self, act).await
    }

    async fn disputes(&self, company: &CompanyId) -> Done<Vec<DisputeRow>> {
        Self::disputes(self, company).await
    }

    async fn import(&self, import: Import) -> Done<Entered> {
        Self::import(self, import).await
    }

    async fn told(&self, company: &CompanyId, from: Time, until: Time) -> Done<Vec<Told>> {
        Self::told(self, company, from, until).await
    }

    async fn totals(&self, company: &CompanyId) -> Done<Vec<Total>> {
        Self::totals(self, company).await
    }

    async fn outcomes(&self, company: &CompanyId, period: Period, to: ReportedTo) -> Done<ReportedOutcomes> {
        Self::outcomes(self, company, period, to).await
    }

    async fn find_tokens(
        &self,
        company: &CompanyId,
        wanted: HashSet<LinkToken>,
        token_of: TokenOf,
    ) -> Done<HashMap<LinkToken, (CandidateKey, String)>> {
        Self::find_tokens(self, company, wanted, token_of).await
    }

    async fn referrals(&self, company: &CompanyId, limit: u32) -> Done<Vec<ReferralRow>> {
        Self::referrals(self, company, limit).await
    }

    async fn referral_of(&self, company: &CompanyId, person: CandidateKey) -> Done<Option<ReferralRow>> {
        Self::referral_of(self, company, person).await
    }

    async fn signals(&self, of: &CompanyId, period: Period, now: Time) -> Done<Seen> {
        Self::signals(self, of, period, now).await
    }

    async fn clear_signal(&self, clear: SignalClear) -> Done<u64> {
        Self::clear_signal(self, clear).await
    }

    async fn traced(&self, wanted: Traced) -> Done<(Vec<EventStory>, Vec<ParkedStory>)> {
        Self::traced(self, wanted).await
    }

    async fn erase(&self, person: ErasePerson) -> Done<Erased> {
        Self::erase(self, person).await
    }

    async fn erase_over(&self, keep: KeepPersons, behind: i64) -> Done<Erased> {
        Self::erase_over(self, keep, behind).await
    }

    async fn note_held_back(&self, held_back: Vec<HeldBack>) -> Done<()> {
        Self::note_held_back(self, held_back).await
    }

    async fn note_excluded(&self, excluded: Vec<HeldBack>) -> Done<()> {
        Self::note_excluded(self, excluded).await
    }

    async fn entries(&self, company: &CompanyId, after: u64, limit: u32) -> Done<Vec<(Entry, Hash)>> {
        Self::entries(self, company, after, limit).await
    }

    async fn statement_to(&self, company: &CompanyId, period: Period, seq_max: u64) -> Done<Statement> {
        Self::statement_to(self, company, period, seq_max).await
    }

    async fn heads(&self) -> Done<Heads> {
        Self::heads(self).await
    }

    async fn witnessed(&self, witnesses: Vec<Witness>) -> Done<Vec<(CompanyId, Vec<Fault>)>> {
        Self::witnessed(self, witnesses).await
    }

    async fn note_signing_key(&self, key: PublicKey) -> Done<()> {
        Self::note_signing_key(self, key).await
    }

    async fn signing_keys(&self) -> Done<Vec<SignedBy>> {
        Self::signing_keys(self).await
    }

    async fn contract_versions(&self, only: Option<&CompanyId>) -> Done<Vec<ContractRow>> {
        Self::contract_versions(self, only).await
    }

    async fn candidate_keys(&self) -> Done<Vec<KeyRow>> {
        Self::candidate_keys(self).await
    }
}
