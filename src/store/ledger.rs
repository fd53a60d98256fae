//! What a store of the ledger is asked for, whatever database it stands on.
//!
//! A second store implements this and passes the same suite (`tests/conformance.rs`). Rows that people change at run
//! time (users, opt-outs, templates, switches) lie beside the count and are no part of it.

use std::future::Future;

use jiff::Timestamp;

use super::{Agreement, CompanyFaults, Parked, Posted, Progress, Proof, Proven, Store, StoreError};
use crate::ledger::{Balance, Grant, Notice, ReferralEvent, Statement};
use crate::referral::CompanyId;
use crate::spool::OutboxRow;

/// A ledger that is durable. Clones are the same ledger. What writes returns when it is synced, or has changed nothing;
/// what reads sees one moment and waits for no writer. The rules are those of [`crate::ledger`], and nobody else's.
pub trait Ledger: Clone + Send + Sync + 'static {
    /// Posts outbox rows: entries, states, balances, grants and notices in one commit. A row that was posted before
    /// adds nothing; rows no agreed contract or key rules are kept aside, whole.
    fn post(&self, rows: Vec<OutboxRow>) -> impl Future<Output = Result<Posted, StoreError>> + Send;

    /// Makes company, keys and contract versions known, and posts what was kept aside for want of them.
    fn agree(&self, agreement: Agreement) -> impl Future<Output = Result<Posted, StoreError>> + Send;

    /// Notes that a probe came back, and posts which mails count as delivered because of it; once for each probe.
    fn prove(&self, proof: Proof) -> impl Future<Output = Result<Posted, StoreError>> + Send;

    /// How long each return path of a company is proven, and since when.
    fn proven(&self, company: &CompanyId) -> impl Future<Output = Result<Vec<Proven>, StoreError>> + Send;

    /// Every company, in id order.
    fn companies(&self) -> impl Future<Output = Result<Vec<CompanyId>, StoreError>> + Send;

    /// The balances of a company, one for each contract series in use.
    fn balance(&self, company: &CompanyId) -> impl Future<Output = Result<Vec<Balance>, StoreError>> + Send;

    /// Every grant of a company, oldest first within its series.
    fn grants(&self, company: &CompanyId) -> impl Future<Output = Result<Vec<Grant>, StoreError>> + Send;

    /// The statement of a company for the entries posted from `from` until before `until`.
    fn statement(
        &self,
        company: &CompanyId,
        from: Timestamp,
        until: Timestamp,
    ) -> impl Future<Output = Result<Statement, StoreError>> + Send;

    /// Replays one company's chain, or all, and names every fault.
    fn verify(
        &self,
        company: Option<&CompanyId>,
    ) -> impl Future<Output = Result<Vec<CompanyFaults>, StoreError>> + Send;

    /// Events kept aside because no agreed contract or key rules them.
    fn parked(&self) -> impl Future<Output = Result<Vec<Parked>, StoreError>> + Send;

    /// How far this node's outbox was posted.
    fn progress(&self) -> impl Future<Output = Result<Progress, StoreError>> + Send;

    /// For each of these referrals whether the ledger has it, posted or kept aside.
    fn known(&self, events: Vec<ReferralEvent>) -> impl Future<Output = Result<Vec<bool>, StoreError>> + Send;

    /// Companies with slots that are in no notice yet.
    fn companies_to_tell(&self) -> impl Future<Output = Result<Vec<CompanyId>, StoreError>> + Send;

    /// Makes one notice of the company's slots that are in none, for each series. From then on it is due.
    fn gather_notice(&self, company: CompanyId) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Notices no courier has taken, by company, series and number; not more than `limit`.
    fn notices_due(&self, limit: usize) -> impl Future<Output = Result<Vec<Notice>, StoreError>> + Send;

    /// Marks a notice as taken by a courier.
    fn mark_taken(&self, notice: Notice) -> impl Future<Output = Result<(), StoreError>> + Send;
}

impl Ledger for Store {
    async fn post(&self, rows: Vec<OutboxRow>) -> Result<Posted, StoreError> {
        Self::post(self, rows).await
    }

    async fn agree(&self, agreement: Agreement) -> Result<Posted, StoreError> {
        Self::agree(self, agreement).await
    }

    async fn prove(&self, proof: Proof) -> Result<Posted, StoreError> {
        Self::prove(self, proof).await
    }

    async fn proven(&self, company: &CompanyId) -> Result<Vec<Proven>, StoreError> {
        Self::proven(self, company).await
    }

    async fn companies(&self) -> Result<Vec<CompanyId>, StoreError> {
        Self::companies(self).await
    }

    async fn balance(&self, company: &CompanyId) -> Result<Vec<Balance>, StoreError> {
        Self::balance(self, company).await
    }

    async fn grants(&self, company: &CompanyId) -> Result<Vec<Grant>, StoreError> {
        Self::grants(self, company).await
    }

    async fn statement(&self, of: &CompanyId, from: Timestamp, until: Timestamp) -> Result<Statement, StoreError> {
        Self::statement(self, of, from, until).await
    }

    async fn verify(&self, company: Option<&CompanyId>) -> Result<Vec<CompanyFaults>, StoreError> {
        Self::verify(self, company).await
    }

    async fn parked(&self) -> Result<Vec<Parked>, StoreError> {
        Self::parked(self).await
    }

    async fn progress(&self) -> Result<Progress, StoreError> {
        Self::progress(self).await
    }

    async fn known(&self, events: Vec<ReferralEvent>) -> Result<Vec<bool>, StoreError> {
        Self::known(self, events).await
    }

    async fn companies_to_tell(&self) -> Result<Vec<CompanyId>, StoreError> {
        Self::companies_to_tell(self).await
    }

    async fn gather_notice(&self, company: CompanyId) -> Result<(), StoreError> {
        Self::gather_notice(self, company).await
    }

    async fn notices_due(&self, limit: usize) -> Result<Vec<Notice>, StoreError> {
        Self::notices_due(self, limit).await
    }

    async fn mark_taken(&self, notice: Notice) -> Result<(), StoreError> {
        Self::mark_taken(self, notice).await
    }
}
