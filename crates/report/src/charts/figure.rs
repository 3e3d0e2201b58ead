//! A figure under construction, which consists of layers drawn by plotters and of text.

use std::fmt::{Display, Write as _};
use std::ops::Range;

use cliptune_documents::xml_text;
use plotters::coord::Shift;
use plotters::coord::cartesian::Cartesian2d;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

use super::smooth::Point;
use super::theme::{self, Colour};
use crate::error::ReportError;

/// The number of steps that plotters' integer coordinates have in a pixel; without such steps, curves are staircases.
const FINE: f64 = 10.0;

/// The width of the rim of paper around a dot, in pixels.
const RIM: f64 = 1.2;

type Area<'a> = DrawingArea<SVGBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// The part of a figure that data is plotted in.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Frame {
    /// The left edge in pixels.
    pub(crate) left: f64,
    /// The upper edge in pixels.
    pub(crate) top: f64,
    /// The right edge in pixels.
    pub(crate) right: f64,
    /// The lower edge in pixels.
    pub(crate) bottom: f64,
    /// The range of values from left to right.
    pub(crate) x: Range<f64>,
    /// The range of values from bottom to top.
    pub(crate) y: Range<f64>,
}

impl Frame {
    fn fine(&self) -> Cartesian2d<RangedCoordf64, RangedCoordf64> {
        let pixels = |from: f64, to: f64| (from * FINE).round() as i32..(to * FINE).round() as i32;
        // Pixel coordinates grow downwards, while values grow upwards.
        let actual = (pixels(self.left, self.right), pixels(self.bottom, self.top));
        Cartesian2d::new(self.x.clone(), self.y.clone(), actual)
    }

    /// Returns the position of a value, in pixels.
    pub(crate) fn at(&self, point: Point) -> Point {
        use plotters::coord::CoordTranslate;
        let (x, y) = self.fine().translate(&point);
        (f64::from(x) / FINE, f64::from(y) / FINE)
    }
}

/// The style in which a line is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Stroke {
    /// The colour of the line.
    pub(crate) colour: Colour,
    /// The width of the line in pixels.
    pub(crate) width: f64,
    /// The opacity of the line, where 1 is solid.
    pub(crate) opacity: f64,
    /// Whether the line is dashed.
    pub(crate) dashed: bool,
}

impl Stroke {
    /// Returns the style of a solid line.
    pub(crate) fn solid(colour: Colour, width: f64) -> Self {
        Self { colour, width, opacity: 1.0, dashed: false }
    }

    /// Returns the same line, dashed.
    pub(crate) fn dashed(self) -> Self {
        Self { dashed: true, ..self }
    }

    /// Returns the same line, fainter.
    pub(crate) fn faint(self, opacity: f64) -> Self {
        Self { opacity, ..self }
    }
}

/// The position of a text in relation to its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Anchor {
    /// The text starts at the point.
    Start,
    /// The point is the middle of the text.
    Middle,
    /// The text ends at the point.
    End,
}

/// A line of text.
#[derive(Clone, Debug)]
pub(crate) struct Text<'a> {
    /// The content of the text, which is escaped when it is drawn.
    pub(crate) content: &'a str,
    /// The point on the base line by which the text is placed.
    pub(crate) at: Point,
    /// The position of the text in relation to the point.
    pub(crate) anchor: Anchor,
    /// The font size in pixels.
    pub(crate) size: f64,
    /// Whether the text is semibold.
    pub(crate) strong: bool,
    /// The colour of the text.
    pub(crate) colour: Colour,
}

impl<'a> Text<'a> {
    /// Returns text of the usual size in the secondary colour.
    pub(crate) fn new(content: &'a str, at: Point) -> Self {
        Self { content, at, anchor: Anchor::Start, size: 12.0, strong: false, colour: theme::MUTED }
    }

    /// Returns the same text with another anchor.
    pub(crate) fn anchor(self, anchor: Anchor) -> Self {
        Self { anchor, ..self }
    }

    /// Returns the same text in another colour.
    pub(crate) fn colour(self, colour: Colour) -> Self {
        Self { colour, ..self }
    }

    /// Returns the same text in another size.
    pub(crate) fn size(self, size: f64) -> Self {
        Self { size, ..self }
    }

    /// Returns the same text, semibold.
    pub(crate) fn strong(self) -> Self {
        Self { strong: true, ..self }
    }
}

/// A figure under construction.
#[derive(Debug)]
pub(crate) struct Figure {
    width: f64,
    height: f64,
    body: String,
    picks: String,
}

impl Figure {
    /// Returns an empty figure.
    pub(crate) fn new(width: f64, height: f64) -> Self {
        Self { width, height, body: String::new(), picks: String::new() }
    }

    /// Returns the width in pixels.
    pub(crate) fn width(&self) -> f64 {
        self.width
    }

    /// Returns the height in pixels.
    pub(crate) fn height(&self) -> f64 {
        self.height
    }

    /// Returns what was drawn so far, as the body of an SVG file.
    pub(crate) fn into_body(self) -> String {
        self.body
    }

    /// Returns what a page shows of the entries that a reader picks. It belongs over the body.
    pub(crate) fn picks(&self) -> String {
        self.picks.clone()
    }

    /// Draws the curves of entries that a reader may pick, each in whole pixels, so that hundreds of them are small.
    pub(crate) fn pick_curves(&mut self, frame: &Frame, curves: &[(usize, Vec<Point>)]) {
        let mut drawn = String::new();
        for (entry, points) in curves {
            let path = path(points.iter().filter(|(_, y)| y.is_finite()).map(|point| frame.at(*point)));
            let colour = theme::of_picked(*entry).light;
            let _ = write!(drawn, r#"<path class="p p{entry}" d="{path}" stroke="{colour}"/>"#);
        }
        if !drawn.is_empty() {
            let group = format!(r#"<g fill="none" stroke-width="2" stroke-dasharray="6 3">{drawn}</g>"#);
            let _ = writeln!(self.picks, "{}", clipped(frame, &group));
        }
    }

    /// Draws a ring around the point of an entry that a reader may pick.
    pub(crate) fn pick_dot(&mut self, entry: usize, at: Point) {
        let _ = writeln!(
            self.picks,
            r#"<circle class="p p{entry}" cx="{}" cy="{}" r="5" fill="{}" stroke="{}" stroke-width="1.2"/>"#,
            px(at.0),
            px(at.1),
            theme::of_picked(entry).light,
            theme::PAPER.light,
        );
    }

    /// Draws lines through points; with `clip`, only the parts inside the frame.
    pub(crate) fn lines<'p>(
        &mut self,
        frame: &Frame,
        lines: impl IntoIterator<Item = &'p [Point]>,
        stroke: Stroke,
        clip: bool,
    ) -> Result<(), ReportError> {
        let lines: Vec<_> = lines.into_iter().filter(|line| line.len() > 1).collect();
        if lines.is_empty() {
            return Ok(());
        }
        let style = style(stroke.colour, stroke.opacity)?.stroke_width((stroke.width * FINE).round() as u32);
        let dashes = if stroke.dashed { r#" stroke-dasharray="50 40""# } else { "" };
        let attributes = format!(r#"stroke-linejoin="round" stroke-linecap="round"{dashes}"#);
        let drawn = self.plotted(frame, |area| {
            lines.iter().try_for_each(|line| area.draw(&PathElement::new(line.to_vec(), style)))
        })?;
        self.group(&attributes, &drawn, clip.then_some(frame));
        Ok(())
    }

    /// Draws dots with a rim of paper, so that neighbours stay apart.
    pub(crate) fn dots(
        &mut self,
        frame: &Frame,
        points: &[Point],
        radius: f64,
        colour: Colour,
        opacity: f64,
    ) -> Result<(), ReportError> {
        let fill = style(colour, opacity)?.filled().stroke_width((RIM * FINE) as u32);
        let radius = (radius * FINE).round() as i32;
        let drawn = self.plotted(frame, |area| {
            points.iter().try_for_each(|&point| area.draw(&Circle::new(point, radius, fill)))
        })?;
        // plotters gives filled circles no stroke, so the rim takes the place of `none`.
        self.group("", &drawn.replace(r#"stroke="none""#, &rim()), None);
        Ok(())
    }

    /// Draws many dots, given in pixels, each in a few bytes: lines without length that have round ends.
    pub(crate) fn specks(&mut self, points: &[Point], radius: f64, colour: Colour, opacity: f64) {
        let path: String = points.iter().map(|(x, y)| format!("M{} {}h.01", px(*x), px(*y))).collect();
        self.strokes(&path, 2.0 * radius, colour, opacity, r#" stroke-linecap="round""#);
    }

    /// Draws many vertical lines, given by their two ends in pixels.
    pub(crate) fn bars(&mut self, bars: &[[Point; 2]], width: f64, colour: Colour, opacity: f64) {
        let path: String =
            bars.iter().map(|[from, to]| format!("M{} {}V{}", px(from.0), px(from.1), px(to.1))).collect();
        self.strokes(&path, width, colour, opacity, "");
    }

    fn strokes(&mut self, path: &str, width: f64, colour: Colour, opacity: f64, attributes: &str) {
        if !path.is_empty() {
            let (width, colour) = (px(width), colour.light);
            let _ = writeln!(
                self.body,
                r#"<path d="{path}" fill="none" stroke="{colour}" stroke-width="{width}" stroke-opacity="{opacity}"{attributes}/>"#
            );
        }
    }

    /// Draws rings around points.
    pub(crate) fn rings(
        &mut self,
        frame: &Frame,
        points: &[Point],
        radius: f64,
        colour: Colour,
    ) -> Result<(), ReportError> {
        let outline = style(colour, 1.0)?.stroke_width((1.6 * FINE) as u32);
        let radius = (radius * FINE).round() as i32;
        let drawn = self.plotted(frame, |area| {
            points.iter().try_for_each(|&point| area.draw(&Circle::new(point, radius, outline)))
        })?;
        self.group("", &drawn, None);
        Ok(())
    }

    /// Draws a line between two points given in pixels.
    pub(crate) fn rule(&mut self, from: Point, to: Point, stroke: Stroke) {
        let dashes = if stroke.dashed { r#" stroke-dasharray="4 3""# } else { "" };
        let _ = writeln!(
            self.body,
            r#"<line x1="{}" y1="{}" x2="{}" y2="{}" stroke="{}" stroke-width="{}" stroke-opacity="{}"{dashes}/>"#,
            px(from.0),
            px(from.1),
            px(to.0),
            px(to.1),
            stroke.colour.light,
            px(stroke.width),
            stroke.opacity,
        );
    }

    /// Writes a line of text, with a halo of paper so that lines beneath it do not strike it through.
    pub(crate) fn text(&mut self, text: &Text<'_>) {
        let anchor = match text.anchor {
            Anchor::Start => "",
            Anchor::Middle => r#" text-anchor="middle""#,
            Anchor::End => r#" text-anchor="end""#,
        };
        let weight = if text.strong { r#" font-weight="600""# } else { "" };
        let _ = writeln!(
            self.body,
            r#"<text x="{}" y="{}" font-size="{}" fill="{}"{anchor}{weight} stroke="{}" stroke-width="3" stroke-linejoin="round" paint-order="stroke">{}</text>"#,
            px(text.at.0),
            px(text.at.1),
            px(text.size),
            text.colour.light,
            theme::PAPER.light,
            xml_text(text.content),
        );
    }

    /// Returns what plotters draws into the frame, in fine coordinates and without the `<svg>` around it.
    fn plotted<E: Display>(
        &self,
        frame: &Frame,
        draw: impl FnOnce(&Area<'_>) -> Result<(), E>,
    ) -> Result<String, ReportError> {
        let mut svg = String::new();
        {
            let size = ((self.width * FINE) as u32, (self.height * FINE) as u32);
            let root: DrawingArea<_, Shift> = SVGBackend::with_string(&mut svg, size).into_drawing_area();
            let area = root.apply_coord_spec(frame.fine());
            draw(&area).map_err(ReportError::chart)?;
            area.present().map_err(ReportError::chart)?;
        }
        let inner = svg.split_once('>').and_then(|(_, rest)| rest.rsplit_once("</svg>"));
        Ok(inner.map(|(inner, _)| inner.trim().to_owned()).unwrap_or_default())
    }

    fn group(&mut self, attributes: &str, drawn: &str, clip: Option<&Frame>) {
        let scaled = format!(r#"<g transform="scale({})" {attributes}>{drawn}</g>"#, 1.0 / FINE);
        let _ = match clip {
            Some(frame) => writeln!(self.body, "{}", clipped(frame, &scaled)),
            None => writeln!(self.body, "{scaled}"),
        };
    }
}

/// Returns the drawing in a nested `<svg>`, which clips to its own box. Unlike `clip-path`, it needs no id; the ids of
/// several charts on one page would have to differ.
fn clipped(frame: &Frame, drawn: &str) -> String {
    let (x, y) = (px(frame.left), px(frame.top));
    let (width, height) = (px(frame.right - frame.left), px(frame.bottom - frame.top));
    format!(
        r#"<svg x="{x}" y="{y}" width="{width}" height="{height}" viewBox="{x} {y} {width} {height}" overflow="hidden">{drawn}</svg>"#
    )
}

/// Returns a path through points, rounded to whole pixels and relative to each other.
fn path(points: impl Iterator<Item = Point>) -> String {
    let (mut path, mut before) = (String::new(), None);
    for (x, y) in points {
        let (x, y) = (x.round() as i64, y.round() as i64);
        let _ = match before {
            None => write!(path, "M{x} {y}"),
            Some((from_x, from_y)) => write!(path, "l{} {}", x - from_x, y - from_y),
        };
        before = Some((x, y));
    }
    path
}

fn rim() -> String {
    format!(r#"stroke="{}""#, theme::PAPER.light)
}

fn style(colour: Colour, opacity: f64) -> Result<ShapeStyle, ReportError> {
    let channel = |at: usize| {
        let digits = colour.light.get(at..at + 2).unwrap_or_default();
        u8::from_str_radix(digits, 16).map_err(ReportError::chart)
    };
    let rgb = RGBColor(channel(1)?, channel(3)?, channel(5)?);
    Ok(rgb.mix(opacity).into())
}

/// Returns a length in pixels with at most one decimal.
pub(crate) fn px(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}
