//! Honest histories that raise nothing, and cheats that are each named by their signal.

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::mail::address::Address;
use crate::referral::{CompanyId, CompanyKeys};

/// Family names as they are borne: the frequent ones come more often.
const FAMILIES: [&str; 24] = [
    "sato",
    "sato",
    "suzuki",
    "suzuki",
    "takahashi",
    "tanaka",
    "ito",
    "watanabe",
    "yamamoto",
    "nakamura",
    "kobayashi",
    "kato",
    "yoshida",
    "yamada",
    "sasaki",
    "mori",
    "ikeda",
    "hashimoto",
    "abe",
    "ishikawa",
    "ogawa",
    "goto",
    "okada",
    "hasegawa",
];
const GIVEN: [&str; 24] = [
    "hana", "yuki", "sakura", "aoi", "rin", "mei", "yui", "riko", "haruto", "sota", "ren", "yuto", "kaito", "daiki",
    "shota", "takumi", "kenta", "naoki", "akira", "mika", "emi", "kana", "saki", "nao",
];
/// Of a hundred applicants, about.
const DOMAINS: [(&str, u64); 10] = [
    ("gmail.com", 55),
    ("yahoo.co.jp", 15),
    ("icloud.com", 8),
    ("docomo.ne.jp", 5),
    ("ezweb.ne.jp", 4),
    ("softbank.ne.jp", 3),
    ("outlook.jp", 3),
    ("rb3.so-net.ne.jp", 2),
    ("OWN", 3),
    ("LOCAL", 2),
];

/// A history in the making. Chance is a sequence of its own, the same in every run.
struct Tale {
    history: History,
    keys: CompanyKeys,
    chance: u64,
    mails: usize,
}

impl Tale {
    fn new(chance: u64) -> Self {
        let company = CompanyId::parse("kaede").expect("an id");
        let history = History { now: day(0), ..History::default() };
        Self { history, keys: CompanyKeys::derive(&[5; 32], &company, 1), chance, mails: 0 }
    }

    fn below(&mut self, end: u64) -> u64 {
        self.chance = self.chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.chance >> 33) % end
    }

    fn one_of(&mut self, of: &[&'static str]) -> &'static str {
        let at = self.below(of.len() as u64);
        of[usize::try_from(at).expect("a place")]
    }

    /// An address as an applicant has one.
    fn anybody(&mut self) -> String {
        let (family, given, number) = (self.one_of(&FAMILIES), self.one_of(&GIVEN), self.below(10_000));
        let local = match self.below(6) {
            0 => format!("{given}.{family}{}", number % 100),
            1 => format!("{family}{number}"),
            2 => format!("{given}{family}{number}"),
            3 => format!("{given}-{family}-{}", number % 1000),
            4 => format!("{}{given}{number}", &family[..1]),
            _ => format!("{family}_{given}{}", number % 100),
        };
        let mut rest = self.below(100);
        let (domain, _) = DOMAINS
            .into_iter()
            .find(|(_, n)| {
                let is_it = rest < *n;
                rest = rest.saturating_sub(*n);
                is_it
            })
            .expect("shares of a hundred");
        match domain {
            "OWN" => format!("{local}@{family}-{number}.example"),
            "LOCAL" => format!("{local}@cable-town.example"),
            _ => format!("{local}@{domain}"),
        }
    }

    /// A credit of a mail to one person on a day.
    fn credit(&mut self, address: &str, at: i64) -> &mut Credit {
        self.mails += 1;
        self.credit_of((self.mails, 1), address, at)
    }

    /// A credit of a mail that offered the line to so many.
    fn credit_of(&mut self, (mail, offered): (usize, u32), address: &str, at: i64) -> &mut Credit {
        let address = Address::parse(address).unwrap_or_else(|e| panic!("{address}: {e}"));
        let traits = self.keys.traits(&address, offered);
        let mut plain = [0; 16];
        plain.copy_from_slice(&self.keys.candidate(&address).octets[..16]);
        let seconds = i64::try_from(self.history.credits.len()).expect("a number");
        let at = day(at).checked_add(SignedDuration::from_secs(seconds)).expect("a time");
        let credit = Credit {
            seq: self.history.credits.len() as u64 * 3 + 3,
            at,
            posted: at,
            mail,
            mailbox: traits.mailbox.unwrap_or(plain),
            traits: Some(traits),
            bounced: false,
            again: false,
            opted_out: false,
        };
        self.history.now = self.history.now.max(at);
        self.history.credits.push(credit);
        self.history.credits.last_mut().expect("a credit")
    }

    /// So many applicants like any, over the days.
    fn applicants(&mut self, people: i64, days: std::ops::Range<i64>) -> &mut Self {
        for n in 0..people {
            let address = self.anybody();
            self.credit(&address, days.start + n * (days.end - days.start) / people);
        }
        self
    }

    /// So many people whose addresses are made by a rule.
    fn people(&mut self, people: i64, days: std::ops::Range<i64>, address: impl Fn(i64) -> String) -> &mut Self {
        for n in 0..people {
            self.credit(&address(n), days.start + n * (days.end - days.start) / people);
        }
        self
    }

    fn names(&self) -> Vec<&'static str> {
        self.history.signals().iter().map(|signal| signal.name.code()).collect()
    }

    #[track_caller]
    fn is_honest(&self) {
        assert_eq!(self.names(), [""; 0], "{:?}", self.history.signals());
    }

    #[track_caller]
    fn is_named(&self, name: SignalName) {
        assert!(self.names().contains(&name.code()), "{}: {:?}", name.code(), self.names());
    }
}

fn day(day: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + day * 86_400).expect("a time")
}

#[test]
fn companies_that_only_write_to_their_applicants_raise_nothing() {
    for seed in 0..40 {
        for (people, days) in [(12, 90), (60, 90), (300, 365), (1500, 90)] {
            Tale::new(seed).applicants(people, 0..days).is_honest();
        }
    }
}

#[test]
fn three_hundred_new_graduates_of_one_university_raise_nothing() {
    Tale::new(1).applicants(40, 0..365).people(300, 365..425, |n| format!("s21{n:05}@g.kaede-u.ac.jp")).is_honest();
    Tale::new(1).people(300, 0..60, |n| format!("mori21{n:05}@kaede.edu")).is_honest();
}

#[test]
fn a_town_hall_with_its_cable_network_raises_nothing() {
    for seed in 0..20 {
        let mut tale = Tale::new(seed);
        for _ in 0..200 {
            let at = tale.below(365);
            let local = tale.below(12) == 0;
            let (family, number) = (tale.one_of(&FAMILIES), tale.below(100));
            let address = if local { format!("{family}{number}@town-cable.example") } else { tale.anybody() };
            tale.credit(&address, at.cast_signed());
        }
        tale.is_honest();
    }
}

#[test]
fn a_shop_whose_applicants_are_families_at_one_small_provider_raises_nothing() {
    let shop = ["mori", "mori.emi", "mori-k", "ken.ogawa", "ogawa", "kana"];
    Tale::new(3)
        .people(6, 0..60, |n| format!("{}@small.example", shop[usize::try_from(n).expect("a place")]))
        .applicants(9, 60..90)
        .is_honest();
}

#[test]
fn a_job_fair_and_a_first_season_of_graduates_raise_nothing() {
    for seed in 0..20 {
        Tale::new(seed).applicants(96, 0..365).applicants(120, 365..368).is_honest();
        Tale::new(seed).applicants(60, 0..365).applicants(300, 365..395).is_honest();
    }
}

#[test]
fn bulk_mails_to_applicants_raise_nothing_though_a_few_addresses_are_wrong() {
    let mut tale = Tale::new(4);
    for mail in 0..6 {
        for _ in 0..48 {
            let address = tale.anybody();
            tale.credit_of((1000 + mail, 50), &address, 7 * 6);
        }
        tale.history.bulk.push(BulkMail { mail: 1000 + mail, offered: 50, taken: 48, at: day(42) });
    }
    tale.history.now = day(100);
    tale.is_honest();
}

#[test]
fn people_who_apply_again_change_their_mind_or_ask_for_erasure_raise_nothing() {
    let mut tale = Tale::new(5);
    tale.applicants(300, 0..90);
    for (n, credit) in tale.history.credits.iter_mut().enumerate() {
        credit.again = n % 10 == 0;
        credit.opted_out = n == 7 || n == 250;
        credit.bounced = n % 40 == 0;
    }
    tale.history.erased = vec![day(3), day(50)];
    tale.is_honest();
}

#[test]
fn a_ledger_that_was_down_for_days_raises_nothing() {
    let mut tale = Tale::new(6);
    tale.applicants(100, 0..20);
    tale.history.credits.iter_mut().for_each(|credit| credit.posted = day(25));
    tale.is_honest();
}

#[test]
fn candidates_who_write_a_tag_to_each_employer_raise_nothing() {
    let mut tale = Tale::new(7);
    tale.applicants(200, 0..90).people(4, 90..91, |n| format!("hana+{n}@mori-{n}.example"));
    tale.credit("taro+sakura@taro.example", 95);
    tale.credit("taro@taro.example", 200);
    tale.is_honest();
}

#[test]
fn many_at_one_private_domain_are_named_also_below_it_and_among_others() {
    Tale::new(1).people(10, 0..80, |n| format!("{}@kaede.example", word(n))).is_named(SignalName::OneDomain);
    Tale::new(1)
        .people(12, 0..80, |n| format!("{}@{}.kaede.example", word(n), word(n + 50)))
        .applicants(20, 80..89)
        .is_named(SignalName::OneDomain);
}

/// Letters that differ with the number and hold none.
fn word(n: i64) -> String {
    format!("{n:04}").bytes().map(|b| char::from(b - b'0' + b'a')).collect::<String>() + "mori"
}

#[test]
fn a_domain_for_each_name_is_named() {
    Tale::new(1)
        .people(24, 0..80, |n| format!("info@{}.example", word(n)))
        .applicants(6, 80..89)
        .is_named(SignalName::UnlistedDomains);
}

#[test]
fn numbered_names_are_named_also_at_a_provider() {
    Tale::new(1)
        .applicants(50, 0..80)
        .people(8, 80..85, |n| format!("kaede.applicant{n}@gmail.com"))
        .is_named(SignalName::NumberedNames);
}

#[test]
fn spellings_of_one_mailbox_are_named() {
    Tale::new(1)
        .applicants(50, 0..80)
        .people(3, 80..85, |n| format!("hana+{n}@mori.example"))
        .is_named(SignalName::MailboxVariants);
    let dotted = ["hanamori", "h.anamori", "ha.namori"];
    Tale::new(1)
        .people(3, 0..200, |n| format!("{}@yahoo.co.jp", dotted[usize::try_from(n).expect("a place")]))
        .is_named(SignalName::MailboxVariants);
    Tale::new(1)
        .people(10, 0..50, |n| format!("{}+{}@yahoo.co.jp", word(n / 2), n % 2))
        .is_named(SignalName::MailboxVariants);
}

#[test]
fn throw_away_mailboxes_are_named() {
    Tale::new(1)
        .applicants(50, 0..80)
        .people(5, 80..85, |n| format!("{}@mailinator.com", word(n)))
        .is_named(SignalName::DisposableDomains);
}

#[test]
fn one_mail_to_many_invented_names_is_named() {
    let mut tale = Tale::new(1);
    tale.applicants(80, 0..80);
    for n in 0..6 {
        tale.credit_of((9_000, 10), &format!("{}@kaede.example", word(n)), 81);
    }
    tale.is_named(SignalName::InventedNames);
    let mut tale = Tale::new(1);
    tale.applicants(80, 0..80);
    for n in 0..9 {
        tale.credit_of((9_000, 40), &format!("{}@gmail.com", word(n)), 81);
    }
    tale.history.bulk.push(BulkMail { mail: 9_000, offered: 40, taken: 9, at: day(81) });
    tale.is_honest();
    tale.history.now = day(88);
    tale.is_named(SignalName::InventedNames);
}

#[test]
fn credits_that_come_back_are_named() {
    let mut tale = Tale::new(1);
    tale.applicants(50, 0..80).history.credits.iter_mut().step_by(4).for_each(|credit| credit.bounced = true);
    tale.is_named(SignalName::ManyBounces);
}

#[test]
fn a_burst_of_unknown_domains_is_named() {
    Tale::new(1)
        .applicants(96, 0..365)
        .applicants(20, 365..368)
        .people(30, 366..380, |n| format!("{}@{}.example", word(n), word(n)))
        .is_named(SignalName::Volume);
}

#[test]
fn a_company_whose_candidates_never_register_is_named_and_one_at_half_the_rate_is_not() {
    let mut tale = Tale::new(1);
    tale.applicants(100, 0..80);
    tale.history.now = day(200);
    tale.history.fleet = Registered { companies: 8, referred: 10_000, registered: 3_000 };
    tale.history.own = Registered { companies: 1, referred: 100, registered: 15 };
    tale.is_honest();
    tale.history.own.registered = 0;
    tale.is_named(SignalName::NoRegistrations);
    tale.history.own = Registered { companies: 1, referred: 1_000, registered: 9 };
    tale.is_named(SignalName::NoRegistrations);
    // Where nobody's registrations are known, nobody lacks any.
    tale.history.fleet = Registered { companies: 1, referred: 10_000, registered: 3_000 };
    tale.is_honest();
}

#[test]
fn erasing_and_counting_again_is_named() {
    let mut tale = Tale::new(1);
    tale.applicants(40, 0..80).history.credits.iter_mut().skip(37).for_each(|credit| credit.opted_out = true);
    tale.is_named(SignalName::CountedAfterOptout);
    let mut tale = Tale::new(1);
    tale.applicants(40, 0..80).history.erased = (10..16).map(day).collect();
    tale.is_named(SignalName::ManyErasures);
}

#[test]
fn credits_entered_by_hand_long_after_are_named() {
    let mut tale = Tale::new(1);
    tale.applicants(40, 0..80).history.credits.iter_mut().skip(30).for_each(|credit| credit.posted = day(140));
    tale.is_named(SignalName::EnteredLate);
}

#[test]
fn the_same_people_year_after_year_are_named() {
    let mut tale = Tale::new(1);
    tale.applicants(20, 0..80).history.credits.iter_mut().step_by(2).for_each(|credit| credit.again = true);
    tale.is_named(SignalName::SamePeopleAgain);
}

#[test]
fn what_was_cleared_is_not_raised_again_until_as_much_is_new() {
    let mut tale = Tale::new(1);
    tale.people(10, 0..10, |n| format!("{}@kaede.example", word(n)));
    let newest = tale.history.credits[9].seq;
    tale.history.cleared.insert(SignalName::OneDomain, newest);
    tale.is_honest();
    tale.people(9, 10..20, |n| format!("{}@kaede.example", word(n + 20))).is_honest();
    tale.people(1, 20..21, |n| format!("{}@kaede.example", word(n + 40))).is_named(SignalName::OneDomain);
    let signal = &tale.history.signals()[0];
    assert_eq!((signal.people, signal.of, signal.entries[0] > newest), (10, 10, true));
}

#[test]
fn credits_of_before_traits_were_kept_raise_no_signal_of_addresses() {
    let mut tale = Tale::new(1);
    tale.people(40, 0..10, |n| format!("taro{n}@kaede.example"));
    tale.history.credits.iter_mut().for_each(|credit| credit.traits = None);
    tale.is_honest();
}

#[test]
fn a_signal_of_a_period_stands_on_its_credits_alone() {
    let mut tale = Tale::new(1);
    tale.people(20, 0..40, |n| format!("{}@kaede.example", word(n)));
    let signal = tale.history.signals().remove(0);
    let first = signal.clone().within(&tale.history.credits, (day(0), day(10))).expect("a part of it");
    assert_eq!(first.people, 5);
    assert_eq!(signal.within(&tale.history.credits, (day(100), day(200))), None);
}
