//! A join that nobody declares is found, the same one each time, or an error says why not.

use cliptune_experiment::{DataPlan, ImageKey, Join, TableFormat, TableSource};
use cliptune_ingest::{IngestError, JoinError};
use cliptune_store::{FoundJoin, open_database, sql_text};
use cliptune_terminal::Diagnostic as _;

use crate::support::Sources;

/// Pairs over a table, without a join or a group.
fn undeclared(sources: &Sources) -> DataPlan {
    let mut plan = sources.pairs();
    plan.join = None;
    plan.columns.group = None;
    plan
}

fn over(sources: &Sources, name: &str, format: TableFormat) -> DataPlan {
    DataPlan { metadata: TableSource::at(sources.path(name), format), ..undeclared(sources) }
}

/// Makes a dataset and returns the join that was found.
fn found(sources: &Sources, plan: &DataPlan) -> FoundJoin {
    sources.ingest(plan).unwrap().dataset.record().notes.join.clone().unwrap()
}

fn join(image: ImageKey, metadata: &str) -> Join {
    Join { image, metadata: metadata.to_owned() }
}

#[test]
fn the_column_is_found_that_has_the_names_the_paths_or_the_stems_of_images() {
    let sources = Sources::new();
    sources.images(4).image("below/4.png", 4);
    for (values, expected) in [
        ("n || '.png'", join(ImageKey::Name, "which")),
        ("CASE n WHEN 4 THEN 'below/' ELSE '' END || n || '.png'", join(ImageKey::Path, "which")),
        ("CAST(n AS VARCHAR)", join(ImageKey::Stem, "which")),
        ("n", join(ImageKey::Stem, "which")),
    ] {
        sources.table(&format!("SELECT 'text ' || n AS text, {values} AS which FROM range(5) AS r(n)"));
        let made = sources.ingest(&undeclared(&sources)).unwrap();
        assert_eq!(made.items.len(), 5, "{values}");
        let join = made.dataset.record().notes.join.clone().unwrap();
        assert_eq!(join.join, expected, "{values}");
        assert_eq!((join.rows, join.rows_matched, join.images, join.images_matched), (5, 5, 5, 5));
    }
}

#[test]
fn a_found_join_makes_the_items_that_a_declared_one_makes_in_a_dataset_of_its_own() {
    let sources = Sources::new();
    sources.images(3).table("SELECT n || '.png' AS file, 'text ' || n AS text FROM range(3) AS r(n)");
    let found = sources.ingest(&undeclared(&sources)).unwrap();
    let declared = sources
        .ingest(&DataPlan { join: Some(join(ImageKey::Name, "file")), ..undeclared(&sources) })
        .unwrap();
    let ids =
        |made: &crate::support::Made| made.items.iter().map(|item| item.item_id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&found), ids(&declared));
    assert_eq!(declared.dataset.record().notes.join, None);
    assert_ne!(found.dataset.record().hash, declared.dataset.record().hash);
}

#[test]
fn every_kind_of_table_is_looked_through() {
    let sources = Sources::new();
    sources.images(2);
    sources.file("t.csv", "text,file\na,0.png\nb,1.png\n");
    sources.file(
        "t.jsonl",
        "{\"text\": \"a\", \"file\": \"0.png\", \"o\": {\"x\": 1}}\n{\"text\": \"b\", \"file\": \"1.png\"}\n",
    );
    sources.table(
        "SELECT 'text ' || n AS text, n || '.png' AS file, [n] AS list, {'a': n} AS s FROM range(2) AS r(n)",
    );
    let database = open_database().unwrap();
    let path = sql_text(&sources.path("t.duckdb").to_string_lossy());
    database
        .execute_batch(&format!(
            "ATTACH {path} AS d; CREATE TABLE d.t AS SELECT 'text ' || n AS text, n || '.png' AS file FROM range(2) AS r(n); DETACH d"
        ))
        .unwrap();
    for (name, format) in [
        ("t.csv", TableFormat::Csv),
        ("t.jsonl", TableFormat::Jsonl),
        ("table.parquet", TableFormat::Parquet),
        ("t.duckdb", TableFormat::Database),
    ] {
        assert_eq!(
            found(&sources, &over(&sources, name, format)).join,
            join(ImageKey::Name, "file"),
            "{name}"
        );
    }
}

#[test]
fn numbers_that_are_stems_by_chance_give_way_to_whole_names() {
    let sources = Sources::new();
    sources.images(6).table(
        "SELECT n AS id, n % 3 AS width, 5 - n AS rank, n || '.png' AS file, 'text ' || n AS text FROM range(6) AS r(n)",
    );
    assert_eq!(found(&sources, &undeclared(&sources)).join, join(ImageKey::Name, "file"));
}

#[test]
fn a_column_that_names_few_images_again_and_again_gives_way() {
    let sources = Sources::new();
    sources.images(20).table(
        "SELECT n AS id, '0.png' AS cover, n % 2 AS half, 'text ' || n AS text FROM range(20) AS r(n)",
    );
    assert_eq!(found(&sources, &undeclared(&sources)).join, join(ImageKey::Stem, "id"));
}

#[test]
fn columns_that_name_the_same_images_are_no_doubt() {
    let sources = Sources::new();
    sources.images(3).table(
        "SELECT 'text ' || n AS text, n || '.png' AS file, CASE n WHEN 2 THEN NULL ELSE n || '.png' END AS again
         FROM range(3) AS r(n)",
    );
    let join = found(&sources, &undeclared(&sources));
    assert_eq!(join.join.metadata, "file");
}

#[test]
fn columns_that_name_different_images_are_an_error_with_their_counts() {
    let sources = Sources::new();
    sources.images(4).table(
        "SELECT 'text ' || n AS text, n || '.png' AS left_image, (n + 1) % 4 || '.png' AS right_image FROM range(4) AS r(n)",
    );
    let error = sources.ingest(&undeclared(&sources)).unwrap_err();
    let place = format!("{}", sources.path("table.parquet").display());
    insta::assert_snapshot!(error.to_string().replace(&place, "table.parquet"), @r#"
    several columns of table.parquet name images, and not the same ones
    image name = left_image, found: 4 of 4 rows name 4 of 4 images
    image name = right_image, found: 4 of 4 rows name 4 of 4 images
    "#);
    insta::assert_snapshot!(error.hint().unwrap(), @"say which one, as in `join: { image: name, metadata: left_image }`");
    assert!(matches!(error, IngestError::Join(JoinError::Ambiguous { .. })));
}

#[test]
fn where_nothing_names_the_images_the_error_says_what_there_is() {
    let sources = Sources::new();
    sources.images(3);
    let told = |query: &str| {
        sources.table(query);
        let error = sources.ingest(&undeclared(&sources)).unwrap_err();
        let place = format!("{}", sources.path("table.parquet").display());
        format!("{}\n{}", error.to_string().replace(&place, "table.parquet"), error.hint().unwrap())
    };
    insta::assert_snapshot!(told("SELECT 'text ' || n AS text, 'x' || n AS code FROM range(3) AS r(n)"), @r#"
    no column of table.parquet names the images
    say how they join: `join: { image: name, metadata: COLUMN }`, where image is path, name, stem or an SQL expression; images are called "0.png", "1.png"; the columns are text, code
    "#);
    insta::assert_snapshot!(
        told("SELECT 'text ' || n AS text, '/data/' || n || '.png' AS \"The file\" FROM range(3) AS r(n)"),
        @r#"
        no column of table.parquet names the images
        the names of images are at the end of its values: `join: { image: name, metadata: "split_part(\"The file\", '/', -1)" }`
        "#
    );
    insta::assert_snapshot!(
        told("SELECT 'text ' || n AS text, CASE n WHEN 0 THEN '0.png' ELSE 'x' || n END AS code FROM range(9) AS r(n)"),
        @r#"
        no column of table.parquet names the images; the nearest is image name = code, found: 1 of 9 rows name 1 of 3 images
        say how they join: `join: { image: name, metadata: COLUMN }`, where image is path, name, stem or an SQL expression; images are called "0.png", "1.png"; the columns are text, code
        "#
    );
}

#[test]
fn names_that_several_images_have_name_none_of_them() {
    let sources = Sources::new();
    sources.image("a/0.png", 0).image("b/0.png", 1).image("a/1.png", 2);
    sources.table(
        "SELECT * FROM (VALUES ('0.png', 'a/0.png', 'one'), ('0.png', 'b/0.png', 'two'), ('1.png', 'a/1.png', 'three'))
         AS t(name, path, text)",
    );
    let join = found(&sources, &undeclared(&sources));
    assert_eq!((join.join.metadata.as_str(), join.rows_matched), ("path", 3));
}

#[test]
fn another_column_that_names_the_images_is_another_dataset() {
    let sources = Sources::new();
    sources.images(3).table("SELECT n || '.png' AS file, 'text ' || n AS text FROM range(3) AS r(n)");
    let before = sources.ingest(&undeclared(&sources)).unwrap();
    sources.table("SELECT n || '.png' AS file, 'text ' || n AS text, n AS further FROM range(3) AS r(n)");
    let after = sources.ingest(&undeclared(&sources)).unwrap();
    assert_ne!(before.dataset.record().hash, after.dataset.record().hash, "any column may be the one");
    assert_eq!(before.dataset.record().notes.join.as_ref().unwrap().join, join(ImageKey::Name, "file"));
}

#[test]
fn images_in_archives_are_named_by_their_members() {
    let sources = Sources::new();
    crate::packed::pack(
        &sources,
        "shards/a.tar",
        &[("x1.png", crate::packed::picture(1)), ("x2.png", crate::packed::picture(2))],
    );
    sources.file("t.csv", "key,text\nx1,one\nx2,two\n");
    let mut plan = over(&sources, "t.csv", TableFormat::Csv);
    plan.images = vec![sources.path("shards/*.tar").into()];
    assert_eq!(found(&sources, &plan).join, join(ImageKey::Stem, "key"));
}

#[test]
fn a_table_without_rows_or_columns_of_texts_names_nothing() {
    let sources = Sources::new();
    sources.images(1).table("SELECT 'x' AS text, [1] AS list WHERE false");
    let found = sources.ingest(&undeclared(&sources));
    assert!(matches!(found, Err(IngestError::Join(JoinError::NotFound { .. }))));
}
