//! Labels of charts: readable whatever names and numbers there are.

use std::sync::Arc;

use cliptune_random::Random;
use cliptune_report::charts::{Chart, Look, Width, all};
use cliptune_report::data::ReportData;
use cliptune_store::{ClassScore, ClassScores, Confusion};
use resvg::tiny_skia::Rect;
use resvg::usvg::{Group, Node, Options, Tree, fontdb};

use crate::synthetic;
use crate::synthetic::many::many;

/// The rounding of lengths in drawings, in pixels.
const TOLERANCE: f32 = 0.6;

/// Returns a drawing with the fonts that charts are measured for.
fn tree(chart: &Chart, width: Width) -> Tree {
    let mut fonts = fontdb::Database::new();
    fonts.load_font_data(include_bytes!("../../fonts/Inter-Regular.ttf").to_vec());
    fonts.load_font_data(include_bytes!("../../fonts/Inter-SemiBold.ttf").to_vec());
    let options = Options { font_family: "Inter".to_owned(), fontdb: Arc::new(fonts), ..Options::default() };
    // Inline, as a page has it, a drawing has no colours and no name space.
    let inline =
        chart.svg(width, Look::Inline).replacen("<svg", "<svg xmlns=\"http://www.w3.org/2000/svg\"", 1);
    Tree::from_str(&inline, &options).unwrap()
}

/// Returns every label with its box.
fn labels(group: &Group) -> Vec<(String, Rect)> {
    let mut found = Vec::new();
    for node in group.children() {
        match node {
            Node::Group(group) => found.extend(labels(group)),
            Node::Text(text) => {
                let content = text.chunks().iter().map(|chunk| chunk.text().to_owned()).collect();
                found.push((content, text.abs_bounding_box()));
            }
            _ => {}
        }
    }
    found
}

fn overlap(a: &Rect, b: &Rect) -> bool {
    let apart = |low: f32, high: f32| high - low <= TOLERANCE;
    !apart(a.left().max(b.left()), a.right().min(b.right()))
        && !apart(a.top().max(b.top()), a.bottom().min(b.bottom()))
}

fn expect_readable(data: &ReportData, what: &str) {
    for chart in all(data).unwrap() {
        for width in [Width::Wide, Width::Narrow] {
            let tree = tree(&chart, width);
            let (right, bottom) = (tree.size().width() + TOLERANCE, tree.size().height() + TOLERANCE);
            let labels = labels(tree.root());
            for (text, place) in &labels {
                let is_inside = place.left() >= -TOLERANCE
                    && place.top() >= -TOLERANCE
                    && place.right() <= right
                    && place.bottom() <= bottom;
                assert!(
                    is_inside,
                    "{what}, {} {width:?}: {text:?} at {place:?} leaves {right} x {bottom}",
                    chart.name
                );
            }
            for (at, (text, place)) in labels.iter().enumerate() {
                for (other, there) in &labels[at + 1..] {
                    assert!(
                        !overlap(place, there),
                        "{what}, {} {width:?}: {text:?} at {place:?} and {other:?} at {there:?}",
                        chart.name
                    );
                }
            }
        }
    }
}

/// Scores of so many classes.
fn of_classes(count: usize) -> ClassScores {
    let class = |class: usize| ClassScore {
        name: format!("class {class} with a name"),
        n_items: 4,
        n_predicted: 4,
        accuracy: None,
    };
    let cells = |class: usize| {
        [(class, 3), ((class + 1) % count, 1)].map(|(predicted, n_items)| Confusion {
            class,
            predicted,
            n_items,
            share: n_items as f64 / 4.0,
        })
    };
    ClassScores { classes: (0..count).map(class).collect(), confusion: (0..count).flat_map(cells).collect() }
}

/// Gives every experiment a name of up to a hundred letters, and every result another number.
fn shuffled(mut data: ReportData, seed: u64) -> ReportData {
    let mut random = Random::new(seed);
    let letters: Vec<char> = "abcdefghijklmnopqrstuvwxyzWWMMii0123456789-_=. ".chars().collect();
    let spread = random.unit() * 0.6;
    let middle = random.unit();
    for entry in &mut data.entries {
        let length = 1 + (random.unit() * 100.0) as usize;
        entry.name = (0..length).map(|_| letters[(random.unit() * letters.len() as f64) as usize]).collect();
        for run in &mut entry.runs {
            let scale = 10_f64.powf(random.unit() * 4.0 - 2.0);
            run.curve.steps.iter_mut().for_each(|point| point.loss *= scale);
            run.curve.epochs.iter_mut().for_each(|point| {
                point.loss *= scale;
                point.accuracy = (middle + spread * (random.unit() - 0.5)).clamp(0.0, 1.0);
            });
        }
    }
    for board in &mut data.boards {
        board.chance = random.unit();
        for row in &mut board.rows {
            let value = (middle + spread * (random.unit() - 0.5)).clamp(0.0, 1.0);
            let half = 0.2 * random.unit();
            row.score.value = value;
            (row.score.low, row.score.high) = ((value - half).max(0.0), (value + half).min(1.0));
        }
    }
    data.with_roles()
}

#[test]
fn no_label_covers_another_or_leaves_its_chart() {
    expect_readable(&synthetic::report(), "the demo");
    for classes in [2, 10, 40] {
        let mut data = synthetic::report();
        data.boards[0].classes = Some(of_classes(classes));
        expect_readable(&data, &format!("{classes} classes"));
    }
    for count in [2, 9, 20, 38, 120, 200] {
        expect_readable(&many(count), &format!("{count} experiments"));
    }
}

#[test]
fn that_holds_for_any_names_and_numbers() {
    for seed in 0..24 {
        let data =
            if seed % 3 == 0 { synthetic::report() } else { many([2, 8, 9, 17, 38, 60][seed as usize % 6]) };
        expect_readable(&shuffled(data, seed), &format!("seed {seed}"));
    }
}
