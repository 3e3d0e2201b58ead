//! Cartoons that nobody drew, with their answers.

use cliptune_report::data::{
    Answer, Gallery, GalleryItem, NearItem, PairsGallery, PairsItem, Seen, Stratum, StratumCount, Thumbnail,
};

use super::noise::Noise;

const CAPTIONS: [&str; 8] = [
    "“He said he'd be back by low tide.”",
    "“Technically, the lease says no pets, but it says nothing about management.”",
    "“I told you we should have taken the tunnel.”",
    "“Your references are excellent, but every one of them mentions the ladder.”",
    "“It's not the altitude, it's the company.”",
    "“We used to call this the living room.”",
    "“Before you say anything, look at the price.”",
    "“I'm not lost, I'm early.”",
];

pub(super) fn gallery() -> Gallery {
    let items = (0..16).map(|index| gallery_item(index, Stratum::ALL[index / 4]));
    let strata =
        [(Stratum::Gained, 166), (Stratum::Lost, 16), (Stratum::BothRight, 94), (Stratum::BothWrong, 84)];
    Gallery {
        board: 0,
        entries: vec![1, 2, 3, 4],
        items: items.collect(),
        strata: strata.map(|(stratum, items)| (stratum, StratumCount { items, shown: 4 })).to_vec(),
    }
}

fn gallery_item(index: usize, stratum: Stratum) -> GalleryItem {
    let label = index * 3 % 5;
    let wrong = (label + 1 + index % 3) % 5;
    let right = |yes: bool| if yes { label } else { wrong };
    let tuned = matches!(stratum, Stratum::Gained | Stratum::BothRight);
    let zero = matches!(stratum, Stratum::Lost | Stratum::BothRight);
    GalleryItem {
        item_id: format!("{:016x}", 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(index as u64 + 1)),
        id: format!("q-{index}"),
        group: (400 + index * 7).to_string(),
        stratum,
        image: if index == 6 { Err("the file is gone".to_owned()) } else { Ok(seen(index as u64)) },
        texts: (0..5).map(|text| CAPTIONS[(index + text * 3) % CAPTIONS.len()].to_owned()).collect(),
        label,
        answers: vec![
            answer(&[right(zero)], 0.31),
            answer(&[right(tuned), right(tuned), right(tuned || index.is_multiple_of(2))], 0.68),
            answer(&[right(tuned), right(index.is_multiple_of(3)), right(tuned)], 0.52),
            answer(&[right(zero), right(zero), wrong], 0.33),
        ],
    }
}

fn answer(choices: &[usize], top: f64) -> Answer {
    let votes = (0..5).map(|text| choices.iter().filter(|&&choice| choice == text).count());
    let votes: Vec<usize> = votes.collect();
    let share = |votes: usize| votes as f64 / choices.len() as f64;
    let probs = votes.iter().map(|&votes| share(votes) * top + (1.0 - top) / 5.0).collect();
    Answer { votes, probs }
}

fn seen(seed: u64) -> Seen {
    let transparent = (seed == 3).then(|| drawing(seed + 100));
    Seen { as_model: drawing(seed), transparent }
}

/// A few images with the texts that are nearest to them.
pub(super) fn pairs() -> PairsGallery {
    let near = |index: usize, place: usize| NearItem {
        text: CAPTIONS[(index + place) % CAPTIONS.len()].to_owned(),
        prob: 0.4 / (place + 1) as f64,
        is_hit: place == index % 3,
    };
    let item = |index: usize| PairsItem {
        id: format!("p-{index}"),
        group: (900 + index).to_string(),
        stratum: if index.is_multiple_of(3) { Stratum::BothRight } else { Stratum::BothWrong },
        image: Ok(seen(index as u64 + 40)),
        near: (0..5).map(|place| near(index, place)).collect(),
        own: CAPTIONS[(index + index % 3) % CAPTIONS.len()].to_owned(),
        ranks: ((index % 3 + 1) as f64, None),
    };
    PairsGallery { board: 1, entry: 0, items: [0, 3, 1, 2].map(item).to_vec() }
}

/// A landscape in pen strokes, with a red sun.
fn drawing(seed: u64) -> Thumbnail {
    let side = 320;
    let mut noise = Noise::new(seed);
    let (sun_x, sun_y) = (60.0 + 240.0 * noise.uniform(), 40.0 + 50.0 * noise.uniform());
    let (phase, tilt) = (6.0 * noise.uniform(), noise.uniform());
    let pixels = image::RgbImage::from_fn(side, side, |x, y| {
        let (x, y) = (f64::from(x), f64::from(y));
        let hill = 165.0 + 28.0 * (x / 52.0 + phase).sin() + 30.0 * tilt * (x / 130.0).cos();
        let sun = ((x - sun_x).hypot(y - sun_y) - 26.0).abs() < 1.4;
        let outline = (y - hill).abs() < 1.6;
        let hatch = y > hill && ((x + y * (0.7 + tilt)) % 9.0) < 1.3;
        image::Rgb(if sun {
            [200, 40, 30]
        } else if outline {
            [20; 3]
        } else if hatch {
            [90; 3]
        } else {
            [252; 3]
        })
    });
    let mut jpeg = Vec::new();
    let mut encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut jpeg, 70);
    encoder.encode(&pixels, side, side, image::ExtendedColorType::Rgb8).unwrap();
    Thumbnail { jpeg, width: side, height: side }
}
