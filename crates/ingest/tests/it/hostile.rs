//! Names and texts that would like to be something else.

use cliptune_experiment::{ImageKey, Label, Task};
use cliptune_ingest::IngestError;
use cliptune_store::{sql_name, sql_text};

use crate::support::{Sources, component, names};

const NAMES: [&str; 6] = [
    "it's.png",
    "a\"b;--.png",
    "new\nline.png",
    "g[1]*?.png",
    "ü 漫画 🐈.png",
    "'); DROP TABLE file; --.png",
];
const TEXTS: [&str; 6] = [
    "it's \"so\"",
    "'); DROP TABLE metadata; --",
    "line\nbreak\ttab",
    "\u{202e}right to left",
    "{\"json\": [1]}",
    "\\",
];

fn hostile() -> Sources {
    let sources = Sources::new();
    for (shade, name) in NAMES.iter().enumerate() {
        sources.image(name, shade as u8);
    }
    let row = |(name, text): (&&str, &&str)| {
        format!("({}, {}, {})", sql_text(name), sql_text(text), sql_text(name))
    };
    let rows: Vec<String> = NAMES.iter().zip(&TEXTS).map(row).collect();
    sources.table(&format!("SELECT * FROM (VALUES {}) AS t(file, text, contest)", rows.join(", ")));
    sources
}

#[test]
fn names_and_texts_come_through_as_they_are() {
    let sources = hostile();
    let made = sources.ingest(&sources.pairs()).unwrap();
    assert_eq!(made.rejects, []);
    for item in &made.items {
        let at = NAMES.iter().position(|name| *name == item.image).unwrap();
        assert_eq!(
            (item.group.as_str(), item.texts.as_slice()),
            (NAMES[at], [TEXTS[at].to_owned()].as_slice())
        );
        assert!(made.dataset.image_path(item).is_file());
    }
    assert_eq!(made.items.len(), NAMES.len());
}

#[test]
fn columns_may_have_any_name() {
    let sources = Sources::new();
    let columns = ["a \"b\"", "select", "file'", "cliptune_row"];
    sources.images(1).table(&format!(
        "SELECT '0.png' AS {}, ['a', 'b'] AS {}, 'B' AS {}, 7 AS {}",
        sql_name(columns[0]),
        sql_name(columns[1]),
        sql_name(columns[2]),
        sql_name(columns[3]),
    ));
    let mut plan = sources.choice();
    plan.columns.task = Task::Choice { choices: columns[1].to_owned(), label: Label::of(columns[2]) };
    plan.columns.group = Some(columns[3].to_owned());
    plan.columns.id = Some(columns[0].to_owned());
    plan.columns.vocabulary = vec![columns[1].to_owned(), columns[2].to_owned()];
    plan.join.as_mut().unwrap().metadata = columns[0].to_owned();
    plan.split.by = component(&[columns[0]]);
    let made = sources.ingest(&plan).unwrap();
    let item = &made.items[0];
    assert_eq!((item.label, item.group.as_str(), item.id.as_str()), (1, "7", "0.png"));
    assert_eq!(item.vocabulary, ["a", "b", "B"]);
}

#[test]
fn columns_of_the_table_do_not_meet_ours_in_sql() {
    let sources = Sources::new();
    sources.images(2).table(
        "SELECT n || '.png' AS file, 'text ' || n AS text, 1 AS contest, n AS image, n AS row, n AS number, n AS key,
                n AS images, n AS kept, n AS rowid FROM range(2) AS r(n)",
    );
    let mut plan = sources.pairs();
    for column in ["image", "\"row\"", "number", "key", "images", "kept", "rowid", "metadata.image"] {
        plan.filter = Some(format!("{column} = 1 AND file.name = '1.png' AND file.stem = '1' AND size > 0"));
        let made = sources.ingest(&plan).unwrap_or_else(|error| panic!("{column}: {error}"));
        assert_eq!(made.items.len(), 1);
        assert_eq!(made.items[0].id, "1");
    }
}

#[test]
fn joins_and_conditions_may_be_sql() {
    let sources = Sources::new();
    sources.images(3).table("SELECT n AS contest, 'text ' || n AS text FROM range(3) AS r(n)");
    let mut plan = sources.pairs();
    plan.join.as_mut().unwrap().image = ImageKey::Sql("CAST(stem AS INTEGER) + 1 -- one further".to_owned());
    plan.join.as_mut().unwrap().metadata = "contest + 1".to_owned();
    plan.filter = Some("contest <> 1 -- not that one".to_owned());
    let made = sources.ingest(&plan).unwrap();
    let images: Vec<&str> = made.items.iter().map(|item| item.image.as_str()).collect();
    assert_eq!((images, made.dataset.record().join.rows_filtered), (vec!["0.png", "2.png"], 1));
}

#[test]
fn sql_of_an_experiment_stays_an_expression() {
    let sources = Sources::new();
    sources.images(1).table("SELECT '0.png' AS file, 'text' AS text, 1 AS contest");
    let secret = sources.path("secret.txt");
    sources.file("secret.txt", "secret");
    let evil = [
        "true) ; DROP TABLE file ; SELECT (true".to_owned(),
        "true); SELECT (1".to_owned(),
        "true) UNION ALL SELECT (1".to_owned(),
        "true) ORDER BY (1".to_owned(),
        "true), (1".to_owned(),
        "no_such_column = 1".to_owned(),
        "((".to_owned(),
        String::new(),
        format!("(SELECT count(*) FROM read_text({})) = 1", sql_text(&secret.to_string_lossy())),
        "(SELECT count(*) FROM read_csv('/etc/passwd')) > 0".to_owned(),
    ];
    for sql in evil {
        let mut plan = sources.pairs();
        plan.filter = Some(sql.clone());
        let error = sources.ingest(&plan).unwrap_err();
        assert!(matches!(&error, IngestError::Sql { key: "data.where", .. }), "{sql}: {error}");
        assert!(!error.to_string().contains("CREATE TABLE"), "{error}");
    }
    assert!(names(&sources.path("runs/datasets")).is_empty());
}
