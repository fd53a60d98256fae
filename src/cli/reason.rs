//! What each stable code means, as a sentence for the mail admin: what held the line back, and what to do about it.

use crate::classify;

/// The codes of everything but the classifier, whose own say what they mean: what the company's settings decide.
const SETTINGS: &[(&str, &str)] = &[
    ("null_sender", "A report or an automatic mail: its envelope has no sender."),
    ("no_from", "The mail has no From address."),
    ("no_company", "The sender's domain belongs to no company; add it to sender_domains if it should."),
    ("from_elsewhere", "From is of another domain than the company's: a forwarded mail, say."),
    ("sender_unproved", "The client has not shown that it may write for the company; see [proved_by]."),
    ("off", "The company is off."),
    ("suspended", "The company's contract is suspended (suspended = true in its file)."),
    ("sender_off", "This mailbox is off in its [[sender]]."),
    ("sender_not_listed", "Only listed mailboxes take part (only_senders), and this one is not listed."),
    ("observe", "The company only observes: mode = \"live\" would give the line."),
    (
        "template_not_approved",
        "The company's mode is \"approved\", and nobody approved the mail's template: `career-relay teach list`.",
    ),
    ("template_never", "HR has said that mails of this template get no line: `career-relay teach list`."),
    (
        "templates_unreadable",
        "Nobody can say what HR said of templates, so no mail gets a line: see the log of the start.",
    ),
    ("language_not_served", "The company does not serve this language (languages)."),
    ("opted_out", "The candidate wants no line, or the company has said so: `career-relay optout`."),
    (
        "carrier_filters_links",
        "The candidate's carrier may drop mail with a link, and this mail shows none by itself (carrier_mail).",
    ),
    ("line_present", "The words without a link are in the mail already."),
    ("optouts_unreadable", "Nobody can say who wants no line, so nobody gets one: see the log of the start."),
    ("no_contract", "No contract version is in force today."),
    ("link_too_long", "The link has over 72 octets; shorten the template (link)."),
    ("link_of_another", "Another company's Career Relay link is in the mail."),
];

/// What forbids writing into a mail, whatever it says.
const SHAPES: &[(&str, &str)] = &[
    ("signed", "The mail is signed; a line would break the signature."),
    ("encrypted", "The mail is encrypted."),
    ("pkcs7", "The mail is an opaque S/MIME object."),
    ("inline_pgp", "The text is signed or encrypted with PGP."),
    ("calendar", "The mail carries a calendar object."),
    ("report", "The mail is a delivery report or a read receipt."),
    ("message_rfc822", "The mail is nothing but a forwarded message."),
    ("partial", "The mail is a fragment, or its body lies elsewhere."),
    ("amp", "The mail has an AMP part, whose readers would not see the line."),
    ("winmail_dat", "The text lies in winmail.dat alone; switch Outlook's rich text format off."),
    (
        "dkim_signed",
        "The mail came with a DKIM signature that a line would break: let it pass here before it is signed, or sign it \
         anew ([[dkim]], [dkim] signed_mail).",
    ),
    ("link_present", "The company's link is in the mail already: it counts, and nothing is inserted."),
    ("no_place", "There is no place where a line can be put without writing anything anew."),
    ("proof_failed", "The edited mail was not the original and the line: the original leaves."),
    ("malformed_nul", "A NUL octet is in the mail."),
    ("malformed_bare_line_end", "A CR or a LF stands alone in the mail."),
    ("malformed_header", "A line of the header is neither a field nor its continuation."),
    ("malformed_header_unterminated", "A header has no blank line behind it."),
    ("header_too_large", "The header is larger than is read."),
    ("malformed_field_repeated", "A field that may stand once stands twice."),
    ("malformed_content_type", "A Content-Type cannot be read."),
    ("malformed_mime_version", "The MIME-Version is not 1.0."),
    ("malformed_multipart_encoded", "A multipart is encoded as a whole."),
    ("malformed_boundary", "A multipart has no boundary, or one that is not allowed."),
    ("malformed_boundary_collision", "A boundary is the beginning of another one."),
    ("malformed_delimiter_like", "A line looks like a boundary and is none."),
    ("malformed_delimiter_after_close", "A boundary stands behind the end of its multipart."),
    ("malformed_unclosed", "A multipart does not end."),
    ("malformed_empty_multipart", "A multipart has no part."),
    ("too_deep", "Parts are nested deeper than is read."),
    ("too_many_parts", "There are more parts than are read."),
    ("transfer_unknown", "A text part has an unknown transfer encoding."),
    ("malformed_base64", "A text part has characters outside base64."),
    ("truncated_base64", "The base64 of a text part is cut off."),
    ("malformed_quoted_printable", "The quoted-printable of a text part is broken."),
    ("charset_unsupported", "A text part is in a charset that is not read."),
    ("charset_missing", "A text part names no charset, and its octets do not show it."),
    ("charset_illegal_octets", "A text part holds octets that its charset does not have."),
    ("html_ambiguous", "The HTML can be read in more than one way."),
    ("html_too_deep", "The HTML is nested deeper than is read."),
    ("text_too_large", "A text part is longer than is read, or one of too many."),
];

/// What only a running server meets.
const RUNNING: &[(&str, &str)] = &[
    ("outbox_unavailable", "The disk takes no referral now, so no line is written."),
    ("switched_off", "`career-relay off` was said for the company, or for all; `on` lets the line be written again."),
    (
        "editing_stopped",
        "The next hop refused too many mails with the line; no line there until `career-relay resume`.",
    ),
    ("held", "It may be a rejection, and waits for a word of HR: `hold list`."),
    (
        "words_alone",
        "The candidate's carrier may drop mail with a link: words without one were put in, and nothing is counted.",
    ),
    (
        "role_address",
        "The mailbox of a duty (info@): the line was put in, and nothing is counted (count_role_addresses).",
    ),
    (
        "disposable_domain",
        "A mailbox that is thrown away: the line was put in, and nothing is counted (count_disposable).",
    ),
    ("never_counted", "The company names the address (never_counted): the line was put in, and nothing is counted."),
    ("hold_full", "It may be a rejection, but as many mails are held as may be (holds_max): it passed as it came."),
    ("hold_unavailable", "It may be a rejection, but the spool could not hold it: it passed as it came."),
    ("overloaded", "Deciding on large mails had no turn left in time."),
    ("test_mail", "A mail of send-test: it shows the way, and is never a referral."),
    ("came_back", "Something came back on a return path of ours that is no report; HR gets it."),
    (
        "came_back_failed",
        "A report says that a mail with the line was not delivered; HR gets it, and the ledger knows.",
    ),
    ("came_back_delayed", "A report says that a mail with the line is late; HR gets it."),
    ("came_back_delivered", "A report says that a mail with the line was delivered; HR gets it."),
    ("came_back_auto_reply", "A program answered a mail with the line; HR gets it."),
    ("came_back_complaint", "Somebody complains of a mail with the line; HR gets it."),
    ("internal_error", "An error of ours; please report it. The mail leaves as it came."),
    ("dkim_not_signed", "The mail came signed and could not be signed anew in time; the log says why."),
    ("edit_refused", "The next hop refused the mail with the line and got the original; nothing is counted."),
];

/// What a code means; `None` for a code that nobody gives.
pub fn meaning(code: &str) -> Option<&'static str> {
    if let Some(reason) = classify::Reason::from_code(code) {
        return Some(reason.meaning());
    }
    others().flat_map(|(_, list)| list).find(|(known, _)| *known == code).map(|(_, meaning)| *meaning)
}

/// Every list of codes that are not the classifier's, with its heading.
pub fn others() -> impl Iterator<Item = (&'static str, &'static [(&'static str, &'static str)])> {
    [("settings", SETTINGS), ("shapes", SHAPES), ("running", RUNNING)].into_iter()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// The string literals that stand in a file right behind `before`.
    fn codes(file: &str, before: &str) -> Vec<String> {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(file);
        let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{file}: {e}"));
        let literals = text.split(before).skip(1).filter_map(|rest| rest.split('"').next());
        literals.map(str::to_owned).filter(|c| !c.is_empty()).collect()
    }

    #[test]
    fn every_code_the_code_gives_has_a_meaning() {
        let mut seen = 0;
        for (file, before) in [
            ("inject/refusal.rs", "=> \""),
            ("mail/message/fault.rs", "=> \""),
            ("mail/view/mod.rs", "=> \""),
            ("mail/transfer.rs", "Self::Unknown => \""),
            ("mail/charset.rs", "Self::Unsupported => \""),
            ("pipeline.rs", "Err(\""),
            ("pipeline.rs", "ok_or(\""),
            ("pipeline/templates.rs", "Err((\""),
            ("pipeline/company.rs", "Err(\""),
            ("pipeline/company.rs", "Some(\""),
            ("pipeline/policy.rs", "ok_or(\""),
            ("pipeline/policy.rs", "Err(\""),
            ("smtp/decide.rs", "&str = \""),
            ("smtp/test_mail.rs", "TEST_MAIL: &str = \""),
            ("smtp/returns.rs", "=> \""),
            ("smtp/signing.rs", "DKIM_NOT_SIGNED: &str = \""),
            ("smtp/note.rs", "EDIT_REFUSED: &str = \""),
            ("smtp/note.rs", "HELD: &str = \""),
            ("smtp/note.rs", "WORDS_ALONE: &str = \""),
        ] {
            for code in codes(file, before) {
                assert!(meaning(&code).is_some(), "{file} gives {code:?}, whose meaning nobody tells");
                seen += 1;
            }
        }
        assert!(seen > 50, "only {seen} codes found");
    }

    #[test]
    fn meanings_are_sentences_and_no_code_stands_twice() {
        let all: Vec<(&str, &str)> = others().flat_map(|(_, list)| list.iter().copied()).collect();
        let reasons = classify::Reason::ALL.iter().map(|r| (r.code(), r.meaning()));
        let all: Vec<(&str, &str)> = all.into_iter().chain(reasons).collect();
        for (code, meaning) in &all {
            assert!(meaning.ends_with('.') && meaning.len() > 8, "{code}: {meaning:?}");
            assert_eq!(all.iter().filter(|(other, _)| other == code).count(), 1, "{code} stands twice");
        }
    }

    #[test]
    fn what_forbids_writing_into_a_mail_stands_in_both_languages_documents_and_nothing_else_does() {
        let known: std::collections::BTreeSet<&str> = SHAPES.iter().map(|(code, _)| *code).collect();
        for file in ["docs/injection.md", "docs/ja/injection.md"] {
            let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
            let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{file}: {e}"));
            let rows = text.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
            let told: Vec<&str> = rows.filter(|(_, rest)| rest.starts_with(" |")).map(|(code, _)| code).collect();
            assert_eq!(told.iter().copied().collect::<std::collections::BTreeSet<_>>(), known, "{file}");
            assert_eq!(told.len(), known.len(), "{file} tells of a code twice");
        }
    }
}
