//! A finished chart: its words, its table, and its drawing at two widths and in two looks.

use std::fmt::Write as _;

use super::figure::{Anchor, Figure, Stroke, Text, px};
use super::text::{escape, shorten};
use super::theme;

/// Where a chart is to be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Inside the page: colours are CSS variables, fonts are inherited.
    Inline,
    /// A file of its own: fixed colours, a background, a heading.
    Standalone,
}

/// How much room a chart has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// A screen or a sheet of paper.
    Wide,
    /// A phone.
    Narrow,
}

impl Width {
    /// Returns the width in pixels.
    pub(crate) fn pixels(self) -> f64 {
        match self {
            Self::Wide => 940.0,
            Self::Narrow => 360.0,
        }
    }

    /// Returns the name used in ids and classes.
    fn as_str(self) -> &'static str {
        match self {
            Self::Wide => "wide",
            Self::Narrow => "narrow",
        }
    }
}

/// The body of an SVG file.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawing {
    width: f64,
    height: f64,
    body: String,
}

impl From<Figure> for Drawing {
    fn from(figure: Figure) -> Self {
        Self { width: figure.width(), height: figure.height(), body: figure.into_body() }
    }
}

/// What a chart draws, as text.
#[derive(Clone, Debug, PartialEq)]
pub struct DataTable {
    /// Names of the columns.
    pub header: Vec<String>,
    /// The rows, as wide as the header.
    pub rows: Vec<Vec<String>>,
}

/// A finished chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    /// Stem of its file names.
    pub name: &'static str,
    /// What it shows, in a line.
    pub title: String,
    /// How to read it: units, intervals, smoothing.
    pub caption: String,
    /// What one would tell somebody who cannot see it.
    pub description: String,
    /// The numbers behind it.
    pub table: DataTable,
    /// The drawing for a screen or paper.
    pub(crate) wide: Drawing,
    /// The drawing for a phone.
    pub(crate) narrow: Drawing,
}

/// Pixels around a standalone chart.
const MARGIN: f64 = 28.0;
/// Pixels for a standalone chart's heading.
const HEADING: f64 = 58.0;

impl Chart {
    /// Returns the chart as an `<svg>` element, or as the text of an SVG file.
    pub fn svg(&self, width: Width, look: Look) -> String {
        let drawing = match width {
            Width::Wide => &self.wide,
            Width::Narrow => &self.narrow,
        };
        match look {
            Look::Inline => self.inline(drawing, width),
            Look::Standalone => self.standalone(drawing),
        }
    }

    fn inline(&self, drawing: &Drawing, width: Width) -> String {
        let class = width.as_str();
        let id = format!("{}-{class}", self.name);
        let svg = format!(
            r#"<svg class="{class}" viewBox="0 0 {} {}" role="img" aria-labelledby="{id}-title {id}-desc"><title id="{id}-title">{}</title><desc id="{id}-desc">{}</desc>
{}</svg>"#,
            px(drawing.width),
            px(drawing.height),
            escape(&self.title),
            escape(&self.description),
            drawing.body,
        );
        // Quotes of texts are escaped, so that a quoted colour is always an attribute.
        theme::all().fold(svg, |svg, colour| {
            svg.replace(&format!(r#""{}""#, colour.light), &format!(r#""var(--{})""#, colour.variable))
        })
    }

    fn standalone(&self, drawing: &Drawing) -> String {
        let (width, height) = (drawing.width + 2.0 * MARGIN, drawing.height + 2.0 * MARGIN + HEADING);
        let mut svg = format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" viewBox="0 0 {w} {h}" role="img" aria-labelledby="title desc" font-family="Inter, system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif">
<title id="title">{}</title><desc id="desc">{}</desc>
<rect width="100%" height="100%" fill="{}"/>
"#,
            escape(&self.title),
            escape(&self.description),
            theme::PAPER.light,
            w = px(width),
            h = px(height),
        );
        svg.push_str(&self.heading(width));
        let _ = writeln!(
            svg,
            r#"<g transform="translate({},{})">{}</g></svg>"#,
            px(MARGIN),
            px(MARGIN + HEADING),
            drawing.body
        );
        svg
    }

    /// Returns the lines over a standalone chart. In the page, HTML says the same.
    fn heading(&self, width: f64) -> String {
        let mut figure = Figure::new(width, HEADING);
        let room = width - 2.0 * MARGIN;
        let title = shorten(&self.title, 20.0, room);
        figure.text(&Text::new(&title, (MARGIN, MARGIN + 14.0)).size(20.0).strong().colour(theme::INK));
        let caption = shorten(&self.caption, 12.5, room);
        figure.text(&Text::new(&caption, (MARGIN, MARGIN + 36.0)).size(12.5).anchor(Anchor::Start));
        figure.rule((MARGIN, 2.0), (MARGIN + 40.0, 2.0), Stroke::solid(theme::INK, 4.0));
        figure.into_body()
    }
}
