//! What a person reads of a new dataset.

use std::process::Command;

use crate::support::Sources;

/// Runs the command on an experiment and returns what it says, with hashes and times left out.
fn said(sources: &Sources, columns: &str, split: &str) -> String {
    let experiment = format!(
        "name: small
data:
  images: images
  metadata: table.parquet
  join: {{ image: name, metadata: file }}
  columns: {columns}
  split: {split}
model: {{ from: openai/clip-vit-base-patch32 }}
"
    );
    sources.file("small.yaml", &experiment);
    let mut command = Command::new(env!("CARGO_BIN_EXE_cliptune-ingest"));
    command
        .env_remove("CLIPTUNE_STORE")
        .arg(sources.path("small.yaml"))
        .arg("--store")
        .arg(sources.path("runs"));
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    let is_hash = |word: &str| word.len() == 12 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let known = |word: &str| match word.strip_suffix(':') {
        Some(hash) if is_hash(hash) => "HASH:".to_owned(),
        _ if is_hash(word) => "HASH".to_owned(),
        _ => word.to_owned(),
    };
    let lines = said.lines().filter(|line| !line.starts_with("ingest:"));
    lines.map(|line| line.split(' ').map(known).collect::<Vec<_>>().join(" ") + "\n").collect()
}

#[test]
fn one_of_everything_is_told_in_the_singular() {
    let sources = Sources::new();
    sources.images(1).file("images/notes.txt", "no image");
    sources.table("SELECT '0.png' AS file, 1 AS contest, ['a', 'b'] AS choices, 'a' AS label");
    let said = said(
        &sources,
        "{ choices: choices, label: label, group: contest }",
        "{ test: 1, train: 0, validation: 0 }",
    );
    insta::assert_snapshot!(said);
}

#[test]
fn everything_about_a_dataset_is_told() {
    let sources = Sources::new();
    for number in 0..10 {
        sources.picture(&format!("{number}.png"), number);
    }
    sources.small_picture("again.jpeg", 3).file("images/broken.png", "broken").image("alone.png", 3);
    // Image n has n + 1 rows, of which those of a number above 6 say what another one said; a third of the rows that
    // look for the small copy are in another split.
    sources.table(
        "SELECT n || '.png' AS file, n AS contest, 'scene ' || n || ' ' || least(m, 6) AS text,
                CASE n % 3 WHEN 0 THEN 'train' WHEN 1 THEN 'validation' ELSE 'test' END AS split
         FROM range(10) AS r(n), range(10) AS s(m) WHERE m <= n
         UNION ALL SELECT 'again.jpeg', 50, 'scene 4 0', 'test'
         UNION ALL SELECT '4.png', 4, 'scene 4 0', 'test'
         UNION ALL SELECT 'broken.png', 60, 'a', 'test'
         UNION ALL SELECT 'nowhere.png', 61, 'b', 'test'",
    );
    let columns = "{ text: text, group: contest }";
    insta::assert_snapshot!("by_column", said(&sources, columns, "{ column: split }"));
    insta::assert_snapshot!(
        "by_component",
        said(&sources, columns, "{ by: component, train: 0.5, validation: 0.25, test: 0.25 }")
    );
    let unseen = said(&sources, columns, "{ by: row }\n  verify: header");
    assert!(
        unseen.ends_with("in more than one split; near-duplicate images were not looked for\n"),
        "{unseen}"
    );
    // Later there is one image more, and one less.
    sources.picture("10.png", 10);
    fs_err::remove_file(sources.path("images/0.png")).unwrap();
    sources.table(
        "SELECT n || '.png' AS file, n AS contest, 'scene ' || n || ' ' || least(m, 6) AS text
         FROM range(1, 11) AS r(n), range(10) AS s(m) WHERE m <= n",
    );
    insta::assert_snapshot!(
        "later",
        said(&sources, columns, "{ by: component, train: 0.5, validation: 0.25, test: 0.25 }")
    );
}
