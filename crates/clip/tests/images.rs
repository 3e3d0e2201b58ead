//! Preprocessing against Pillow and transformers, and against damaged files.
//!
//! The references were made by `scripts/references/images.py` with Pillow 12.2.0 (libjpeg-turbo 3.1.4.1),
//! transformers 5.23.0 and numpy 2.4.6. Everything but JPEG is compared to the bit.

#![expect(clippy::unwrap_used, reason = "clippy allows it in test functions, not in their helpers")]

use std::io::Cursor;
use std::path::{Path, PathBuf};

use cliptune_clip::image::{DecodeError, Fit, ImageError, Preprocessor, Resample};
use proptest::prelude::*;

fn references() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/references/images")
}

fn bytes(name: &str) -> Vec<u8> {
    fs_err::read(references().join(name)).unwrap()
}

/// An image of the references as RGB bytes.
fn rgb(name: &str) -> Vec<u8> {
    image::load_from_memory(&bytes(name)).unwrap().into_rgb8().into_raw()
}

fn squash(size: u32, resample: Resample) -> Preprocessor {
    Preprocessor { resample, ..Preprocessor::openai(size, Fit::Squash) }
}

/// `Image.fromarray(convert_to_rgb(Image.open(source), return_numpy=True)).resize((size, size), filter)`
fn assert_resized(source: &str, resample: Resample, filter: &str) {
    for size in [12, 33] {
        let found = squash(size, resample).read(&references().join(format!("{source}.png"))).unwrap();
        let expected = rgb(&format!("{source}.{filter}.{size}.png"));
        assert!(*found == *expected, "{source} resized to {size} ({filter}) differs from Pillow's");
    }
}

#[test]
fn bicubic_is_pillows_to_the_byte() {
    let sources = [
        "gray",
        "rgb",
        "rgba",
        "gray-alpha",
        "palette",
        "palette-transparent",
        "bilevel",
        "column",
        "row",
        "dot",
    ];
    for source in sources {
        assert_resized(source, Resample::Bicubic, "bicubic");
    }
}

#[test]
fn bilinear_is_pillows_to_the_byte() {
    for source in ["gray", "rgb", "column"] {
        assert_resized(source, Resample::Bilinear, "bilinear");
    }
}

/// `CLIPImageProcessorPil(size={"shortest_edge": 12}, crop_size={"height": 12, "width": 12})(image)`
#[test]
fn crop_and_normalisation_are_transformers_to_the_bit() {
    let preprocessor = Preprocessor::openai(12, Fit::Crop);
    for source in ["gray", "rgb", "rgba", "palette", "column"] {
        let pixels = preprocessor.read(&references().join(format!("{source}.png"))).unwrap();
        let mut found = vec![0.0; preprocessor.length()];
        preprocessor.normalise(&pixels, &mut found).unwrap();
        let expected = bytes(&format!("{source}.crop.12.f32"));
        let expected = expected.as_chunks::<4>().0.iter().map(|&value| f32::from_le_bytes(value));
        assert!(expected.map(f32::to_bits).eq(found.into_iter().map(f32::to_bits)), "{source}");
    }
}

/// The decoder is zune-jpeg, the reference libjpeg-turbo: their inverse transforms round differently, and so do
/// their ways of enlarging subsampled chroma (4:2:0, the last two).
#[test]
fn jpeg_is_within_a_few_levels_of_libjpeg() {
    let sources = [("jpeg-gray", 2), ("jpeg-rgb-444", 2), ("jpeg-rgb", 3), ("jpeg-progressive", 3)];
    for (source, bound) in sources {
        let decoded = rgb(&format!("{source}.decoded.png"));
        let found = rgb(&format!("{source}.jpg"));
        let distance = decoded.iter().zip(&found).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
        assert!(distance <= bound, "{source} is {distance} levels away");
    }
}

#[test]
fn lossless_webp_equals_png() {
    let preprocessor = Preprocessor::openai(12, Fit::Crop);
    let webp = preprocessor.decode(&bytes("rgb-lossless.webp")).unwrap();
    assert_eq!(webp, preprocessor.decode(&bytes("rgb.png")).unwrap());
}

#[test]
fn samples_of_16_bits_keep_their_high_byte() {
    let mut png = Cursor::new(Vec::new());
    let deep =
        image::ImageBuffer::<image::Luma<u16>, _>::from_raw(2, 2, vec![0x12FF, 0x3400, 0xFFFF, 0x00FF]);
    deep.unwrap().write_to(&mut png, image::ImageFormat::Png).unwrap();
    let pixels = Preprocessor::openai(2, Fit::Crop).decode(png.get_ref()).unwrap();
    assert_eq!(*pixels, [[0x12; 3], [0x34; 3], [0xFF; 3], [0x00; 3]].concat());
}

#[test]
fn an_extreme_aspect_takes_no_extreme_memory() {
    // Resized whole to a shorter side of 224, this would be 224 by 3 360 000 pixels.
    let mut png = Cursor::new(Vec::new());
    image::GrayImage::new(4, 60_000).write_to(&mut png, image::ImageFormat::Png).unwrap();
    for fit in [Fit::Crop, Fit::Pad, Fit::Squash] {
        let preprocessor = Preprocessor::openai(224, fit);
        assert_eq!(preprocessor.decode(png.get_ref()).unwrap().len(), preprocessor.length());
    }
}

#[test]
fn a_decompression_bomb_is_refused() {
    // A PNG header that promises 60 000 × 60 000 pixels.
    let mut png = Cursor::new(Vec::new());
    image::GrayImage::new(1, 1).write_to(&mut png, image::ImageFormat::Png).unwrap();
    let mut bomb = png.into_inner();
    bomb[16..24].copy_from_slice(&[0, 0, 0xEA, 0x60, 0, 0, 0xEA, 0x60]);
    let checksum = crc32(&bomb[12..29]);
    bomb[29..33].copy_from_slice(&checksum.to_be_bytes());
    let error = Preprocessor::openai(224, Fit::Crop).decode(&bomb).err().unwrap();
    assert!(matches!(error, DecodeError::Codec(image::ImageError::Limits(_))), "{error:?}");
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), step))
}

#[test]
fn errors_name_the_file_and_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let preprocessor = Preprocessor::openai(224, Fit::Crop);
    let missing = folder.path().join("missing.png");
    let error = preprocessor.read(&missing).err().unwrap();
    assert!(matches!(error, ImageError::Io(_)) && error.to_string().contains("missing.png"), "{error}");

    let text = folder.path().join("text.jpg");
    fs_err::write(&text, "not an image").unwrap();
    let error = preprocessor.read(&text).err().unwrap();
    assert!(
        error.to_string().starts_with("cannot use the image ") && error.to_string().ends_with("text.jpg")
    );
    assert_eq!(
        std::error::Error::source(&error).unwrap().to_string(),
        "The image format could not be determined"
    );
}

#[test]
fn a_truncated_jpeg_is_refused_as_pillow_does() {
    let preprocessor = Preprocessor::openai(12, Fit::Crop);
    for source in ["jpeg-gray.jpg", "jpeg-progressive.jpg"] {
        let whole = bytes(source);
        assert!(preprocessor.decode(&whole).is_ok());
        for cut in [1, 2, 10, whole.len() / 2] {
            let error = preprocessor.decode(&whole[..whole.len() - cut]).err().unwrap();
            assert!(matches!(error, DecodeError::Truncated), "{source} without {cut}: {error}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: ProptestConfig::default().cases.max(400),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Whatever the bytes: an image or an error, no panic.
    #[test]
    fn damaged_files_never_panic(
        source in prop::sample::select(vec![
            "gray.png", "rgba.png", "palette-transparent.png", "bilevel.png", "rgb-lossless.webp",
            "jpeg-gray.jpg", "jpeg-rgb.jpg", "jpeg-progressive.jpg",
        ]),
        keep in 0.3..=1.0f64,
        flips in prop::collection::vec((any::<prop::sample::Index>(), 0..8u8), 0..6),
    ) {
        let mut damaged = bytes(source);
        damaged.truncate((damaged.len() as f64 * keep) as usize);
        for (at, bit) in flips {
            let at = at.index(damaged.len());
            damaged[at] ^= 1 << bit;
        }
        let preprocessor = Preprocessor::openai(16, Fit::Crop);
        if let Ok(pixels) = preprocessor.decode(&damaged) {
            prop_assert_eq!(pixels.len(), preprocessor.length());
        }
    }

    #[test]
    fn noise_never_panics(noise in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Preprocessor::openai(16, Fit::Pad).decode(&noise).is_err());
    }
}
