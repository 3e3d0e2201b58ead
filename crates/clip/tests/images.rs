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

/// The inputs of `scripts/references/containers.py`: BMP, GIF and TIFF files, and animations.
fn containers() -> Vec<String> {
    let files = fs_err::read_dir(references())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let is_container = |name: &String| {
        let (stem, kind) = name.split_once('.').unwrap();
        matches!(kind, "bmp" | "gif" | "tif")
            || stem.contains("animated") && kind == "webp"
            || stem.contains("apng") && kind == "png"
    };
    let mut names: Vec<String> = files.filter(is_container).collect();
    names.sort();
    names
}

#[test]
fn bmp_gif_tiff_and_animations_are_decoded_as_pillow_does() {
    let mut differing = Vec::new();
    let names = containers();
    for name in &names {
        let stem = name.split_once('.').unwrap().0;
        for (preprocessor, expected) in
            [(squash(12, Resample::Bicubic), "bicubic.12"), (open_clip(Fit::Crop), "open_clip.shortest")]
        {
            // Pillow 12.2 resizes such an image as if its bytes were in the other order.
            if (stem, expected) == ("tif-deep-gray-big-endian", "open_clip.shortest") {
                continue;
            }
            match preprocessor.decode(&bytes(name)) {
                Ok(found) if *found == *rgb(&format!("{stem}.{expected}.png")) => {}
                Ok(_) => differing.push(format!("{name} ({expected}) differs from Pillow's")),
                Err(error) => differing.push(format!("{name}: {error}")),
            }
        }
    }
    assert!(differing.is_empty(), "{differing:#?}");
    assert_eq!(names.len(), 63);
}

#[test]
fn a_file_is_what_its_first_bytes_say_and_what_is_not_read_is_named() {
    let decode = |bytes: &[u8]| Preprocessor::openai(12, Fit::Crop).decode(bytes).err().unwrap().to_string();
    assert_eq!(
        decode(b"\0\0\0\x20ftypavif"),
        "the bytes are an AVIF image, which is not read: convert it to PNG or JPEG"
    );
    assert_eq!(decode(b""), "the file is empty");
    assert_eq!(decode(b"<html></html>"), "the bytes are not a JPEG, PNG, WebP, GIF, BMP or TIFF image");
    let folder = tempfile::tempdir().unwrap();
    let misnamed = folder.path().join("picture.jpg");
    fs_err::write(&misnamed, bytes("gif-palette.gif")).unwrap();
    assert!(Preprocessor::openai(12, Fit::Crop).read(&misnamed).is_ok());
}

/// A little-endian TIFF of one strip that says it is `width × height`, with `pixels` of the compression.
fn tiff(width: u32, height: u32, compression: u16, pixels: &[u8]) -> Vec<u8> {
    let fields = [
        (256_u16, 4_u16, width),
        (257, 4, height),
        (258, 3, 8),
        (259, 3, compression.into()),
        (262, 3, 1),
        (273, 4, 8 + 2 + 8 * 12 + 4),
        (278, 4, height),
        (279, 4, pixels.len() as u32),
    ];
    let mut file = [b"II\x2A\0".as_slice(), &8_u32.to_le_bytes(), &8_u16.to_le_bytes()].concat();
    for (tag, kind, value) in fields {
        file.extend([tag.to_le_bytes(), kind.to_le_bytes()].concat());
        file.extend([1_u32.to_le_bytes(), value.to_le_bytes()].concat());
    }
    file.extend([0; 4]);
    file.extend(pixels);
    file
}

#[test]
fn what_promises_too_many_pixels_is_refused_before_memory_is_taken() {
    let too_large = |bytes: &[u8]| match Preprocessor::openai(12, Fit::Crop).decode(bytes) {
        Err(DecodeError::TooLarge { .. }) => {}
        other => panic!("{other:?}"),
    };
    too_large(&tiff(60_000, 60_000, 1, &[0; 9]));
    too_large(&tiff(4_000_000_000, 1, 1, &[0; 9]));
    let mut bmp = bytes("bmp-rgb.bmp");
    bmp[18..26].copy_from_slice(&[0x60, 0xEA, 0, 0, 0x60, 0xEA, 0, 0]);
    too_large(&bmp);
    let mut gif = bytes("gif-palette.gif");
    gif[6..10].copy_from_slice(&[0x60, 0xEA, 0x60, 0xEA]);
    too_large(&gif);
    // 13 377 × 13 378 pixels are just one row too many for Pillow.
    too_large(&tiff(13_377, 13_379, 1, &[0; 9]));
}

#[test]
fn images_without_pixels_are_refused() {
    let decode = |bytes: &[u8]| Preprocessor::openai(12, Fit::Crop).decode(bytes).err().unwrap();
    assert!(matches!(decode(&tiff(0, 7, 1, &[])), DecodeError::Empty));
    let mut bmp = bytes("bmp-rgb.bmp");
    bmp[18..22].copy_from_slice(&[0; 4]);
    assert!(matches!(decode(&bmp), DecodeError::Empty));
    assert!(matches!(decode(b"GIF89a\x05\0\x05\0\0\0\0;"), DecodeError::Gif(_)));
}

#[test]
fn a_bomb_in_a_tiff_makes_no_more_than_the_image_holds() {
    // A run of 128 zeros in two bytes, a million times.
    let bomb = tiff(10, 10, 32_773, &[0x81, 0].repeat(1_000_000));
    assert!(Preprocessor::openai(12, Fit::Crop).decode(&bomb).is_ok());
    let mut endless = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut endless, &vec![0; 50_000_000]).unwrap();
    let bomb = tiff(10, 10, 8, &endless.finish().unwrap());
    assert!(Preprocessor::openai(12, Fit::Crop).decode(&bomb).is_ok());
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
        "the bytes are not a JPEG, PNG, WebP, GIF, BMP or TIFF image"
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
            "jpeg-rgb-progressive.jpg", "jpeg-ycck.jpg", "bmp-rgba.bmp", "bmp-palette-16.bmp", "bmp-run-lengths-4.bmp",
            "bmp-run-lengths-8.bmp", "gif-part-transparent.gif", "gif-interlaced.gif", "tif-bilevel-group4.tif",
            "tif-bilevel-group3.tif", "tif-rgb-lzw.tif", "tif-rgb-jpeg.tif", "tif-rgb-packbits.tif", "tif-tiles.tif",
            "tif-planes.tif", "tif-big.tif", "tif-deep-rgba.tif", "tif-palette-4-bits.tif", "webp-animated.webp",
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
