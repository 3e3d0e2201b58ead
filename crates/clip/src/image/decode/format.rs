//! Recognises the kind of an image file by its first bytes. Its name does not matter.

/// A kind of file that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Jpeg,
    Png,
    WebP,
    Gif,
    Bmp,
    Tiff,
}

impl Format {
    /// Returns the kind of file that starts like this.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        Some(match bytes {
            [0xFF, 0xD8, 0xFF, ..] => Self::Jpeg,
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => Self::Png,
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Self::WebP,
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Self::Gif,
            [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Self::Tiff,
            // Two letters are few: the size of the header that follows has to be one that there is.
            [b'B', b'M', ..]
                if matches!(bytes.get(14..18)?, [12 | 40 | 52 | 56 | 64 | 108 | 124, 0, 0, 0]) =>
            {
                Self::Bmp
            }
            _ => return None,
        })
    }
}

/// Returns the ending that names of files with this content have, if it is an image of a kind that is read.
pub fn ending(bytes: &[u8]) -> Option<&'static str> {
    Some(match Format::of(bytes)? {
        Format::Jpeg => "jpg",
        Format::Png => "png",
        Format::WebP => "webp",
        Format::Gif => "gif",
        Format::Bmp => "bmp",
        Format::Tiff => "tiff",
    })
}

/// Returns the name of a kind of image that is known but not read.
pub(super) fn unread(bytes: &[u8]) -> Option<&'static str> {
    let brand = match bytes {
        [_, _, _, _, b'f', b't', b'y', b'p', rest @ ..] => rest.first_chunk::<4>(),
        _ => None,
    };
    match brand {
        Some(b"avif" | b"avis") => return Some("an AVIF"),
        Some(b"heic" | b"heix" | b"hevc" | b"heim" | b"heis" | b"mif1" | b"msf1") => return Some("a HEIF"),
        _ => {}
    }
    Some(match bytes {
        [0, 0, 0, 12, b'J', b'X', b'L', b' ', ..] | [0xFF, 0x0A, ..] => "a JPEG XL",
        [0, 0, 0, 12, b'j', b'P', ..] | [0xFF, 0x4F, 0xFF, 0x51, ..] => "a JPEG 2000",
        [0, 0, 1, 0, _, 0, ..] => "an ICO",
        [b'8', b'B', b'P', b'S', ..] => "a Photoshop",
        [b'P', b'1'..=b'7', b'\n' | b' ', ..] => "a Netpbm",
        [b'q', b'o', b'i', b'f', ..] => "a QOI",
        [b'D', b'D', b'S', b' ', ..] => "a DDS",
        [0x76, 0x2F, 0x31, 0x01, ..] => "an OpenEXR",
        [b'%', b'P', b'D', b'F', ..] => "a PDF",
        _ if starts_with_tag(bytes, b"svg") => "an SVG",
        _ => return None,
    })
}

/// Checks whether a text is XML whose first element has a name.
fn starts_with_tag(bytes: &[u8], name: &[u8]) -> bool {
    let start = &bytes[..bytes.len().min(1024)];
    let text = start.trim_ascii_start();
    let named = |rest: &[u8]| rest.strip_prefix(b"<").is_some_and(|rest| rest.starts_with(name));
    named(text) || text.starts_with(b"<?xml") && (0..text.len()).any(|at| named(&text[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_recognised_by_its_first_bytes() {
        let bmp = [b"BM".as_slice(), &[0; 12], &[40, 0, 0, 0]].concat();
        for (bytes, format) in [
            (b"\xFF\xD8\xFF\xE0".as_slice(), Format::Jpeg),
            (b"\x89PNG\r\n\x1A\n", Format::Png),
            (b"RIFF\0\0\0\0WEBPVP8 ", Format::WebP),
            (b"GIF89a", Format::Gif),
            (b"II\x2A\0", Format::Tiff),
            (b"MM\0\x2B", Format::Tiff),
            (&bmp, Format::Bmp),
        ] {
            assert_eq!(Format::of(bytes), Some(format));
            assert_eq!(unread(bytes), None);
            assert_eq!(Format::of(&bytes[..bytes.len() / 2]), None);
        }
        assert_eq!(Format::of(b"BMW is no bitmap file"), None);
    }

    #[test]
    fn kinds_that_are_not_read_have_names() {
        for (bytes, name) in [
            (b"\0\0\0\x20ftypavif\0\0\0\0".as_slice(), "an AVIF"),
            (b"\0\0\0\x18ftypheic", "a HEIF"),
            (b"\0\0\0\x0CJXL \r\n", "a JPEG XL"),
            (b"P6\n3 2\n255\n", "a Netpbm"),
            (b"<?xml version=\"1.0\"?>\n<!-- drawn --><svg xmlns=\"x\">", "an SVG"),
            (b"  <svg width=\"3\">", "an SVG"),
        ] {
            assert_eq!((Format::of(bytes), unread(bytes)), (None, Some(name)));
        }
        assert_eq!(unread(b"<html>"), None);
    }
}
