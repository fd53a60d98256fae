//! Folding of the phrases of rules, which are compared with folded text.

use super::{Folded, Folder};

/// Folds a phrase of a rule.
pub(in super::super) fn fold_phrase(phrase: &str) -> String {
    let mut folder = PhraseFolder::default();
    folder.fold(phrase);
    folder.0.folded.text
}

/// Folds phrases of rules, one after another in one buffer: there are many.
#[derive(Default)]
pub(in super::super) struct PhraseFolder(Folder);

impl PhraseFolder {
    /// The phrase as it is in folded text.
    pub fn fold(&mut self, phrase: &str) -> &str {
        let Folded { mut text, mut lines, .. } = std::mem::take(&mut self.0.folded);
        text.clear();
        lines.clear();
        self.0 = Folder { folded: Folded { text, lines, ..Folded::default() }, ..Folder::default() };
        self.0.push_line(0, phrase);
        &self.0.folded.text
    }
}
