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
            Self::OneDomain | Self::DisposableDomains | Self::ManyBounces | Self::NoRegistrations => Weight::Strong,
            Self::CountedAfterOptout | Self::EnteredLate => Weight::Strong,
            Self::NumberedNames | Self::MailboxVariants | Self::InventedNames => Weight::Grave,
        }
    }

    /// What is said of it, in Japanese for `ja` and in English for every other code.
    pub fn words(self, language: &str) -> Words {
        if language == "ja" { self.words_ja() } else { self.words_en() }
    }

    fn words_en(self) -> Words {
        let (title, seen, look) = match self {
            Self::OneDomain => (
                "Many people at one private domain",
                "{people} of {of} people counted within 90 days have addresses at one domain that is no known \
                 provider's, carrier's or school's",
                "Ask the company whose domain it is, and for the applications of some of these people.",
            ),
            Self::UnlistedDomains => (
                "Most people at domains that are hardly known",
                "{people} of {of} people counted within 90 days have addresses at domains of no known provider, carrier \
                 or school",
                "Look who owns these domains and since when; ask for some of the applications.",
            ),
            Self::NumberedNames => (
                "Numbered names at one domain",
                "{people} of {of} people have addresses at one domain that differ in their numbers alone",
                "Ask for the applications of these people: they are most likely one person's mailboxes.",
            ),
            Self::MailboxVariants => (
                "Spellings of one mailbox counted as several people",
                "{people} of {of} people have addresses that are the same mailbox without tags (+) and dots",
                "Ask the company why one mailbox got several rejections under different spellings.",
            ),
            Self::DisposableDomains => (
                "Throw-away mailboxes",
                "{people} of {of} people have addresses at services for throw-away mailboxes",
                "Ask for the applications of these people; nobody waits for a reply in such a mailbox.",
            ),
            Self::InventedNames => (
                "One mail to many invented names",
                "{people} people were counted by mails to many names at one private domain, or to names most of which \
                 do not exist",
                "Look at the mails by `career-relay trace`; compare their recipients with the list of applicants.",
            ),
            Self::ManyBounces => (
                "Many mails came back",
                "the mails to {people} of {of} people counted within 90 days came back after all",
                "Ask where these addresses come from; what did not come back may be a mailbox that takes every name.",
            ),
            Self::Volume => (
                "Far more than ever, and other addresses",
                "30 days brought several times as many people as any month of the year before, {people} of {of} at \
                 domains of no known provider, carrier or school",
                "Ask what happened (a fair, a campaign, an acquisition) and for some of the applications.",
            ),
            Self::NoRegistrations => (
                "Hardly anybody registers",
                "of {people} people who had 30 days for it hardly one registered, where other companies' candidates do",
                "Look at one of the mails as it arrives: is the line there, does its link lead to Career Relay?",
            ),
            Self::CountedAfterOptout => (
                "People counted who wanted no line",
                "{people} people were taken off the list of those who want no line, or had been erased, and were then \
                 counted",
                "See `career-relay optout list` for who took them off, and ask why.",
            ),
            Self::ManyErasures => (
                "Many people erased while others were counted",
                "{people} people were counted while many others were erased by hand: the same people may be among them",
                "See who asked for the erasures; an erased person cannot be told when counted again.",
            ),
            Self::EnteredLate => (
                "Credits entered long after their mails",
                "{people} people were entered a month or more after their mails",
                "Ask why: a ledger that was down, or `ledger recover` with lines nobody can vouch for.",
            ),
            Self::SamePeopleAgain => (
                "The same people as a year ago",
                "{people} of {of} people were counted before, as soon as their person window was over",
                "Ask for the new applications of some of these people.",
            ),
        };
        Words { title, seen, look }
    }

    fn words_ja(self) -> Words {
        let (title, seen, look) = match self {
            Self::OneDomain => (
                "一つの独自ドメインに多数の応募者",
                "90日間にカウントされた{of}人のうち{people}人のアドレスが、一般のプロバイダー・携帯会社・学校のものではない一つのドメインにあります",
                "そのドメインの所有者を企業にご確認のうえ、該当する方の応募記録を数件お取り寄せください。",
            ),
            Self::UnlistedDomains => (
                "ほとんどが知られていないドメイン",
                "90日間にカウントされた{of}人のうち{people}人のアドレスが、一般のプロバイダー・携帯会社・学校のものではないドメインにあります",
                "各ドメインの所有者と取得時期を確かめ、応募記録を数件お取り寄せください。",
            ),
            Self::NumberedNames => (
                "番号だけが異なる名前",
                "{of}人のうち{people}人のアドレスが、同じドメインで番号だけ異なります",
                "該当する方の応募記録をお取り寄せください。一人が作ったメールボックスの可能性が高い状態です。",
            ),
            Self::MailboxVariants => (
                "一つのメールボックスの別表記",
                "{of}人のうち{people}人のアドレスが、タグ（+）とドットを除くと同じメールボックスです",
                "同じ方に異なる表記で不採用通知が送られた理由を企業にご確認ください。",
            ),
            Self::DisposableDomains => (
                "使い捨てメールアドレス",
                "{of}人のうち{people}人のアドレスが、使い捨てメールのサービスのものです",
                "該当する方の応募記録をお取り寄せください。結果を待つ方が使うアドレスではありません。",
            ),
            Self::InventedNames => (
                "一通のメールから多数の架空の宛先",
                "{people}人が、一つの独自ドメインの多数の宛先、または大半が存在しない宛先への一斉メールでカウントされています",
                "`career-relay trace` で該当メールを確認し、宛先を応募者名簿と照合してください。",
            ),
            Self::ManyBounces => (
                "不達の多発",
                "90日間にカウントされた{of}人のうち{people}人のメールが、後から不達で戻りました",
                "アドレスの出所を企業にご確認ください。戻らなかったものも、どの宛先でも受け取るドメインの可能性があります。",
            ),
            Self::Volume => (
                "過去に例のない件数と、異なる種類のアドレス",
                "30日間の人数が前年のどの月の数倍にもなり、{of}人のうち{people}人が知られていないドメインのアドレスです",
                "説明会・募集の拡大・合併などの事情を企業にご確認のうえ、応募記録を数件お取り寄せください。",
            ),
            Self::NoRegistrations => (
                "登録がほとんどない",
                "30日以上たった{people}人のうち、登録された方がほとんどいません（他社では登録があります）",
                "届いたメールを一通ご確認ください。案内文が入っているか、リンクがキャリアリレーに通じているか。",
            ),
            Self::CountedAfterOptout => (
                "案内を希望しない方のカウント",
                "案内を希望しない方の一覧から外された、または消去された{people}人が、その後カウントされています",
                "`career-relay optout list` で誰が外したかを確認し、理由をお尋ねください。",
            ),
            Self::ManyErasures => (
                "多数の消去と同時のカウント",
                "多数の方が手作業で消去される間に{people}人がカウントされました。同じ方が含まれている可能性があります",
                "消去を求めた方を確かめてください。消去された方が再びカウントされても見分けられません。",
            ),
            Self::EnteredLate => (
                "メールよりはるか後の記録",
                "{people}人が、メールの1か月以上後に記録されました",
                "理由をご確認ください。記録の長期停止か、裏付けのない行の `ledger recover` か。",
            ),
            Self::SamePeopleAgain => (
                "前年と同じ方々",
                "{of}人のうち{people}人が、同一人物の期間が過ぎてすぐ再びカウントされました",
                "該当する方の新しい応募記録を数件お取り寄せください。",
            ),
        };
        Words { title, seen, look }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_signal_has_a_code_and_words_of_its_own_in_both_languages() {
        let mut seen = std::collections::HashSet::new();
        for name in SignalName::ALL {
            assert_eq!(SignalName::parse(name.code()), Some(name));
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
