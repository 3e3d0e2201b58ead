//! A few colours that stand for all colours of a picture.

use std::collections::{BTreeMap, BTreeSet};

/// The most colours of a palette.
pub(crate) const MOST: usize = 256;

/// The bits of a channel by which similar colours are told apart where there are many.
const BITS: u32 = 5;

/// Some colours, and for each pixel the number of its own.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Palette {
    pub(crate) colours: Vec<[u8; 3]>,
    pub(crate) indices: Vec<u8>,
}

/// A set of similar colours with the number of their pixels and the sums of their channels.
type Bin = ([u8; 3], u64, [u64; 3]);

impl Palette {
    /// Returns the colours of the pixels themselves if they are few, or else a palette by median cut (Heckbert 1982, doi
    /// 10.1145/965145.801294).
    pub(crate) fn of(pixels: &[[u8; 3]]) -> Self {
        if let Some(colours) = distinct(pixels) {
            let index = |pixel| colours.binary_search(pixel).unwrap_or(0) as u8;
            return Self { indices: pixels.iter().map(index).collect(), colours };
        }
        let boxes = cut(bins(pixels));
        let numbers: BTreeMap<[u8; 3], u8> = boxes
            .iter()
            .enumerate()
            .flat_map(|(number, bins)| bins.iter().map(move |(key, ..)| (*key, number as u8)))
            .collect();
        let indices = pixels.iter().map(|pixel| numbers.get(&key(*pixel)).copied().unwrap_or(0)).collect();
        Self { colours: boxes.iter().map(|bins| mean(bins)).collect(), indices }
    }
}

/// Returns the colours of the pixels in order, unless there are too many.
fn distinct(pixels: &[[u8; 3]]) -> Option<Vec<[u8; 3]>> {
    let mut distinct = BTreeSet::new();
    for pixel in pixels {
        distinct.insert(*pixel);
        if distinct.len() > MOST {
            return None;
        }
    }
    Some(distinct.into_iter().collect())
}

fn key(pixel: [u8; 3]) -> [u8; 3] {
    pixel.map(|value| value >> (8 - BITS))
}

fn bins(pixels: &[[u8; 3]]) -> Vec<Bin> {
    let mut bins: BTreeMap<[u8; 3], (u64, [u64; 3])> = BTreeMap::new();
    for pixel in pixels {
        let (count, sums) = bins.entry(key(*pixel)).or_default();
        *count += 1;
        *sums = std::array::from_fn(|channel| sums[channel] + u64::from(pixel[channel]));
    }
    bins.into_iter().map(|(key, (count, sums))| (key, count, sums)).collect()
}

/// Cuts the colours into boxes: always the box with the widest range of a channel, at the median of its pixels.
fn cut(bins: Vec<Bin>) -> Vec<Vec<Bin>> {
    let mut boxes = vec![bins];
    while boxes.len() < MOST {
        let widest = boxes.iter().enumerate().map(|(at, bins)| (widest(bins), at)).max();
        let Some(((1.., channel), at)) = widest else { break };
        let mut bins = boxes.swap_remove(at);
        bins.sort_by_key(|(key, ..)| key[channel]);
        let half = bins.iter().map(|(_, count, _)| count).sum::<u64>() / 2;
        let mut seen = 0;
        let median = bins.iter().position(|(_, count, _)| {
            seen += count;
            seen > half
        });
        let upper = bins.split_off(median.unwrap_or(0).clamp(1, bins.len() - 1));
        boxes.extend([bins, upper]);
    }
    boxes
}

/// Returns the widest range of a channel and that channel.
fn widest(bins: &[Bin]) -> (u8, usize) {
    let range = |channel: usize| {
        let values = || bins.iter().map(|(key, ..)| key[channel]);
        values().max().unwrap_or(0) - values().min().unwrap_or(0)
    };
    (0..3).map(|channel| (range(channel), channel)).max().unwrap_or((0, 0))
}

fn mean(bins: &[Bin]) -> [u8; 3] {
    let count: u64 = bins.iter().map(|(_, count, _)| count).sum();
    std::array::from_fn(|channel| {
        let sum: u64 = bins.iter().map(|(_, _, sums)| sums[channel]).sum();
        ((sum + count / 2) / count.max(1)) as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_colours_stay_what_they_are() {
        let greys: Vec<[u8; 3]> = (0..=255).rev().map(|level| [level; 3]).collect();
        let palette = Palette::of(&greys);
        assert_eq!(palette.colours.len(), 256);
        for (pixel, index) in greys.iter().zip(&palette.indices) {
            assert_eq!(palette.colours[usize::from(*index)], *pixel);
        }
        assert_eq!(Palette::of(&[[1, 2, 3]]), Palette { colours: vec![[1, 2, 3]], indices: vec![0] });
    }

    #[test]
    fn many_colours_become_256_that_are_close() {
        let pixels: Vec<[u8; 3]> =
            (0..64 * 64).map(|at| [(at % 64 * 4) as u8, (at / 64 * 4) as u8, 128]).collect();
        let palette = Palette::of(&pixels);
        assert_eq!(palette.colours.len(), MOST);
        let furthest = pixels.iter().zip(&palette.indices).map(|(pixel, index)| {
            let colour = palette.colours[usize::from(*index)];
            pixel.iter().zip(colour).map(|(own, other)| own.abs_diff(other)).max().unwrap()
        });
        assert!(furthest.max().unwrap() <= 16);
    }
}
