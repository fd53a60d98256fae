//! Who wants no line: candidate keys and never addresses, for one company or for all of them.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::company::CompanyId;
use super::key::{CandidateKey, OptOutKey};
use crate::mail::address::Address;

/// One person on a list.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(deny_unknown_fields)]
pub struct OptOut {
    /// Whose mails get no line; those of every company when absent.
    pub company: Option<CompanyId>,
    /// The person: under the company's key of candidates, or under the one that is for all companies.
    pub key: CandidateKey,
}

/// Who asked for it.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OptOutSource {
    /// The person.
    Candidate,
    /// The company, which knows of somebody who wants or ought to get no line.
    Company,
    /// Nobody asked for no line: the person was erased, and must not be counted again in the window.
    Erased,
}

impl OptOutSource {
    /// Those who ask.
    pub const ALL: [Self; 2] = [Self::Candidate, Self::Company];

    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Candidate => "candidate",
            Self::Company => "company",
            Self::Erased => "erased",
        }
    }

    /// The source of a code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().chain([Self::Erased]).find(|source| source.code() == code)
    }
}

/// All who want no line, with the keys to know them by. A key that was rotated out still finds those it was used for.
#[derive(Clone, Default)]
pub struct OptOuts(BTreeMap<(Option<CompanyId>, u16), List>);

#[derive(Clone)]
struct List {
    key: OptOutKey,
    out: HashSet<[u8; 32]>,
}

impl OptOuts {
    /// The lists of these rows. `key_of` gives the key of a company, or of all, by its number; whoever stands under a
    /// key that is lost is known to nobody any more, and not on the lists.
    pub fn new(
        rows: impl IntoIterator<Item = OptOut>,
        key_of: impl Fn(Option<&CompanyId>, u16) -> Option<OptOutKey>,
    ) -> Self {
        let mut lists: BTreeMap<_, Option<List>> = BTreeMap::new();
        for OptOut { company, key } in rows {
            let new = || Some(List { key: key_of(company.as_ref(), key.key_id)?, out: HashSet::new() });
            if let Some(list) = lists.entry((company.clone(), key.key_id)).or_insert_with(new) {
                list.out.insert(key.octets);
            }
        }
        Self(lists.into_iter().filter_map(|(of, list)| Some((of, list?))).collect())
    }

    /// Whether nobody is on any list.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many rows there are.
    pub fn count(&self) -> usize {
        self.0.values().map(|list| list.out.len()).sum()
    }

    /// Whether the person behind the address gets no line in mails of the company.
    pub fn is_out(&self, company: &CompanyId, address: &Address) -> bool {
        let concerns = |of: &Option<CompanyId>| of.as_ref().is_none_or(|of| of == company);
        let lists = self.0.iter().filter(|((of, _), _)| concerns(of)).map(|(_, list)| list);
        lists.into_iter().any(|list| list.out.contains(&list.key.candidate(address).octets))
    }

    /// The rows, in their order.
    pub fn rows(&self) -> Vec<OptOut> {
        let rows = self.0.iter().flat_map(|((company, key_id), list)| {
            let row = |octets: &[u8; 32]| OptOut {
                company: company.clone(),
                key: CandidateKey { key_id: *key_id, octets: *octets },
            };
            list.out.iter().map(row)
        });
        let mut rows: Vec<OptOut> = rows.collect();
        rows.sort_unstable();
        rows
    }
}

impl fmt::Debug for OptOuts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OptOuts({} rows)", self.count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::referral::CompanyKeys;

    fn id(text: &str) -> CompanyId {
        CompanyId::parse(text).unwrap_or_else(|e| panic!("{e}"))
    }

    fn address(text: &str) -> Address {
        Address::parse(text).unwrap_or_else(|e| panic!("{e}"))
    }

    fn key(company: Option<&CompanyId>, key_id: u16) -> OptOutKey {
        OptOutKey::derive(&[7; 32], company, key_id)
    }

    fn row(company: Option<&str>, key_id: u16, of: &str) -> OptOut {
        let company = company.map(id);
        OptOut { key: key(company.as_ref(), key_id).candidate(&address(of)), company }
    }

    fn check(rows: Vec<OptOut>, company: &str, of: &str, expect: bool) {
        let outs = OptOuts::new(rows, |company, key_id| Some(key(company, key_id)));
        assert_eq!(outs.is_out(&id(company), &address(of)), expect, "{company} {of}");
    }

    #[test]
    fn who_is_out_for_one_company_is_not_for_another_and_who_is_out_for_all_is_for_each() {
        check(vec![row(Some("sakura"), 1, "hana@a.example")], "sakura", "Hana@A.example", true);
        check(vec![row(Some("sakura"), 1, "hana@a.example")], "ume", "hana@a.example", false);
        check(vec![row(Some("sakura"), 1, "hana@a.example")], "sakura", "ren@a.example", false);
        for company in ["sakura", "ume", "one-that-comes-later"] {
            check(vec![row(None, 1, "hana@gmail.com")], company, "ha.na+x@gmail.com", true);
        }
    }

    #[test]
    fn a_key_that_was_rotated_out_still_finds_its_rows() {
        let rows = || vec![row(Some("sakura"), 1, "hana@a.example"), row(Some("sakura"), 2, "ren@a.example")];
        check(rows(), "sakura", "hana@a.example", true);
        check(rows(), "sakura", "ren@a.example", true);
        let outs = OptOuts::new(rows(), |company, key_id| Some(key(company, key_id)));
        assert_eq!((outs.count(), outs.rows().len(), OptOuts::default().is_empty()), (2, 2, true));
    }

    #[test]
    fn whoever_stands_under_a_lost_key_is_on_no_list() {
        let rows = vec![row(Some("sakura"), 1, "hana@a.example"), row(Some("sakura"), 2, "ren@a.example")];
        let outs = OptOuts::new(rows, |company, key_id| (key_id == 2).then(|| key(company, key_id)));
        assert_eq!(outs.count(), 1);
        assert!(outs.is_out(&id("sakura"), &address("ren@a.example")));
    }

    #[test]
    fn the_key_of_one_company_is_that_of_its_ledger_and_the_key_of_all_is_nobodys() {
        let sakura = id("sakura");
        let ledgers = CompanyKeys::derive(&[7; 32], &sakura, 1).candidate(&address("hana@a.example"));
        assert_eq!(key(Some(&sakura), 1).candidate(&address("hana@a.example")), ledgers);
        assert_ne!(key(None, 1).candidate(&address("hana@a.example")), ledgers);
    }

    #[test]
    fn a_row_survives_its_form_on_disk() {
        for row in [row(None, 1, "hana@a.example"), row(Some("sakura"), 3, "hana@a.example")] {
            let text = serde_json::to_string(&row).unwrap_or_else(|e| panic!("{e}"));
            assert!(!text.contains("hana"));
            assert_eq!(serde_json::from_str::<OptOut>(&text).ok(), Some(row));
        }
    }
}
