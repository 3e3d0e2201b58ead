//! Texts, some thousands at a time, so that those of one length are encoded together.

use cliptune_encode::matrix::Matrix;
use cliptune_encode::model::Model;
use cliptune_experiment::Templates;

use super::Run;
use super::distinct::Seen;
use super::inputs::{Text, Texts};
use super::journal::{Entry, Outcome};
use crate::error::ApplyError;

/// The number of texts of a piece.
const AT_A_TIME: usize = 4096;

/// Embeds texts and appends them to the journal.
pub(super) fn embed(run: &mut Run<'_>, model: &mut Model<'_>, texts: &Texts) -> Result<(), ApplyError> {
    let (mut texts, mut seen) = (texts.read(), Seen::default());
    let Run { journal, tally, .. } = run;
    let mut changed = Vec::new();
    journal.resume(|entries| {
        let found = texts.by_ref().take(entries.len()).collect::<Result<Vec<Text>, _>>()?;
        let is_still = found.len() == entries.len() && found.iter().zip(entries).all(is_same);
        match is_still {
            true => {
                seen.add_all(entries);
                tally.add_kept(entries);
            }
            false => changed = found,
        }
        Ok(is_still)
    })?;
    let mut texts = changed.into_iter().map(Ok).chain(texts);
    loop {
        let piece = texts.by_ref().take(AT_A_TIME).collect::<Result<Vec<Text>, _>>()?;
        if piece.is_empty() || run.is_interrupted() {
            return Ok(());
        }
        let (entries, new) = entries(piece, &mut seen);
        let rows = encode(model, &new.iter().map(|&at| entries[at].name.as_str()).collect::<Vec<_>>())?;
        run.keep(entries, &rows)?;
    }
}

/// Checks whether a text is that of an entry.
fn is_same((text, entry): (&Text, &Entry)) -> bool {
    match text {
        Ok(text) => *text == entry.name && !matches!(entry.outcome, Outcome::Problem(_)),
        Err(problem) => {
            entry.name == problem.beginning && entry.outcome == Outcome::Problem(problem.reason.clone())
        }
    }
}

/// Returns what becomes of texts, and the places of those that have no vector yet.
fn entries(texts: Vec<Text>, seen: &mut Seen) -> (Vec<Entry>, Vec<usize>) {
    let (mut entries, mut new) = (Vec::with_capacity(texts.len()), Vec::new());
    for text in texts {
        let (name, outcome) = match text {
            Err(problem) => (problem.beginning, Outcome::Problem(problem.reason)),
            Ok(text) => {
                let hash = *blake3::hash(text.as_bytes()).as_bytes();
                let known = seen.get(&hash);
                if known.is_none() {
                    seen.add(&hash);
                    new.push(entries.len());
                }
                (text, known.map_or(Outcome::New(hash), |row| Outcome::Same(row, hash)))
            }
        };
        entries.push(Entry { name, stamp: None, outcome });
    }
    (entries, new)
}

fn encode(model: &mut Model<'_>, texts: &[&str]) -> Result<Matrix, ApplyError> {
    if texts.is_empty() {
        return Ok(Matrix::default());
    }
    let tokenised = model.tokenise(texts, &Templates::plain())?;
    let rows = model.encode_texts(&tokenised, |_| {})?;
    Ok(rows.select(&tokenised.rows().row_of))
}
