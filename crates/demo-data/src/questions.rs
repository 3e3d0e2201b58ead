//! Questions: the captions offered under each cartoon, and which of them is right.

use crate::error::Error;
use crate::plan::Cartoon;
use cliptune_random::Random;

/// The number of options of a question.
pub const OPTIONS: usize = 5;

/// One question: a cartoon and five captions, one of which is the cartoon's own.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    /// The index of the cartoon in its fold.
    pub(crate) cartoon: usize,
    pub(crate) options: [String; OPTIONS],
    /// The index of the right option.
    pub(crate) right: usize,
}

/// A caption of the fold and the question that it answers. Both have the same index.
#[derive(Clone, Copy)]
struct Entry {
    cartoon: usize,
    caption: usize,
}

/// The number of deals that are tried until the fold is connected.
const DEALS: usize = 200;
/// The number of sweeps over a round before it is dealt anew.
const SWEEPS: usize = 40;

/// Makes the questions of one fold. Every caption is right in one of them and wrong in four others, whose cartoons show
/// nothing that the caption refers to. Every cartoon is connected with every other one through captions.
pub(crate) fn ask(fold: usize, cartoons: &[Cartoon], mut random: Random) -> Result<Vec<Question>, Error> {
    let entries = entries(cartoons);
    for _ in 0..DEALS {
        if let Some(wrong) = deal(cartoons, &entries, &mut random)
            && hangs_together(cartoons.len(), &entries, &wrong)
        {
            return Ok(write_down(cartoons, &entries, &wrong, &mut random));
        }
    }
    Err(Error::WrongOptions { fold })
}

fn entries(cartoons: &[Cartoon]) -> Vec<Entry> {
    let captions = |(cartoon, of): (usize, &Cartoon)| {
        (0..of.captions.len()).map(move |caption| Entry { cartoon, caption })
    };
    cartoons.iter().enumerate().flat_map(captions).collect()
}

/// Deals the wrong options of every question in four rounds. Each round hands out every caption once.
fn deal(cartoons: &[Cartoon], entries: &[Entry], random: &mut Random) -> Option<Vec<Vec<usize>>> {
    let mut wrong = vec![Vec::with_capacity(OPTIONS - 1); entries.len()];
    for _ in 1..OPTIONS {
        let fits = |question: usize, caption: usize| {
            !wrong[question].contains(&caption) && misses(cartoons, entries[question], entries[caption])
        };
        let round = round(entries.len(), fits, random)?;
        round.into_iter().zip(&mut wrong).for_each(|(caption, options)| options.push(caption));
    }
    Some(wrong)
}

/// Checks whether a caption is plainly wrong under a question's cartoon, which shows nothing that the caption refers
/// to.
fn misses(cartoons: &[Cartoon], question: Entry, caption: Entry) -> bool {
    let scene = cartoons[question.cartoon].scene;
    let evokes = &cartoons[caption.cartoon].captions[caption.caption].evokes;
    question.cartoon != caption.cartoon && !evokes.iter().any(|&element| scene.shows(element))
}

/// Returns a random assignment of captions to questions in which every pair fits. It is a shuffle, mended by swaps.
fn round(count: usize, fits: impl Fn(usize, usize) -> bool, random: &mut Random) -> Option<Vec<usize>> {
    let mut dealt = (0..count).collect::<Vec<_>>();
    random.shuffle(&mut dealt);
    for _ in 0..SWEEPS {
        let mut misfits = false;
        for question in 0..count {
            if !fits(question, dealt[question]) && !mend(&mut dealt, question, &fits, random) {
                misfits = true;
                // A random swap gets the search out of a dead end.
                let other = random.below(count);
                dealt.swap(question, other);
            }
        }
        if !misfits && (0..count).all(|question| fits(question, dealt[question])) {
            return Some(dealt);
        }
    }
    None
}

/// Swaps the misfit at `question` with the first partner, counted from a random start, so that both fit afterwards.
fn mend(
    dealt: &mut [usize],
    question: usize,
    fits: impl Fn(usize, usize) -> bool,
    random: &mut Random,
) -> bool {
    let start = random.below(dealt.len());
    for step in 0..dealt.len() {
        let other = (start + step) % dealt.len();
        if fits(question, dealt[other]) && fits(other, dealt[question]) {
            dealt.swap(question, other);
            return true;
        }
    }
    false
}

/// Checks whether all cartoons are connected through the captions offered under them.
fn hangs_together(cartoons: usize, entries: &[Entry], wrong: &[Vec<usize>]) -> bool {
    let mut leaders = (0..cartoons).collect::<Vec<_>>();
    let mut groups = cartoons;
    for (question, options) in entries.iter().zip(wrong) {
        for &option in options {
            let here = leader(&mut leaders, question.cartoon);
            let there = leader(&mut leaders, entries[option].cartoon);
            groups -= usize::from(here != there);
            leaders[there] = here;
        }
    }
    groups == 1
}

/// Finds the cartoon that represents the group of `cartoon`, and halves the path to it on the way.
fn leader(leaders: &mut [usize], mut cartoon: usize) -> usize {
    while leaders[cartoon] != cartoon {
        leaders[cartoon] = leaders[leaders[cartoon]];
        cartoon = leaders[cartoon];
    }
    cartoon
}

fn write_down(
    cartoons: &[Cartoon],
    entries: &[Entry],
    wrong: &[Vec<usize>],
    random: &mut Random,
) -> Vec<Question> {
    let letters = random.deal(&[0, 1, 2, 3, 4], entries.len());
    let text = |entry: Entry| cartoons[entry.cartoon].captions[entry.caption].text.clone();
    let questions = entries.iter().zip(wrong).zip(letters);
    questions
        .map(|((&entry, options), right)| {
            let mut options = options.clone();
            random.shuffle(&mut options);
            let mut others = options.into_iter().map(|option| text(entries[option]));
            let options = std::array::from_fn(|option| {
                if option == right { text(entry) } else { others.next().unwrap_or_default() }
            });
            Question { cartoon: entry.cartoon, options, right }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::plan::{Stream, plan};

    fn folds(count: usize, seed: u64) -> Vec<(Vec<Cartoon>, Vec<Question>)> {
        let folds = plan(count, seed).unwrap().into_iter().enumerate();
        folds
            .map(|(fold, cartoons)| {
                let questions = ask(fold, &cartoons, Stream::WrongOptions.random(seed, fold)).unwrap();
                (cartoons, questions)
            })
            .collect()
    }

    #[test]
    fn every_caption_is_right_once_and_wrong_four_times_within_its_fold() {
        for (cartoons, questions) in folds(60, 3) {
            let mut uses: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
            for question in &questions {
                for (option, text) in question.options.iter().enumerate() {
                    let (right, wrong) = uses.entry(text).or_default();
                    if option == question.right { *right += 1 } else { *wrong += 1 }
                }
            }
            let captions = cartoons.iter().flat_map(|cartoon| &cartoon.captions).count();
            assert_eq!(uses.len(), captions);
            assert!(uses.values().all(|&uses| uses == (1, 4)));
        }
    }

    #[test]
    fn a_wrong_option_hangs_on_nothing_that_the_picture_shows() {
        for (cartoons, questions) in folds(80, 4) {
            let captions = cartoons.iter().flat_map(|cartoon| &cartoon.captions);
            let evokes =
                captions.map(|caption| (caption.text.as_str(), &caption.evokes)).collect::<BTreeMap<_, _>>();
            for question in &questions {
                let scene = cartoons[question.cartoon].scene;
                for (option, text) in question.options.iter().enumerate() {
                    let shown = evokes[text.as_str()].iter().filter(|&&element| scene.shows(element)).count();
                    let all = evokes[text.as_str()].len();
                    assert_eq!(shown, if option == question.right { all } else { 0 }, "{text}");
                }
            }
        }
    }

    #[test]
    fn the_right_letter_is_each_of_five_about_equally_often() {
        let mut letters = [0usize; OPTIONS];
        folds(100, 9)
            .iter()
            .flat_map(|(_, questions)| questions)
            .for_each(|question| letters[question.right] += 1);
        let (least, most) = (letters.iter().min().unwrap(), letters.iter().max().unwrap());
        assert!(most - least <= 2 * crate::plan::FOLDS, "{letters:?}");
    }

    #[test]
    fn the_smallest_contests_can_be_dealt_from_any_seed() {
        for seed in 0..20 {
            assert_eq!(folds(50, seed).len(), crate::plan::FOLDS);
        }
    }
}
