//! The sheet of paper: filled polygons in shades of grey, and the JPEG they end up in.

use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder};
use tiny_skia::{FillRule, Paint, PathBuilder, Pixmap, Transform};

use crate::curve::Point;
use crate::error::Error;

const JPEG_QUALITY: u8 = 85;

/// A white sheet that polygons are drawn on.
pub(crate) struct Canvas {
    pixmap: Pixmap,
}

impl Canvas {
    pub(crate) fn new(width: u32, height: u32) -> Result<Self, Error> {
        let mut pixmap = Pixmap::new(width, height).ok_or(Error::Paper { width, height })?;
        pixmap.fill(tiny_skia::Color::WHITE);
        Ok(Self { pixmap })
    }

    /// Fills every polygon with one shade. The polygons are joined, not subtracted: each is first turned in the same
    /// direction, so that overlaps stay filled.
    pub(crate) fn fill<'a>(&mut self, polygons: impl IntoIterator<Item = &'a [Point]>, shade: u8) {
        let mut builder = PathBuilder::new();
        for polygon in polygons {
            push_polygon(&mut builder, polygon);
        }
        let Some(path) = builder.finish() else { return };
        let mut paint = Paint { anti_alias: true, ..Paint::default() };
        paint.set_color_rgba8(shade, shade, shade, 255);
        self.pixmap.fill_path(&path, &paint, FillRule::Winding, Transform::identity(), None);
    }

    /// Returns the sheet as one byte of luminance for each pixel.
    pub(crate) fn luminance(&self) -> Vec<u8> {
        // Only greys are ever painted, on opaque paper, so red equals the luminance.
        self.pixmap.data().chunks_exact(4).map(|pixel| pixel[0]).collect()
    }

    /// Returns the sheet as a grayscale JPEG file.
    pub(crate) fn jpeg(&self) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY)
            .write_image(&self.luminance(), self.pixmap.width(), self.pixmap.height(), ExtendedColorType::L8)
            .map_err(Error::Jpeg)?;
        Ok(bytes)
    }
}

fn push_polygon(builder: &mut PathBuilder, polygon: &[Point]) {
    let mut push = |index: usize, point: Point| {
        if index == 0 { builder.move_to(point.0, point.1) } else { builder.line_to(point.0, point.1) }
    };
    if signed_area(polygon) < 0.0 {
        polygon.iter().rev().enumerate().for_each(|(index, &point)| push(index, point));
    } else {
        polygon.iter().enumerate().for_each(|(index, &point)| push(index, point));
    }
    if !polygon.is_empty() {
        builder.close();
    }
}

fn signed_area(polygon: &[Point]) -> f32 {
    let next = polygon.iter().cycle().skip(1);
    polygon.iter().zip(next).map(|(a, b)| a.0 * b.1 - b.0 * a.1).sum()
}

#[cfg(test)]
mod tests {
    use super::Canvas;

    const SQUARE: [(f32, f32); 4] = [(2.0, 2.0), (8.0, 2.0), (8.0, 8.0), (2.0, 8.0)];

    #[test]
    fn polygons_of_either_direction_join() {
        let mut canvas = Canvas::new(10, 10).unwrap();
        let back = SQUARE.iter().rev().copied().collect::<Vec<_>>();
        canvas.fill([&SQUARE[..], &back[..]], 0);
        assert_eq!(canvas.luminance()[5 * 10 + 5], 0);
        assert_eq!(canvas.luminance()[0], 255);
    }

    #[test]
    fn paper_without_area_is_an_error() {
        assert!(Canvas::new(0, 10).is_err());
    }
}
