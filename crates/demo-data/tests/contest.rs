//! Promises about a whole contest on disk.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cliptune_demo_data::{ContestOptions, ContestSummary, Error, FOLDS, draw_contest};
use duckdb::Connection;
use fs_err as fs;

const SMALL: ContestOptions = ContestOptions { cartoons: 50, seed: 11 };

fn draw(dir: &Path, options: &ContestOptions) -> ContestSummary {
    draw_contest(dir, options, &|_, _| {}).unwrap()
}

fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let read = |path: PathBuf| (path.strip_prefix(dir).unwrap().to_owned(), fs::read(&path).unwrap());
    let list = |dir: &Path| fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    let paths = list(dir).into_iter().chain(list(&dir.join("images")));
    paths.filter(|path| path.is_file()).map(read).collect()
}

fn ask<T: duckdb::types::FromSql>(dir: &Path, query: &str) -> Vec<Vec<T>> {
    let query = query.replace("TABLE", &format!("'{}'", dir.join("contest.parquet").display()));
    let connection = Connection::open_in_memory().unwrap();
    let mut statement = connection.prepare(&query).unwrap();
    let mut rows = statement.query([]).unwrap();
    let mut answers = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        let columns = row.as_ref().column_count();
        answers.push((0..columns).map(|column| row.get(column).unwrap()).collect());
    }
    answers
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_gives_others() {
    let place = tempfile::tempdir().unwrap();
    let [one, two, three] = ["one", "two", "three"].map(|name| place.path().join(name));
    draw(&one, &SMALL);
    draw(&two, &SMALL);
    draw(&three, &ContestOptions { seed: 12, ..SMALL });
    assert!(files(&one) == files(&two), "the same options gave different files");
    let (first, other) = (files(&one), files(&three));
    assert!(first.keys().eq(other.keys()));
    assert!(first.iter().zip(&other).all(|(a, b)| a.1 != b.1), "another seed repeats a file");
}

#[test]
fn the_table_has_exactly_the_columns_and_types_of_the_corpus() {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("drawn");
    draw(&dir, &SMALL);
    let found = ask::<String>(&dir, "SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM TABLE)");
    let expected = [
        ("contest_number", "INTEGER"),
        ("image_location", "VARCHAR"),
        ("image_description", "VARCHAR"),
        ("image_uncanny_description", "VARCHAR"),
        ("entities", "VARCHAR[]"),
        ("questions", "VARCHAR[]"),
        ("caption_choices", "VARCHAR[]"),
        ("from_description", "VARCHAR"),
        ("label", "VARCHAR"),
        ("n_tokens_label", "INTEGER"),
        ("instance_id", "VARCHAR"),
        ("filename", "VARCHAR"),
    ];
    assert_eq!(found, expected.map(|(name, kind)| vec![name.to_owned(), kind.to_owned()]));
}

#[test]
fn every_question_has_six_rows_with_ids_of_their_own() {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("drawn");
    let summary = draw(&dir, &SMALL);
    let counts = ask::<i64>(
        &dir,
        "SELECT count(*), count(DISTINCT instance_id), count(*) FILTER (NOT regexp_full_match(instance_id, '[0-9a-f]{32}')),
            count(DISTINCT (contest_number, caption_choices, label)), count(*) FILTER (len(caption_choices) != 5),
            count(*) FILTER (n_tokens_label != 1 OR filename != concat(contest_number, '.jpeg') OR label NOT BETWEEN 'A' AND 'E')
        FROM TABLE",
    );
    let (rows, questions) = (summary.rows as i64, summary.questions as i64);
    assert_eq!(counts, [[rows, rows, 0, questions, 0, 0]]);
    let sizes = ask::<i64>(
        &dir,
        "SELECT DISTINCT count(*), count(DISTINCT (image_description, image_uncanny_description)), count(DISTINCT image_location)
        FROM TABLE GROUP BY contest_number, caption_choices, label",
    );
    assert_eq!(sizes, [[6, 3, 2]]);
}

#[test]
fn cartoons_connected_through_captions_are_the_folds() {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("drawn");
    draw(&dir, &SMALL);
    let meetings = ask::<String>(
        &dir,
        "SELECT DISTINCT contest_number::VARCHAR, unnest(caption_choices) FROM TABLE ORDER BY ALL",
    );
    let mut component: BTreeMap<String, String> = BTreeMap::new();
    let root = |component: &BTreeMap<String, String>, of: &str| {
        let mut at = of.to_owned();
        while let Some(up) = component.get(&at).filter(|up| **up != at) {
            at.clone_from(up);
        }
        at
    };
    for meeting in &meetings {
        let ends = [0, 1].map(|end| root(&component, &meeting[end]));
        component.insert(ends[0].clone(), ends[1].clone());
        component.entry(ends[1].clone()).or_insert_with(|| ends[1].clone());
    }
    let mut sizes: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for meeting in &meetings {
        sizes.entry(root(&component, &meeting[0])).or_default().insert(&meeting[0]);
    }
    assert_eq!(sizes.len(), FOLDS);
    assert!(sizes.values().all(|cartoons| cartoons.len() == SMALL.cartoons / FOLDS));
}

#[test]
fn the_cartoons_are_grayscale_jpegs_of_newspaper_size() {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("drawn");
    draw(&dir, &SMALL);
    for number in 1..=SMALL.cartoons {
        let path = dir.join(format!("images/{number}.jpeg"));
        let bytes = fs::read(&path).unwrap();
        assert!((15_000..70_000).contains(&bytes.len()), "{} bytes in {}", bytes.len(), path.display());
        let image = image::load_from_memory_with_format(&bytes, image::ImageFormat::Jpeg).unwrap();
        assert_eq!(image.color(), image::ColorType::L8);
        assert!((480..=640).contains(&image.width()) && (360..=480).contains(&image.height()));
    }
}

#[test]
fn progress_counts_up_to_all_cartoons() {
    let place = tempfile::tempdir().unwrap();
    let seen = std::sync::Mutex::new(BTreeSet::new());
    let on_progress = |done, total| {
        assert_eq!(total, SMALL.cartoons);
        seen.lock().unwrap().insert(done);
    };
    draw_contest(&place.path().join("drawn"), &SMALL, &on_progress).unwrap();
    assert_eq!(seen.into_inner().unwrap(), (1..=SMALL.cartoons).collect());
}

#[test]
fn the_same_contest_is_left_untouched_and_an_empty_folder_is_filled() {
    let place = tempfile::tempdir().unwrap();
    assert!(draw(place.path(), &SMALL).drawn);
    let table = place.path().join("contest.parquet");
    let before = fs::metadata(&table).unwrap().modified().unwrap();
    let again = draw(place.path(), &SMALL);
    assert!(!again.drawn);
    assert_eq!(fs::metadata(&table).unwrap().modified().unwrap(), before);
}

#[test]
fn a_foreign_folder_another_contest_and_too_few_cartoons_are_refused() {
    let place = tempfile::tempdir().unwrap();
    let attempt = |options| draw_contest(place.path(), &options, &|_, _| {}).unwrap_err();
    assert!(matches!(attempt(ContestOptions { cartoons: 3, seed: 1 }), Error::Cartoons { cartoons: 3, .. }));
    fs::write(place.path().join("diary.txt"), "dear").unwrap();
    assert!(matches!(attempt(SMALL), Error::Occupied(_)));
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
    fs::remove_file(place.path().join("diary.txt")).unwrap();
    draw(place.path(), &SMALL);
    let error = attempt(ContestOptions { seed: 12, ..SMALL }).to_string();
    assert!(error.contains("another contest"), "{error}");
}

#[test]
fn a_draw_that_fails_leaves_nothing_behind() {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("drawn");
    let interrupted = std::panic::catch_unwind(|| {
        draw_contest(&dir, &SMALL, &|done, _| assert!(done < 20, "pulled the plug"))
    });
    assert!(interrupted.is_err());
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
}
