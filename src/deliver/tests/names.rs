//! Names as a test says they are, in lines such as `x.example MX 10 mx.x.example`.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::sys::resolver::{Answer, Lookup, LookupFault, Mx, Resolve};
use crate::sys::tls::Tlsa;

/// Records by name: `A` for addresses of both families, `MX`, `TXT`, `TLSA`, and `FAILS` for a name that cannot be
/// told. Names below `signed.example` are signed.
#[derive(Debug, Default)]
pub(crate) struct Names(Mutex<HashMap<String, Vec<(String, String)>>>);

impl Names {
    pub(crate) fn knowing(lines: &[&str]) -> Self {
        let names = Self::default();
        names.set(lines);
        names
    }

    /// Knows these lines and no others from now on.
    pub(crate) fn set(&self, lines: &[&str]) {
        let mut known = self.lock();
        known.clear();
        for line in lines {
            let mut words = line.splitn(3, ' ').map(str::to_owned);
            let mut next = || words.next().unwrap_or_default();
            let (name, kind, value) = (next(), next(), next());
            known.entry(name).or_default().push((kind, value));
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Vec<(String, String)>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find<T>(&self, name: &str, kind: &str, read: impl Fn(&str) -> T) -> Result<Answer<T>, LookupFault> {
        let known = self.lock();
        let of_name = known.get(name).ok_or(LookupFault::NoSuchName)?;
        if of_name.iter().any(|(kind, _)| kind == "FAILS") {
            return Err(LookupFault::Temporary("SERVFAIL".to_owned()));
        }
        let records: Vec<T> = of_name.iter().filter(|(k, _)| k == kind).map(|(_, value)| read(value)).collect();
        if records.is_empty() {
            return Err(LookupFault::NoRecords);
        }
        Ok(Answer { records, secure: name.ends_with("signed.example"), name: name.to_owned() })
    }
}

impl Resolve for Names {
    fn mx<'a>(&'a self, domain: &'a str) -> Lookup<'a, Mx> {
        let read = |value: &str| {
            let (preference, host) = value.split_once(' ').unwrap_or_default();
            Mx { preference: preference.parse().unwrap_or(0), host: host.trim_end_matches('.').to_owned() }
        };
        Box::pin(async move { self.find(domain, "MX", read) })
    }

    fn addresses<'a>(&'a self, host: &'a str) -> Lookup<'a, IpAddr> {
        let read = |value: &str| value.parse().unwrap_or_else(|e| panic!("{value}: {e}"));
        Box::pin(async move { self.find(host, "A", read) })
    }

    fn txt<'a>(&'a self, name: &'a str) -> Lookup<'a, Vec<u8>> {
        Box::pin(async move { self.find(name, "TXT", |value| value.as_bytes().to_vec()) })
    }

    fn tlsa<'a>(&'a self, name: &'a str) -> Lookup<'a, Tlsa> {
        let read = |value: &str| {
            let number = |n: usize| value.split(' ').nth(n).and_then(|w| w.parse().ok()).unwrap_or(0);
            let hex = value.split(' ').nth(3).unwrap_or_default();
            let data = data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap_or_else(|e| panic!("{hex}: {e}"));
            Tlsa { usage: number(0), selector: number(1), matching: number(2), data: data.into() }
        };
        Box::pin(async move { self.find(name, "TLSA", read) })
    }
}
