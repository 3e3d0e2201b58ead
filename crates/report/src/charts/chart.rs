//! A finished chart: its words, its table, and its drawing at two widths and in two looks.

use std::fmt::Write as _;

use cliptune_documents::{beginning, xml_text};

use super::figure::{Anchor, Figure, Stroke, Text, px};
use super::text::shorten;
use super::theme;

/// The place where a chart is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Inside the page, where colours are CSS variables and fonts are inherited.
    Inline,
    /// In a file of its own, with fixed colours, a background and a heading.
    Standalone,
}

/// The room that a chart has.
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
    /// What a page shows in addition of the entries that a reader picks.
    picks: String,
}

impl From<Figure> for Drawing {
    fn from(figure: Figure) -> Self {
        let picks = figure.picks();
        Self { width: figure.width(), height: figure.height(), body: figure.into_body(), picks }
    }
}

/// The content of a chart as a table of text.
#[derive(Clone, Debug, PartialEq)]
pub struct DataTable {
    /// The names of the columns.
    pub header: Vec<String>,
    /// The rows, as wide as the header.
    pub rows: Vec<Vec<String>>,
}

/// A finished chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    /// The stem of the chart's file names.
    pub name: &'static str,
    /// The title, which says in one line what the chart shows.
    pub title: String,
    /// The caption, which says how to read the chart: units, intervals, smoothing.
    pub caption: String,
    /// A description of the chart for somebody who cannot see it.
    pub description: String,
    /// The numbers behind the chart.
    pub table: DataTable,
    /// The drawing for a screen or paper.
    pub(crate) wide: Drawing,
    /// The drawing for a phone.
    pub(crate) narrow: Drawing,
}

/// The margin around a standalone chart, in pixels.
const MARGIN: f64 = 28.0;
/// The height of a standalone chart's heading, in pixels.
const HEADING: f64 = 58.0;
/// The most letters of a description.
const DESCRIBED: usize = 4_000;

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
{}{}</svg>"#,
            px(drawing.width),
            px(drawing.height),
            xml_text(&self.title),
            self.described(),
            drawing.body,
            drawing.picks,
        );
        // Quotes in texts are escaped, so a quoted colour is always an attribute.
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
            xml_text(&self.title),
            self.described(),
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

    /// Returns whether a reader can pick entries that are drawn then.
    pub(crate) fn has_picks(&self) -> bool {
        !self.wide.picks.is_empty()
    }

    /// Returns the description as XML.
    fn described(&self) -> String {
        xml_text(&beginning(&self.description, DESCRIBED))
    }

    /// Returns the lines of text above a standalone chart. In the page, HTML says the same.
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
