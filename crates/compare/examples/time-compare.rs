//! Times the comparison of two runs on drawn answers: `cargo run --release -p cliptune-compare --example time-compare -- 100000
//! 1`, with the number of items and the number of items in a group. `scripts/bench compare` puts it beside scipy.

#![expect(clippy::print_stdout, reason = "the times are the output")]

use std::time::Instant;

use cliptune_random::Random;
use cliptune_statistics::range::SHARE;
use cliptune_statistics::{Bootstrap, Sides, Statistic, paired_differences, paired_statistics, sign_flip};

/// The metrics of a choice.
const METRICS: usize = 4;

fn main() {
    let mut numbers = std::env::args().skip(1).map(|number| number.parse::<usize>().unwrap_or(1));
    let (items, size) = (numbers.next().unwrap_or(100_000), numbers.next().unwrap_or(1).max(1));
    let mut random = Random::new(0);
    let side = |random: &mut Random| (0..items).map(|_| random.unit()).collect::<Vec<f64>>();
    let right =
        |values: &[f64]| values.iter().map(|value| f64::from(u8::from(*value < 0.6))).collect::<Vec<f64>>();
    let mut drawn: Vec<[Vec<f64>; 2]> =
        (0..METRICS).map(|_| [side(&mut random), side(&mut random)]).collect();
    drawn[0] = drawn[0].each_ref().map(|values| right(values));
    let groups: Vec<String> = (0..items).map(|item| format!("{:09}", item / size)).collect();
    let sides: Vec<Sides<'_>> = drawn
        .iter()
        .map(|[of, against]| Sides { of: vec![of], against: vec![against], range: SHARE })
        .collect();
    let options = Bootstrap::default();
    let begun = Instant::now();
    let found = paired_differences(&sides, &groups, &options);
    println!(
        "{METRICS} intervals over {items} items in groups of {size}: {:.3} s",
        begun.elapsed().as_secs_f64()
    );
    let differences: Vec<f64> =
        drawn[0][0].iter().zip(&drawn[0][1]).map(|(of, against)| of - against).collect();
    let begun = Instant::now();
    let flipped = sign_flip(&differences, &groups, &options);
    println!("permutation test: {:.3} s", begun.elapsed().as_secs_f64());
    let right = drawn[0].each_ref();
    let begun = Instant::now();
    let ece = |side: usize| Statistic::ece(&drawn[1][side], right[side], &options).map(|one| vec![one]);
    let calibrated = ece(0).and_then(|of| paired_statistics(&of, &ece(1)?, &groups, &options));
    println!("the calibration error, of both sides: {:.3} s", begun.elapsed().as_secs_f64());
    let begun = Instant::now();
    let aurc = |side: usize| Statistic::aurc(&drawn[1][side], right[side]).map(|one| vec![one]);
    let ranked = aurc(0).and_then(|of| paired_statistics(&of, &aurc(1)?, &groups, &options));
    println!("the area under the risk-coverage curve, of both sides: {:.3} s", begun.elapsed().as_secs_f64());
    println!("{:?} {flipped:?}", found.map(|found| found[0].difference.clone()));
    println!("{:?}", calibrated.map(|calibrated| calibrated.difference));
    println!("{:?}", ranked.map(|ranked| ranked.difference));
}
