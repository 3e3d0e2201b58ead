//! Shows what was ranked: in the terminal with the image, as a table, or as JSON.

use std::path::Path;

use cliptune_clip::image::Picture as Decoded;
use cliptune_pictures::{Canvas, Graphics, Mode, Picture, Screen};
use cliptune_store::read_image;
use cliptune_terminal::format::{percent, visible};
use cliptune_terminal::{Column, Printer, Table};
use serde_json::{Value, json};

use crate::rank::Ranked;

/// The most pixels of the longer side of a picture in a terminal.
const LONGEST: u32 = 720;

/// How the texts of images are shown.
#[derive(Debug)]
pub struct Show<'a> {
    printer: &'a Printer,
    texts: &'a [String],
    /// What a text is: `text` or `class`.
    noun: &'static str,
    canvas: Option<Canvas>,
    /// One row for each image, where only the best text of each is shown.
    table: Option<Table>,
    found: Vec<Value>,
    failed: usize,
    shown: usize,
}

impl<'a> Show<'a> {
    /// Shows each image with its texts. In a terminal the image is drawn, too, in the way that is asked for.
    pub fn each(printer: &'a Printer, texts: &'a [String], noun: &'static str, pictures: Mode) -> Self {
        let canvas = if printer.is_json() { None } else { canvas(pictures) };
        Self { printer, texts, noun, canvas, table: None, found: Vec::new(), failed: 0, shown: 0 }
    }

    /// Shows a table with the best text of each image.
    pub fn best(printer: &'a Printer, texts: &'a [String], noun: &'static str) -> Self {
        let columns = [Column::left("image"), Column::left(noun), Column::right("probability")];
        Self { table: Some(Table::new(columns)), ..Self::each(printer, texts, noun, Mode::None) }
    }

    /// Shows the best texts of an image, or tells why it has none.
    pub fn add(&mut self, image: &Path, ranked: Result<Vec<Ranked>, String>) {
        match ranked {
            Err(problem) => {
                self.failed += 1;
                let name = image.to_string_lossy();
                self.printer.warn(&format!("{} is left out: {problem}", visible(&name)));
                self.found.push(json!({ "image": name, "problem": problem }));
            }
            Ok(ranked) => self.ranked(image, &ranked),
        }
    }

    fn ranked(&mut self, image: &Path, ranked: &[Ranked]) {
        self.shown += 1;
        if self.printer.is_json() {
            return self
                .found
                .push(json!({ "image": image.to_string_lossy(), self.nouns(): self.json(ranked) }));
        }
        match &mut self.table {
            Some(table) => {
                let best = ranked.iter().take(1);
                best.for_each(|best| {
                    table.row([
                        visible(&image.display().to_string()),
                        visible(&self.texts[best.text]),
                        percent(best.probability),
                    ]);
                });
            }
            None => self.section(image, ranked),
        }
    }

    fn section(&self, image: &Path, ranked: &[Ranked]) {
        let gap = if self.shown > 1 { "\n" } else { "" };
        self.printer.data(&format!("{gap}{}", image.display()));
        if let Some(drawn) = self.canvas.as_ref().and_then(|canvas| draw(canvas, image)) {
            self.printer.document(&drawn);
        }
        let columns = [Column::right("probability"), Column::right("logit"), Column::left(self.noun)];
        let mut table = Table::new(columns);
        for Ranked { text, probability, logit, .. } in ranked {
            table.row([percent(*probability), format!("{logit:.2}"), visible(&self.texts[*text])]);
        }
        self.printer.table(&table);
    }

    /// Returns the name of the list of an image's texts.
    fn nouns(&self) -> &'static str {
        if self.noun == "class" { "classes" } else { "texts" }
    }

    fn json(&self, ranked: &[Ranked]) -> Value {
        let one = |Ranked { text, probability, logit, cosine }: &Ranked| {
            json!({
                self.noun: self.texts[*text],
                "index": text,
                "probability": probability,
                "logit": logit,
                "cosine": cosine,
            })
        };
        ranked.iter().map(one).collect()
    }

    /// Shows what is left to show, and returns how many images were left out.
    pub fn finish(self) -> usize {
        match self.table {
            _ if self.printer.is_json() => self.printer.json(&self.found),
            Some(table) if !table.is_empty() => self.printer.table(&table),
            _ => {}
        }
        self.failed
    }
}

/// Returns the terminal that stdout goes to, if pictures can be shown there.
fn canvas(mode: Mode) -> Option<Canvas> {
    let screen = Screen::of_stdout()?;
    let graphics = Graphics::choose(mode, &|name| std::env::var(name).ok())?;
    Some(Canvas { graphics, screen })
}

/// Draws an image. One that cannot be drawn is not, because its texts are what was asked for.
fn draw(canvas: &Canvas, image: &Path) -> Option<String> {
    let decoded = Decoded::decode(&read_image(image).ok()?, LONGEST).ok()?;
    canvas.draw(&Picture::new(decoded.width, decoded.height, &decoded.rgb)?).ok()
}
