//! What waits for which destination, as a table for `top` and `status`.

use comfy_table::Table;
use jiff::Timestamp;

use super::labels::Labels;
use crate::cli::output::{align_right, since, span, table};
use crate::control::{DestinationState, SpoolStatus};

/// Destinations shown; the oldest mail comes first.
const SHOWN_MAX: usize = 20;
/// Characters of a reply.
const REPLY_CHARS_MAX: usize = 60;

/// The destinations with mail in custody, and how many are not shown; nothing when nothing is in custody.
pub fn destinations(spool: &SpoolStatus, labels: &Labels, now: Timestamp) -> Option<(Table, usize)> {
    let shown = spool.destinations.iter().take(SHOWN_MAX);
    let mut table = table(&labels.destinations, shown.map(|one| row(one, labels, now)));
    align_right(&mut table, &[1, 2, 3, 4, 5]);
    let unseen = spool.destinations_known.saturating_sub(spool.destinations.len().min(SHOWN_MAX));
    (!spool.destinations.is_empty()).then_some((table, unseen))
}

fn row(one: &DestinationState, labels: &Labels, now: Timestamp) -> Vec<String> {
    let count = |state: &str| one.recipients.get(state).map_or_else(|| "-".to_owned(), u64::to_string);
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let next = |at: &String| match at.parse::<Timestamp>() {
        Ok(at) if at > now => span(at.duration_since(now)),
        _ => labels.now.to_owned(),
    };
    vec![
        // No route serves an address without one.
        if one.destination.is_empty() { "-".to_owned() } else { one.destination.clone() },
        or_none(one.oldest_received_at.as_ref().map(|at| since(at, now))),
        count("waiting"),
        count("sending"),
        count("in_doubt"),
        count("parked"),
        or_none(one.next_at.as_ref().map(next)),
        or_none(one.last_reply.as_ref().map(|reply| reply.chars().take(REPLY_CHARS_MAX).collect())),
    ]
}
