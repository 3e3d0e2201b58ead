//! Images that lie within other files, and tables that lie with the images.

use std::collections::BTreeMap;

use cliptune_experiment::{DataPlan, ImageKey, Join, Split, TableFormat, TableSource, Task, Verify};
use cliptune_store::{Part, open_database, sql_text};
use tar::{Builder, Header};

use crate::support::{Made, Sources};

/// Writes an archive of files with their contents.
pub(crate) fn pack(sources: &Sources, name: &str, files: &[(&str, Vec<u8>)]) {
    let path = sources.path(name);
    fs_err::create_dir_all(path.parent().unwrap()).unwrap();
    let mut builder = Builder::new(fs_err::File::create(path).unwrap());
    for (name, bytes) in files {
        let mut header = Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, bytes.as_slice()).unwrap();
    }
    builder.into_inner().unwrap();
}

/// Returns a small image.
pub(crate) fn picture(shade: u8) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let image = image::GrayImage::from_pixel(7, 5, image::Luma([shade]));
    image.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn text(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

/// A plan whose table lies with its images.
fn beside(sources: &Sources, images: &str, text: &str) -> DataPlan {
    let mut plan = sources.plan(Task::Pairs { text: text.to_owned() });
    plan.images = vec![sources.path(images).into()];
    plan.metadata = TableSource::beside();
    plan.join = Some(Join::beside());
    plan.columns.group = None;
    plan
}

/// Returns the text of each image, by the image's path.
fn texts(made: &Made) -> BTreeMap<String, String> {
    made.items.iter().map(|item| (item.image.clone(), item.texts[0].clone())).collect()
}

fn expected<const N: usize>(texts: [(&str, &str); N]) -> BTreeMap<String, String> {
    texts.map(|(image, text)| (image.to_owned(), text.to_owned())).into()
}

/// Returns the contents of the images that belong to texts.
fn hashes(made: &Made) -> BTreeMap<String, String> {
    made.items.iter().map(|item| (item.texts[0].clone(), item.image_hash.to_string())).collect()
}

#[test]
fn shards_and_parquet_rows_are_the_same_images_as_files() {
    let sources = Sources::new();
    sources
        .images(3)
        .table("SELECT n || '.png' AS file, 'text ' || n AS text, n AS contest FROM range(3) AS r(n)");
    let image = |number: u8| fs_err::read(sources.path(&format!("images/{number}.png"))).unwrap();
    pack(
        &sources,
        "shards/a.tar",
        &[
            ("000.png", image(0)),
            ("000.txt", text("text 0\n")),
            ("001.txt", text("text 1")),
            ("001.png", image(1)),
        ],
    );
    pack(
        &sources,
        "shards/b.tar",
        &[("x/000.png", image(2)), ("x/000.txt", text("text 2")), ("x/000.npy", text("?"))],
    );
    rows(
        &sources,
        "rows/train.parquet",
        "SELECT {'bytes': content, 'path': 'a'} AS image, 'text ' || parse_filename(filename, true) AS text",
    );
    let unpacked = sources.ingest(&sources.pairs()).unwrap();
    let shards = sources.ingest(&beside(&sources, "shards/*.tar", "txt")).unwrap();
    assert_eq!(
        texts(&shards),
        expected([("a.tar/000.png", "text 0"), ("a.tar/001.png", "text 1"), ("b.tar/x/000.png", "text 2")])
    );
    assert_eq!(shards.dataset.record().notes.passed_over, BTreeMap::from([("npy".to_owned(), 1)]));
    let rows = sources.ingest(&beside(&sources, "rows", "text")).unwrap();
    assert_eq!(
        texts(&rows).keys().collect::<Vec<_>>(),
        ["train.parquet/0", "train.parquet/1", "train.parquet/2"]
    );
    assert_eq!(hashes(&shards), hashes(&unpacked));
    assert_eq!(hashes(&rows), hashes(&unpacked));
    for made in [&shards, &rows] {
        let items = made.dataset.columns(&Split::ALL, &Part::ALL).unwrap();
        let read: Vec<Vec<u8>> = items.all().iter().map(|item| item.image().read().unwrap()).collect();
        assert_eq!(read.len(), 3);
        assert!((0..3).all(|number| read.contains(&image(number))));
        assert!(made.rejects.is_empty());
    }
}

/// Writes a parquet file of the images in `images/`, in the order of their names.
fn rows(sources: &Sources, name: &str, select: &str) {
    let path = sources.path(name);
    fs_err::create_dir_all(path.parent().unwrap()).unwrap();
    let query = format!(
        "COPY ({select} FROM read_blob({}) ORDER BY filename) TO {} (FORMAT parquet)",
        sql_text(&sources.path("images/*").to_string_lossy()),
        sql_text(&path.to_string_lossy())
    );
    open_database().unwrap().execute_batch(&query).unwrap();
}

#[test]
fn a_sample_has_a_column_for_each_of_its_parts() {
    let sources = Sources::new();
    let json = r#"{"caption": "a cat", "width": 7, "txt": "another", "tags": ["x"]}"#;
    pack(
        &sources,
        "shards/a.tar",
        &[
            ("1.jpg", picture(1)),
            ("1.seg.png", picture(2)),
            ("1.txt", text("007")),
            ("1.cls", text("3")),
            ("1.json", text(json)),
            ("2.jpg", picture(3)),
            ("2.json", text(r#"{"caption": "a dog", "width": 8}"#)),
            ("no-dot", text("nothing")),
        ],
    );
    for (column, first) in [
        ("caption", "a cat"),
        ("txt", "007"),
        ("cls", "3"),
        ("\"json.txt\"", "another"),
        ("width + 1", "8"),
        ("__key__ || ' of ' || __url__", "1 of a.tar"),
        ("tags[1]", "x"),
        ("\"seg.png\"", "a.tar/1.seg.png"),
    ] {
        let made = sources.ingest(&beside(&sources, "shards", column)).unwrap();
        assert_eq!(texts(&made)["a.tar/1.jpg"], first, "{column}");
    }
    let mut plan = beside(&sources, "shards", "caption");
    plan.join.as_mut().unwrap().metadata = "\"seg.png\"".to_owned();
    assert_eq!(texts(&sources.ingest(&plan).unwrap()), expected([("a.tar/1.seg.png", "a cat")]));
}

#[test]
fn a_sample_that_cannot_be_read_is_named() {
    let sources = Sources::new();
    for (file, content, told) in [
        ("1.txt", vec![0xFF], "sample 1: 1.txt is not UTF-8"),
        ("1.json", text("{\"a\": "), "sample 1: its json is none"),
        ("1.json", text("{\"a\": 1, \"a\": 2}"), "sample 1: the key \"a\" stands twice"),
    ] {
        pack(&sources, "a.tar", &[("1.jpg", picture(1)), (file, content)]);
        let error = sources.ingest(&beside(&sources, "a.tar", "a")).unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
    }
    pack(&sources, "a.tar", &[("1.jpg", picture(1)), ("1.json", text("[1, 2]"))]);
    let made = sources.ingest(&beside(&sources, "a.tar", "CAST(json AS VARCHAR)")).unwrap();
    assert_eq!(made.items[0].texts, ["[1, 2]"]);
}

#[test]
fn a_table_of_its_own_joins_images_in_archives_and_archives_are_a_table_for_images_in_a_folder() {
    let sources = Sources::new();
    pack(&sources, "shards/a.tar", &[("7.png", picture(7)), ("7.txt", text("packed"))]);
    sources.image("7.png", 7).file("t.csv", "file,text\n7,a table\n");
    let mut plan = beside(&sources, "shards/a.tar", "text");
    plan.metadata = TableSource::at(sources.path("t.csv"), TableFormat::Csv);
    plan.join = Some(Join { image: ImageKey::Stem, metadata: "file".to_owned() });
    assert_eq!(texts(&sources.ingest(&plan).unwrap()), expected([("a.tar/7.png", "a table")]));
    let mut plan = beside(&sources, "images", "txt");
    plan.metadata = TableSource::at(sources.path("shards/*.tar"), TableFormat::Tar);
    plan.join = Some(Join { image: ImageKey::Stem, metadata: "__key__".to_owned() });
    assert_eq!(texts(&sources.ingest(&plan).unwrap()), expected([("7.png", "packed")]));
}

#[test]
fn the_table_of_a_folder_of_images_is_found_in_it() {
    let sources = Sources::new();
    sources.image("train/1.png", 1).image("train/x/2.png", 2).image("test/1.png", 3);
    let wanted = expected([("train/1.png", "one"), ("train/x/2.png", "two"), ("test/1.png", "three")]);
    let both = |extension: &str, train: &str, test: &str| {
        for folder in ["train", "test"] {
            for old in ["csv", "jsonl"] {
                let _ = fs_err::remove_file(sources.path(&format!("images/{folder}/metadata.{old}")));
            }
        }
        sources.file(&format!("images/train/metadata.{extension}"), train);
        sources.file(&format!("images/test/metadata.{extension}"), test);
    };
    let mut plan = beside(&sources, "images", "text");
    plan.columns.group = Some("split_part(image, '/', 1)".to_owned());
    both("csv", "text,file_name\none,./1.png\ntwo,x/2.png\n", "text,file_name\nthree,1.png\n");
    let made = sources.ingest(&plan).unwrap();
    assert_eq!(texts(&made), wanted);
    assert!(made.dataset.record().notes.passed_over.is_empty());
    both(
        "jsonl",
        "{\"file_name\": \"1.png\", \"text\": \"one\"}\n{\"text\": \"two\", \"file_name\": \"x/2.png\"}\n",
        "{\"file_name\": \"1.png\", \"text\": \"three\"}\n",
    );
    let made = sources.ingest(&plan).unwrap();
    assert_eq!(texts(&made), wanted);
    assert_eq!(made.items.iter().filter(|item| item.group == "test").count(), 1);
    for (folder, rows) in [("train", "('1.png', 'one'), ('x/2.png', 'two')"), ("test", "('1.png', 'three')")]
    {
        fs_err::remove_file(sources.path(&format!("images/{folder}/metadata.jsonl"))).unwrap();
        let path = sources.path(&format!("images/{folder}/metadata.parquet"));
        let query = format!(
            "COPY (FROM (VALUES {rows}) AS t(file_name, text)) TO {} (FORMAT parquet)",
            sql_text(&path.to_string_lossy())
        );
        open_database().unwrap().execute_batch(&query).unwrap();
    }
    assert_eq!(texts(&sources.ingest(&plan).unwrap()), wanted);
    sources.file("images/test/metadata.csv", "text,file_name\n");
    assert!(sources.ingest(&plan).unwrap_err().to_string().contains("no table lies with the images"));
}

#[test]
fn a_name_in_a_table_cannot_leave_the_folder_of_the_images() {
    let sources = Sources::new();
    sources.image("a/1.png", 1).image("b/2.png", 2);
    sources.file("images/a/metadata.csv", "file_name,text\n1.png,one\n../b/2.png,two\n/etc/hostname,three\n");
    let made = sources.ingest(&beside(&sources, "images", "text")).unwrap();
    assert_eq!(texts(&made), expected([("a/1.png", "one")]));
    assert_eq!(made.reasons().len(), 3);
}

#[test]
fn rows_without_bytes_have_no_image_and_a_file_without_any_is_refused() {
    let sources = Sources::new();
    sources.images(2);
    let image = "{'bytes': CASE WHEN filename NOT LIKE '%0.png' THEN content END, 'path': filename}";
    rows(
        &sources,
        "rows/a.parquet",
        &format!("SELECT {image} AS picture, {image} AS mask, 'a text' AS text"),
    );
    let error = sources.ingest(&beside(&sources, "rows", "text")).unwrap_err().to_string();
    assert!(error.contains("several columns of images, none of them called image: picture, mask"), "{error}");
    rows(&sources, "rows/a.parquet", &format!("SELECT {image} AS picture, 'a text' AS text"));
    let made = sources.ingest(&beside(&sources, "rows/*.parquet", "text")).unwrap();
    assert_eq!(texts(&made), expected([("a.parquet/1", "a text")]));
    assert_eq!(made.reasons(), ["row 0: no image for this row"]);
    rows(
        &sources,
        "rows/a.parquet",
        "SELECT {'bytes': CAST(NULL AS BLOB), 'path': filename} AS image, 'a text' AS text",
    );
    let error = sources.ingest(&beside(&sources, "rows", "text")).unwrap_err().to_string();
    assert!(error.contains("none of its rows holds the bytes of an image"), "{error}");
    rows(&sources, "rows/a.parquet", "SELECT 'a text' AS text");
    let error = sources.ingest(&beside(&sources, "rows", "text")).unwrap_err().to_string();
    assert!(error.contains("it has no column of images"), "{error}");
}

#[test]
fn an_archive_that_cannot_be_read_leaves_nothing_behind() {
    let sources = Sources::new();
    pack(&sources, "a.tar", &[("1.jpg", picture(1)), ("1.txt", text("one"))]);
    let whole = fs_err::read(sources.path("a.tar")).unwrap();
    fs_err::write(sources.path("a.tar"), &whole[..whole.len() / 2]).unwrap();
    let error = sources.ingest(&beside(&sources, "a.tar", "txt")).unwrap_err().to_string();
    assert!(error.contains("cut short"), "{error}");
    assert!(crate::support::names(&sources.path("runs/datasets")).is_empty());
    fs_err::rename(sources.path("a.tar"), sources.path("a.tar.gz")).unwrap();
    let error = sources.ingest(&beside(&sources, "*.tar.gz", "txt")).unwrap_err().to_string();
    assert!(error.contains("decompress it first"), "{error}");
}

#[test]
fn an_image_in_an_archive_that_has_changed_is_refused_also_where_nobody_read_it() {
    let sources = Sources::new();
    let write = |shade| pack(&sources, "a.tar", &[("1.png", picture(shade)), ("1.txt", text("one"))]);
    for verify in [Verify::Whole, Verify::None] {
        write(1);
        let made = sources.ingest(&DataPlan { verify, ..beside(&sources, "a.tar", "txt") }).unwrap();
        let items = made.dataset.columns(&Split::ALL, &Part::ALL).unwrap();
        let read = || items.all().at(0).image().read();
        assert_eq!(read().unwrap(), picture(1));
        let before = fs_err::metadata(sources.path("a.tar")).unwrap().modified().unwrap();
        write(200);
        let file = fs_err::File::options().write(true).open(sources.path("a.tar")).unwrap();
        file.file().set_modified(before + std::time::Duration::from_secs(1)).unwrap();
        assert!(read().is_err(), "{verify:?}");
    }
}

#[test]
fn only_a_folder_without_images_is_read_for_archives() {
    let sources = Sources::new();
    pack(&sources, "images/a.tar", &[("1.png", picture(1)), ("1.txt", text("one"))]);
    assert_eq!(
        texts(&sources.ingest(&beside(&sources, "images", "txt")).unwrap()),
        expected([("a.tar/1.png", "one")])
    );
    sources.image("2.png", 2).table("SELECT '2.png' AS file, 'two' AS text, 1 AS contest");
    let made = sources.ingest(&sources.pairs()).unwrap();
    assert_eq!(texts(&made), expected([("2.png", "two")]));
    assert_eq!(made.dataset.record().notes.passed_over, BTreeMap::from([("tar".to_owned(), 1)]));
}

fn pack_command(sources: &Sources, arguments: &[&str]) -> std::process::Output {
    std::process::Command::new(env!("CARGO_BIN_EXE_cliptune-ingest"))
        .args(arguments)
        .current_dir(sources.path(""))
        .output()
        .unwrap()
}

/// Returns the files of a folder with their contents.
fn contents(sources: &Sources, folder: &str) -> BTreeMap<String, Vec<u8>> {
    let read = |name: String| (name.clone(), fs_err::read(sources.path(folder).join(name)).unwrap());
    crate::support::names(&sources.path(folder)).into_iter().map(read).collect()
}

#[test]
fn a_packed_dataset_is_read_back_with_the_same_images_texts_and_splits() {
    for (columns, back) in [
        ("text: text", "text: text"),
        ("choices: \"[text, text || other]\", label: \"0 + 0\"", "choices: choices, label: label"),
        ("classes: kind", "classes: class"),
    ] {
        let sources = Sources::new();
        sources.images(9).table(
            "SELECT n || '.png' AS file, 'text ' || n AS text, 'other' AS other, 'kind ' || n % 2 AS kind FROM range(9) AS r(n)",
        );
        let yaml = |data: &str| {
            format!("name: packing\ndata:\n{data}\nmodel: {{ from: openai/clip-vit-base-patch32 }}\n")
        };
        sources.file("a.yaml", &yaml(&format!(
            "  images: images\n  metadata: table.parquet\n  join: {{ metadata: file }}\n  columns: {{ {columns} }}"
        )));
        let packed = |folder: &str| {
            let output = pack_command(&sources, &["a.yaml", "--pack", folder, "--shard-size", "4kB"]);
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stderr).unwrap()
        };
        packed("one");
        let one = contents(&sources, "one");
        assert!(
            one.contains_key("train-000000.tar") && one.contains_key("train-000001.tar"),
            "{:?}",
            one.keys()
        );
        assert!(packed("one").contains("one is fresh"));
        packed("two");
        assert_eq!(one, contents(&sources, "two"));

        sources.file(
            "one/b.yaml",
            &yaml(&format!(
                "  images: .\n  columns: {{ {back}, id: id, group: group }}\n  split: {{ column: split }}"
            )),
        );
        let output = pack_command(&sources, &["one/b.yaml", "--store", "other"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let items = |store: &str| {
            let store = cliptune_store::Store::open(&sources.path(store)).unwrap();
            let dataset = store.datasets().unwrap().remove(0);
            let items = dataset.items(None).unwrap().into_iter();
            let mut items: Vec<_> = items
                .map(|item| (item.id, item.group, item.split, item.image_hash, item.texts, item.label))
                .collect();
            items.sort();
            items
        };
        assert_eq!(items("runs"), items("other"));
    }
}

#[test]
fn packing_overwrites_nothing() {
    let sources = Sources::new();
    sources.images(3).table("SELECT n || '.png' AS file, 'text ' || n AS text FROM range(3) AS r(n)");
    sources.file(
        "a.yaml",
        "name: packing\ndata:\n  images: images\n  metadata: table.parquet\n  join: { metadata: file }\n  columns: { text: text }\n\
         \x20 split: { train: 1, validation: 0, test: 0 }\nmodel: { from: openai/clip-vit-base-patch32 }\n",
    );
    fs_err::create_dir(sources.path("out")).unwrap();
    sources.file("out/diary.txt", "dear");
    let refused = |folder: &str| {
        let output = pack_command(&sources, &["a.yaml", "--pack", folder]);
        assert_eq!(output.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&output.stderr).contains("holds something else"));
    };
    refused("out");
    assert_eq!(contents(&sources, "out").len(), 1);
    assert!(pack_command(&sources, &["a.yaml", "--pack", "new/shards"]).status.success());
    // A damaged shard is no reason to lose what else is there.
    let shard = sources.path("new/shards/train-000000.tar");
    let mut bytes = fs_err::read(&shard).unwrap();
    bytes[600] ^= 1;
    fs_err::write(&shard, &bytes).unwrap();
    refused("new/shards");
    assert_eq!(fs_err::read(&shard).unwrap(), bytes);
    assert!(!crate::support::names(&sources.path("new")).iter().any(|name| name.starts_with(".unfinished")));
}
