//! Whole verification against decoding: what passes decodes, and what does not decode is refused in the same words.

#![expect(clippy::unwrap_used, reason = "clippy allows it in test functions, not in their helpers")]

use std::path::Path;
use std::sync::LazyLock;

use cliptune_clip::image::{Fit, Level, PerceptualHash, Preprocessor, inspect, perceptual_hash};
use proptest::prelude::*;

static REFERENCES: LazyLock<Vec<(String, Vec<u8>)>> = LazyLock::new(|| read_references().collect());

fn references() -> impl Iterator<Item = &'static (String, Vec<u8>)> {
    REFERENCES.iter()
}

fn read_references() -> impl Iterator<Item = (String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/references/images");
    let files = fs_err::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    // Inputs have a name and an extension; everything else is a reference.
    let inputs = files.filter(|path| path.file_name().unwrap().to_string_lossy().split('.').count() == 2);
    inputs
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs_err::read(&path).unwrap()))
}

/// Looks at an image whole and decodes it, and compares the answers. Returns whether the image can be used.
fn assert_same_answer(bytes: &[u8], what: &str) -> bool {
    let preprocessor = Preprocessor::openai(8, Fit::Squash);
    let decoded = preprocessor.decode(bytes).map(drop).map_err(|error| error.to_string());
    let verified = inspect(bytes, Level::Whole).map(drop).map_err(|error| error.to_string());
    assert_eq!(verified, decoded, "{what}");
    decoded.is_ok()
}

#[test]
fn every_truncation_is_answered_as_the_decoder_answers_it() {
    for (name, bytes) in references().filter(|(name, _)| !name.starts_with("large")) {
        assert!(assert_same_answer(bytes, name));
        for length in 0..bytes.len() {
            assert_same_answer(&bytes[..length], &format!("{name}, the first {length} bytes"));
        }
    }
}

#[test]
fn every_changed_byte_of_a_jpeg_is_answered_as_the_decoder_answers_it() {
    for (name, bytes) in references().filter(|(name, _)| name.starts_with("jpeg")) {
        let mut usable = 0;
        for at in 0..bytes.len() {
            for change in [0x10, 0xFF] {
                let mut damaged = bytes.clone();
                damaged[at] ^= change;
                usable += u32::from(assert_same_answer(&damaged, &format!("{name}, byte {at} ^ {change}")));
            }
        }
        assert!(usable > 0 && (usable as usize) < 2 * bytes.len(), "{name}: {usable}");
    }
}

#[test]
fn a_header_gives_the_size_that_decoding_gives() {
    for (name, bytes) in references() {
        let [header, whole] = [Level::Header, Level::Whole].map(|level| inspect(bytes, level).unwrap());
        // The first frame of a GIF may be larger than the screen, which only the frame says.
        assert_eq!(header, whole, "{name}");
    }
}

/// The references: `scripts/references/images.py` with ImageHash 4.3.2.
#[test]
fn perceptual_hashes_are_those_of_imagehash() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/references/images");
    let expected = fs_err::read_to_string(folder.join("hashes.expected.txt")).unwrap();
    let mut differing = Vec::new();
    for line in expected.lines() {
        let (name, expected) = line.split_once(' ').unwrap();
        let expected = PerceptualHash::from_bits(u64::from_str_radix(expected, 16).unwrap());
        let found = perceptual_hash(&fs_err::read(folder.join(name)).unwrap()).unwrap();
        match found {
            Some(found) if found == expected => {}
            // Nothing but the mean: there is nothing to be seen.
            None if expected.bits() == 1 << 63 => {}
            other => differing.push(format!("{name}: {other:?} instead of {expected}")),
        }
    }
    assert!(differing.is_empty(), "{differing:#?}");
    assert!(expected.lines().count() > 100);
}

#[test]
fn one_look_gives_the_hash_and_everything_else() {
    for (name, bytes) in references() {
        let whole = inspect(bytes, Level::Whole).unwrap();
        let hashed = inspect(bytes, Level::Hashed).unwrap();
        assert_eq!((whole.hash, hashed.hash), (None, perceptual_hash(bytes).unwrap()), "{name}");
        assert_eq!((whole.width, whole.height, whole.deep), (hashed.width, hashed.height, hashed.deep));
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: ProptestConfig::default().cases.max(1_000),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_damage_is_answered_as_the_decoder_answers_it(
        source in any::<prop::sample::Index>(),
        keep in 0.5..=1.0f64,
        flips in prop::collection::vec((any::<prop::sample::Index>(), 0..8u8), 0..6),
        cut in prop::option::of((any::<prop::sample::Index>(), 1..40usize)),
        marker in prop::option::of((any::<prop::sample::Index>(), 0xC0..=0xFFu8)),
    ) {
        let (name, mut damaged) = REFERENCES[source.index(REFERENCES.len())].clone();
        if let Some((at, length)) = cut {
            let at = at.index(damaged.len());
            damaged.drain(at..(at + length).min(damaged.len()));
        }
        if let Some((at, marker)) = marker {
            let at = at.index(damaged.len());
            damaged.splice(at..at, [0xFF, marker]);
        }
        damaged.truncate((damaged.len() as f64 * keep) as usize);
        for (at, bit) in flips {
            let at = at.index(damaged.len());
            damaged[at] ^= 1 << bit;
        }
        assert_same_answer(&damaged, &name);
    }
}
