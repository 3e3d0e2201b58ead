//! The questions of `cliptune new --interactive`.

use std::io::{BufRead as _, IsTerminal as _, stdin};

use cliptune_propose::{Guesses, Proposal, in_words, split_in_words};
use cliptune_terminal::{CommonArgs, Printer};

use crate::error::CliError;
use crate::wording;

/// Asks a person wherever several guesses are plausible.
pub(super) struct Asker {
    printer: Printer,
}

impl Asker {
    /// Returns what asks, if there is a person who sees the questions and can answer.
    pub(super) fn of(common: &CommonArgs) -> Result<Self, CliError> {
        match !common.quiet && stdin().is_terminal() {
            true => Ok(Self { printer: common.printer() }),
            false => Err(CliError::NobodyToAsk),
        }
    }

    /// Asks about everything of which a proposal is not sure, and takes the answers into it.
    pub(super) fn settle(&self, proposal: &mut Proposal) -> Result<(), CliError> {
        let Proposal { join, items, id, group, split, .. } = proposal;
        self.choose("Which column names the images?", join, None, wording::join)?;
        self.choose("What is an item?", items, None, in_words)?;
        self.choose("What identifies a row?", id, Some("its number"), Clone::clone)?;
        self.choose("What must not be in two splits?", group, Some("the image alone"), Clone::clone)?;
        self.choose("Which rows train, validate and test?", split, Some("drawn by lot"), split_in_words)
    }

    /// Asks which of some guesses is meant, or none of them where that is possible.
    fn choose<T>(
        &self,
        question: &str,
        guesses: &mut Guesses<T>,
        none: Option<&str>,
        words: impl Fn(&T) -> String,
    ) -> Result<(), CliError> {
        if !guesses.is_unsure() {
            return Ok(());
        }
        let told = guesses.all.iter().map(|guess| format!("{} ({})", words(&guess.value), guess.why));
        let options: Vec<String> = told.chain(none.map(str::to_owned)).collect();
        let default = guesses.taken.unwrap_or(guesses.all.len());
        let answer = self.answer(question, &options, default)?;
        guesses.taken = (answer < guesses.all.len()).then_some(answer);
        Ok(())
    }

    /// Asks until the answer is one of the options, and returns its place.
    fn answer(&self, question: &str, options: &[String], default: usize) -> Result<usize, CliError> {
        self.printer.notice(question);
        for (at, option) in options.iter().enumerate() {
            self.printer.notice(&format!("  {}  {option}", at + 1));
        }
        loop {
            self.printer.notice(&format!("Write a number; Enter takes {}.", default + 1));
            let mut line = String::new();
            if stdin().lock().read_line(&mut line)? == 0 {
                return Err(CliError::NobodyToAsk);
            }
            if let Some(answer) = chosen(&line, options.len(), default) {
                return Ok(answer);
            }
        }
    }
}

/// Returns the place of the option that an answer means, if it means one.
fn chosen(line: &str, options: usize, default: usize) -> Option<usize> {
    match line.trim() {
        "" => Some(default),
        number => number.parse::<usize>().ok()?.checked_sub(1).filter(|place| *place < options),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_a_number_or_nothing() {
        for (line, expected) in [
            ("\n", Some(1)),
            ("1\n", Some(0)),
            (" 3 \r\n", Some(2)),
            ("0\n", None),
            ("4\n", None),
            ("-1\n", None),
            ("yes\n", None),
        ] {
            assert_eq!(chosen(line, 3, 1), expected, "{line:?}");
        }
    }
}
