//! What the data say is what is learned: texts to the letter, one reading of all labels, expressions, columns' types.

use cliptune_experiment::{DataPlan, Label, LabelReading, SplitBy, TableFormat, TableSource, Task};
use cliptune_ingest::IngestError;
use cliptune_terminal::Diagnostic;

use crate::support::{Made, Sources};

/// Texts that look like something else.
const LOOKALIKES: [&str; 14] = [
    "1:15",
    "12:30:00",
    "2025-01-11",
    "01-11-2025",
    "2025-01-11 10:00:00",
    "007",
    "1e5",
    "1.50",
    "true",
    "NaN",
    "null",
    "550e8400-e29b-41d4-a716-446655440000",
    "0x1F",
    " x ",
];

fn reading(sources: &Sources, name: &str, format: TableFormat, plan: DataPlan) -> Result<Made, IngestError> {
    let metadata = TableSource::at(sources.path(name), format);
    sources.ingest(&DataPlan { metadata, ..plan })
}

fn declared(reading: LabelReading) -> Task {
    let label = Label { column: "label".to_owned(), declared: Some(reading) };
    Task::Choice { choices: "choices".to_owned(), label }
}

/// Labels by row, for a table of rows with two images.
fn labels(made: &Made) -> Vec<usize> {
    let mut labels: Vec<_> =
        made.items.iter().map(|item| (item.id.parse::<u32>().unwrap(), item.label)).collect();
    labels.sort_unstable();
    labels.into_iter().map(|(_, label)| label).collect()
}

/// A choice table over images `0.png` … with a label expression of `n` and a list of choices.
fn choices(label: &str, choices: &str) -> Sources {
    let sources = Sources::new();
    sources.images(4).table(&format!(
        "SELECT n || '.png' AS file, {choices} AS choices, {label} AS label, n AS contest FROM range(4) AS r(n)"
    ));
    sources
}

#[test]
fn texts_keys_groups_and_ids_are_to_the_letter_in_every_format() {
    for look in LOOKALIKES {
        let sources = Sources::new();
        sources.image(&format!("{look}.png"), 1);
        let quoted = format!("\"{look}\"");
        sources.file("t.jsonl", &format!(
            "{{\"file\": {quoted}, \"choices\": [{quoted}, \"other\"], \"label\": {quoted}, \"contest\": {quoted}}}\n"
        ));
        sources.file(
            "t.csv",
            &format!(
                "file,choices,label,contest\n{quoted},\"[\"\"{look}\"\", \"\"other\"\"]\",{quoted},{quoted}\n"
            ),
        );
        sources.table(&format!(
            "SELECT '{look}' AS file, ['{look}', 'other'] AS choices, '{look}' AS label, '{look}' AS contest"
        ));
        let mut plan = sources.choice();
        plan.join.as_mut().unwrap().image = cliptune_experiment::ImageKey::Stem;
        plan.columns.id = Some("contest".to_owned());
        plan.columns.vocabulary = vec!["label".to_owned()];
        for (name, format) in [
            ("t.jsonl", TableFormat::Jsonl),
            ("t.csv", TableFormat::Csv),
            ("table.parquet", TableFormat::Parquet),
        ] {
            let made = reading(&sources, name, format, plan.clone())
                .unwrap_or_else(|error| panic!("{look} {name}: {error}"));
            let item = &made.items[0];
            assert_eq!((item.texts[0].as_str(), item.label), (look, 0), "{name}");
            assert_eq!((item.group.as_str(), item.id.as_str()), (look, look), "{name}");
            assert_eq!(item.vocabulary, [look], "{name}");
        }
    }
}

#[test]
fn whole_numbers_of_every_type_are_indices() {
    for sql_type in ["INTEGER", "UTINYINT", "HUGEINT", "DOUBLE", "FLOAT", "DECIMAL(10,2)", "VARCHAR"] {
        // Two of the rows have numerals among their choices, one of them at another place.
        let sources = choices(
            &format!("CAST(n % 3 AS {sql_type})"),
            "CASE WHEN n = 2 THEN ['2', '3', '4'] ELSE ['cat', 'dog', 'cow'] END",
        );
        let made = sources.ingest(&sources.choice()).unwrap();
        assert_eq!(labels(&made), [0, 1, 2, 0], "{sql_type}");
        assert_eq!(made.dataset.record().notes.label, Some(LabelReading::Index));
    }
}

#[test]
fn a_label_that_is_no_whole_number_is_refused_with_its_value() {
    let sources = choices("CASE n WHEN 0 THEN 1.5 WHEN 1 THEN 7 ELSE 0 END", "['a', 'b', 'c']");
    let made = sources.ingest(&sources.choice()).unwrap();
    let mut details: Vec<&str> = made.rejects.iter().map(|reject| reject.detail.as_str()).collect();
    details.sort_unstable();
    assert_eq!(
        details,
        ["\"1.5\", read as an index from 0, of 3 texts", "\"7.0\", read as an index from 0, of 3 texts"]
    );
    assert!(made.rejects.iter().all(|reject| reject.join_key.is_some()));
    // The summary shows one of them.
    let examples = &made.dataset.record().notes.reject_examples;
    let example = examples.get("label not among the choices").unwrap();
    assert_eq!(example, "row 0: \"1.5\", read as an index from 0, of 3 texts");
}

#[test]
fn booleans_are_0_and_1_of_two_choices() {
    let sources = choices("n % 2 = 1", "['a cat', 'a dog']");
    assert_eq!(labels(&sources.ingest(&sources.choice()).unwrap()), [0, 1, 0, 1]);
    let three = choices("n % 2 = 1", "['a cat', 'a dog', 'a cow']");
    assert!(matches!(three.ingest(&three.choice()), Err(IngestError::NoItems { .. })));
}

#[test]
fn labels_from_one_stop_the_run_until_they_are_declared() {
    for label in ["n % 3 + 1", "CAST(n % 3 + 1 AS VARCHAR)", "CAST(n % 3 + 1 AS DOUBLE)"] {
        let sources = choices(label, "['a', 'b', 'c']");
        let error = sources.ingest(&sources.choice()).unwrap_err();
        assert!(
            error.to_string().contains("seem to count from 1: none is 0, and one is the number of texts"),
            "{error}"
        );
        assert!(error.hint().unwrap().contains("label: { column: label, is: position }"));
        let mut plan = sources.choice();
        plan.columns.task = declared(LabelReading::Position);
        assert_eq!(labels(&sources.ingest(&plan).unwrap()), [0, 1, 2, 0]);
        plan.columns.task = declared(LabelReading::Index);
        assert_eq!(sources.ingest(&plan).unwrap().rejects.len(), 1);
    }
}

#[test]
fn labels_that_two_readings_read_differently_stop_the_run_until_they_are_declared() {
    let sources = choices("CAST((n % 2) AS VARCHAR)", "['1', '0']");
    let error = sources.ingest(&sources.choice()).unwrap_err();
    let said = error.to_string();
    assert!(
        said.contains("row 1: label 1 of [\"1\", \"0\"]: as a text \"1\", as an index from 0 \"0\""),
        "{said}"
    );
    assert_eq!(
        error.hint().unwrap(),
        "say which in data.columns: label: { column: label, is: text } or label: { column: label, is: index }"
    );
    for (reading, expected) in [(LabelReading::Text, [1, 0, 1, 0]), (LabelReading::Index, [0, 1, 0, 1])] {
        let mut plan = sources.choice();
        plan.columns.task = declared(reading);
        assert_eq!(labels(&sources.ingest(&plan).unwrap()), expected);
    }
}

#[test]
fn values_of_several_kinds_are_read_in_one_way() {
    let sources = Sources::new();
    sources.images(3).file(
        "t.jsonl",
        "{\"file\": \"0.png\", \"choices\": [\"x\", \"y\"], \"label\": 0, \"contest\": 1}
         {\"file\": \"1.png\", \"choices\": [\"x\", \"y\"], \"label\": \"1\", \"contest\": 2}
         {\"file\": \"2.png\", \"choices\": [\"x\", 2, true], \"label\": \"?\", \"contest\": \"three\"}\n",
    );
    let made = reading(&sources, "t.jsonl", TableFormat::Jsonl, sources.choice()).unwrap();
    assert_eq!(labels(&made), [0, 1]);
    assert_eq!(made.reasons(), ["row 2: label not among the choices"]);
    assert_eq!(made.items.iter().map(|item| item.group.as_str()).collect::<Vec<_>>(), ["1", "2"]);
}

#[test]
fn columns_take_sql_expressions() {
    let sources = choices("n % 2", "[{'raw': 'a ' || n, 'id': 1}, {'raw': 'b', 'id': 2}]");
    let mut plan = sources.choice();
    let label = Label { column: "1 - label".to_owned(), declared: None };
    plan.columns.task = Task::Choice { choices: "[c.raw for c in choices]".to_owned(), label };
    plan.columns.group = Some("contest % 2".to_owned());
    plan.columns.id = Some("'row ' || contest".to_owned());
    plan.columns.vocabulary = vec!["file || '!'".to_owned()];
    plan.split.by = SplitBy::Column("CASE contest WHEN 0 THEN 'test' ELSE 'train' END".to_owned());
    let made = sources.ingest(&plan).unwrap();
    let item = made.items.iter().find(|item| item.id == "row 0").unwrap();
    assert_eq!((item.texts.as_slice(), item.label), (["a 0".to_owned(), "b".to_owned()].as_slice(), 1));
    assert_eq!((item.group.as_str(), item.split.as_str()), ("0", "test"));
    assert_eq!(item.vocabulary, ["0.png!"]);
    // A column of that very name wins.
    let sources = Sources::new();
    sources
        .images(1)
        .table("SELECT '0.png' AS file, 'right' AS \"upper(text)\", 'wrong' AS text, 1 AS contest");
    let mut plan = sources.pairs();
    plan.columns.task = Task::Pairs { text: "upper(text)".to_owned() };
    assert_eq!(sources.ingest(&plan).unwrap().items[0].texts, ["right"]);
}

#[test]
fn what_is_no_text_is_refused_with_its_type_and_an_expression_that_works() {
    let sources = choices("0", "[{'raw': 'a ' || n, 'id': 1}, {'raw': 'b', 'id': 2}]");
    let error = sources.ingest(&sources.choice()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "data.columns.choices has to be a list of texts, and choices is STRUCT(raw VARCHAR, id INTEGER)[]"
    );
    assert_eq!(error.hint().unwrap(), "name an SQL expression: choices: \"[c.raw for c in choices]\"");
    let mut plan = sources.choice();
    plan.columns.group = Some("choices".to_owned());
    let error = sources.ingest(&DataPlan { columns: plan.columns, ..sources.pairs() }).unwrap_err();
    assert!(matches!(error, IngestError::ColumnType { .. }), "{error}");
}

#[test]
fn expressions_that_give_another_value_each_time_are_refused() {
    let sources = choices("n % 2", "['a', 'b']");
    for sql in [
        "random() < 0.5",
        "now() > '2020-01-01'::TIMESTAMP",
        "current_date > '2020-01-01'",
        "CURRENT_TIMESTAMP IS NOT NULL",
        "uuid() IS NOT NULL",
        "today() > '2020-01-01'",
        "ago(INTERVAL 1 DAY) IS NOT NULL",
        "contest IN (SELECT contest FROM metadata USING SAMPLE 50%)",
        "list_transform([1], x -> random())[1] < 1",
        "current_setting('threads') > 1",
        "(SELECT count(*) FROM duckdb_settings()) > 0",
    ] {
        let mut plan = sources.choice();
        plan.filter = Some(sql.to_owned());
        assert!(matches!(sources.ingest(&plan), Err(IngestError::Sql { key: "data.where", .. })), "{sql}");
        let mut plan = sources.choice();
        plan.columns.group = Some(format!("CAST(({sql}) AS VARCHAR)"));
        assert!(
            matches!(sources.ingest(&plan), Err(IngestError::Sql { key: "data.columns.group", .. })),
            "{sql}"
        );
    }
    let mut plan = sources.choice();
    plan.filter = Some("contest < (SELECT max(contest) FROM metadata) AND len(range(3)) = 3".to_owned());
    assert_eq!(sources.ingest(&plan).unwrap().items.len(), 3);
}

#[test]
fn every_refused_row_has_the_key_it_looked_for() {
    let sources = Sources::new();
    sources
        .images(2)
        .table("SELECT unnest(['0.png', 'lost.png', NULL]) AS file, 'a dog' AS text, 1 AS contest");
    let made = sources.ingest(&sources.pairs()).unwrap();
    let keys: Vec<_> =
        made.rejects.iter().map(|reject| (reject.key.as_str(), reject.join_key.as_deref())).collect();
    assert_eq!(keys, [("1.png", Some("1.png")), ("1", Some("lost.png")), ("2", None)]);
    let notes = &made.dataset.record().notes;
    assert_eq!(
        (&notes.unmatched_image_keys[..], &notes.unmatched_row_keys[..]),
        (&["1.png".to_owned()][..], &["lost.png".to_owned()][..])
    );
}
