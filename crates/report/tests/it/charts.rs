//! Charts.

use cliptune_report::charts::{Chart, Look, Width, all};
use cliptune_report::data::{Curve, ForeignEntry, ForeignScore, ReportData};
use cliptune_store::Estimate;
use resvg::usvg::roxmltree::Document;

use crate::synthetic;

fn chart(data: &ReportData, name: &str) -> Chart {
    all(data).unwrap().into_iter().find(|chart| chart.name == name).unwrap()
}

/// Few steps, so that a snapshot can be read.
fn small() -> ReportData {
    let mut data = synthetic::report();
    for run in data.entries.iter_mut().flat_map(|entry| &mut entry.runs) {
        run.curve.steps.retain(|point| point.step % 90 == 1);
        for (index, point) in run.curve.steps.iter_mut().enumerate() {
            point.step = index + 1;
        }
        if let Some(start) = &mut run.curve.start {
            start.steps = run.curve.steps.len();
        }
    }
    data
}

#[test]
fn accuracy_wide() {
    insta::assert_snapshot!(chart(&small(), "accuracy").svg(Width::Wide, Look::Standalone));
}

#[test]
fn accuracy_narrow() {
    insta::assert_snapshot!(chart(&small(), "accuracy").svg(Width::Narrow, Look::Inline));
}

#[test]
fn loss() {
    insta::assert_snapshot!(chart(&small(), "loss").svg(Width::Wide, Look::Inline));
}

#[test]
fn validation() {
    insta::assert_snapshot!(chart(&small(), "validation").svg(Width::Wide, Look::Inline));
}

#[test]
fn machine() {
    let mut data = small();
    for run in data.entries.iter_mut().flat_map(|entry| &mut entry.runs) {
        run.machine.truncate(4);
    }
    insta::assert_snapshot!(chart(&data, "machine").svg(Width::Wide, Look::Inline));
}

#[test]
fn a_machine_that_told_nothing_is_not_drawn_and_one_that_told_of_its_gpu_has_more_panels() {
    let mut data = synthetic::report();
    let panels = |data: &ReportData| {
        let svg = chart(data, "machine").svg(Width::Wide, Look::Inline);
        ["processors in use", "memory, GiB", "GPU in use, %", "GPU memory, GiB"]
            .map(|name| svg.contains(name))
    };
    assert_eq!(panels(&data), [true, true, false, false]);
    for sample in data.entries.iter_mut().flat_map(|entry| &mut entry.runs).flat_map(|run| &mut run.machine) {
        sample.usage.gpu = Some(0.9);
        sample.usage.gpu_memory = Some(12 << 30);
    }
    assert_eq!(panels(&data), [true; 4]);
    for run in data.entries.iter_mut().flat_map(|entry| &mut entry.runs) {
        run.machine.clear();
    }
    assert!(all(&data).unwrap().iter().all(|chart| chart.name != "machine"));
}

#[test]
fn every_drawing_is_well_formed_and_says_what_it_shows() {
    for chart in all(&synthetic::report()).unwrap() {
        for width in [Width::Wide, Width::Narrow] {
            for look in [Look::Inline, Look::Standalone] {
                let svg = chart.svg(width, look);
                let document = Document::parse(&svg).unwrap();
                let root = document.root_element();
                assert_eq!(root.attribute("role"), Some("img"));
                let child = |name: &str| {
                    root.children().find(|node| node.has_tag_name(name)).and_then(|node| node.text())
                };
                assert!(child("title").is_some_and(|title| !title.is_empty()));
                assert!(child("desc").is_some_and(|description| !description.is_empty()), "{}", chart.name);
            }
        }
    }
}

#[test]
fn drawings_in_the_page_have_no_fixed_colours_and_files_no_variables() {
    for chart in all(&synthetic::report()).unwrap() {
        assert!(!chart.svg(Width::Wide, Look::Inline).contains("\"#"));
        assert!(!chart.svg(Width::Wide, Look::Standalone).contains("var("));
    }
}

/// Points of the bold training curve of the first panel.
fn bold_lines(data: &ReportData) -> usize {
    let svg = chart(data, "loss").svg(Width::Wide, Look::Inline);
    svg.matches(r#"stroke-width="23""#).count()
}

#[test]
fn a_loss_that_is_no_number_makes_a_gap() {
    let mut data = synthetic::report();
    data.entries.truncate(1);
    data.boards.clear();
    data.gallery = None;
    let whole = bold_lines(&data);
    for point in &mut data.entries[0].runs[0].curve.steps[400..440] {
        point.loss = if point.step % 2 == 0 { f64::NAN } else { f64::INFINITY };
    }
    assert_eq!(bold_lines(&data), whole + 1);
    assert!(!chart(&data, "loss").svg(Width::Wide, Look::Inline).contains("NaN"));
}

#[test]
fn steps_that_the_log_lost_make_a_gap() {
    let mut data = synthetic::report();
    data.entries.truncate(1);
    data.boards.clear();
    data.gallery = None;
    let whole = bold_lines(&data);
    data.entries[0].runs[0].curve.steps.drain(400..440);
    assert_eq!(bold_lines(&data), whole + 1);
}

#[test]
fn a_run_without_a_single_finite_loss_is_drawn() {
    let mut data = synthetic::report();
    for run in data.entries.iter_mut().flat_map(|entry| &mut entry.runs) {
        run.curve.steps.iter_mut().for_each(|point| point.loss = f64::NAN);
        run.curve.epochs.iter_mut().for_each(|point| point.loss = f64::NAN);
    }
    Document::parse(&chart(&data, "loss").svg(Width::Wide, Look::Standalone)).unwrap();
}

/// Returns an imported run with predictions for the items of a board, or without any.
fn imported(name: &str, board: Option<usize>, value: f64) -> ForeignEntry {
    let score = Estimate { value, low: value - 0.05, high: value + 0.05, method: "invented".to_owned() };
    let scored = ForeignScore { board, score, others: Vec::new(), against: None, difference: None };
    ForeignEntry {
        name: format!("{name} (foreign: predictions)"),
        run: format!("{name}/20260101T090000Z-0a1b2c-foreign"),
        scored: Some(scored),
        told: Vec::new(),
    }
}

#[test]
fn imported_runs_are_drawn_below_the_entries_that_answered_the_same_items() {
    let mut data = small();
    let before = chart(&data, "accuracy");
    data.foreign = vec![
        imported("low", Some(0), 0.4),
        imported("rival", Some(0), 0.9),
        imported("elsewhere", None, 0.9),
    ];
    let after = chart(&data, "accuracy");
    let own = data.boards[0].rows.len();
    assert_eq!(after.table.rows[..own], before.table.rows[..own]);
    let names: Vec<&str> = after.table.rows[own..own + 2].iter().map(|row| row[0].as_str()).collect();
    assert_eq!(names, ["rival (foreign: predictions)", "low (foreign: predictions)"]);
    assert_eq!(after.table.rows.len(), before.table.rows.len() + 2, "what answered other items is not drawn");
    assert!(after.caption.contains("Imported runs stand last") && !before.caption.contains("Imported"));
    for width in [Width::Wide, Width::Narrow] {
        Document::parse(&after.svg(width, Look::Standalone)).unwrap();
    }
    assert!(after.description.contains("rival (foreign: predictions): 0.90, 95 % interval 0.85 to 0.95."));
    // Of many, the table has all and the drawing the best.
    data.foreign =
        (0..20).map(|run| imported(&format!("run{run}"), Some(0), f64::from(run) / 25.0)).collect();
    let many = chart(&data, "accuracy");
    assert_eq!(many.table.rows.len(), before.table.rows.len() + 20);
    assert!(many.description.contains("run12 ") && !many.description.contains("run11 "));
}

#[test]
fn a_run_without_events_is_no_curve() {
    let mut data = synthetic::report();
    for run in data.entries.iter_mut().flat_map(|entry| &mut entry.runs) {
        run.curve = Curve::default();
        run.machine.clear();
    }
    let names: Vec<_> = all(&data).unwrap().into_iter().map(|chart| chart.name).collect();
    assert_eq!(names, ["accuracy", "reliability", "risk", "places"]);
}
