//! The figures of all rounds as one table for the documents.

use std::fmt;
use std::time::Duration;

use crate::options::Workload;
use crate::peer::Kind;
use crate::processes::Used;
use crate::tally::Figures;

/// One round of one peer on one workload.
pub struct Row {
    pub workload: Workload,
    pub kind: Kind,
    /// Mails a second straight to the sink, right before.
    pub ceiling: f64,
    pub load: Figures,
    pub used: Used,
    /// Mails that are not in the ledger, of those that keep one.
    pub unmatched: Option<usize>,
}

impl Row {
    /// Seconds of CPU for 1000 mails: user, system.
    fn cpu(&self) -> (f64, f64) {
        #[expect(clippy::cast_precision_loss, reason = "a number of mails")]
        let thousands = self.load.mails as f64 / 1000.0;
        (self.used.user.as_secs_f64() / thousands, self.used.system.as_secs_f64() / thousands)
    }

    fn pss_mib(&self) -> f64 {
        u32::try_from(self.used.pss_kib / 1024).map_or(f64::MAX, f64::from)
    }

    fn cpu_sum(&self) -> f64 {
        self.cpu().0 + self.cpu().1
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (user, system) = self.cpu();
        write!(f, "{}: {:.0}/s of {:.0}/s", self.kind.name(), self.load.rate(), self.ceiling)?;
        write!(f, ", CPU s/1000 {user:.2}+{system:.2}, PSS {} MB", self.used.pss_kib / 1024)?;
        write!(f, ", {} mails, lost {}, doubled {}", self.load.mails, self.load.lost, self.load.doubled)?;
        write!(f, ", broken {}, sessions resumed {}", self.load.refused, self.load.resumed)?;
        match self.unmatched {
            Some(uncounted) => write!(f, ", uncounted {uncounted}"),
            None => Ok(()),
        }
    }
}

/// Median, least and most.
fn spread(mut of: Vec<f64>) -> (f64, f64, f64) {
    of.sort_by(f64::total_cmp);
    let (Some(least), Some(most)) = (of.first(), of.last()) else { return (0.0, 0.0, 0.0) };
    let half = of.len() / 2;
    let median = if of.len() % 2 == 1 { of[half] } else { f64::midpoint(of[half - 1], of[half]) };
    (median, *least, *most)
}

/// The table; a ratio is the median of the rounds' own ratios to the better Postfix of the same round.
pub fn of(rows: &[Row]) -> String {
    let mut lines = vec![
        "| workload | peer | msg/s median (min-max) | of the ceiling | x Postfix | CPU s/1000 (user+sys) | x Postfix \
         | peak PSS MB | p50 / p99 ms | lost/doubled |"
            .to_owned(),
        "|---|---|---|---|---|---|---|---|---|---|".to_owned(),
    ];
    let mut done: Vec<(Workload, Kind)> = Vec::new();
    for row in rows {
        if !done.contains(&(row.workload, row.kind)) {
            done.push((row.workload, row.kind));
            lines.push(line(rows, row.workload, row.kind));
        }
    }
    lines.join("\n")
}

fn line(rows: &[Row], workload: Workload, kind: Kind) -> String {
    let same = |r: &&Row| r.workload == workload && r.kind == kind;
    let mine: Vec<&Row> = rows.iter().filter(same).collect();
    let median = |f: &dyn Fn(&Row) -> f64| spread(mine.iter().map(|r| f(r)).collect()).0;
    let (rate, least, most) = spread(mine.iter().map(|r| r.load.rate()).collect());
    let ratio = |f: &dyn Fn(&Row) -> f64, better: fn(f64, f64) -> f64| {
        let of_round = |round: usize| {
            let postfixes = [Kind::Postfix, Kind::PostfixReuse].into_iter();
            let of = |k| rows.iter().filter(|r| r.workload == workload && r.kind == k).nth(round);
            postfixes.filter_map(of).map(f).reduce(better)
        };
        let ratios = mine.iter().enumerate().filter_map(|(n, r)| Some(f(r) / of_round(n)?)).collect();
        spread(ratios).0
    };
    let ms = |d: Duration| d.as_secs_f64() * 1000.0;
    format!(
        "| {} | {} | {rate:.0} ({least:.0}-{most:.0}) | {:.0} % | {:.1} | {:.2}+{:.2} = {:.2} | {:.2} | {:.0} \
         | {:.0} / {:.0} | {}/{} |",
        workload.name(),
        kind.name(),
        100.0 * median(&|r| r.load.rate() / r.ceiling),
        ratio(&|r| r.load.rate(), f64::max),
        median(&|r| r.cpu().0),
        median(&|r| r.cpu().1),
        median(&Row::cpu_sum),
        ratio(&Row::cpu_sum, f64::min),
        median(&Row::pss_mib),
        median(&|r| ms(r.load.half)),
        median(&|r| ms(r.load.most)),
        mine.iter().map(|r| r.load.lost).sum::<usize>(),
        mine.iter().map(|r| r.load.doubled).sum::<usize>(),
    )
}
