//! Which files are images, by their names.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use cliptune_experiment::{DataPlan, Verify};

/// The file name extensions of images in a folder, in lower case. A glob itself says which files it means.
pub(crate) const EXTENSIONS: [&str; 10] =
    ["bmp", "dib", "gif", "jfif", "jpeg", "jpg", "png", "tif", "tiff", "webp"];

/// The extensions of images of kinds that are known and not read, in lower case.
const UNREAD: [&str; 16] = [
    "avif", "dds", "exr", "heic", "heif", "ico", "j2k", "jp2", "jxl", "pam", "pbm", "pgm", "pnm", "ppm",
    "psd", "qoi",
];

/// Which files of a folder are its images, by their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kinds {
    /// Those of the kinds that are read.
    Read,
    /// Those of all kinds that are known: whoever opens one that is not read rejects it, with the reason.
    Known,
}

impl Kinds {
    /// Returns the kinds that a plan takes. Where no image is opened, nobody would reject one.
    pub(crate) fn of(plan: &DataPlan) -> Self {
        match plan.verify {
            Verify::None => Self::Read,
            Verify::Header | Verify::Whole => Self::Known,
        }
    }

    /// Checks whether a file is of one of these kinds.
    pub(crate) fn have(self, path: &Path) -> bool {
        is_image_name(path) || self == Self::Known && is_unread_name(path)
    }
}

/// Checks whether a file is by its name an image of a kind that is not read.
pub(crate) fn is_unread_name(path: &Path) -> bool {
    has_ending(path, &UNREAD)
}

/// Returns the extension of a file name in lower case.
pub(crate) fn extension(path: &Path) -> String {
    path.extension().map(|extension| extension.to_string_lossy().to_lowercase()).unwrap_or_default()
}

/// Checks whether the extension of a file name is one of these, in upper or lower case. Unlike [`Path::extension`] this does
/// not take the path apart, which is much of the time of listing a folder.
pub(crate) fn has_ending(path: &Path, endings: &[&str]) -> bool {
    let name = path.as_os_str().as_bytes();
    let name = name.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    let dot = name.iter().rposition(|byte| *byte == b'.').filter(|dot| *dot > 0);
    dot.is_some_and(|dot| {
        endings.iter().any(|ending| name[dot + 1..].eq_ignore_ascii_case(ending.as_bytes()))
    })
}

/// Checks whether a file is an image by its name.
pub fn is_image_name(path: &Path) -> bool {
    has_ending(path, &EXTENSIONS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ending_is_what_follows_the_last_dot_of_a_name() {
        let is_png = |path: &str| has_ending(Path::new(path), &["png", "jpg"]);
        for path in ["a.png", "a.PNG", "a/b.c.Png", "a.jpg", "...png"] {
            assert!(is_png(path), "{path}");
        }
        for path in ["", ".", "..", "png", ".png", "a/.png", "a.png/b", "a.pngx", "a.png.", "a."] {
            assert!(!is_png(path), "{path}");
        }
    }
}
