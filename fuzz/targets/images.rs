//! Images of every format: what looks at them and what decodes them agree.

#![no_main]

use cliptune_clip::image::{Fit, Level, Picture, Preprocessor, footprint, inspect};
use libfuzzer_sys::fuzz_target;

/// The memory in bytes beyond which an image is only looked at.
const MOST: u64 = 64 << 20;

fuzz_target!(|data: &[u8]| {
    let header = inspect(data, Level::Header);
    if footprint(data) > MOST {
        return;
    }
    let whole = inspect(data, Level::Whole);
    let hashed = inspect(data, Level::Hashed);
    let decoded = Preprocessor::openai(24, Fit::Crop).decode(data);
    let error = decoded.as_ref().err().map(ToString::to_string);
    assert_eq!(whole.as_ref().err().map(ToString::to_string), error);
    assert_eq!(hashed.as_ref().err().map(ToString::to_string), error);
    if let (Ok(whole), Ok(header)) = (&whole, &header) {
        assert_eq!([whole.width, whole.height], [header.width, header.height]);
    }
    if let (Ok(picture), Ok(whole)) = (Picture::decode(data, 64), &whole) {
        assert_eq!(picture.size, [whole.width, whole.height]);
        assert_eq!(picture.rgb.len(), 3 * picture.width as usize * picture.height as usize);
    }
});
