//! What others have kept of a ledger, held against it: entries missing at the end, a past written anew, and forks.

use std::collections::{BTreeMap, BTreeSet};

use data_encoding::HEXLOWER;
use serde::Deserialize;

use super::audit::Fault;
use super::chain::{Hash, genesis};
use super::checkpoint::{Head, LedgerName, SignedCheckpoint};
use crate::referral::CompanyId;

/// That somebody has seen where a company's chain ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Witness {
    /// Where it says so, such as a file and the time of the checkpoint in it.
    pub source: String,
    /// The company.
    pub company: CompanyId,
    /// Where its chain ended then.
    pub head: Head,
}

/// The end of the chain as a statement in JSON tells it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StatementHead {
    /// Whose statement it is.
    pub company: CompanyId,
    /// Of which ledger, where it says so.
    pub ledger: Option<LedgerName>,
    /// The end of the chain.
    pub head: Head,
}

impl StatementHead {
    /// Reads it from a statement in JSON; `None` when the text is none.
    pub fn parse(text: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Form {
            company: String,
            ledger: Option<String>,
            chain: Chain,
        }
        #[derive(Deserialize)]
        struct Chain {
            entries: u64,
            head: String,
        }
        let form: Form = serde_json::from_str(text.trim_start_matches('\u{feff}')).ok()?;
        let hash = HEXLOWER.decode(form.chain.head.as_bytes()).ok()?.try_into().ok()?;
        let ledger = form.ledger.map(|name| LedgerName::parse(&name).ok_or(())).transpose().ok()?;
        let head = Head { seq: form.chain.entries, hash };
        Some(Self { company: CompanyId::parse(&form.company).ok()?, ledger, head })
    }
}

/// Holds a company's chain against all that was seen of it. `newest` is its last entry's number, `None` when there is
/// no such company; `hash_at` gives the hash of an entry that is there.
pub fn compare(
    company: &CompanyId,
    newest: Option<u64>,
    hash_at: impl Fn(u64) -> Option<Hash>,
    witnesses: &[Witness],
) -> Vec<Fault> {
    let mut seen: Vec<&Witness> = witnesses.iter().filter(|w| w.company == *company).collect();
    seen.sort_by_key(|witness| witness.head.seq);
    let (mut faults, mut whole_until) = (Vec::new(), 0);
    for Witness { source, head, .. } in seen {
        let here = if head.seq == 0 { Some(genesis(company)) } else { hash_at(head.seq) };
        let (seq, what) = match (newest, here) {
            (None, _) if head.seq == 0 => continue,
            (None, _) => (None, format!("the ledger knows no such company, and {source} knows {} entries", head.seq)),
            (_, Some(hash)) if hash == head.hash => {
                whole_until = head.seq;
                continue;
            }
            (Some(newest), _) if newest < head.seq => {
                (Some(newest + 1), format!("missing: entries {} to {}, which {source} knows", newest + 1, head.seq))
            }
            (_, None) => (Some(head.seq), format!("missing, and {source} knows it")),
            (_, Some(_)) => {
                let from = (whole_until + 1).min(head.seq);
                let what = format!("not as {source} knows it: the chain was written anew at entry {from} or behind");
                (Some(head.seq), what)
            }
        };
        faults.push(Fault { seq, what });
    }
    faults
}

/// Says of every two checkpoints of one ledger in which they contradict each other. A ledger only grows, so of any two
/// moments one has every entry of the other, whatever the clocks said.
pub fn forks(given: &[(String, &SignedCheckpoint)]) -> Vec<String> {
    let mut named = Vec::new();
    for (at, (one_source, one)) in given.iter().enumerate() {
        for (other_source, other) in &given[at + 1..] {
            if one.checkpoint.ledger == other.checkpoint.ledger
                && let Some(what) = contradiction(&one.checkpoint.heads, &other.checkpoint.heads)
            {
                named.push(format!("fork between {one_source} and {other_source}: {what}"));
            }
        }
    }
    named
}

type Heads = BTreeMap<CompanyId, Head>;

fn contradiction(one: &Heads, other: &Heads) -> Option<String> {
    let companies: BTreeSet<&CompanyId> = one.keys().chain(other.keys()).collect();
    let (mut ahead, mut behind) = (None, None);
    for company in companies {
        let (mine, theirs) = (one.get(company), other.get(company));
        match mine.map(|head| head.seq).cmp(&theirs.map(|head| head.seq)) {
            std::cmp::Ordering::Greater => ahead = ahead.or(Some(company)),
            std::cmp::Ordering::Less => behind = behind.or(Some(company)),
            std::cmp::Ordering::Equal if mine == theirs => {}
            std::cmp::Ordering::Equal => {
                let seq = mine.map_or(0, |head| head.seq);
                return Some(format!("entry {seq} of {company} has two hashes"));
            }
        }
    }
    let (ahead, behind) = ahead.zip(behind)?;
    Some(format!("the first has more entries of {ahead} and the second more of {behind}, so neither came before"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::checkpoint::Checkpoint;
    use crate::ledger::signature::{PublicKey, Signature};
    use jiff::Timestamp;

    fn id(text: &str) -> CompanyId {
        CompanyId::parse(text).unwrap()
    }

    /// The hash of entry `n` of a chain that was written anew from entry `fork` on.
    fn hash(n: u64, fork: u64) -> Hash {
        if n == 0 { genesis(&id("kaede")) } else { [u8::try_from(n).unwrap() + if n >= fork { 100 } else { 0 }; 32] }
    }

    fn seen(seq: u64) -> Witness {
        Witness { source: format!("w{seq}"), company: id("kaede"), head: Head { seq, hash: hash(seq, u64::MAX) } }
    }

    fn check(newest: Option<u64>, fork: u64, seen_at: &[u64], expected: &[&str]) {
        let witnesses: Vec<Witness> = seen_at.iter().map(|seq| seen(*seq)).collect();
        let hash_at = |n| newest.filter(|newest| n <= *newest).map(|_| hash(n, fork));
        let told = compare(&id("kaede"), newest, hash_at, &witnesses).into_iter();
        let told: Vec<String> = told.map(|f| format!("{}: {}", f.seq.unwrap_or(0), f.what)).collect();
        assert_eq!(told.len(), expected.len(), "{told:#?}");
        for (one, start) in told.iter().zip(expected) {
            assert!(one.starts_with(start), "{one}\n{start}");
        }
    }

    #[test]
    fn a_chain_that_has_only_grown_fits_all_that_was_seen_of_it() {
        check(Some(40), u64::MAX, &[0, 10, 34, 40], &[]);
        check(Some(0), u64::MAX, &[0], &[]);
        check(None, u64::MAX, &[0], &[]);
    }

    #[test]
    fn loss_at_the_end_is_named_with_the_entries_that_are_gone() {
        check(
            Some(33),
            u64::MAX,
            &[10, 34, 40],
            &["34: missing: entries 34 to 34, which w34 knows", "34: missing: entries 34 to 40, which w40 knows"],
        );
        check(None, u64::MAX, &[34], &["0: the ledger knows no such company"]);
    }

    #[test]
    fn a_past_that_was_written_anew_is_named_from_where_it_can_begin() {
        check(
            Some(40),
            20,
            &[10, 34, 40],
            &["34: not as w34 knows it: the chain was written anew at entry 11 or behind", "40: not as w40 knows it"],
        );
        check(Some(40), 1, &[1], &["1: not as w1 knows it: the chain was written anew at entry 1"]);
    }

    #[test]
    fn what_was_seen_of_another_company_says_nothing_of_this_one() {
        let other = Witness { company: id("momiji"), ..seen(34) };
        assert_eq!(compare(&id("kaede"), Some(3), |n| Some(hash(n, 0)), &[other]), []);
    }

    fn checkpoint(heads: &[(&str, u64, u8)], at: i64) -> SignedCheckpoint {
        let head = |(company, seq, hash): &(&str, u64, u8)| (id(company), Head { seq: *seq, hash: [*hash; 32] });
        let checkpoint = Checkpoint {
            ledger: LedgerName([1; 16]),
            at: Timestamp::from_second(at).unwrap(),
            key: PublicKey::new([2; 32]),
            heads: heads.iter().map(head).collect(),
        };
        SignedCheckpoint { checkpoint, signature: Signature::new([0; 64]) }
    }

    #[test]
    fn two_checkpoints_that_cannot_both_be_true_are_a_fork_whatever_the_clock_said() {
        let forked = |one: &[(&str, u64, u8)], other: &[(&str, u64, u8)]| {
            let (one, other) = (checkpoint(one, 9), checkpoint(other, 5));
            forks(&[("a".to_owned(), &one), ("b".to_owned(), &other)]).pop().unwrap_or_default()
        };
        assert_eq!(forked(&[("kaede", 3, 1)], &[("kaede", 3, 1), ("momiji", 0, 9)]), "");
        assert_eq!(forked(&[("kaede", 3, 1)], &[("kaede", 9, 4)]), "");
        assert!(forked(&[("kaede", 3, 1)], &[("kaede", 3, 2)]).contains("entry 3 of kaede has two hashes"));
        let crossed = forked(&[("kaede", 4, 1), ("momiji", 1, 1)], &[("kaede", 3, 2), ("momiji", 2, 3)]);
        assert!(crossed.contains("more entries of kaede and the second more of momiji"), "{crossed}");
        assert!(forked(&[("kaede", 4, 1)], &[("momiji", 2, 3)]).contains("neither came before"));
    }

    #[test]
    fn the_head_is_read_out_of_a_statement_and_out_of_nothing_else() {
        let head = "01".repeat(32);
        let text = format!(r#"{{"statement":1,"company":"kaede","chain":{{"entries":34,"head":"{head}"}},"more":1}}"#);
        let read = StatementHead::parse(&text).unwrap();
        assert_eq!((read.company, read.ledger, read.head), (id("kaede"), None, Head { seq: 34, hash: [1; 32] }));
        for other in ["", "{}", &text.replace("34", "-1"), &text.replace(&head, "01"), &text[..40]] {
            assert_eq!(StatementHead::parse(other), None, "{other}");
        }
    }
}
