//! The mail about hire slots, in Japanese and English, made with lettre's builder.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use lettre::Message;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MessageBuilder};

use crate::ledger::{Grant, Notice, Pool};
use crate::mail::address::Address;

/// Who writes.
#[derive(Clone, Debug)]
pub struct Sender {
    /// The address in From and in the envelope.
    pub from: Address,
    /// What stands behind the `@` of message ids.
    pub hostname: String,
    /// The time zone of dates in the text.
    pub zone: TimeZone,
}

/// Who is written to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Contact {
    /// The company's name as HR writes it.
    pub name: String,
    /// HR's addresses.
    pub to: Vec<Address>,
}

/// Why a notice cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum NoticeFault {
    /// The builder does not take an address.
    #[error("an address of the notice: {0}")]
    Address(#[from] lettre::address::AddressError),
    /// The builder does not make the message.
    #[error("the notice: {0}")]
    Message(#[from] lettre::error::Error),
}

/// Makes the mail. The same notice always gives the same Message-ID.
///
/// # Errors
/// When an address is not for lettre, or nobody is written to.
pub fn compose(
    notice: &Notice,
    pool: &Pool,
    contact: &Contact,
    sender: &Sender,
    now: Timestamp,
) -> Result<Message, NoticeFault> {
    let id = format!("<{}@{}>", notice.id().replace(':', "."), sender.hostname);
    let from = Mailbox::new(Some("Career Relay".to_owned()), mailbox(&sender.from)?);
    let mut builder: MessageBuilder = Message::builder().from(from).date(now.into()).message_id(Some(id));
    for address in &contact.to {
        builder = builder.to(Mailbox::new(None, mailbox(address)?));
    }
    let mut message =
        builder.subject(subject(notice)).header(ContentType::TEXT_PLAIN).body(body(notice, pool, contact, sender))?;
    // RFC 3834 5: no autoresponder answers it.
    let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
    message.headers_mut().insert_raw(HeaderValue::new(automatic, "auto-generated".to_owned()));
    Ok(message)
}

fn mailbox(address: &Address) -> Result<lettre::Address, lettre::address::AddressError> {
    address.as_str().parse()
}

fn subject(notice: &Notice) -> String {
    let slots = Slots::of(notice);
    let (ja, en) = (slots.in_japanese(), slots.in_english());
    let are = if slots.count == 1 { "is" } else { "are" };
    format!("【キャリアリレー】無料採用枠 {ja} が付与されました / {} {are} yours", capital(&en))
}

/// The slots of a notice as people name them.
struct Slots {
    /// Runs of numbers without a gap, first and last.
    runs: Vec<(u32, u32)>,
    count: usize,
}

impl Slots {
    fn of(notice: &Notice) -> Self {
        let mut runs: Vec<(u32, u32)> = Vec::new();
        for cycle in notice.grants().map(|grant| grant.cycle) {
            match runs.last_mut() {
                Some((_, last)) if last.checked_add(1) == Some(cycle) => *last = cycle,
                _ => runs.push((cycle, cycle)),
            }
        }
        Self { runs, count: notice.grants().count() }
    }

    fn in_japanese(&self) -> String {
        let run = |(first, last): &(u32, u32)| {
            if first == last { format!("No.{first}") } else { format!("No.{first}〜No.{last}") }
        };
        let runs = self.runs.iter().map(run).collect::<Vec<_>>().join("、");
        if self.count == 1 { runs } else { format!("{runs}（{}枠）", self.count) }
    }

    fn in_english(&self) -> String {
        let run = |(first, last): &(u32, u32)| {
            if first == last { first.to_string() } else { format!("{first} to {last}") }
        };
        let runs = self.runs.iter().map(run).collect::<Vec<_>>().join(", ");
        if self.count == 1 {
            format!("hire slot no. {runs}")
        } else {
            format!("{} hire slots, no. {runs},", self.count)
        }
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn body(notice: &Notice, pool: &Pool, contact: &Contact, sender: &Sender) -> String {
    let Grant { company, series, threshold, .. } = notice.last();
    let day = |grant: &Grant| grant.at.to_zoned(sender.zone.clone()).strftime("%Y-%m-%d").to_string();
    let (since, day) = (day(&notice.first), day(notice.last()));
    let (days_ja, days_en) =
        if since == day { (day.clone(), day) } else { (format!("{since}〜{day}"), format!("{since} to {day}")) };
    let slots = Slots::of(notice);
    let (numbers_ja, numbers_en) = (slots.in_japanese(), slots.in_english());
    let (name, toward, count) = (&contact.name, pool.toward, slots.count);
    let (reached, yours, use_one) = if count == 1 {
        (format!("{threshold}名に達し"), "a free hire slot is yours".to_owned(), "この採用枠で")
    } else {
        (
            format!("{threshold}名ごとの区切りに{count}回達し"),
            format!("{count} free hire slots are yours"),
            "採用枠一つにつき",
        )
    };
    let each = if count == 1 { String::new() } else { format!(" {count} times") };
    let with = if count == 1 { "With it" } else { "With each of them" };
    format!(
        "{name}\n採用ご担当者様\n\n\
         いつもキャリアリレーをご利用いただき、ありがとうございます。\n\
         貴社からのご紹介が{reached}、無料採用枠が付与されました。\n\n\
         ・採用枠：{numbers_ja}（契約区分 {series}）\n\
         ・付与日：{days_ja}\n\
         ・次の採用枠まで：現在 {toward}名 / {threshold}名\n\n\
         {use_one}、キャリアリレーから1名を紹介料なしで採用いただけます。\n\
         ご利用の際は、募集職種と採用枠の番号を添えて、キャリアリレーの担当者へお知らせください。\n\
         ご紹介された方がどこかに採用されたかどうかは、付与に関係しません。\n\
         内訳の明細書は、メールの管理者が次のコマンドで出力できます：\n\
         career-relay ledger statement --company {company}\n\n\
         ----\n\n\
         To the recruiting team of {name},\n\n\
         thank you for using Career Relay. You have referred {threshold} people{each}, and {yours}.\n\n\
         \x20 Granted: {numbers} (contract series {series})\n\
         \x20 Day: {days_en}\n\
         \x20 Toward the next one: {toward} of {threshold} so far\n\n\
         {with} you may hire one person through Career Relay without a referral fee.\n\
         To use it, tell your contact at Career Relay the position to fill and the number of the slot.\n\
         Whether the people you referred were hired anywhere makes no difference to it.\n\
         Your mail administrator prints the statement with:\n\
         career-relay ledger statement --company {company}\n",
        numbers = numbers_en.trim_end_matches(','),
    )
}
