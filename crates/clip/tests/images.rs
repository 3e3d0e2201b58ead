//! Preprocessing against Pillow, transformers and open_clip, and against damaged files.
//!
//! The references were made by `scripts/references/images.py` with Pillow 12.2.0 (libjpeg-turbo 3.1.4.1), transformers
//! 5.23.0 and numpy 2.4.6, after open_clip 3.3.0 and torchvision 0.29.2. Everything is compared to the bit.

#![expect(clippy::unwrap_used, reason = "clippy allows it in test functions, not in their helpers")]

use std::io::Cursor;
use std::path::{Path, PathBuf};

use cliptune_clip::image::{DecodeError, Fit, ImageError, Pipeline, Preprocessor, Resample};
use proptest::prelude::*;

/// All inputs in PNG: every colour type, 1 to 16 bits, transparency of every kind, interlacing.
const SOURCES: [&str; 24] = [
    "gray",
    "rgb",
    "rgba",
    "gray-alpha",
    "palette",
    "palette-transparent",
    "palette-alpha",
    "palette-short",
    "bilevel",
    "bilevel-key",
    "gray-key",
    "rgb-key",
    "gray-4-bits",
    "gray-4-bits-key",
    "interlaced",
    "deep-gray",
    "deep-gray-bright",
    "deep-gray-alpha",
    "deep-rgb",
    "deep-rgb-key",
    "deep-rgba",
    "column",
    "row",
    "dot",
];

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

fn floats(name: &str) -> Vec<f32> {
    bytes(name).as_chunks::<4>().0.iter().map(|&value| f32::from_le_bytes(value)).collect()
}

fn squash(size: u32, resample: Resample) -> Preprocessor {
    Preprocessor { resample, ..Preprocessor::openai(size, Fit::Squash) }
}

fn open_clip(fit: Fit) -> Preprocessor {
    Preprocessor { pipeline: Pipeline::Torchvision, fill: 60, ..Preprocessor::openai(12, fit) }
}

/// Compares bits: -0.0 is not 0.0 here.
fn assert_normalised(preprocessor: &Preprocessor, source: &str, expected: &str) {
    let pixels = preprocessor.decode(&bytes(source)).unwrap();
    let mut found = vec![0.0; preprocessor.length()];
    preprocessor.normalise(&pixels, &mut found).unwrap();
    let expected = floats(expected).into_iter().map(f32::to_bits);
    assert!(expected.eq(found.into_iter().map(f32::to_bits)), "{source}");
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
fn every_kind_of_image_is_converted_as_transformers_does_and_resized_as_pillow_does() {
    for source in SOURCES {
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
    for source in ["gray", "rgb", "rgba", "palette", "column"] {
        let expected = format!("{source}.crop.12.f32");
        assert_normalised(&Preprocessor::openai(12, Fit::Crop), &format!("{source}.png"), &expected);
    }
}

#[test]
fn every_kind_of_image_is_resized_and_converted_as_open_clip_does() {
    let files = SOURCES.map(|source| (source, "png"));
    for (source, kind) in files.into_iter().chain([("jpeg-cmyk", "jpg"), ("jpeg-cmyk-unmarked", "jpg")]) {
        let file = format!("{source}.{kind}");
        for (fit, name) in [(Fit::Crop, "shortest"), (Fit::Pad, "longest"), (Fit::Squash, "squash")] {
            let found = open_clip(fit).decode(&bytes(&file)).unwrap();
            let expected = rgb(&format!("{source}.open_clip.{name}.png"));
            assert!(*found == *expected, "{source} ({name}) differs from open_clip's");
        }
        assert_normalised(&open_clip(Fit::Crop), &file, &format!("{source}.open_clip.f32"));
    }
}

/// Squashing a square to its own size changes nothing: what is compared is the decoder.
fn assert_decoded(source: &str, kind: &str, side: u32) {
    let preprocessor = Preprocessor { pipeline: Pipeline::Torchvision, ..squash(side, Resample::Bicubic) };
    let found = preprocessor.decode(&bytes(&format!("{source}.{kind}"))).unwrap();
    assert!(*found == *rgb(&format!("{source}.decoded.png")), "{source} differs from Pillow's");
}

#[test]
fn jpeg_is_decoded_to_the_byte_as_pillow_does() {
    let sources = [
        "gray",
        "gray-sampled",
        "gray-progressive",
        "rgb-444",
        "rgb-422",
        "rgb-440",
        "rgb-420",
        "rgb-restart",
        "rgb-progressive",
        "rgb-stored",
        "rgb-rotated",
        "cmyk",
        "cmyk-unmarked",
        "ycck",
    ];
    for source in sources {
        assert_decoded(&format!("jpeg-{source}"), "jpg", 41);
    }
}

#[test]
fn webp_is_decoded_to_the_byte_as_pillow_does() {
    for source in ["webp-lossless", "webp-lossless-alpha", "webp-lossy"] {
        assert_decoded(source, "webp", 45);
    }
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
    assert!(matches!(error, DecodeError::TooLarge { width: 60_000, height: 60_000 }), "{error:?}");
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
        "the bytes are not a JPEG, PNG or WebP image"
    );
}

#[test]
fn a_truncated_jpeg_is_refused_as_pillow_does() {
    let preprocessor = Preprocessor::openai(12, Fit::Crop);
    for source in ["jpeg-gray.jpg", "jpeg-rgb-420.jpg", "jpeg-rgb-progressive.jpg"] {
        let whole = bytes(source);
        assert!(preprocessor.decode(&whole).is_ok());
        for cut in [1, 2, 10, whole.len() / 2] {
            let error = preprocessor.decode(&whole[..whole.len() - cut]).err().unwrap();
            assert!(
                matches!(error, DecodeError::Truncated | DecodeError::Jpeg(_)),
                "{source} without {cut}: {error}"
            );
        }
    }
}

#[test]
fn a_jpeg_of_unusual_sampling_is_refused() {
    let mut jpeg = bytes("jpeg-ycck.jpg");
    let frame = jpeg.windows(2).position(|marker| marker == [0xFF, 0xC0]).unwrap();
    // The second component's factors: finer than the first's.
    jpeg[frame + 14] = 0x22;
    let error = Preprocessor::openai(12, Fit::Crop).decode(&jpeg).err().unwrap();
    assert!(matches!(error, DecodeError::JpegSampling), "{error}");
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
            "gray.png", "rgba.png", "palette-alpha.png", "bilevel.png", "interlaced.png", "deep-rgb-key.png",
            "webp-lossless.webp", "webp-lossy.webp", "jpeg-gray.jpg", "jpeg-rgb-422.jpg", "jpeg-rgb-restart.jpg",
            "jpeg-rgb-progressive.jpg", "jpeg-ycck.jpg",
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
        for preprocessor in [Preprocessor::openai(16, Fit::Crop), open_clip(Fit::Pad)] {
            if let Ok(pixels) = preprocessor.decode(&damaged) {
                prop_assert_eq!(pixels.len(), preprocessor.length());
            }
        }
    }

    #[test]
    fn noise_never_panics(noise in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Preprocessor::openai(16, Fit::Pad).decode(&noise).is_err());
    }
}
