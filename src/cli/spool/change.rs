//! `spool retry`, `release`, `bounce` and `drop`.

use std::io::{self, Write};

use super::args::{ChangeArgs, DropArgs};
use super::{Done, which};
use crate::cli::folder::reach;
use crate::cli::output::{End, counted, print_json};
use crate::control::spool::{Changed, Outcome, SpoolRequest};
use crate::spool::ActKind;
use crate::sys::clock;

pub(super) fn drop_mail(args: &DropArgs, out: &mut dyn Write) -> Done {
    let is_sure = args.yes || args.change.dry_run;
    let change = ChangeArgs { dry_run: !args.yes || args.change.dry_run, ..args.change.clone() };
    let done = self::change(ActKind::Drop, &change, out)?;
    Ok(done.and_then(|end| {
        if is_sure {
            return Ok(end);
        }
        // Beside JSON it would be no JSON.
        writeln!(io::stderr(), "nothing was dropped: say --yes to do it")?;
        Ok(End::Wrong)
    }))
}

pub(super) fn change(act: ActKind, args: &ChangeArgs, out: &mut dyn Write) -> Done {
    if args.which.is_everything() && !args.all {
        return Err("say which mails: their ids, a filter, or --all; `spool list` takes the same".to_owned());
    }
    let which = which(&args.which, clock::now())?;
    let reached = reach(&args.data)?;
    let (mut all, mut after) = (Changed::default(), Some(0));
    while let Some(at) = after {
        let request = SpoolRequest::Change { act, which: which.clone(), after: at, dry_run: args.dry_run };
        match reached.ask::<Changed>(request) {
            Ok(part) => {
                all.mails.extend(part.mails);
                (all.failed, after) = (part.failed, part.next);
            }
            // What was done before is to be told.
            Err(why) if all.mails.is_empty() => return Err(why),
            Err(why) => (all.failed, after) = (Some(why), None),
        }
    }
    let found = |id: &String| all.mails.iter().any(|mail| mail.id == *id);
    let missing: Vec<&String> = which.ids.iter().filter(|id| !found(id)).collect();
    let is_well = missing.is_empty()
        && all.failed.is_none()
        && !all.mails.is_empty()
        && all.mails.iter().all(|mail| mail.skipped.is_empty());
    let end = if is_well { End::Well } else { End::Wrong };
    let printed = if args.data.json {
        let Changed { mails, failed, .. } = &all;
        let value = serde_json::json!({
            "act": act.code(), "dry_run": args.dry_run, "mails": mails, "missing": missing, "failed": failed,
        });
        print_json(out, &value)
    } else {
        print((act, args.dry_run), &all, &missing, out)
    };
    Ok(printed.map(|()| end))
}

fn print((act, dry_run): (ActKind, bool), all: &Changed, missing: &[&String], out: &mut dyn Write) -> io::Result<()> {
    for mail in &all.mails {
        if !mail.recipients.is_empty() {
            writeln!(out, "{}  {}", mail.id, done(act, dry_run, mail))?;
        }
        if !mail.skipped.is_empty() {
            let recipients = counted(mail.skipped.len(), "recipient", "recipients");
            writeln!(out, "{}  not done for {recipients}: {}", mail.id, mail.why.as_deref().unwrap_or("-"))?;
        }
    }
    missing.iter().try_for_each(|id| writeln!(out, "{id}  no such mail is in custody, or the filters leave it out"))?;
    let recipients: usize = all.mails.iter().map(|mail| mail.recipients.len()).sum();
    let mails = all.mails.iter().filter(|mail| !mail.recipients.is_empty()).count();
    let (recipients, mails) = (counted(recipients, "recipient", "recipients"), counted(mails, "mail", "mails"));
    let (mood, end) = if dry_run { ("would be ", "; nothing was changed") } else { ("", "") };
    writeln!(out, "{mood}{}: {recipients} of {mails}{end}", past(act))?;
    match &all.failed {
        Some(why) => writeln!(out, "broken off: {why}"),
        None => Ok(()),
    }
}

fn done(act: ActKind, dry_run: bool, mail: &Outcome) -> String {
    let numbers: Vec<String> = mail.recipients.iter().map(u32::to_string).collect();
    let told = match (act, mail.reports) {
        (ActKind::Bounce, 0) => ", and nobody is told: it is a report, or its sender wants none",
        (ActKind::Bounce, _) => ", a report goes to the sender",
        _ => "",
    };
    let mood = if dry_run { "would be " } else { "" };
    format!("{mood}{}: recipients {}{told}", past(act), numbers.join(" "))
}

fn past(act: ActKind) -> &'static str {
    match act {
        ActKind::Retry => "due now",
        ActKind::Release => "released",
        ActKind::Bounce => "given up",
        ActKind::Drop => "dropped",
        ActKind::Export => "exported",
        ActKind::Recover => "entered",
    }
}
