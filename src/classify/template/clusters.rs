//! Rejections gathered into the templates they are of: how many each, since when and until when; bounded, no content.

use jiff::Timestamp;

use super::{Fingerprint, LIKE_IN_BURST_PERCENT_MIN, Specimen, TemplateId};

/// The templates that a row of rejections shows.
#[derive(Debug)]
pub struct Clusters {
    found: Vec<Cluster>,
    most: usize,
    /// Mails of templates that were dropped for want of room.
    dropped: u64,
}

/// One of them.
#[derive(Debug)]
pub struct Cluster {
    /// Its name, that of the first mail's fingerprint.
    pub id: TemplateId,
    /// What tells its mails.
    pub fingerprint: Fingerprint,
    /// How many there were.
    pub mails: u64,
    /// When the first and the last of them were written, where that is known.
    pub span: Option<(Timestamp, Timestamp)>,
    /// The first mail, without its text: it shows what of the result differs from mail to mail.
    sample: Specimen,
}

impl Clusters {
    /// None yet, and at most so many.
    pub fn new(clusters_max: usize) -> Self {
        Self { found: Vec::new(), most: clusters_max.max(1), dropped: 0 }
    }

    /// Adds a rejection with its fingerprint, and gives the name of its template, and whether it is a new one.
    pub fn add(&mut self, specimen: Specimen, print: Fingerprint, at: Option<Timestamp>) -> (TemplateId, bool) {
        if let Some(index) = self.closest(&specimen) {
            let cluster = &mut self.found[index];
            cluster.mails += 1;
            cluster.span = match (cluster.span, at) {
                (Some((first, last)), Some(at)) => Some((first.min(at), last.max(at))),
                (span, at) => span.or(at.map(|at| (at, at))),
            };
            return (cluster.id, false);
        }
        if self.found.len() >= self.most {
            self.drop_smallest();
        }
        let (id, span) = (print.id(), at.map(|at| (at, at)));
        let sample = specimen.without_text();
        self.found.push(Cluster { id, fingerprint: print, mails: 1, span, sample });
        (id, true)
    }

    /// The cluster the rejection is of; where only words of the result differ, its fingerprint is widened for them.
    fn closest(&mut self, specimen: &Specimen) -> Option<usize> {
        let likeness = self.found.iter().map(|cluster| cluster.fingerprint.likeness(specimen)).enumerate();
        let like = likeness.filter(|(_, likeness)| likeness.percent >= LIKE_IN_BURST_PERCENT_MIN);
        let mut like: Vec<_> =
            like.map(|(index, likeness)| (likeness.states_result, likeness.percent, index)).collect();
        like.sort_unstable();
        let (states_result, _, index) = like.pop()?;
        if !states_result {
            let cluster = self.found.get_mut(index)?;
            cluster.fingerprint = cluster.fingerprint.widened(&cluster.sample, specimen)?;
        }
        Some(index)
    }

    fn drop_smallest(&mut self) {
        let smallest = self.found.iter().enumerate().min_by_key(|(_, cluster)| (cluster.mails, cluster.span));
        if let Some(index) = smallest.map(|(index, _)| index) {
            self.dropped += self.found.swap_remove(index).mails;
        }
    }

    /// Those there are, the largest first.
    pub fn largest_first(&self) -> Vec<&Cluster> {
        let mut found: Vec<&Cluster> = self.found.iter().collect();
        found.sort_by_key(|cluster| (std::cmp::Reverse(cluster.mails), cluster.id));
        found
    }

    /// Whether there is one of that name still.
    pub fn holds(&self, id: TemplateId) -> bool {
        self.found.iter().any(|cluster| cluster.id == id)
    }

    /// Mails of templates that were dropped for want of room.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }
}
