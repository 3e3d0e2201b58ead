//! Guesses about small tables of each kind.

use std::path::PathBuf;

use cliptune_experiment::{DataPlan, ImageKey, Join, Label, LabelReading, Task, TaskKind, Templates, reread};
use cliptune_propose::{Parts, Proposal};
use cliptune_store::{Store, open_database, sql_text};
use cliptune_terminal::{Diagnostic as _, Exit, Printer};
use tempfile::TempDir;

use super::{near, propose};
use crate::error::IngestError;

/// A folder with images, of which nobody opens one, and tables.
struct Folder(TempDir);

impl Folder {
    /// With images `0.png`, `1.png` and so on.
    fn of(images: usize) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        fs_err::create_dir(folder.path("images")).unwrap();
        (0..images).for_each(|image| folder.write(&format!("images/{image}.png"), ""));
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs_err::write(self.path(name), text).unwrap();
    }

    /// Writes `table.parquet` from a query, and returns what is guessed.
    fn parquet(&self, query: &str) -> Result<Proposal, IngestError> {
        let path = sql_text(&self.path("table.parquet").to_string_lossy());
        open_database()
            .unwrap()
            .execute_batch(&format!("COPY ({query}) TO {path} (FORMAT parquet)"))
            .unwrap();
        self.guess("  metadata: table.parquet\n")
    }

    /// Guesses about a table that is named in YAML, or lies with the images.
    fn guess(&self, table: &str) -> Result<Proposal, IngestError> {
        let store = Store::open(&self.path("runs")).unwrap();
        let scratch = tempfile::tempdir().unwrap();
        propose(&self.sources(table), &store, &Printer::new(true, false), scratch.path())
    }

    fn sources(&self, table: &str) -> DataPlan {
        let text = format!(
            "name: new\ndata:\n  images: images\n{table}  columns: {{ text: text }}\nmodel: {{ from: openai/clip-vit-base-patch32 }}\n"
        );
        reread(&text, self.0.path()).unwrap().data
    }
}

/// What an item is taken to be.
fn items(proposal: &Proposal) -> &Task {
    &proposal.items.taken().unwrap().value
}

/// The reason for that.
fn why(proposal: &Proposal) -> &str {
    &proposal.items.taken().unwrap().why
}

fn kinds(proposal: &Proposal) -> Vec<TaskKind> {
    proposal.items.all.iter().map(|items| items.value.kind()).collect()
}

fn choice(choices: &str, label: &str, reading: LabelReading) -> Task {
    let label = Label { column: label.to_owned(), declared: Some(reading) };
    Task::Choice { choices: choices.to_owned(), label }
}

fn pairs(text: &str) -> Task {
    Task::Pairs { text: text.to_owned() }
}

fn classes(class: &str) -> Task {
    Task::Classes { class: class.to_owned(), templates: Templates::default() }
}

#[test]
fn a_list_and_what_says_which_of_it_is_right_are_choices_in_each_way_to_say_it() {
    let folder = Folder::of(12);
    for (label, reading) in [
        ("n % 3", LabelReading::Index),
        ("n % 3 + 1", LabelReading::Position),
        ("CAST(n % 3 AS VARCHAR)", LabelReading::Index),
        ("['A', 'B', 'C'][n % 3 + 1]", LabelReading::Letter),
        ("['one ', 'two ', 'three '][n % 3 + 1] || n", LabelReading::Text),
    ] {
        let proposal = folder
            .parquet(&format!(
                "SELECT n || '.png' AS file, ['one ' || n, 'two ' || n, 'three ' || n] AS options, {label} AS answer
                 FROM range(12) AS r(n)"
            ))
            .unwrap();
        assert_eq!(items(&proposal), &choice("options", "answer", reading), "{label}");
        assert_eq!(proposal.join.taken().unwrap().value.metadata, "file");
    }
}

#[test]
fn lists_that_python_has_spelled_are_choices() {
    let folder = Folder::of(12);
    let row = |n: usize| format!("{n}.png,\"['one {n}', \"\"it's {n}\"\"]\",{}\n", n % 2);
    folder.write("table.csv", &format!("file,choices,answer\n{}", (0..12).map(row).collect::<String>()));
    let proposal = folder.guess("  metadata: table.csv\n").unwrap();
    let expected = choice("TRY_CAST(choices AS VARCHAR[])", "answer", LabelReading::Index);
    assert_eq!(items(&proposal), &expected);
    assert!(why(&proposal).starts_with("`choices` has, as Python spells lists, 2 texts in a row"));
}

#[test]
fn the_reason_for_a_choice_says_how_many_rows_can_be_read() {
    let proposal = Folder::of(12)
        .parquet(
            "SELECT n || '.png' AS file, ['one ' || n, 'two ' || n] AS options, ['A', 'B'][n % 2 + 1] AS answer
             FROM range(12) AS r(n)",
        )
        .unwrap();
    assert_eq!(
        why(&proposal),
        "`options` has 2 texts in a row, and `answer` has the letter of one of them: in 12 of 12 rows that were read"
    );
    assert_eq!(
        proposal.join.taken().unwrap().why,
        "the values of `file` are the file names of images: 12 of 12 rows name 12 of 12 images"
    );
}

#[test]
fn choices_may_be_lists_in_json_structs_or_columns_that_are_numbered() {
    let folder = Folder::of(6);
    let rows: String =
        (0..6).map(|n| format!("{n}.png,\"[\"\"a {n}\"\", \"\"b {n}\"\"]\",{}\n", n % 2)).collect();
    folder.write("listed.csv", &format!("file,options,label\n{rows}"));
    let listed = folder.guess("  metadata: listed.csv\n").unwrap();
    assert_eq!(items(&listed), &choice("options", "label", LabelReading::Index));

    let rows: String = (0..6)
        .map(|n| {
            format!("{n}.png,red {n},green {n},{},{}\n", if n < 3 { "" } else { "blue" }, ["A", "B"][n % 2])
        })
        .collect();
    folder.write("lettered.csv", &format!("file,option_a,option_b,option_c,correct\n{rows}"));
    let lettered = folder.guess("  metadata: lettered.csv\n").unwrap();
    let expected = "[c for c in [\"option_a\", \"option_b\", \"option_c\"] if c IS NOT NULL]";
    assert_eq!(items(&lettered), &choice(expected, "correct", LabelReading::Letter));

    // A column with the name that stands for each text would be taken for it, and every text would be that column's.
    let rows: String = (0..6)
        .map(|n| {
            let e = if n < 3 { String::new() } else { format!("violet {n}") };
            format!("{n}.png,red {n},green {n},blue {n},black {n},{e},{}\n", ["A", "B", "D"][n % 3])
        })
        .collect();
    folder.write("to_e.csv", &format!("file,a,b,c,d,e,answer\n{rows}"));
    let to_e = folder.guess("  metadata: to_e.csv\n").unwrap();
    let expected = "[c_ for c_ in [\"a\", \"b\", \"c\", \"d\", \"e\"] if c_ IS NOT NULL]";
    assert_eq!(items(&to_e), &choice(expected, "answer", LabelReading::Letter));

    let structs = folder
        .parquet(
            "SELECT n || '.png' AS file, [{'raw': 'a ' || n, 'n': 1}, {'raw': 'b ' || n, 'n': 2}] AS options, n % 2 AS label
             FROM range(6) AS r(n)",
        )
        .unwrap();
    assert_eq!(items(&structs), &choice("[c.raw for c in options]", "label", LabelReading::Index));
}

#[test]
fn names_of_columns_that_sql_knows_as_words_or_with_quotes_are_quoted() {
    let folder = Folder::of(6);
    let rows: String = (0..6).map(|n| format!("{n}.png,x {n},y {n},{}\n", n % 2)).collect();
    folder.write("t.csv", &format!("file,\"the \"\"option\"\" 1\",\"the \"\"option\"\" 2\",order\n{rows}"));
    let proposal = folder.guess("  metadata: t.csv\n").unwrap();
    let expected = "[\"the \"\"option\"\" 1\", \"the \"\"option\"\" 2\"]";
    assert_eq!(items(&proposal), &choice(expected, "order", LabelReading::Index));
}

#[test]
fn a_list_without_a_label_is_no_choice() {
    let proposal = Folder::of(8)
        .parquet(
            "SELECT n || '.png' AS file, ['first caption ' || n, 'second caption ' || n] AS captions FROM range(8) AS r(n)",
        )
        .unwrap();
    assert_eq!(items(&proposal), &pairs("captions[1]"));
    assert!(why(&proposal).contains("no column says that one of them is right"), "{}", why(&proposal));
}

#[test]
fn a_number_is_no_label_by_chance() {
    let proposal = Folder::of(20)
        .parquet(
            "SELECT n || '.png' AS file, ['a ' || n, 'b ' || n, 'c ' || n] AS choices, n AS serial, 640 AS width,
                    'a caption of picture ' || n AS caption
             FROM range(20) AS r(n)",
        )
        .unwrap();
    assert_eq!(items(&proposal), &pairs("caption"));
}

#[test]
fn tags_and_boxes_beside_the_number_of_a_class_are_no_choices() {
    let folder = Folder::of(12);
    for list in
        ["['red', 'small', 'old'][1:2 + n % 2]", "[n * 1.5, 2.5, 30, 40]", "'[' || n || ', 2, 30, 40]'"]
    {
        let proposal = folder
            .parquet(&format!(
                "SELECT n || '.png' AS file, {list} AS about, n % 2 AS label FROM range(12) AS r(n)"
            ))
            .unwrap();
        assert_eq!(items(&proposal), &classes("label"), "{list}");
    }
}

#[test]
fn texts_that_differ_are_captions_and_values_that_repeat_are_classes() {
    let folder = Folder::of(12);
    let proposal = folder
        .parquet(
            "SELECT n || '.png' AS file, 'a drawing of animal number ' || n AS words, ['cat', 'dog'][n % 2 + 1] AS animal,
                    n * 10 AS width FROM range(12) AS r(n)",
        )
        .unwrap();
    // Neither is called so. Sentences are most likely captions, and the other is offered.
    assert_eq!(items(&proposal), &pairs("words"));
    assert_eq!(kinds(&proposal), [TaskKind::Pairs, TaskKind::Classes]);
    assert_eq!(proposal.items.all[1].value, classes("animal"));
    assert_eq!(why(&proposal), "`words` has 12 different texts in 12 rows, of 6 words on average");

    let named = folder
        .parquet(
            "SELECT n || '.png' AS file, 'seen on day ' || n AS note, ['cat', 'dog'][n % 2 + 1] AS species FROM range(12) AS r(n)",
        )
        .unwrap();
    assert_eq!(items(&named), &classes("species"));
    assert_eq!(why(&named), "`species` has 2 different values in 12 rows");
}

#[test]
fn names_of_classes_come_before_their_numbers() {
    let proposal = Folder::of(12)
        .parquet(
            "SELECT n || '.png' AS file, n % 3 AS label, ['cat', 'dog', 'cow'][n % 3 + 1] AS label_name FROM range(12) AS r(n)",
        )
        .unwrap();
    assert_eq!(items(&proposal), &classes("label_name"));
    let numbers = &proposal.items.all[1];
    assert_eq!(numbers.value, classes("label"));
    assert!(numbers.why.ends_with("a column of words would be better"), "{}", numbers.why);
}

#[test]
fn rows_have_an_identifier_a_group_and_a_split_where_columns_say_so() {
    let proposal = Folder::of(24)
        .parquet(
            "SELECT n || '.png' AS file, 'x' || n AS row_id, n // 2 AS patient, 'a text about ' || n AS caption,
                    CASE WHEN n < 12 THEN 'train' WHEN n < 18 THEN 'val' ELSE 'test' END AS subset
             FROM range(24) AS r(n)",
        )
        .unwrap();
    assert_eq!(proposal.id.taken().unwrap().value, "row_id");
    assert_eq!(proposal.group.taken().unwrap().value, "patient");
    let split = &proposal.split.taken().unwrap().value;
    assert_eq!(split.column, "CASE \"subset\" WHEN 'val' THEN 'validation' ELSE \"subset\" END");
    assert!(split.validates);
    assert_eq!(proposal.split.taken().unwrap().why, "the values of `subset` are test, train, val");
}

#[test]
fn what_is_no_group_by_its_name_is_only_offered() {
    let proposal = Folder::of(24)
        .parquet("SELECT n || '.png' AS file, n // 2 AS batch, 'a text about ' || n AS caption FROM range(24) AS r(n)")
        .unwrap();
    assert_eq!(proposal.group.taken(), None);
    assert_eq!(proposal.group.all[0].value, "batch");
    assert_eq!(
        proposal.group.all[0].why,
        "`batch` has 12 different values for 24 images, and each image has one of them"
    );
}

#[test]
fn a_column_of_folds_divides_the_rows_and_is_no_class() {
    let table = |fold: &str| {
        let query = format!(
            "SELECT n || '.png' AS file, {fold} AS fold, ['ant', 'bee'][n % 2 + 1] AS insect FROM range(20) AS r(n)"
        );
        Folder::of(20).parquet(&query).unwrap()
    };
    for fold in ["n % 5", "'fold' || n % 5"] {
        let proposal = table(fold);
        let split = &proposal.split.taken().unwrap().value;
        assert_eq!((split.names, split.column.as_str(), split.validates), (Parts::Folds, "fold", true));
        assert_eq!(items(&proposal), &classes("insect"));
        assert!(proposal.group.all.is_empty(), "{:?}", proposal.group);
    }
    // A cross-validation has three folds at least.
    let halves = table("'fold' || n % 2");
    assert!(halves.split.all.is_empty());
    assert_eq!(items(&halves), &classes("insect"));
}

#[test]
fn columns_that_name_different_images_are_a_question_and_not_an_error() {
    let proposal = Folder::of(4)
        .parquet(
            "SELECT 'a text of picture ' || n AS caption, n || '.png' AS left_image, (n + 1) % 4 || '.png' AS right_image
             FROM range(4) AS r(n)",
        )
        .unwrap();
    let named: Vec<&str> = proposal.join.all.iter().map(|join| join.value.metadata.as_str()).collect();
    assert_eq!(named, ["left_image", "right_image"]);
    assert_eq!(proposal.join.taken, Some(0));
}

#[test]
fn values_that_end_in_the_names_of_images_are_joined_by_an_expression() {
    let proposal = Folder::of(4)
        .parquet("SELECT 'a text of picture ' || n AS caption, 'photos/' || n || '.png' AS file FROM range(4) AS r(n)")
        .unwrap();
    let expected = Join { image: ImageKey::Name, metadata: "split_part(file, '/', -1)".to_owned() };
    assert_eq!(proposal.join.taken().unwrap().value, expected);
    assert_eq!(items(&proposal), &pairs("caption"));
}

#[test]
fn paths_of_windows_and_addresses_end_in_names_too() {
    for file in [r"'C:\photos\' || n || '.png'", "'https://example.org/a/' || n || '.png?size=2/3#top'"] {
        let query =
            format!("SELECT 'a text of picture ' || n AS caption, {file} AS file FROM range(4) AS r(n)");
        let folder = Folder::of(4);
        let join = folder.parquet(&query).unwrap().join;
        let join = &join.taken().unwrap().value;
        assert!(join.metadata.starts_with("regexp_extract(file, "), "{join:?}");
    }
}

#[test]
fn a_table_without_a_header_loses_no_row() {
    let folder = Folder::of(4);
    let row = |n: usize| format!("photos/{n}.png,a text of picture {n}\n");
    folder.write("table.csv", &(0..4).map(row).collect::<String>());
    let error = folder.guess("  metadata: table.csv\n").unwrap_err();
    assert!(
        error.to_string().ends_with("has no header: its first line names the image \"0.png\""),
        "{error}"
    );
    assert_eq!(error.exit(), Exit::Usage);
    assert!(error.hint().unwrap().contains("file,caption"));
    folder.write("table.csv", &format!("file,caption\n{}", (0..4).map(row).collect::<String>()));
    assert!(folder.guess("  metadata: table.csv\n").is_ok());
}

#[test]
fn a_table_that_lies_with_the_images_needs_no_join() {
    let folder = Folder::of(3);
    let rows: String =
        (0..3).map(|n| format!("{{\"file_name\": \"{n}.png\", \"text\": \"a text of {n}\"}}\n")).collect();
    folder.write("images/metadata.jsonl", &rows);
    let proposal = folder.guess("").unwrap();
    assert!(proposal.join.all.is_empty());
    assert_eq!(items(&proposal), &pairs("text"));
    assert_eq!((proposal.images, proposal.rows, proposal.looked_at), (3, 3, 3));
    assert_eq!(proposal.example.as_deref(), Some("0.png"));
}

#[test]
fn of_a_large_table_rows_from_all_of_it_are_looked_at() {
    let proposal = Folder::of(100)
        .parquet(
            "SELECT n % 100 || '.png' AS file, CASE WHEN n = 7 THEN 1 ELSE n END AS nearly_id, n AS id,
                    'a text about row ' || n AS caption FROM range(250000) AS r(n)",
        )
        .unwrap();
    assert_eq!((proposal.rows, proposal.looked_at), (250_000, 50_000));
    assert_eq!(items(&proposal), &pairs("caption"));
    // Whether a column identifies rows is asked of all of them.
    assert_eq!(proposal.id.taken().unwrap().value, "id");
    assert_eq!(proposal.id.all.len(), 1);
}

#[test]
fn what_nothing_can_be_guessed_about_is_an_error_that_says_why() {
    let folder = Folder::of(2);
    for (table, text, said) in [
        ("empty.csv", "file,caption\n", "has no rows"),
        ("one.csv", "file\n0.png\n1.png\n", "can be captions, classes or choices"),
        ("numbers.csv", "file,width\n0.png,640\n1.png,641\n", "can be captions, classes or choices"),
        ("other.csv", "file,caption\nx.png,a text of x\ny.png,a text of y\n", "names the images"),
    ] {
        folder.write(table, text);
        let error = folder.guess(&format!("  metadata: {table}\n")).unwrap_err();
        assert!(error.to_string().contains(said), "{table}: {error}");
        assert_eq!(error.exit(), Exit::Usage, "{table}");
        assert!(error.hint().is_some(), "{table}");
    }
}

#[test]
fn sources_that_are_not_there_are_named_as_options_name_them() {
    let folder = Folder::of(1);
    let missing = folder.guess("  metadata: none.csv\n").unwrap_err();
    assert!(missing.hint().unwrap().contains("--metadata"), "{missing}");
    fs_err::remove_file(folder.path("images/0.png")).unwrap();
    folder.write("t.csv", "file,caption\n0.png,a\n");
    let empty = folder.guess("  metadata: t.csv\n").unwrap_err();
    assert!(empty.hint().unwrap().contains("--images"), "{empty}");
    assert_eq!(empty.exit(), Exit::Usage);
}

#[test]
fn tables_beside_images_are_found_where_none_is_named() {
    let folder = Folder::of(1);
    assert!(near(&folder.path("images")).is_empty());
    folder.write("captions.csv", "");
    folder.write("images/texts.jsonl.gz", "");
    folder.write("notes.txt", "");
    assert_eq!(
        near(&folder.path("images")),
        [folder.path("captions.csv"), folder.path("images/texts.jsonl.gz")]
    );
}
