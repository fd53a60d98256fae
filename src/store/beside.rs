//! What the store keeps beside the count: users, switches, what shaped the line, its words, and who wants none.

use jiff::Timestamp;

use super::Store;
use super::error::StoreError;
use super::held_back::Told;
use super::optouts::{self, OptOutChange, OptOutRow};
use super::switches::{self, OffRow, Switch};
use super::terms::{self, TermsChange};
use super::users::{self, UserChange, UserRow};
use super::wordings::{self, WordingRow};
use super::writer::Command;
use crate::pipeline::{LineTerms, UserName, Users};
use crate::referral::CompanyId;
use crate::watch::HeldBack;

impl Store {
    /// Adds, changes or removes a user, and writes down when and by whom; all of it or nothing.
    ///
    /// # Errors
    /// When it cannot be: a name that is taken, or unknown; a company the ledger does not know; a failed commit.
    pub async fn set_user(&self, change: UserChange) -> Result<(), StoreError> {
        self.ask(|reply| Command::SetUser(change, reply)).await
    }

    /// Adds to the rejections that a DKIM signature kept from getting the line.
    ///
    /// # Errors
    /// When it was not committed.
    pub async fn note_held_back(&self, held_back: Vec<HeldBack>) -> Result<(), StoreError> {
        self.ask(|reply| Command::HeldBack(Told::HeldBack, held_back, reply)).await
    }

    /// Adds to those who got the line and are not counted.
    ///
    /// # Errors
    /// When it was not committed.
    pub async fn note_excluded(&self, excluded: Vec<HeldBack>) -> Result<(), StoreError> {
        self.ask(|reply| Command::HeldBack(Told::Excluded, excluded, reply)).await
    }

    /// Writes down who stops or resumes the line, and for whom.
    ///
    /// # Errors
    /// When it cannot be: a company the ledger does not know, a failed commit.
    pub async fn switch(&self, switch: Switch) -> Result<(), StoreError> {
        self.ask(|reply| Command::Switch(switch, reply)).await
    }

    /// For whom nothing is inserted now.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn switched_off(&self) -> Result<Vec<OffRow>, StoreError> {
        self.switched_off_at(Timestamp::MAX).await
    }

    /// For whom nothing was inserted at a time.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn switched_off_at(&self, then: Timestamp) -> Result<Vec<OffRow>, StoreError> {
        self.read(move |c| switches::off(c, then)).await
    }

    /// Writes down what shapes the line of a company from now on, if it is not what did so before.
    ///
    /// # Errors
    /// When it was not committed.
    pub async fn note_terms(&self, change: TermsChange) -> Result<(), StoreError> {
        self.ask(|reply| Command::Terms(Box::new(change), reply)).await
    }

    /// What shaped the line of a company at a time; `None` before it was first served here.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn line_terms(&self, company: &CompanyId, then: Timestamp) -> Result<Option<LineTerms>, StoreError> {
        let company = company.clone();
        self.read(move |c| terms::at(c, &company, then)).await
    }

    /// Since when a company's contract is suspended by its file; `None` when it is not.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn suspended(&self, company: &CompanyId) -> Result<Option<OffRow>, StoreError> {
        let company = company.clone();
        self.read(move |c| terms::suspended(c, &company)).await
    }

    /// The words that mails of a company may have been given, and how often each was; the newest in front.
    ///
    /// # Errors
    /// When the company is unknown or the file cannot be read.
    pub async fn wordings(&self, company: &CompanyId) -> Result<Vec<WordingRow>, StoreError> {
        let company = company.clone();
        self.read(move |c| wordings::wordings(c, &company)).await
    }

    /// Puts persons on the list of those who want no line, or takes them off it; all of them or none.
    ///
    /// # Errors
    /// When it cannot be: a company the ledger does not know, a failed commit.
    pub async fn change_optouts(&self, change: OptOutChange) -> Result<(), StoreError> {
        self.ask(|reply| Command::OptOuts(change, reply)).await
    }

    /// Who wanted no line at a time, or wants none now; oldest first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn optouts(&self, then: Option<Timestamp>) -> Result<Vec<OptOutRow>, StoreError> {
        self.read(move |c| optouts::optouts(c, then)).await
    }

    /// What is another number whenever somebody was put on a list or taken off it; cheap to ask for.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn optouts_mark(&self) -> Result<(i64, i64), StoreError> {
        self.read(optouts::mark).await
    }

    /// The users there are now.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn users(&self) -> Result<Users, StoreError> {
        self.read(users::users).await
    }

    /// Every change ever made to one user, or to all of them, oldest first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn user_changes(&self, only: Option<&UserName>) -> Result<Vec<UserRow>, StoreError> {
        let only = only.cloned();
        self.read(move |c| users::changes(c, only.as_ref())).await
    }
}
