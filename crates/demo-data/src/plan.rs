//! The contest before anything is drawn: its cartoons, their folds and their captions.

use std::collections::BTreeSet;

use crate::characters::Character;
use crate::error::Error;
use crate::props::Prop;
use crate::scene::Scene;
use crate::settings::Setting;
use crate::words::captions::{Caption, write};
use cliptune_random::Random;

/// The number of folds. The cartoons and captions of one fold never occur in another, so that folds can be held out
/// cleanly.
pub const FOLDS: usize = 10;

/// The number of captions of an ordinary cartoon.
const CAPTIONS: usize = 3;
/// The number of captions of a cartoon that had two rounds.
const MANY_CAPTIONS: usize = 6;
/// The percentage of cartoons that had two rounds, which gives 3.87 captions on average.
const MANY_PERCENT: usize = 29;

/// One cartoon of the contest.
#[derive(Clone, Debug)]
pub(crate) struct Cartoon {
    pub(crate) contest_number: usize,
    pub(crate) scene: Scene,
    pub(crate) captions: Vec<Caption>,
}

/// Separate streams of random numbers, so that a change in one part leaves the others as they were.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stream {
    Folds,
    Scenes,
    Captions,
    WrongOptions,
    Annotations,
    Rows,
    Drawing,
}

impl Stream {
    /// Starts the random numbers of one `part` (a fold, a cartoon) of this stream.
    pub(crate) fn random(self, seed: u64, part: usize) -> Random {
        Random::at(seed, &[self as u64, part as u64])
    }
}

/// What earlier cartoons have used up.
#[derive(Default)]
struct Used {
    scenes: BTreeSet<Scene>,
    captions: BTreeSet<String>,
}

/// Returns the cartoons of every fold, with captions that no other cartoon has.
pub(crate) fn plan(cartoons: usize, seed: u64) -> Result<Vec<Vec<Cartoon>>, Error> {
    let mut used = Used::default();
    let folds = split(cartoons, seed).into_iter().enumerate();
    folds.map(|(fold, numbers)| plan_fold(fold, &numbers, seed, &mut used)).collect()
}

/// Decides which contest numbers belong to each fold.
fn split(cartoons: usize, seed: u64) -> Vec<Vec<usize>> {
    let mut numbers = (1..=cartoons).collect::<Vec<_>>();
    Stream::Folds.random(seed, 0).shuffle(&mut numbers);
    let mut folds = vec![Vec::new(); FOLDS];
    for (index, number) in numbers.into_iter().enumerate() {
        folds[index % FOLDS].push(number);
    }
    folds
}

fn plan_fold(fold: usize, numbers: &[usize], seed: u64, used: &mut Used) -> Result<Vec<Cartoon>, Error> {
    let mut random = Stream::Scenes.random(seed, fold);
    let many = two_rounds(&mut random, numbers.len());
    let scenes = scenes(&mut random, numbers.len(), &mut used.scenes);
    let planned = numbers.iter().zip(scenes).zip(many);
    planned
        .map(|((&contest_number, scene), many)| {
            let count = if many { MANY_CAPTIONS } else { CAPTIONS };
            let mut random = Stream::Captions.random(seed, contest_number);
            let captions =
                (0..count).map(|_| write(scene, &mut random, &mut used.captions)).collect::<Option<Vec<_>>>();
            let captions = captions.ok_or(Error::Captions { contest_number, captions: count })?;
            Ok(Cartoon { contest_number, scene, captions })
        })
        .collect()
}

/// Deals scenes from decks. Within a fold every character, setting and prop comes up equally often, which leaves enough
/// unlike cartoons to take wrong options from. As far as props can be swapped, no scene appears twice in the whole
/// contest.
fn scenes(random: &mut Random, count: usize, shown: &mut BTreeSet<Scene>) -> Vec<Scene> {
    let characters = random.deal(&Character::ALL, count);
    let settings = random.deal(&Setting::ALL, count);
    let mut props = random.deal(&Prop::ALL, count);
    let pairs = characters.into_iter().zip(settings).enumerate();
    pairs
        .map(|(index, (character, setting))| {
            let scene = |prop| Scene { character, setting, prop };
            let fresh = (index..count).find(|&other| !shown.contains(&scene(props[other])));
            props.swap(index, fresh.unwrap_or(index));
            shown.insert(scene(props[index]));
            scene(props[index])
        })
        .collect()
}

/// Decides which of the `count` cartoons had two rounds.
fn two_rounds(random: &mut Random, count: usize) -> Vec<bool> {
    // Rounding at random keeps the share right on average in small folds.
    let share = count * MANY_PERCENT;
    let many = share / 100 + usize::from(random.chance(share % 100));
    let mut rounds = (0..count).map(|index| index < many).collect::<Vec<_>>();
    random.shuffle(&mut rounds);
    rounds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cartoon_has_three_or_six_captions_and_nearly_four_on_average() {
        let cartoons = plan(300, 1).unwrap().concat();
        assert!(cartoons.iter().all(|cartoon| [3, 6].contains(&cartoon.captions.len())));
        let captions = cartoons.iter().map(|cartoon| cartoon.captions.len()).sum::<usize>();
        assert!((1130..1190).contains(&captions), "{captions} captions for 300 cartoons");
    }

    #[test]
    fn hardly_any_scene_is_shown_twice() {
        let cartoons = plan(1000, 1).unwrap().concat();
        let scenes = cartoons.iter().map(|cartoon| cartoon.scene).collect::<BTreeSet<_>>();
        assert!(scenes.len() > 980, "{} scenes for 1000 cartoons", scenes.len());
    }

    #[test]
    fn folds_share_the_cartoons_evenly_and_every_element_is_seen_as_often_as_its_peers() {
        let folds = plan(300, 1).unwrap();
        assert_eq!(folds.len(), FOLDS);
        assert!(folds.iter().all(|fold| fold.len() == 30));
        for fold in folds {
            for setting in Setting::ALL {
                assert_eq!(fold.iter().filter(|cartoon| cartoon.scene.setting == setting).count(), 3);
            }
        }
    }
}
