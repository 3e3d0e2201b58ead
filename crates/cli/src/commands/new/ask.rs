//! The questions of `cliptune new --interactive`.

use std::io::{BufRead, IsTerminal as _, StdinLock, stderr, stdin};

use cliptune_propose::{Guesses, Proposal, in_words, split_in_words};
use cliptune_terminal::format::visible;
use cliptune_terminal::{CommonArgs, Printer};

use crate::error::{CliError, OptionError};
use crate::wording;

/// Asks a person wherever several guesses are plausible.
pub(super) struct Asker<R> {
    printer: Printer,
    /// Where the answers come from, a line each.
    answers: R,
}

impl Asker<StdinLock<'static>> {
    /// Returns what asks, if there is a person who sees the questions and can answer.
    pub(super) fn of(common: &CommonArgs) -> Result<Self, CliError> {
        match !common.quiet && stdin().is_terminal() && stderr().is_terminal() {
            true => Ok(Self { printer: common.printer(), answers: stdin().lock() }),
            false => Err(OptionError::NobodyToAsk.into()),
        }
    }
}

impl<R: BufRead> Asker<R> {
    /// Asks about everything of which a proposal is not sure, and takes the answers into it.
    pub(super) fn settle(mut self, proposal: &mut Proposal) -> Result<(), CliError> {
        self.choose("Which column names the images?", &mut proposal.join, None, wording::join)?;
        self.choose("What is an item?", &mut proposal.items, None, in_words)?;
        proposal.keep_apart();
        let Proposal { id, group, split, .. } = proposal;
        self.choose("What identifies a row?", id, Some("its number"), Clone::clone)?;
        self.choose("What must not be in two splits?", group, Some("the image alone"), Clone::clone)?;
        self.choose("Which rows train, validate and test?", split, Some("drawn by lot"), split_in_words)
    }

    /// Asks which of some guesses is meant, or none of them where that is possible.
    fn choose<T>(
        &mut self,
        question: &str,
        guesses: &mut Guesses<T>,
        none: Option<&str>,
        words: impl Fn(&T) -> String,
    ) -> Result<(), CliError> {
        if !guesses.is_unsure() {
            return Ok(());
        }
        let told =
            guesses.all.iter().map(|guess| visible(&format!("{} ({})", words(&guess.value), guess.why)));
        let options: Vec<String> = told.chain(none.map(str::to_owned)).collect();
        let default = guesses.taken.unwrap_or(guesses.all.len());
        let answer = self.answer(question, &options, default)?;
        guesses.taken = (answer < guesses.all.len()).then_some(answer);
        Ok(())
    }

    /// Asks until the answer is one of the options, and returns its place.
    fn answer(&mut self, question: &str, options: &[String], default: usize) -> Result<usize, CliError> {
        self.printer.notice(question);
        for (at, option) in options.iter().enumerate() {
            self.printer.notice(&format!("  {}  {option}", at + 1));
        }
        loop {
            self.printer.notice(&format!("Write a number; Enter takes {}.", default + 1));
            let mut line = String::new();
            if self.answers.read_line(&mut line)? == 0 {
                return Err(OptionError::NobodyToAsk.into());
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
    use cliptune_experiment::{ImageKey, Join, Task};
    use cliptune_propose::Guess;

    use super::*;

    fn guesses<T>(values: Vec<T>) -> Vec<Guess<T>> {
        values.into_iter().map(|value| Guess::new(value, "it looks like it")).collect()
    }

    /// A proposal that is sure of nothing but what identifies a row.
    fn unsure() -> Proposal {
        let join = |column: &str| Join { image: ImageKey::Name, metadata: column.to_owned() };
        let pairs = |text: &str| Task::Pairs { text: text.to_owned() };
        Proposal {
            join: Guesses::first_of(guesses(vec![join("left"), join("right")])),
            items: Guesses::first_of(guesses(vec![pairs("title"), pairs("caption")])),
            id: Guesses::first_of(guesses(vec!["id".to_owned()])),
            group: Guesses::offered(guesses(vec!["batch".to_owned()])),
            ..Proposal::default()
        }
    }

    fn settled(answers: &str) -> Result<Proposal, CliError> {
        let mut proposal = unsure();
        let asker = Asker { printer: Printer::new(true, false), answers: answers.as_bytes() };
        asker.settle(&mut proposal).map(|()| proposal)
    }

    #[test]
    fn what_is_unsure_is_asked_and_enter_takes_the_likeliest() {
        // The join, the items and the group: of the identifier there is no doubt, and of the split nothing to ask.
        let taken = settled("2\n\n1\n").unwrap();
        assert_eq!((taken.join.taken, taken.items.taken, taken.group.taken), (Some(1), Some(0), Some(0)));
        assert_eq!(taken.id.taken, Some(0));
        let none = settled("\nnone of them\n2\n2\n").unwrap();
        assert_eq!((none.join.taken, none.items.taken, none.group.taken), (Some(0), Some(1), None));
    }

    #[test]
    fn whoever_ends_the_answers_gets_no_experiment() {
        assert!(matches!(settled("2\n"), Err(CliError::Option(OptionError::NobodyToAsk))));
    }

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
