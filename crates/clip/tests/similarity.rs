//! Copies of a picture are near-duplicates, and other pictures are not, even with the same background.

#![expect(clippy::unwrap_used, reason = "clippy allows it in test functions, not in their helpers")]

use std::io::Cursor;

use cliptune_clip::image::{PerceptualHash, near_duplicates, perceptual_hash};
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{FilterType, brighten, crop_imm, resize};
use image::{GrayImage, ImageFormat, Luma};

const WIDTH: u32 = 560;
const HEIGHT: u32 = 420;

/// Where something is drawn, and how large: parts of the width.
type Place = (f64, f64, f64);

/// The things that pictures show: whether a point is in a thing, in units of its size from its middle.
const THINGS: [fn(f64, f64) -> bool; 5] = [
    |x, y| x * x + y * y < 1.0,
    |x, y| x.abs() < 0.5 && y.abs() < 1.0,
    |x, y| y.abs() < 1.0 && x.abs() < (y + 1.0) / 2.0,
    |x, y| (x * x + y * y < 1.0) && (x * x + y * y > 0.4),
    |x, y| (x.abs() < 0.25 || y.abs() < 0.25) && x.abs() < 1.0 && y.abs() < 1.0,
];

/// Draws a landscape with two things in it. The landscape is always the same.
fn picture(first: usize, second: usize) -> GrayImage {
    let things: [(usize, Place); 2] = [(first, (0.26, 0.52, 0.17)), (second, (0.7, 0.55, 0.17))];
    GrayImage::from_fn(WIDTH, HEIGHT, |x, y| {
        let (x, y) = (f64::from(x) / f64::from(WIDTH), f64::from(y) / f64::from(WIDTH));
        let inside =
            |(thing, (left, top, size)): (usize, Place)| THINGS[thing]((x - left) / size, (y - top) / size);
        let sun = (x - 0.85).hypot(y - 0.12) < 0.07;
        let hill = y > 0.45 + 0.06 * (9.0 * x).sin();
        Luma([match () {
            () if things.into_iter().any(inside) => 25,
            () if sun => 250,
            () if hill => 140 + (40.0 * x) as u8,
            () => 225 - (90.0 * y) as u8,
        }])
    })
}

fn hash(image: &GrayImage) -> PerceptualHash {
    let mut png = Cursor::new(Vec::new());
    image.write_to(&mut png, ImageFormat::Png).unwrap();
    perceptual_hash(png.get_ref()).unwrap().unwrap()
}

fn jpeg_hash(image: &GrayImage, quality: u8) -> PerceptualHash {
    let mut jpeg = Vec::new();
    image.write_with_encoder(JpegEncoder::new_with_quality(&mut jpeg, quality)).unwrap();
    perceptual_hash(&jpeg).unwrap().unwrap()
}

fn pairs() -> impl Iterator<Item = (usize, usize)> {
    (0..THINGS.len()).flat_map(|first| (0..THINGS.len()).map(move |second| (first, second)))
}

#[test]
fn resized_recompressed_brightened_and_slightly_cropped_copies_are_near() {
    for (first, second) in pairs() {
        let original = picture(first, second);
        let copies = [
            ("half", hash(&resize(&original, WIDTH / 2, HEIGHT / 2, FilterType::Lanczos3))),
            ("small", hash(&resize(&original, 160, 120, FilterType::Triangle))),
            ("JPEG", jpeg_hash(&original, 85)),
            ("bad JPEG", jpeg_hash(&original, 15)),
            ("brighter", hash(&brighten(&original, 12))),
            ("cropped", hash(&crop_imm(&original, 2, 1, WIDTH - 5, HEIGHT - 3).to_image())),
        ];
        for (what, copy) in copies {
            let distance = hash(&original).distance(copy);
            assert!(distance <= PerceptualHash::NEAR, "{first} {second}, {what}: {distance}");
        }
    }
}

#[test]
fn other_things_before_the_same_background_are_not_near() {
    let hashes: Vec<PerceptualHash> =
        (0..THINGS.len()).map(|thing| hash(&picture(thing, (thing + 2) % THINGS.len()))).collect();
    near_duplicates(&hashes, PerceptualHash::NEAR, |one, other| panic!("{one} is near {other}"));
}
