//! Samples in a terminal.

use cliptune_clip::image::Picture;
use cliptune_pictures::Canvas;
use cliptune_terminal::format;

use crate::picture;
use crate::sample::{Sample, SampleImage, Samples};
use crate::words::{self, Field, Shown};

/// The longer side to which an image is decoded before it is fitted to the terminal, in pixels.
const LONGEST: u32 = 1_440;

/// Returns the samples as text. An image that several samples in a row have is shown once. Without a canvas there are no
/// pictures.
pub(crate) fn text(samples: &Samples, canvas: Option<&Canvas>) -> String {
    let mut text = String::new();
    let mut before: Option<&SampleImage> = None;
    for sample in &samples.samples {
        if !text.is_empty() {
            text.push('\n');
        }
        if let Some(image) = sample.image.as_ref().filter(|image| before != Some(*image)) {
            text.push_str(&headed(image, canvas));
        }
        before = sample.image.as_ref();
        text.push_str(&fields(sample));
    }
    text
}

/// Returns an image with its name and size.
fn headed(image: &SampleImage, canvas: Option<&Canvas>) -> String {
    let decoded = picture::decode(image, LONGEST);
    let about = words::image(image, decoded.as_ref());
    let drawn = canvas.zip(decoded.as_ref().ok()).and_then(|(canvas, picture)| drawn(canvas, picture));
    format!("{}  {about}\n{}", format::visible(&image.path), drawn.unwrap_or_default())
}

fn drawn(canvas: &Canvas, picture: &Picture) -> Option<String> {
    let picture = cliptune_pictures::Picture::new(picture.width, picture.height, &picture.rgb)?;
    canvas.draw(&picture).ok()
}

/// Returns what became of a sample and the fields of its row.
fn fields(sample: &Sample) -> String {
    let fields = sample.row.as_ref().map(words::fields).unwrap_or_default();
    let width = fields.iter().map(|field| format::width(&field.name)).max().unwrap_or_default();
    let lines: String = fields.iter().map(|field| lines(field, width)).collect();
    format!("{}\n{lines}", words::outcome(sample))
}

/// Returns a field as lines: one, or one for each element of a list, with its number and a mark at the right one.
fn lines(Field { name, value }: &Field, width: usize) -> String {
    let padded = format!("{name}{}", " ".repeat(width.saturating_sub(format::width(name))));
    match value {
        Shown::One(value) => format!("  {padded}  {value}\n"),
        Shown::List(list) => match list.elements.last() {
            None => format!("  {padded}  []\n"),
            Some((last, _)) => {
                let digits = last.to_string().len();
                let line = |(at, value): &(usize, String)| {
                    let name = if *at == 0 { padded.clone() } else { " ".repeat(width) };
                    let mark = if list.right == Some(*at) { '✓' } else { ' ' };
                    format!("  {name}  {mark} {at:digits$}  {value}\n")
                };
                let rest = list.left_out().map(|rest| format!("  {}    {rest}\n", " ".repeat(width)));
                list.elements.iter().map(line).chain(rest).collect()
            }
        },
    }
}
