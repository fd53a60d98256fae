//! The names of the signals, how much each weighs, and what is said of it.

/// What a signal is called. The codes stand in acts, which are kept for ever: they never change.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum SignalName {
    /// Many people at one domain that no list knows.
    OneDomain,
    /// Most people at such domains, whichever.
    UnlistedDomains,
    /// Names that differ in their numbers alone.
    NumberedNames,
    /// Spellings of one mailbox, counted as several people.
    MailboxVariants,
    /// Throw-away mailboxes.
    DisposableDomains,
    /// One mail to many names nobody has.
    InventedNames,
    /// Many credits that came back.
    ManyBounces,
    /// Far more than ever, with addresses of another kind.
    Volume,
    /// Nobody registers.
    NoRegistrations,
    /// People counted who had said that they want no line, or were erased.
    CountedAfterOptout,
    /// Many people erased, while others were counted.
    ManyErasures,
    /// Credits entered long after their mails.
    EnteredLate,
    /// The same people as a year ago.
    SamePeopleAgain,
}

/// How hard it is to explain honestly.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Weight {
    /// A look at a few of the mails settles it most often.
    Weak = 1,
    /// Somebody has to explain it.
    Strong = 2,
    /// Hardly anything honest looks like this.
    Grave = 3,
}

/// What is said of a signal, in one language.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Words {
    /// What it is, in a few words.
    pub title: &'static str,
    /// What was seen; `{people}` and `{of}` stand for the figures.
    pub seen: &'static str,
    /// What to look at.
    pub look: &'static str,
}

impl Words {
    /// What was seen, with its figures.
    pub fn seen(&self, people: u64, of: u64) -> String {
        self.seen.replace("{people}", &people.to_string()).replace("{of}", &of.to_string())
    }
}

impl SignalName {
    /// Every name.
    pub const ALL: [Self; 13] = [
        Self::OneDomain,
        Self::UnlistedDomains,
        Self::NumberedNames,
        Self::MailboxVariants,
        Self::DisposableDomains,
        Self::InventedNames,
        Self::ManyBounces,
        Self::Volume,
        Self::NoRegistrations,
        Self::CountedAfterOptout,
        Self::ManyErasures,
        Self::EnteredLate,
        Self::SamePeopleAgain,
    ];

    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::OneDomain => "one_domain",
            Self::UnlistedDomains => "unlisted_domains",
            Self::NumberedNames => "numbered_names",
            Self::MailboxVariants => "mailbox_variants",
            Self::DisposableDomains => "disposable_domains",
            Self::InventedNames => "invented_names",
            Self::ManyBounces => "many_bounces",
            Self::Volume => "volume",
            Self::NoRegistrations => "no_registrations",
            Self::CountedAfterOptout => "counted_after_optout",
            Self::ManyErasures => "many_erasures",
            Self::EnteredLate => "entered_late",
            Self::SamePeopleAgain => "same_people_again",
        }
    }

    /// Reads a code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.code() == code)
    }

    /// How hard it is to explain honestly.
    pub fn weight(self) -> Weight {
        match self {
            Self::UnlistedDomains | Self::Volume | Self::ManyErasures | Self::SamePeopleAgain => Weight::Weak,
            Self::OneDomain
            | Self::DisposableDomains
            | Self::ManyBounces
            | Self::NoRegistrations
            | Self::CountedAfterOptout
            | Self::EnteredLate => Weight::Strong,
            Self::NumberedNames | Self::MailboxVariants | Self::InventedNames => Weight::Grave,
        }
    }

    /// What is said of it, in Japanese for `ja` and in English for every other code.
    pub fn words(self, language: &str) -> Words {
        let table = if language == "ja" { &JA } else { &EN };
        // The numbers of the names are their places.
        table[self as usize]
    }
}

/// In the order of [`SignalName::ALL`].
const EN: [Words; SignalName::ALL.len()] = [
    // OneDomain
    Words {
        title: "Many people at one private domain",
        seen: "{people} of {of} people counted within 90 days have addresses at one domain that is no known \
           provider's, carrier's or school's",
        look: "Ask the company whose domain it is, and for the applications of some of these people.",
    },
    // UnlistedDomains
    Words {
        title: "Most people at domains that are hardly known",
        seen: "{people} of {of} people counted within 90 days have addresses at domains of no known provider, carrier \
           or school",
        look: "Look who owns these domains and since when; ask for some of the applications.",
    },
    // NumberedNames
    Words {
        title: "Numbered names at one domain",
        seen: "{people} of {of} people have addresses at one domain that differ in their numbers alone",
        look: "Ask for the applications of these people: they are most likely one person's mailboxes.",
    },
    // MailboxVariants
    Words {
        title: "Spellings of one mailbox counted as several people",
        seen: "{people} of {of} people have addresses that are the same mailbox without tags (+) and dots",
        look: "Ask the company why one mailbox got several rejections under different spellings.",
    },
    // DisposableDomains
    Words {
        title: "Throw-away mailboxes",
        seen: "{people} of {of} people have addresses at services for throw-away mailboxes",
        look: "Ask for the applications of these people; nobody waits for a reply in such a mailbox.",
    },
    // InventedNames
    Words {
        title: "One mail to many invented names",
        seen: "{people} people were counted by mails to many names at one private domain, or to names most of which \
           do not exist",
        look: "Look at the mails by `career-relay trace`; compare their recipients with the list of applicants.",
    },
    // ManyBounces
    Words {
        title: "Many mails came back",
        seen: "the mails to {people} of {of} people counted within 90 days came back after all",
        look: "Ask where these addresses come from; what did not come back may be a mailbox that takes every name.",
    },
    // Volume
    Words {
        title: "Far more than ever, and other addresses",
        seen: "30 days brought several times as many people as any month of the year before, {people} of {of} at \
           domains of no known provider, carrier or school",
        look: "Ask what happened (a fair, a campaign, an acquisition) and for some of the applications.",
    },
    // NoRegistrations
    Words {
        title: "Hardly anybody registers",
        seen: "of {people} people who had 30 days for it hardly one registered, where other companies' candidates do",
        look: "Look at one of the mails as it arrives: is the line there, does its link lead to Career Relay?",
    },
    // CountedAfterOptout
    Words {
        title: "People counted who wanted no line",
        seen: "{people} people were taken off the list of those who want no line, or had been erased, and were then \
           counted",
        look: "See `career-relay optout list` for who took them off, and ask why.",
    },
    // ManyErasures
    Words {
        title: "Many people erased while others were counted",
        seen: "{people} people were counted while many others were erased by hand: the same people may be among them",
        look: "See who asked for the erasures; an erased person cannot be told when counted again.",
    },
    // EnteredLate
    Words {
        title: "Credits entered long after their mails",
        seen: "{people} people were entered a month or more after their mails",
        look: "Ask why: a ledger that was down, or `ledger recover` with lines nobody can vouch for.",
    },
    // SamePeopleAgain
    Words {
        title: "The same people as a year ago",
        seen: "{people} of {of} people were counted before, as soon as their person window was over",
        look: "Ask for the new applications of some of these people.",
    },
];

/// In the order of [`SignalName::ALL`].
const JA: [Words; SignalName::ALL.len()] = [
    // OneDomain
    Words {
        title: "一つの独自ドメインに多数の応募者",
        seen: "90日間にカウントされた{of}人のうち{people}人のアドレスが、一般のプロバイダー・携帯会社・学校のものではない一つのドメインにあります",
        look: "そのドメインの所有者を企業にご確認のうえ、該当する方の応募記録を数件お取り寄せください。",
    },
    // UnlistedDomains
    Words {
        title: "ほとんどが知られていないドメイン",
        seen: "90日間にカウントされた{of}人のうち{people}人のアドレスが、一般のプロバイダー・携帯会社・学校のものではないドメインにあります",
        look: "各ドメインの所有者と取得時期を確かめ、応募記録を数件お取り寄せください。",
    },
    // NumberedNames
    Words {
        title: "番号だけが異なる名前",
        seen: "{of}人のうち{people}人のアドレスが、同じドメインで番号だけ異なります",
        look: "該当する方の応募記録をお取り寄せください。一人が作ったメールボックスの可能性が高い状態です。",
    },
    // MailboxVariants
    Words {
        title: "一つのメールボックスの別表記",
        seen: "{of}人のうち{people}人のアドレスが、タグ（+）とドットを除くと同じメールボックスです",
        look: "同じ方に異なる表記で不採用通知が送られた理由を企業にご確認ください。",
    },
    // DisposableDomains
    Words {
        title: "使い捨てメールアドレス",
        seen: "{of}人のうち{people}人のアドレスが、使い捨てメールのサービスのものです",
        look: "該当する方の応募記録をお取り寄せください。結果を待つ方が使うアドレスではありません。",
    },
    // InventedNames
    Words {
        title: "一通のメールから多数の架空の宛先",
        seen: "{people}人が、一つの独自ドメインの多数の宛先、または大半が存在しない宛先への一斉メールでカウントされています",
        look: "`career-relay trace` で該当メールを確認し、宛先を応募者名簿と照合してください。",
    },
    // ManyBounces
    Words {
        title: "不達の多発",
        seen: "90日間にカウントされた{of}人のうち{people}人のメールが、後から不達で戻りました",
        look: "アドレスの出所を企業にご確認ください。戻らなかったものも、どの宛先でも受け取るドメインの可能性があります。",
    },
    // Volume
    Words {
        title: "過去に例のない件数と、異なる種類のアドレス",
        seen: "30日間の人数が前年のどの月の数倍にもなり、{of}人のうち{people}人が知られていないドメインのアドレスです",
        look: "説明会・募集の拡大・合併などの事情を企業にご確認のうえ、応募記録を数件お取り寄せください。",
    },
    // NoRegistrations
    Words {
        title: "登録がほとんどない",
        seen: "30日以上たった{people}人のうち、登録された方がほとんどいません（他社では登録があります）",
        look: "届いたメールを一通ご確認ください。案内文が入っているか、リンクがキャリアリレーに通じているか。",
    },
    // CountedAfterOptout
    Words {
        title: "案内を希望しない方のカウント",
        seen: "案内を希望しない方の一覧から外された、または消去された{people}人が、その後カウントされています",
        look: "`career-relay optout list` で誰が外したかを確認し、理由をお尋ねください。",
    },
    // ManyErasures
    Words {
        title: "多数の消去と同時のカウント",
        seen: "多数の方が手作業で消去される間に{people}人がカウントされました。同じ方が含まれている可能性があります",
        look: "消去を求めた方を確かめてください。消去された方が再びカウントされても見分けられません。",
    },
    // EnteredLate
    Words {
        title: "メールよりはるか後の記録",
        seen: "{people}人が、メールの1か月以上後に記録されました",
        look: "理由をご確認ください。記録の長期停止か、裏付けのない行の `ledger recover` か。",
    },
    // SamePeopleAgain
    Words {
        title: "前年と同じ方々",
        seen: "{of}人のうち{people}人が、同一人物の期間が過ぎてすぐ再びカウントされました",
        look: "該当する方の新しい応募記録を数件お取り寄せください。",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_signal_has_a_code_and_words_of_its_own_in_both_languages() {
        let mut seen = std::collections::HashSet::new();
        for (place, name) in SignalName::ALL.into_iter().enumerate() {
            assert_eq!((SignalName::parse(name.code()), name as usize), (Some(name), place));
            for language in ["ja", "en"] {
                let words = name.words(language);
                assert!(
                    seen.insert(words.title) && words.seen.contains("{people}") && words.look.len() > 20,
                    "{name:?}"
                );
                assert!(!words.seen(3, 9).contains('{'), "{name:?}");
            }
        }
        assert_eq!(SignalName::parse("nothing"), None);
    }
}
