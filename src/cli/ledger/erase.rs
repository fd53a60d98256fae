//! `ledger erase`: a person is forgotten, and the chain stays whole. The address comes from standard input, never from
//! the command line, where every list of processes shows it.

use std::io::{self, Write};

use clap::Args;

use crate::cli::args::{DataArgs, company_id};
use crate::cli::folder::reach;
use crate::cli::optout::one_address;
use crate::cli::output::{End, print_json};
use crate::control::Request;
use crate::control::erase::{EraseRequest, Receipt};
use crate::referral::CompanyId;

/// `ledger erase`.
#[derive(Args, Clone, Debug)]
pub struct EraseArgs {
    /// The company that shall forget the person.
    #[arg(long, value_name = "ID", value_parser = company_id)]
    pub company: CompanyId,
    /// Why, in a line that stays in the ledger for ever; nothing that tells who it is.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Who wanted it, if it is not the one who types this; no name of the person.
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
    /// Only tell what would be erased.
    #[arg(long)]
    pub dry_run: bool,
    /// The language of the receipt.
    #[arg(long, value_name = "LANG", value_parser = ["ja", "en"], default_value = "en")]
    pub lang: String,
    /// Where the ledger lies.
    #[command(flatten)]
    pub data: DataArgs,
}

/// Erases, and prints the receipt.
///
/// # Errors
/// When the reader of the output is gone.
pub fn erase(args: &EraseArgs, out: &mut dyn Write) -> io::Result<End> {
    match send(args) {
        Err(why) => writeln!(out, "{why}").map(|()| End::Wrong),
        Ok(receipt) if args.data.json => print_json(out, &receipt).map(|()| End::Well),
        Ok(receipt) => {
            let text = if args.lang == "ja" { in_japanese(&receipt) } else { in_english(&receipt) };
            out.write_all(text.as_bytes()).map(|()| End::Well)
        }
    }
}

fn send(args: &EraseArgs) -> Result<Receipt, String> {
    let address = one_address(io::stdin())?;
    let (company, reason, by) = (args.company.clone(), args.reason.clone(), args.by.clone());
    let what = EraseRequest { company, address, reason, by, dry_run: args.dry_run };
    reach(&args.data)?.ask(Request::Erase { what })
}

fn is_nothing(receipt: &Receipt) -> bool {
    !receipt.was_known && receipt.kept_aside + receipt.outbox == 0
}

fn in_english(receipt: &Receipt) -> String {
    let Receipt { company, at, entry, evidence, kept_aside, outbox, in_custody, head, .. } = receipt;
    let first = match (is_nothing(receipt), receipt.dry_run) {
        (true, _) => format!("{company} keeps nothing of this person in ledger or outbox\n"),
        (_, true) => format!("{company} would erase this person; nothing was written\n"),
        (_, false) if *entry > 0 => format!("{company} has erased this person: entry {entry}, {at}\n"),
        _ => format!("{company} has erased this person: {at}; the ledger had no entry of him\n"),
    };
    let mut text = vec![first];
    if !is_nothing(receipt) {
        let known = if receipt.was_known { "key and salt in the ledger, " } else { "" };
        text.push(format!(
            "  erased        {known}{evidence} pieces of evidence, {kept_aside} kept aside, {outbox} in the outbox\n"
        ));
        text.push("  not changed   credits, hire slots and statements: the entries name nobody\n".to_owned());
    }
    if let Some(until) = &receipt.marked_until {
        text.push(format!(
            "  left          a keyed mark until {until}: no line, and no second credit, while the person window runs\n"
        ));
    }
    if receipt.opted_out {
        text.push("  left          the opt-out, as a keyed hash: it keeps the line away\n".to_owned());
    }
    if *in_custody > 0 {
        text.push(format!(
            "  left          {in_custody} mails to this person in custody, until they are delivered or returned\n"
        ));
    }
    if *entry > 0 {
        text.push(format!("  chain head    {head}\n  backups       erase again after each restore (docs/ledger.md)\n"));
    }
    text.concat()
}

fn in_japanese(receipt: &Receipt) -> String {
    let Receipt { company, at, entry, evidence, kept_aside, outbox, in_custody, head, .. } = receipt;
    let first = match (is_nothing(receipt), receipt.dry_run) {
        (true, _) => format!("{company}：この方の記録は台帳にも送信控えにもありません\n"),
        (_, true) => format!("{company}：この方の記録を消去できます（試行のため何も書き込んでいません）\n"),
        (_, false) if *entry > 0 => format!("{company}：この方の記録を消去しました（エントリ {entry}、{at}）\n"),
        _ => format!("{company}：この方の記録を消去しました（{at}。台帳のエントリはありませんでした）\n"),
    };
    let mut text = vec![first];
    if !is_nothing(receipt) {
        let known = if receipt.was_known { "台帳の照合鍵とソルト、" } else { "" };
        text.push(format!(
            "  消去したもの    {known}配送の証跡 {evidence} 件、保留中の記録 {kept_aside} 件、送信控え {outbox} 件\n"
        ));
        text.push("  変わらないもの  カウント、採用枠、明細書（エントリは個人を示しません）\n".to_owned());
    }
    if let Some(until) = &receipt.marked_until {
        text.push(format!("  残るもの        {until} までの照合用の印（案内を追加せず、二重に数えないため）\n"));
    }
    if receipt.opted_out {
        text.push("  残るもの        案内停止の登録（照合用の値のみ。案内を追加しないため）\n".to_owned());
    }
    if *in_custody > 0 {
        text.push(format!("  残るもの        この方宛ての送信待ちメール {in_custody} 通（配送または返送まで）\n"));
    }
    if *entry > 0 {
        text.push(format!(
            "  連鎖の先頭      {head}\n  バックアップ    復元したときは再度消去してください（docs/ja/ledger.md）\n"
        ));
    }
    text.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_says_in_both_languages_what_went_and_what_is_left() {
        let receipt = Receipt {
            company: "sakura".to_owned(),
            entry: 12,
            at: "2026-11-23T00:00:00Z".to_owned(),
            was_known: true,
            evidence: 2,
            outbox: 1,
            in_custody: 1,
            marked_until: Some("2027-11-23T00:00:00Z".to_owned()),
            opted_out: true,
            head: "abcd".to_owned(),
            ..Receipt::default()
        };
        let check = |text: &str, words: &[&str]| {
            for word in words.iter().chain(&["12", "2027-11-23", "abcd"]) {
                assert!(text.contains(word), "{word}: {text}");
            }
        };
        check(
            &in_english(&receipt),
            &["has erased", "2 pieces of evidence", "no second credit", "in custody", "restore"],
        );
        check(&in_japanese(&receipt), &["消去しました", "証跡 2 件", "二重に数えない", "1 通", "復元"]);
        let dry = Receipt { dry_run: true, entry: 0, ..receipt };
        assert!(
            in_english(&dry).contains("nothing was written") && in_japanese(&dry).contains("何も書き込んでいません")
        );
        assert!(in_english(&Receipt::default()).contains("keeps nothing"));
    }
}
