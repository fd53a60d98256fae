//! The canonical address behind a candidate key, version 1: one mailbox, one text, however it was written.
//!
//! Changing a rule here changes keys and so splits persons: rules are added as a new version, never edited.

use unicode_normalization::UnicodeNormalization;

use crate::mail::address::Address;

/// The version of the rules in this file.
pub const CANONICAL_VERSION: u8 = 1;

/// What a mail provider is known to fold.
struct Provider {
    /// Its domains; the first one stands for all of them.
    domains: &'static [&'static str],
    /// The character that starts a tag in the local part.
    tag: Option<char>,
    /// Whether dots in the local part mean nothing.
    dots_fold: bool,
}

/// Providers by what their own help pages say. Others may give `+` or `.` a meaning, so nothing is folded there.
const PROVIDERS: &[Provider] = &[
    Provider { domains: &["gmail.com", "googlemail.com"], tag: Some('+'), dots_fold: true },
    Provider { domains: &["icloud.com", "me.com", "mac.com"], tag: Some('+'), dots_fold: false },
    Provider { domains: &["outlook.com"], tag: Some('+'), dots_fold: false },
    Provider { domains: &["outlook.jp"], tag: Some('+'), dots_fold: false },
    Provider { domains: &["hotmail.com"], tag: Some('+'), dots_fold: false },
    Provider { domains: &["hotmail.co.jp"], tag: Some('+'), dots_fold: false },
    Provider { domains: &["live.jp"], tag: Some('+'), dots_fold: false },
    Provider { domains: &["fastmail.com"], tag: Some('+'), dots_fold: false },
    Provider { domains: &["proton.me", "protonmail.com", "pm.me"], tag: Some('+'), dots_fold: false },
];

/// The canonical text of an address (version 1): local part in NFKC and lower case, domain as lower-case A-labels,
/// tags, dots and alias domains folded for the providers of the table.
pub fn canonical(address: &Address) -> String {
    let local = fold_case(&unquote(address.local_part()));
    let Some(domain) = address.domain() else { return local };
    let provider = PROVIDERS.iter().find(|p| p.domains.contains(&domain.as_str()));
    match provider {
        Some(provider) => format!("{}@{}", fold_local(&local, provider), provider.domains[0]),
        None => format!("{local}@{domain}"),
    }
}

/// Lower case may leave NFKC again (U+0130), so it is normalised on both sides.
fn fold_case(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.nfkc().collect::<String>().to_lowercase().nfkc().collect()
}

/// `"hana"` and `hana` are one local part (RFC 5321 4.1.2); a backslash in quotes stands for what follows it.
fn unquote(local: &str) -> String {
    let Some(inner) = local.strip_prefix('"').and_then(|l| l.strip_suffix('"')) else { return local.to_owned() };
    let mut plain = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        plain.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    plain
}

fn fold_local(local: &str, provider: &Provider) -> String {
    let name = provider.tag.and_then(|tag| local.split_once(tag)).map_or(local, |(name, _)| name);
    let name = if provider.dots_fold { name.replace('.', "") } else { name.to_owned() };
    // A local part that is all tag or dots folds to nothing, and nobody may share the key of nothing.
    if name.is_empty() { local.to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(canonical(&Address::parse(text).unwrap()), expected, "{text:?}");
    }

    #[test]
    fn spellings_of_one_mailbox_become_one_text() {
        check("Hana.Mori@Example.JP", "hana.mori@example.jp");
        check("\"hana\"@example.jp", "hana@example.jp");
        check("\"ha\\na\"@example.jp", "hana@example.jp");
        check("ｈａｎａ@example.jp", "hana@example.jp");
        check("hana@日本語.example", "hana@xn--wgv71a119e.example");
        check("Postmaster", "postmaster");
    }

    #[test]
    fn known_providers_fold_tags_dots_and_alias_domains() {
        check("Ha.na+jobs@googlemail.com", "hana@gmail.com");
        check("ha.na+jobs@icloud.com", "ha.na@icloud.com");
        check("hana@me.com", "hana@icloud.com");
        check("hana+x@proton.me", "hana@proton.me");
    }

    #[test]
    fn elsewhere_a_tag_or_a_dot_may_be_another_person() {
        check("hana+jobs@example.jp", "hana+jobs@example.jp");
        check("foo..bar@docomo.ne.jp", "foo..bar@docomo.ne.jp");
        check("hana@hotmail.com", "hana@hotmail.com");
        check("hana@outlook.com", "hana@outlook.com");
    }

    #[test]
    fn a_local_part_of_tag_alone_is_kept() {
        check("+jobs@gmail.com", "+jobs@gmail.com");
        check("..@gmail.com", "..@gmail.com");
    }

    proptest! {
        #[test]
        fn what_is_canonical_stays(local in "[a-zA-Z0-9.+ｈ０İß]{1,12}", at in 0usize..4) {
            let domain = ["gmail.com", "example.jp", "me.com", "docomo.ne.jp"][at];
            if let Ok(address) = Address::parse(&format!("{local}@{domain}")) {
                let once = canonical(&address);
                if let Ok(again) = Address::parse(&once) {
                    prop_assert_eq!(canonical(&again), once);
                }
            }
        }
    }
}
