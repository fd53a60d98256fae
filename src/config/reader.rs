//! Reading TOML key by key: each value is asked for once, every fault is kept, and what nobody asked for is refused.
//!
//! A section knows its keys from being asked for them, so the list of known keys cannot differ from the code. Sections
//! report their unknown keys when they are dropped.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::finding::{Finding, Severity, Wrong};

/// One file's text, and where its lines begin.
pub(super) struct Source {
    pub(super) file: PathBuf,
    text: String,
    credentials: Option<PathBuf>,
}

impl Source {
    pub(super) fn new(file: &Path, text: String) -> Self {
        Self { file: file.to_owned(), text, credentials: None }
    }

    /// With the folder in which the service manager hands over credentials.
    pub(super) fn with_credentials(self, credentials: Option<PathBuf>) -> Self {
        Self { credentials, ..self }
    }

    fn line(&self, offset: usize) -> usize {
        let before = self.text.as_bytes().get(..offset).unwrap_or(self.text.as_bytes());
        memchr::memchr_iter(b'\n', before).count() + 1
    }
}

/// What has been found so far, over all files of one reading.
#[derive(Default)]
pub(super) struct Report {
    findings: RefCell<Vec<Finding>>,
    unknown: RefCell<Vec<Unknown>>,
    known: RefCell<BTreeSet<String>>,
    credentials_missing: RefCell<BTreeSet<String>>,
}

struct Unknown {
    file: PathBuf,
    line: usize,
    section: String,
    name: String,
    siblings: Vec<&'static str>,
}

impl Report {
    pub(super) fn add(&self, finding: Finding) {
        self.findings.borrow_mut().push(finding);
    }

    /// Names of credentials that were asked for and not handed over.
    pub(super) fn credentials_missing(&self) -> Vec<String> {
        self.credentials_missing.borrow().iter().cloned().collect()
    }

    /// All findings in the order of files and lines.
    pub(super) fn finish(self) -> Vec<Finding> {
        let known = self.known.into_inner();
        let mut findings = self.findings.into_inner();
        findings.extend(self.unknown.into_inner().iter().map(|u| refuse_unknown(u, &known)));
        findings.sort_by(|a, b| (&a.file, a.line, &a.key).cmp(&(&b.file, b.line, &b.key)));
        findings
    }

    /// Every key that was asked for, with its sections.
    #[cfg(test)]
    pub(super) fn known_keys(&self) -> BTreeSet<String> {
        self.known.borrow().clone()
    }
}

fn refuse_unknown(unknown: &Unknown, known: &BTreeSet<String>) -> Finding {
    let Unknown { file, line, section, name, siblings } = unknown;
    let elsewhere: Vec<&str> =
        known.iter().map(String::as_str).filter(|k| k.rsplit('.').next() == Some(name.as_str())).collect();
    let remedy = match (nearest(name, siblings), elsewhere.first()) {
        (_, Some(_)) if elsewhere.iter().all(|path| path.contains('.')) => {
            let paths: Vec<String> = elsewhere.iter().take(3).map(|path| format!("`{path}`")).collect();
            format!("it belongs to another section: {}", paths.join(" or "))
        }
        (_, Some(_)) => format!("`{name}` belongs above the first [section]"),
        (Some(near), None) => format!("did you mean `{near}`?"),
        (None, None) => format!("remove it; known here: {}", siblings.join(", ")),
    };
    Finding {
        severity: Severity::Fault,
        file: file.clone(),
        line: *line,
        key: join(section, name),
        what: "unknown key".to_owned(),
        remedy,
    }
}

/// The known key that needs the fewest changed letters, if they are few.
fn nearest(name: &str, known: &[&'static str]) -> Option<&'static str> {
    let near = known.iter().map(|k| (letters_changed(name, k), *k)).min()?;
    (near.0 <= 2.max(name.chars().count() / 3)).then_some(near.1)
}

/// The Levenshtein distance.
fn letters_changed(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let changed = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

fn join(section: &str, key: &str) -> String {
    if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") }
}

/// Parses a file's text; what is not TOML becomes findings, and the rest is read all the same.
pub(super) fn parse<'a>(source: &'a Source, report: &Report) -> Spanned<DeTable<'a>> {
    let (table, errors) = DeTable::parse_recoverable(&source.text);
    for error in errors {
        report.add(Finding {
            severity: Severity::Fault,
            file: source.file.clone(),
            line: error.span().map_or(0, |s| source.line(s.start)),
            key: String::new(),
            what: format!("not TOML: {}", error.message()),
            remedy: "correct the line; texts need quotes, lists need brackets, each key stands once".to_owned(),
        });
    }
    table
}

/// One table of a file, or a table the file leaves out.
pub(super) struct Section<'a> {
    source: &'a Source,
    report: &'a Report,
    table: Option<&'a DeTable<'a>>,
    path: String,
    line: usize,
    asked: RefCell<Vec<&'static str>>,
}

impl<'a> Section<'a> {
    /// The top of a file.
    pub(super) fn top(source: &'a Source, report: &'a Report, table: &'a DeTable<'a>) -> Self {
        Self { source, report, table: Some(table), path: String::new(), line: 0, asked: RefCell::default() }
    }

    fn value(&self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.asked.borrow_mut().push(key);
        self.report.known.borrow_mut().insert(join(&self.path, key));
        self.table.and_then(|t| t.get(key))
    }

    /// Whether the file holds the key.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.is_some_and(|t| t.get(key).is_some())
    }

    /// Whether the file holds the key with anything but an empty text.
    pub(super) fn has_text(&self, key: &str) -> bool {
        self.table.and_then(|t| t.get(key)).is_some_and(|v| v.get_ref().as_str() != Some(""))
    }

    /// Whether the file holds the key with a list that names nothing.
    pub(super) fn is_empty_list(&self, key: &str) -> bool {
        let value = self.table.and_then(|t| t.get(key));
        value.and_then(|v| v.get_ref().as_array()).is_some_and(|items| items.is_empty())
    }

    /// The value, or `default` when the key is absent or at fault.
    pub(super) fn read<T>(&self, key: &'static str, default: T, parse: impl Fn(&DeValue) -> Result<T, Wrong>) -> T {
        self.optional_value(key, parse).unwrap_or(default)
    }

    /// The value, or nothing when the key is absent or an empty text.
    pub(super) fn optional<T>(&self, key: &'static str, parse: impl Fn(&DeValue) -> Result<T, Wrong>) -> Option<T> {
        let is_empty = self.table.and_then(|t| t.get(key)).is_some_and(|v| v.get_ref().as_str() == Some(""));
        self.optional_value(key, |value| if is_empty { Ok(None) } else { parse(value).map(Some) }).flatten()
    }

    /// The value; a fault when the key is absent.
    pub(super) fn required<T>(&self, key: &'static str, parse: impl Fn(&DeValue) -> Result<T, Wrong>) -> Option<T> {
        let found = self.optional_value(key, parse);
        if !self.has(key) {
            self.fault(key, Wrong::new("missing", format!("add `{key} = …`")));
        }
        found
    }

    fn optional_value<T>(&self, key: &'static str, parse: impl Fn(&DeValue) -> Result<T, Wrong>) -> Option<T> {
        let value = self.value(key)?;
        parse(value.get_ref()).map_err(|wrong| self.fault(key, wrong)).ok()
    }

    /// The items of a list, or `default` when the key is absent; each fault stands at its item's line.
    pub(super) fn list<T>(
        &self,
        key: &'static str,
        default: Vec<T>,
        parse: impl Fn(&DeValue) -> Result<T, Wrong>,
    ) -> Vec<T> {
        let Some(value) = self.value(key) else { return default };
        let Some(items) = value.get_ref().as_array() else {
            self.fault(key, Wrong::new("not a list", format!("write `{key} = [\"…\"]`")));
            return default;
        };
        let read = |item: &Spanned<DeValue>| {
            parse(item.get_ref()).map_err(|w| self.find(Severity::Fault, item.span().start, key, w)).ok()
        };
        items.iter().filter_map(read).collect()
    }

    /// The table of that name, empty when the file leaves it out.
    pub(super) fn section(&self, key: &'static str) -> Section<'a> {
        let value = self.value(key);
        if value.is_some_and(|v| !v.get_ref().is_table()) {
            self.fault(key, Wrong::new("not a section", format!("write `[{key}]` on a line of its own")));
        }
        self.child(key, value)
    }

    /// The tables of a list of tables.
    pub(super) fn sections(&self, key: &'static str) -> Vec<Section<'a>> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let Some(items) = value.get_ref().as_array().filter(|items| items.iter().all(|i| i.get_ref().is_table()))
        else {
            self.fault(key, Wrong::new("not a list of sections", format!("write `[[{key}]]` above each")));
            return Vec::new();
        };
        items.iter().map(|item| self.child(key, Some(item))).collect()
    }

    /// The tables of a list of tables, or the one table that stands in its place, an empty one when the file leaves it
    /// out.
    pub(super) fn one_or_more(&self, key: &'static str) -> Vec<Section<'a>> {
        let is_list = self.value(key).is_some_and(|value| value.get_ref().is_array());
        if is_list { self.sections(key) } else { vec![self.section(key)] }
    }

    /// The folder that relative names in this file count from.
    pub(super) fn folder(&self) -> &'a Path {
        self.source.file.parent().unwrap_or(Path::new(""))
    }

    /// Where the service manager handed over credentials, if this is the service.
    pub(super) fn credentials(&self) -> Option<&'a Path> {
        self.source.credentials.as_deref()
    }

    /// Notes a credential that only the service is handed: whoever just checks the files cannot see it.
    pub(super) fn miss_credential(&self, key: &str, name: &str) {
        self.report.credentials_missing.borrow_mut().insert(name.to_owned());
        let what = format!("the credential {name:?} is there for the service alone, and is not checked now");
        self.warn(key, Wrong::new(what, "see that the unit has a LoadCredential= of that name"));
    }

    fn child(&self, key: &str, value: Option<&'a Spanned<DeValue<'a>>>) -> Section<'a> {
        Section {
            source: self.source,
            report: self.report,
            table: value.and_then(|v| v.get_ref().as_table()),
            path: join(&self.path, key),
            line: value.map_or(self.line, |v| self.source.line(v.span().start)),
            asked: RefCell::default(),
        }
    }

    /// Notes a fault at the key, or at the section when the key is absent.
    pub(super) fn fault(&self, key: &str, wrong: Wrong) {
        self.at_key(Severity::Fault, key, wrong);
    }

    /// Notes a warning at the key, or at the section when the key is absent.
    pub(super) fn warn(&self, key: &str, wrong: Wrong) {
        self.at_key(Severity::Warning, key, wrong);
    }

    /// A place to note a later finding at, when the whole is known.
    pub(super) fn place(&self, key: &str) -> Place {
        Place { file: self.source.file.clone(), line: self.line_of(key), key: join(&self.path, key) }
    }

    fn line_of(&self, key: &str) -> usize {
        let entry = self.table.and_then(|t| t.get_key_value(key));
        entry.map_or(self.line, |(name, _)| self.source.line(name.span().start))
    }

    fn at_key(&self, severity: Severity, key: &str, wrong: Wrong) {
        self.report.add(self.place(key).finding(severity, wrong));
    }

    fn find(&self, severity: Severity, offset: usize, key: &str, wrong: Wrong) {
        let place = Place { line: self.source.line(offset), ..self.place(key) };
        self.report.add(place.finding(severity, wrong));
    }
}

impl Drop for Section<'_> {
    fn drop(&mut self) {
        let Some(table) = self.table else { return };
        let asked = self.asked.borrow();
        for (name, _) in table.iter().filter(|(name, _)| !asked.iter().any(|a| a == name.get_ref())) {
            self.report.unknown.borrow_mut().push(Unknown {
                file: self.source.file.clone(),
                line: self.source.line(name.span().start),
                section: self.path.clone(),
                name: name.get_ref().to_string(),
                siblings: asked.clone(),
            });
        }
    }
}

/// Where a key stands.
#[derive(Clone, Debug)]
pub(super) struct Place {
    file: PathBuf,
    line: usize,
    key: String,
}

impl Place {
    pub(super) fn finding(self, severity: Severity, wrong: Wrong) -> Finding {
        let Place { file, line, key } = self;
        Finding { severity, file, line, key, what: wrong.what, remedy: wrong.remedy }
    }

    /// `file:line`, to point at from another place.
    pub(super) fn pointer(&self) -> String {
        format!("{}:{}", self.file.display(), self.line)
    }
}
