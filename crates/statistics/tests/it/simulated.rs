//! Answers of two sides to questions about cartoons, with a known difference between them.

use cliptune_random::Random;
use cliptune_statistics::range::SHARE;
use cliptune_statistics::{Sides, Weighted};

/// What is drawn.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    /// The number of cartoons.
    pub(crate) groups: usize,
    /// The most questions about a cartoon.
    pub(crate) questions: usize,
    /// The number of seeds of each side.
    pub(crate) seeds: [usize; 2],
    /// By how much more likely the first side is right.
    pub(crate) difference: f64,
    /// The number of folds, each of which counts alike: half of the cartoons are in the first one, half of the others in the next
    /// one, and so on.
    pub(crate) folds: usize,
}

impl Shape {
    /// Returns the probability that an answer of the first side is right.
    pub(crate) fn share(&self) -> f64 {
        0.45 + self.difference
    }

    fn fold(&self, cartoon: usize) -> usize {
        ((cartoon + 1).trailing_zeros() as usize).min(self.folds - 1)
    }

    /// Returns how much each question counts, by the numbers of questions about the cartoons.
    fn weights(&self, sizes: &[usize]) -> Vec<f64> {
        let mut questions = vec![0; self.folds];
        sizes.iter().enumerate().for_each(|(at, size)| questions[self.fold(at)] += size);
        let all: usize = sizes.iter().sum();
        let weight = |at: usize| all as f64 / (self.folds * questions[self.fold(at)]) as f64;
        sizes.iter().enumerate().flat_map(|(at, size)| vec![weight(at); *size]).collect()
    }
}

/// The area under the risk–coverage curve of [`Stated`] answers: chances are the sum of two uniform numbers, and answered in their
/// order. With the quantiles x of such a sum between 0.25 and 0.85, N = 10,000,000 of them from the highest to the lowest:
/// (numpy.cumsum(1 - x) / numpy.arange(1, N + 1)).mean()
pub(crate) const AREA: f64 = 0.340_636;

/// Answers to questions about cartoons, with confidences that are too high by a known amount.
pub(crate) struct Stated {
    pub(crate) confidence: Vec<f64>,
    pub(crate) right: Vec<f64>,
    /// The cartoons of the questions.
    pub(crate) groups: Vec<String>,
}

impl Stated {
    /// Draws cartoons, some of which are easier than they look and some harder, with up to so many questions about each.
    pub(crate) fn new(cartoons: usize, questions: usize, too_high: f64, random: &mut Random) -> Self {
        let mut drawn = Self { confidence: Vec::new(), right: Vec::new(), groups: Vec::new() };
        for cartoon in 0..cartoons {
            let (looks, unseen) = (random.between(0.4, 0.7), random.between(-0.15, 0.15));
            for _ in 0..=random.below(questions) {
                let chance = looks + random.between(-0.15, 0.15);
                drawn.confidence.push(chance + too_high);
                drawn.right.push(f64::from(u8::from(random.unit() < chance + unseen)));
                drawn.groups.push(format!("{cartoon:04}"));
            }
        }
        drawn
    }
}

/// The answers of each seed of both sides, and the cartoons of the questions.
pub(crate) struct Drawn {
    sides: [Vec<Vec<f64>>; 2],
    groups: Vec<String>,
    weights: Vec<f64>,
}

impl Drawn {
    /// Draws cartoons that are easy or hard for both sides, and easier for one of them, and seeds that are better or worse.
    pub(crate) fn new(shape: &Shape, random: &mut Random) -> Self {
        let sizes: Vec<usize> = (0..shape.groups).map(|_| 1 + random.below(shape.questions)).collect();
        let ease: Vec<f64> = sizes.iter().map(|_| random.between(0.3, 0.6)).collect();
        let side = |random: &mut Random, seeds: usize, more: f64| -> Vec<Vec<f64>> {
            let own: Vec<f64> = ease.iter().map(|ease| ease + more + random.between(-0.15, 0.15)).collect();
            (0..seeds).map(|_| answers(random, &own, &sizes, seeds > 1)).collect()
        };
        let sides = [side(random, shape.seeds[0], shape.difference), side(random, shape.seeds[1], 0.0)];
        let group = |(at, size): (usize, &usize)| vec![format!("{at:04}"); *size];
        let weights = shape.weights(&sizes);
        Self { sides, groups: sizes.iter().enumerate().flat_map(group).collect(), weights }
    }

    pub(crate) fn items(&self) -> Weighted<'_, &Vec<String>> {
        Weighted { groups: &self.groups, weights: &self.weights }
    }

    pub(crate) fn sides(&self) -> Sides<'_> {
        let [of, against] = self.sides.each_ref().map(|side| side.iter().map(Vec::as_slice).collect());
        Sides { of, against, range: SHARE }
    }

    /// The differences of each item between the first seeds.
    pub(crate) fn differences(&self) -> Vec<f64> {
        self.sides[0][0].iter().zip(&self.sides[1][0]).map(|(of, against)| of - against).collect()
    }
}

fn answers(random: &mut Random, chances: &[f64], sizes: &[usize], has_luck: bool) -> Vec<f64> {
    // Four small pieces of luck make one that is nearly normal, with a standard deviation of 3.5 points.
    let luck: f64 = (0..4).map(|_| random.between(-0.03, 0.03)).sum();
    let luck = if has_luck { luck } else { 0.0 };
    let mut answers = Vec::new();
    for (chance, size) in chances.iter().zip(sizes) {
        answers.extend((0..*size).map(|_| f64::from(u8::from(random.unit() < chance + luck))));
    }
    answers
}
