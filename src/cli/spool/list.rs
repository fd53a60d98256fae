//! `spool list`: what is in custody, since when, and why.

use std::io::{self, Write};

use jiff::Timestamp;

use super::args::ListArgs;
use super::{Done, which};
use crate::cli::folder::reach;
use crate::cli::output::{End, align_right, counted, print_json, print_table, since, table, until};
use crate::control::spool::{MailLine, MailList, RecipientLine, SpoolRequest};
use crate::sys::clock;

/// Mails shown to people when nothing else is said.
const LIMIT: usize = 100;
/// Characters of a reply in a table.
const REPLY_CHARS_MAX: usize = 70;

pub(super) fn list(args: &ListArgs, out: &mut dyn Write) -> Done {
    let now = clock::now();
    let which = which(&args.which, now)?;
    let limit = match args.limit {
        Some(0) => usize::MAX,
        Some(limit) => limit,
        None if args.data.json => usize::MAX,
        None => LIMIT,
    };
    let reached = reach(&args.data)?;
    let (mut mails, mut unreadable, mut after) = (Vec::new(), 0, Some(0));
    while let Some(at) = after.filter(|_| mails.len() <= limit) {
        let request = SpoolRequest::List { which: which.clone(), after: at, addresses: args.addresses };
        let part: MailList = reached.ask(request)?;
        mails.extend(part.mails);
        unreadable += part.unreadable;
        after = part.next;
    }
    let more = mails.len() > limit || after.is_some();
    mails.truncate(limit);
    if args.data.json {
        let value = serde_json::json!({ "mails": mails, "unreadable": unreadable, "more": more });
        return Ok(print_json(out, &value).map(|()| End::Well));
    }
    Ok(print(&mails, (unreadable, more, args.addresses), now, out).map(|()| End::Well))
}

fn print(
    mails: &[MailLine],
    (unreadable, more, addresses): (u64, bool, bool),
    now: Timestamp,
    out: &mut dyn Write,
) -> io::Result<()> {
    let Some(oldest) = mails.first() else {
        writeln!(out, "no such mail is in custody")?;
        return tell_unreadable(unreadable, out);
    };
    let recipients = mails.iter().map(|mail| mail.recipients.len()).sum();
    writeln!(
        out,
        "{}, {}; the oldest came {} ago\n",
        counted(mails.len(), "mail", "mails"),
        counted(recipients, "recipient", "recipients"),
        since(&oldest.received_at, now)
    )?;
    let mut header = vec!["id", "came", "company", "destination", "recipients", "state", "tries", "next", "why"];
    if addresses {
        header.insert(4, "address");
    }
    let rows = mails.iter().flat_map(|mail| rows(mail, addresses, now));
    let mut table = table(&header, rows);
    align_right(&mut table, if addresses { &[1, 5, 7] } else { &[1, 4, 6] });
    print_table(out, &table)?;
    if more {
        writeln!(out, "\nthere are more: --limit 0 shows all")?;
    }
    tell_unreadable(unreadable, out)
}

fn tell_unreadable(unreadable: u64, out: &mut dyn Write) -> io::Result<()> {
    if unreadable > 0 {
        let mails = counted(usize::try_from(unreadable).unwrap_or(usize::MAX), "mail", "mails");
        writeln!(out, "the addresses of {mails} cannot be read; `spool list --state parked` names them")?;
    }
    Ok(())
}

/// One row for all recipients that wait for the same in the same way; one for each when addresses are shown.
fn rows(mail: &MailLine, addresses: bool, now: Timestamp) -> Vec<Vec<String>> {
    let mut groups: Vec<(&RecipientLine, usize)> = Vec::new();
    for recipient in &mail.recipients {
        let same = |r: &RecipientLine| !addresses && shown(r, now) == shown(recipient, now);
        match groups.iter_mut().find(|(r, _)| same(r)) {
            Some((_, n)) => *n += 1,
            None => groups.push((recipient, 1)),
        }
    }
    let row = |(recipient, n): (&RecipientLine, usize)| {
        let [destination, state, tries, next, why] = shown(recipient, now);
        let company = mail.company.clone().unwrap_or_else(|| "-".to_owned());
        let mut row = vec![mail.id.clone(), since(&mail.received_at, now), company, destination];
        if addresses {
            row.push(recipient.address.clone().unwrap_or_else(|| "(cannot be read)".to_owned()));
        }
        row.extend([n.to_string(), state, tries, next, why]);
        row
    };
    groups.into_iter().map(row).collect()
}

fn shown(recipient: &RecipientLine, now: Timestamp) -> [String; 5] {
    let doubled = if recipient.maybe_doubled { ", maybe doubled" } else { "" };
    let next = if recipient.state == "waiting" { until(&recipient.next_at, now) } else { "-".to_owned() };
    let why = recipient.last_reply.as_deref().unwrap_or("-").chars().take(REPLY_CHARS_MAX).collect();
    let state = format!("{}{doubled}", recipient.state);
    [recipient.destination.clone(), state, recipient.attempts.to_string(), next, why]
}
