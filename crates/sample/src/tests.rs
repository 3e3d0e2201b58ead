//! The same few samples in all forms.

use std::path::Path;

use cliptune_pictures::{Canvas, Colours, Graphics, Screen};
use fs_err as fs;
use serde_json::json;

use crate::sample::{Outcome, Place, Row, Sample, SampleImage, Samples, Texts};
use crate::{json, page, text};

/// A caption that would clear the screen, change the title, turn the line around, run a script and load an image.
const HOSTILE: &str =
    "\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}txt\n<script>alert(1)</script><img src=http://x/>";

/// A folder with a picture of 2 × 2 pixels, one of 1 × 1, a very wide one and one that is damaged.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let colours = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]];
        let four = image::RgbImage::from_fn(2, 2, |x, y| image::Rgb(colours[(2 * y + x) as usize]));
        four.save(folder.path().join("four.png")).unwrap();
        image::RgbImage::new(1, 1).save(folder.path().join("one.png")).unwrap();
        image::RgbImage::new(5_000, 3).save(folder.path().join("wide.png")).unwrap();
        image::ImageBuffer::from_pixel(2, 1, image::Luma([70_u16]))
            .save(folder.path().join("deep.png"))
            .unwrap();
        fs::write(folder.path().join("damaged.png"), "no image").unwrap();
        Self(folder)
    }

    fn image(&self, name: &str) -> Option<SampleImage> {
        let file = self.0.path().join(name);
        let size = fs::metadata(&file).unwrap().len();
        let read = |path: &Path| fs::read(path).map_err(|error| error.to_string());
        Some(SampleImage { path: name.to_owned(), size, file, read })
    }

    fn samples(&self, samples: Vec<Sample>) -> Samples {
        Samples { experiment: "demo".to_owned(), what: "joined rows".to_owned(), total: 12, samples }
    }
}

fn row(name: &str, columns: serde_json::Value, texts: Option<Texts>) -> Option<Row> {
    let columns = columns.as_object().unwrap().clone().into_iter().collect();
    Some(Row { name: name.to_owned(), columns, texts })
}

fn texts(from: &str, texts: &[&str], right: usize) -> Option<Texts> {
    let texts = texts.iter().map(|text| (*text).to_owned()).collect();
    Some(Texts { from: from.to_owned(), texts, right: Some(right) })
}

fn item(split: Option<&str>) -> Outcome {
    let place = Place { dataset: "ab".repeat(32), split: split.map(str::to_owned) };
    Outcome::Item { item_id: "0123456789abcdef".to_owned(), place: Some(place) }
}

/// One image with two rows, and one of each kind that has something missing.
fn several(folder: &Folder) -> Samples {
    let columns =
        json!({ "filename": "four.png", "choices": ["A cat.", "A dog."], "label": 1, "note": null });
    let nested = json!({ "options": [{ "raw": "A" }, { "raw": "B" }], "size": { "w": 2 }, "none": [] });
    folder.samples(vec![
        Sample {
            image: folder.image("four.png"),
            row: row("7", columns, texts("choices", &["A cat.", "A dog."], 1)),
            outcome: item(Some("test")),
        },
        Sample {
            image: folder.image("four.png"),
            row: row("8", nested, texts("[o.raw for o in options]", &["A", "B"], 0)),
            outcome: item(None),
        },
        Sample {
            image: folder.image("one.png"),
            row: row("9", json!({ "caption": "A cat." }), texts("caption", &["A cat."], 0)),
            outcome: Outcome::Item { item_id: "f".repeat(16), place: None },
        },
        Sample {
            image: folder.image("damaged.png"),
            row: None,
            outcome: Outcome::Rejected {
                reason: "unreadable image".to_owned(),
                detail: "not an image".to_owned(),
            },
        },
        Sample {
            image: None,
            row: row("10", json!({ "filename": "x.png" }), None),
            outcome: Outcome::Rejected { reason: "no image for this row".to_owned(), detail: String::new() },
        },
    ])
}

fn hostile(folder: &Folder) -> Samples {
    let name = HOSTILE.replace('/', "");
    folder.samples(vec![Sample {
        image: folder.image("one.png").map(|image| SampleImage { path: name, ..image }),
        row: row(HOSTILE, json!({ HOSTILE: [HOSTILE, { HOSTILE: 1 }] }), texts(HOSTILE, &[HOSTILE], 0)),
        outcome: Outcome::Rejected { reason: "no label".to_owned(), detail: HOSTILE.to_owned() },
    }])
}

fn canvas() -> Canvas {
    let screen = Screen { columns: 40, rows: 20, cell: [10, 20] };
    Canvas { graphics: Graphics::Blocks(Colours::Palette), screen }
}

#[test]
fn the_terminal_shows_an_image_once_with_its_rows_and_marks_the_right_choice() {
    let text = text::text(&several(&Folder::new()), Some(&canvas())).replace('\u{1b}', "ESC");
    insta::assert_snapshot!(text);
}

#[test]
fn without_a_terminal_there_is_text_alone() {
    let text = text::text(&several(&Folder::new()), None);
    assert!(!text.contains(['\u{1b}', '▀']));
    assert!(text.starts_with("four.png  2 × 2, "), "{text}");
}

#[test]
fn a_strangers_text_gives_the_terminal_no_orders() {
    let text = text::text(&hostile(&Folder::new()), None);
    let is_order = |letter: char| letter != '\n' && (letter.is_control() || letter == '\u{202e}');
    assert!(!text.contains(is_order), "{text:?}");
    // Each of them is one line of its own, whatever line breaks the texts have.
    assert_eq!(text.lines().count(), 5, "{text}");
    assert!(text.contains(r"\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}txt\n<script>"), "{text}");
}

#[test]
fn the_page_has_the_same_and_runs_and_loads_nothing() {
    let folder = Folder::new();
    let shown = page::page(&several(&folder));
    for expected in
        ["row 7: item 0123456789abcdef in test of dataset abababababab", "no picture: ", "✓ right", "2 × 2"]
    {
        assert!(shown.contains(expected), "{expected}\n{shown}");
    }
    assert_eq!(shown.matches("data:image/jpeg;base64,").count(), 2, "an image of two rows is there once");
    let shown = page::page(&hostile(&folder));
    assert!(!shown.contains("<script") && !shown.contains("<img src=\"http"), "{shown}");
    assert!(shown.contains("&lt;script&gt;"));
    assert!(!shown.contains(['\u{1b}', '\u{9b}', '\u{202e}']));
}

#[test]
fn json_has_every_value_as_it_is() {
    let folder = Folder::new();
    let mut value = json::json(&several(&folder));
    for sample in value.as_array_mut().unwrap() {
        if let Some(file) = sample["file"].as_object_mut() {
            // The size depends on the encoder.
            assert!(file.remove("size").unwrap().as_u64().unwrap() > 0);
        }
    }
    insta::assert_json_snapshot!(value);
    let hostile = json::json(&hostile(&Folder::new()));
    assert_eq!(hostile[0]["row"]["columns"][HOSTILE][0], HOSTILE);
}

#[test]
fn tiny_wide_and_deep_images_are_shown() {
    let folder = Folder::new();
    for (name, size) in [("one.png", "1 × 1"), ("wide.png", "5000 × 3"), ("deep.png", "2 × 1")] {
        let sample = Sample { image: folder.image(name), row: None, outcome: Outcome::Unknown };
        let samples = folder.samples(vec![sample]);
        let shown = text::text(&samples, Some(&canvas()));
        assert!(shown.starts_with(&format!("{name}  {size}, ")) && shown.contains('▀'), "{shown}");
        assert!(page::page(&samples).contains("data:image/jpeg;base64,"), "{name}");
    }
}
