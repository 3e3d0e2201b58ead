//! Turns and reflects images.

use crate::image::native::Native;
use crate::image::raster::Raster;

/// Checks whether an orientation exchanges width and height.
pub(super) fn swaps(orientation: u64) -> bool {
    (5..=8).contains(&orientation)
}

/// Applies an orientation: 1 to 8, as TIFF and EXIF number them. Other numbers mean nothing.
pub(super) fn applied(image: Native, orientation: u64) -> Native {
    match image {
        image if !(2..=8).contains(&orientation) => image,
        Native::Deep(raster) => Native::Deep(turned(&raster, orientation)),
        Native::Bytes { mode, raster, key } => {
            Native::Bytes { mode, raster: turned(&raster, orientation), key }
        }
    }
}

fn turned<T: Copy>(raster: &Raster<T>, orientation: u64) -> Raster<T> {
    let &Raster { width: from_width, height: from_height, channels, .. } = raster;
    let (width, height) =
        if swaps(orientation) { (from_height, from_width) } else { (from_width, from_height) };
    let mut samples = Vec::with_capacity(raster.samples.len());
    for y in 0..height {
        for x in 0..width {
            let (right, bottom) = (from_width - 1, from_height - 1);
            let (column, row) = match orientation {
                2 => (right - x, y),
                3 => (right - x, bottom - y),
                4 => (x, bottom - y),
                5 => (y, x),
                6 => (y, bottom - x),
                7 => (right - y, bottom - x),
                8 => (right - y, x),
                _ => (x, y),
            };
            samples.extend_from_slice(&raster.samples[(row * from_width + column) * channels..][..channels]);
        }
    }
    Raster { width, height, channels, samples }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_orientation_moves_the_corners() {
        // Pillow: numpy.asarray(ImageOps.exif_transpose(image)) of [[1, 2, 3], [4, 5, 6]].
        let image = Raster { width: 3, height: 2, channels: 1, samples: vec![1, 2, 3, 4, 5, 6] };
        for (orientation, width, samples) in [
            (2, 3, [3, 2, 1, 6, 5, 4]),
            (3, 3, [6, 5, 4, 3, 2, 1]),
            (4, 3, [4, 5, 6, 1, 2, 3]),
            (5, 2, [1, 4, 2, 5, 3, 6]),
            (6, 2, [4, 1, 5, 2, 6, 3]),
            (7, 2, [6, 3, 5, 2, 4, 1]),
            (8, 2, [3, 6, 2, 5, 1, 4]),
        ] {
            let turned = turned(&image, orientation);
            assert_eq!(
                (turned.width, turned.samples.as_slice()),
                (width, samples.as_slice()),
                "{orientation}"
            );
        }
    }
}
