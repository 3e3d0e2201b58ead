//! Draws charts as PNG files, for places that do not show SVG.

use std::sync::{Arc, LazyLock};

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use resvg::tiny_skia::{Color, Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb};

use crate::error::ReportError;

/// The number of pixels in the PNG for each pixel in the SVG.
const SCALE: f32 = 2.0;

/// The font Inter, reduced to Latin, Greek and Cyrillic; its licence is in fonts/OFL.txt. System fonts are not used, so
/// that the same report has the same bytes on every machine.
static FONTS: LazyLock<Arc<fontdb::Database>> = LazyLock::new(|| {
    let mut fonts = fontdb::Database::new();
    fonts.load_font_data(include_bytes!("../../fonts/Inter-Regular.ttf").to_vec());
    fonts.load_font_data(include_bytes!("../../fonts/Inter-SemiBold.ttf").to_vec());
    fonts.set_sans_serif_family("Inter");
    Arc::new(fonts)
});

/// Draws an SVG file as a PNG of twice its size.
pub fn png(svg: &str) -> Result<Vec<u8>, ReportError> {
    let options =
        Options { font_family: "Inter".to_owned(), fontdb: Arc::clone(&FONTS), ..Options::default() };
    let tree = Tree::from_str(svg, &options).map_err(ReportError::chart)?;
    let size = tree.size();
    let (width, height) = ((size.width() * SCALE).ceil() as u32, (size.height() * SCALE).ceil() as u32);
    let mut pixels = Pixmap::new(width, height)
        .ok_or_else(|| ReportError::chart(format!("no room for {width} × {height} pixels")))?;
    pixels.fill(Color::WHITE);
    resvg::render(&tree, Transform::from_scale(SCALE, SCALE), &mut pixels.as_mut());
    encoded(&pixels)
}

/// Returns opaque pixels as a PNG file. Compression that takes more time than the drawing makes a large report wait, and a flat
/// drawing hardly smaller.
fn encoded(pixels: &Pixmap) -> Result<Vec<u8>, ReportError> {
    let rgb: Vec<u8> =
        pixels.pixels().iter().flat_map(|pixel| [pixel.red(), pixel.green(), pixel.blue()]).collect();
    let mut bytes = Vec::new();
    PngEncoder::new_with_quality(&mut bytes, CompressionType::Fast, FilterType::Up)
        .write_image(&rgb, pixels.width(), pixels.height(), ExtendedColorType::Rgb8)
        .map_err(ReportError::chart)?;
    Ok(bytes)
}
