//! `spool show`: all of one mail but its text.

use std::io::{self, Write};

use jiff::Timestamp;

use super::Done;
use super::args::ShowArgs;
use crate::cli::folder::reach;
use crate::cli::output::{End, print_json, since, until};
use crate::control::spool::{ActLine, MailStory, RecipientLine, SpoolRequest};
use crate::sys::clock;

pub(super) fn show(args: &ShowArgs, out: &mut dyn Write) -> Done {
    let story: MailStory = reach(&args.data)?.ask(SpoolRequest::Show { id: args.id.clone() })?;
    if args.data.json {
        return Ok(print_json(out, &story).map(|()| End::Well));
    }
    Ok(print(&story, clock::now(), out).map(|()| End::Well))
}

fn print(story: &MailStory, now: Timestamp, out: &mut dyn Write) -> io::Result<()> {
    let mail = &story.mail;
    writeln!(out, "id          {}", mail.id)?;
    writeln!(out, "came        {} ({} ago)", mail.received_at, since(&mail.received_at, now))?;
    writeln!(out, "company     {}", mail.company.as_deref().unwrap_or("-"))?;
    writeln!(out, "octets      {}", mail.octets)?;
    let sender = story.sender.as_deref().map(|sender| if sender.is_empty() { "<> (a report)" } else { sender });
    writeln!(out, "sender      {}", sender.unwrap_or("(cannot be read)"))?;
    if !story.readable {
        writeln!(out, "DAMAGED     it is not as it was written; it can be dropped, and nothing else")?;
    }
    let with_line = story.inserted_octets.iter().filter(|octets| **octets > 0).count();
    if with_line > 0 {
        writeln!(out, "line        in {with_line} of {} copies", story.inserted_octets.len())?;
    }
    mail.recipients.iter().try_for_each(|recipient| print_recipient(recipient, now, out))?;
    if !story.acts.is_empty() {
        writeln!(out, "\nwhat admins did with it")?;
    }
    story.acts.iter().try_for_each(|act| writeln!(out, "  {}", act_text(act)))
}

fn print_recipient(recipient: &RecipientLine, now: Timestamp, out: &mut dyn Write) -> io::Result<()> {
    let address = recipient.address.as_deref().unwrap_or("(cannot be read)");
    writeln!(out, "\nrecipient {} {address}", recipient.number)?;
    writeln!(out, "  to        {}", recipient.destination)?;
    let next = if recipient.state == "waiting" {
        format!(", next try {} ({})", recipient.next_at, until(&recipient.next_at, now))
    } else {
        String::new()
    };
    writeln!(out, "  state     {}{next}", recipient.state)?;
    writeln!(out, "  attempts  {}", recipient.attempts)?;
    if let Some(reply) = &recipient.last_reply {
        writeln!(out, "  last      {reply}")?;
    }
    if recipient.maybe_doubled {
        writeln!(out, "  doubled?  an earlier attempt may have reached it")?;
    }
    if recipient.referral {
        writeln!(out, "  referral  counts when it is accepted")?;
    }
    Ok(())
}

/// One act as a line.
pub(in crate::cli) fn act_text(act: &ActLine) -> String {
    let numbers: Vec<String> = act.recipients.iter().map(u32::to_string).collect();
    format!("{}  {} by {}, recipients {}", act.at, act.act, act.actor, numbers.join(" "))
}
