//! Mobile carriers whose mailboxes can be set to refuse or drop mail that holds a link.
//!
//! The table is of public knowledge: what the carriers' own help pages and guides to them say of their filters. It may
//! lack a domain, and a carrier may change its filters; it keeps a rejection from being lost for the sake of a line.
//! ahamo, irumo, povo and LINEMO have no mail domains of their own: who keeps an address there keeps that of docomo, au
//! or `SoftBank`.

use serde::{Deserialize, Serialize};

use crate::mail::address::Address;

/// What a carrier's filters do with links, at the owner's choice.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LinkFilter {
    /// Any mail with a link can be refused.
    AnyLink,
    /// Mail whose links are judged to lead to certain sites can be refused.
    JudgedLinks,
    /// Nothing is told of such a filter.
    NoneTold,
}

/// A carrier and its mail domains.
#[derive(Debug, Eq, PartialEq)]
pub struct Carrier {
    /// Its name.
    pub name: &'static str,
    /// The domains of its mailboxes; those below them are meant too.
    pub domains: &'static [&'static str],
    /// What its filters do with links.
    pub filter: LinkFilter,
    /// Whether its servers are known to take mail that they then hide or drop: that they took it proves less there.
    pub hides_refusals: bool,
    /// Where that is told, in words.
    pub source: &'static str,
}

/// The carriers.
pub const CARRIERS: &[Carrier] = &[
    Carrier {
        name: "docomo",
        domains: &["docomo.ne.jp", "disneymobile.jp"],
        filter: LinkFilter::JudgedLinks,
        hides_refusals: true,
        source: "docomo's mail settings can refuse mail with certain links (特定URL付メール拒否設定); since March 2025 its \
                 servers also take mail they would have refused and put it aside, so nothing tells the sender",
    },
    Carrier {
        name: "au and UQ mobile",
        domains: &["au.com", "ezweb.ne.jp", "uqmobile.jp", "tu-ka.ne.jp", "ido.ne.jp"],
        filter: LinkFilter::AnyLink,
        hides_refusals: true,
        source: "manuals of au phones name a rule against links (URLリンク規制) and one against HTML (HTMLメール規制); \
                 its spam filter refuses without a notice",
    },
    Carrier {
        name: "SoftBank, with its predecessors",
        domains: &[
            "softbank.ne.jp",
            "i.softbank.jp",
            "vodafone.ne.jp",
            "disney.ne.jp",
            "jp-d.ne.jp",
            "jp-h.ne.jp",
            "jp-t.ne.jp",
            "jp-c.ne.jp",
            "jp-r.ne.jp",
            "jp-k.ne.jp",
            "jp-n.ne.jp",
            "jp-s.ne.jp",
            "jp-q.ne.jp",
        ],
        filter: LinkFilter::AnyLink,
        hides_refusals: false,
        source: "guides to SoftBank's mail settings: 「URLリンク付きメール」 offers to take no mail with a link at all, or \
                 none with certain links",
    },
    Carrier {
        name: "Y!mobile, with its predecessors",
        domains: &[
            "ymobile.ne.jp",
            "ymobile1.ne.jp",
            "yahoo.ne.jp",
            "emnet.ne.jp",
            "willcom.com",
            "pdx.ne.jp",
            "wcm.ne.jp",
        ],
        filter: LinkFilter::AnyLink,
        hides_refusals: false,
        source: "a brand of SoftBank on its mail system, with the same settings",
    },
    Carrier {
        name: "Rakuten Mobile",
        domains: &["rakumail.jp"],
        filter: LinkFilter::NoneTold,
        hides_refusals: false,
        source: "no setting against links is told of; listed to show that it was looked for",
    },
];

/// The carrier whose filters may cost the mail to this address its delivery for the sake of a link.
pub fn filtering_carrier(address: &Address) -> Option<&'static Carrier> {
    carrier(address).filter(|carrier| carrier.filter != LinkFilter::NoneTold)
}

/// Whether the mail servers of this address are known to take what they then hide or drop.
pub fn hides_refusals(address: &Address) -> bool {
    carrier(address).is_some_and(|carrier| carrier.hides_refusals)
}

fn carrier(address: &Address) -> Option<&'static Carrier> {
    let domain = address.domain()?;
    let is_below =
        |of: &str| domain.as_str().strip_suffix(of).is_some_and(|head| head.is_empty() || head.ends_with('.'));
    let of = |carrier: &&Carrier| carrier.domains.iter().any(|of| is_below(of));
    CARRIERS.iter().find(of)
}

/// What a company wants for candidates behind such filters.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CarrierMail {
    /// The line with its link, as for everybody.
    Insert,
    /// Words without a link, which tell the name of the service. Without the tracked link it is no referral and is not
    /// counted.
    TextOnly,
    /// Nothing: the mail leaves as it came.
    #[default]
    Skip,
}

impl CarrierMail {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Insert, Self::TextOnly, Self::Skip];

    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::TextOnly => "text_only",
            Self::Skip => "skip",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::address::Domain;

    fn check(address: &str, name: Option<&str>) {
        let address = Address::parse(address).unwrap_or_else(|e| panic!("{address}: {e}"));
        assert_eq!(filtering_carrier(&address).map(|c| c.name), name, "{address}");
    }

    #[test]
    fn mailboxes_of_carriers_are_known_below_their_domains_too_and_others_are_not_mistaken_for_them() {
        check("hana@docomo.ne.jp", Some("docomo"));
        check("foo..bar@DOCOMO.NE.JP", Some("docomo"));
        check("hana@k.vodafone.ne.jp", Some("SoftBank, with its predecessors"));
        check("hana@di.pdx.ne.jp", Some("Y!mobile, with its predecessors"));
        check("hana@uqmobile.jp", Some("au and UQ mobile"));
        for other in ["hana@notdocomo.ne.jp", "hana@docomo.ne.jp.example", "hana@yahoo.co.jp", "hana@rakumail.jp"] {
            check(other, None);
        }
    }

    #[test]
    fn servers_that_hide_what_they_refuse_are_known() {
        let hides = |address: &str| Address::parse(address).is_ok_and(|address| hides_refusals(&address));
        assert!(hides("hana@docomo.ne.jp") && hides("hana@au.com"));
        assert!(!hides("hana@softbank.ne.jp") && !hides("hana@mail.example") && !hides("hana@rakumail.jp"));
    }

    #[test]
    fn every_domain_of_the_table_is_one_and_stands_there_once() {
        let all: Vec<&str> = CARRIERS.iter().flat_map(|c| c.domains.iter().copied()).collect();
        for domain in &all {
            assert_eq!(Domain::parse(domain).map(|d| d.to_string()).ok().as_deref(), Some(*domain));
            assert_eq!(all.iter().filter(|d| *d == domain).count(), 1, "{domain}");
        }
        assert!(CARRIERS.iter().all(|c| c.source.len() > 40));
    }
}
