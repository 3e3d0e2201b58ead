use std::path::{Path, PathBuf};

use cliptune_encode::matrix::{Matrix, product};
use fs_err as fs;
use proptest::prelude::*;

use super::Embeddings;
use crate::embed::Kind;
use crate::embed::journal::{Entry, Job, Journal, Outcome};
use crate::embed::table;
use crate::error::ApplyError;
use crate::layout::Origin;

pub(crate) fn job() -> Job {
    let text = |text: &str| text.to_owned();
    Job { kind: Kind::Images, model_hash: text("h"), precision: text("fp32"), version: text("1") }
}

/// Returns unit vectors drawn around a few directions, so that many are nearly as near as others.
fn drawn(rows: usize, columns: usize, seed: u64) -> Matrix {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    let centres: Vec<f32> = (0..4 * columns).map(|_| next()).collect();
    let value = |row: usize, column: usize, noise: f32| centres[row % 4 * columns + column] + noise * 1e-3;
    let mut values = Vec::new();
    for row in 0..rows {
        values.extend((0..columns).map(|column| value(row, column, next())));
    }
    let mut matrix = Matrix::new(rows, values);
    matrix.normalise().unwrap();
    matrix
}

/// Writes vectors as images into a file, of which every `copies`-th has the content of the first.
fn written(folder: &Path, vectors: &Matrix, copies: usize) -> PathBuf {
    let to = folder.join("e.parquet");
    let mut journal = Journal::open(&to, &job(), true).unwrap();
    for row in 0..vectors.rows() {
        let name = format!("images/{row} é.png");
        let outcome = match row {
            0 => Outcome::New(hash(0)),
            row if row.is_multiple_of(copies) => Outcome::Same(0, hash(0)),
            row => Outcome::New(hash(row)),
        };
        let values = if matches!(outcome, Outcome::New(_)) { vectors.row(row) } else { &[] };
        journal.append(vec![Entry { name, stamp: None, outcome }], vectors.columns(), values).unwrap();
        let broken = Outcome::Problem("no image".to_owned());
        let entry = Entry { name: format!("broken {row}"), stamp: None, outcome: broken };
        journal.append(vec![entry], vectors.columns(), &[]).unwrap();
    }
    table::write(&to, &journal, origin()).unwrap();
    journal.remove().unwrap();
    to
}

fn origin() -> Origin {
    let Job { kind, model_hash, precision, .. } = job();
    Origin { kind, model: "tuned/x-s0".to_owned(), model_hash, precision }
}

fn hash(row: usize) -> [u8; 32] {
    *blake3::hash(&row.to_le_bytes()).as_bytes()
}

/// Returns the nearest rows by comparing all of them.
fn naive(vectors: &Matrix, query: &[f32], most: usize) -> Vec<(usize, f64)> {
    let mut all: Vec<(usize, f64)> =
        (0..vectors.rows()).map(|row| (row, product(query, vectors.row(row)))).collect();
    all.sort_by(|(row, cosine), (other, its)| its.total_cmp(cosine).then(row.cmp(other)));
    all.truncate(most);
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_search_finds_what_comparing_everything_finds(
        rows in 1_usize..700, columns in 1_usize..80, most in 1_usize..40, seed in 0_u64..1_000,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let vectors = drawn(rows, columns, seed);
        let embeddings = Embeddings::open(&written(folder.path(), &vectors, usize::MAX)).unwrap();
        let queries = drawn(3, columns, seed + 1);
        for query in (0..3).map(|row| queries.row(row)).chain([vectors.row(rows / 2)]) {
            let found = embeddings.nearest(query, most).unwrap();
            let found: Vec<(usize, f64)> = found.into_iter().map(|hit| (hit.row, hit.cosine)).collect();
            prop_assert_eq!(found, naive(&vectors, query, most));
        }
    }
}

/// Vectors that are hard to tell apart by codes, or that make codes coarse.
#[derive(Clone, Copy, Debug)]
enum Hostile {
    /// All are the same.
    Equal,
    /// Three vectors again and again.
    Repeated,
    /// A vector and its opposite in turn.
    Opposite,
    /// Each has one component beside which the others are next to nothing, not always the same one.
    OneComponent,
    /// All but the last bits are the same.
    LastBits,
    /// The same, but for one row that is far away in every dimension.
    OneFarAway,
}

const HOSTILE: &[Hostile] = &[
    Hostile::Equal,
    Hostile::Repeated,
    Hostile::Opposite,
    Hostile::OneComponent,
    Hostile::LastBits,
    Hostile::OneFarAway,
];

fn hostile(kind: Hostile, rows: usize, columns: usize, seed: u64) -> Matrix {
    let drawn = drawn(rows, columns, seed);
    let sign = |number: usize| if number.is_multiple_of(2) { 1.0 } else { -1.0 };
    let value = |row: usize, column: usize| {
        let (first, own) = (drawn.row(0)[column] + 0.1, drawn.row(row)[column]);
        match kind {
            Hostile::Equal => first,
            Hostile::Repeated => drawn.row(row % 3 % rows)[column] + 0.1,
            Hostile::Opposite => sign(row) * first,
            Hostile::OneComponent if row * 7 % columns == column => 1e6,
            Hostile::OneComponent => own,
            Hostile::OneFarAway if row == rows / 3 => sign(column),
            Hostile::LastBits | Hostile::OneFarAway => first * (1.0 + own * 1e-6),
        }
    };
    let values = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
    let mut matrix = Matrix::new(rows, values.map(|(row, column)| value(row, column)).collect());
    matrix.normalise().unwrap();
    matrix
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_search_is_exact_whatever_the_vectors_are(
        kind in proptest::sample::select(HOSTILE),
        rows in 1_usize..1500, columns in 2_usize..40, most in 1_usize..2000, seed in 0_u64..1_000,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let vectors = hostile(kind, rows, columns, seed);
        let embeddings = Embeddings::open(&written(folder.path(), &vectors, usize::MAX)).unwrap();
        let queries = drawn(2, columns, seed + 1);
        for query in [queries.row(0), queries.row(1), vectors.row(rows / 2), vectors.row(rows / 3)] {
            prop_assert_eq!(super::scan::best(&embeddings, query, most).unwrap(), naive(&vectors, query, most));
        }
    }
}

#[test]
fn copies_of_one_image_are_one_hit_and_take_no_places_of_others() {
    let folder = tempfile::tempdir().unwrap();
    let vectors = drawn(200, 16, 7);
    // Two of three rows are copies of the first image.
    let mut with_copies = vectors.clone();
    for row in (0..200).filter(|row| row % 3 != 1) {
        let mut rows: Vec<usize> = (0..200).collect();
        rows[row] = 0;
        with_copies = with_copies.select(&rows);
    }
    let to = folder.path().join("e.parquet");
    let mut journal = Journal::open(&to, &job(), true).unwrap();
    for row in 0..200 {
        let (outcome, values): (_, &[f32]) = match row {
            row if row == 0 || row % 3 == 1 => (Outcome::New(hash(row)), vectors.row(row)),
            _ => (Outcome::Same(0, hash(0)), &[]),
        };
        journal.append(vec![Entry { name: row.to_string(), stamp: None, outcome }], 16, values).unwrap();
    }
    table::write(&to, &journal, origin()).unwrap();
    let hits = Embeddings::open(&to).unwrap().nearest(vectors.row(0), 30).unwrap();
    let distinct: Vec<usize> = naive(&with_copies, vectors.row(0), 200)
        .into_iter()
        .map(|(row, _)| row)
        .filter(|&row| row == 0 || row % 3 == 1)
        .take(30)
        .collect();
    assert_eq!(hits.iter().map(|hit| hit.row).collect::<Vec<_>>(), distinct);
    let first = hits.iter().find(|hit| hit.row == 0).unwrap();
    assert_eq!(first.also[..3], ["2", "3", "5"]);
}

#[test]
fn rows_are_found_in_all_row_groups_with_their_names() {
    let folder = tempfile::tempdir().unwrap();
    let rows = crate::layout::GROUP + 50;
    let vectors = drawn(rows, 3, 1);
    let embeddings = Embeddings::open(&written(folder.path(), &vectors, usize::MAX)).unwrap();
    assert_eq!((embeddings.rows(), embeddings.dimension()), (rows, 3));
    for row in [0, 1, rows - 51, rows - 50, rows - 1] {
        assert_eq!(embeddings.name(row).unwrap(), format!("images/{row} é.png"));
        assert_eq!(embeddings.hash(row).unwrap(), blake3::Hash::from_bytes(hash(row)).to_string());
        assert!((embeddings.cosine(row, vectors.row(row)).unwrap() - 1.0).abs() < 1e-6);
        let found = super::scan::best(&embeddings, vectors.row(row), 9).unwrap();
        assert_eq!(found, naive(&vectors, vectors.row(row), 9));
    }
}

#[test]
fn a_file_of_another_version_is_told_from_a_damaged_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), &drawn(20, 5, 1), 4);
    let mut bytes = fs::read(&path).unwrap();
    // The first version had no blocks of codes.
    for (from, to) in [(r#""format":2"#, r#""format":1"#), (r#","codes":"#, r#","other":"#)] {
        let at = bytes.windows(from.len()).rposition(|some| some == from.as_bytes()).unwrap();
        bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
    }
    fs::write(&path, bytes).unwrap();
    let problem = Embeddings::open(&path).unwrap_err().to_string();
    assert!(problem.ends_with("another version of cliptune has made it"), "{problem}");
}

#[test]
fn a_wrong_length_before_the_codes_is_damage_and_hides_no_row() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), &drawn(20, 5, 1), 4);
    let group = Embeddings::open(&path).unwrap().groups()[0].1;
    let mut bytes = fs::read(&path).unwrap();
    // With a length below 0, the rows of the block would all be passed over.
    for wrong in [f64::NAN, -1.0, 0.0] {
        bytes[group.codes as usize..][..size_of::<f64>()].copy_from_slice(&wrong.to_le_bytes());
        fs::write(&path, &bytes).unwrap();
        let found = Embeddings::open(&path).unwrap().nearest(&[1.0, 0.0, 0.0, 0.0, 0.0], 3);
        let is_told = matches!(found, Err(ApplyError::NotEmbeddings { problem: "it is damaged", .. }));
        assert!(is_told, "{wrong}: {found:?}");
    }
}

#[test]
fn what_embed_has_not_made_is_refused_and_damage_never_panics() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), &drawn(20, 5, 1), 4);
    let bytes = fs::read(&path).unwrap();
    let query = [1.0, 0.0, 0.0, 0.0, 0.0];
    let changed = folder.path().join("changed.parquet");
    for end in (0..bytes.len()).step_by(7) {
        fs::write(&changed, &bytes[..end]).unwrap();
        assert!(matches!(Embeddings::open(&changed), Err(ApplyError::NotEmbeddings { .. })), "cut at {end}");
    }
    for at in 0..bytes.len() {
        let mut other = bytes.clone();
        other[at] ^= 0x15;
        fs::write(&changed, other).unwrap();
        // Whatever it says, it is an answer or an error.
        let _ = Embeddings::open(&changed).and_then(|embeddings| embeddings.nearest(&query, 3));
    }
    assert!(Embeddings::open(folder.path()).is_err());
}
