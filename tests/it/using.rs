//! A model put to use: `rank`, `classify`, `embed` and `search`.

use std::path::Path;

use fs_err as fs;
use serde_json::Value;

use crate::outputs::finished;
use crate::support::{TestContext, output, wait_for};

/// A place with the store of a finished run, and with copies of some of its images.
fn place() -> TestContext {
    let context = TestContext::empty();
    std::os::unix::fs::symlink(finished().path("runs"), context.path("runs")).unwrap();
    for (number, image) in images().into_iter().take(12).enumerate() {
        fs::create_dir_all(context.path("images")).unwrap();
        fs::copy(image, context.path(&format!("images/{number:02}.jpeg"))).unwrap();
    }
    context
}

fn images() -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(finished().path("contest/images")).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// Fails the test unless a command line is refused with these words.
fn refused(context: &TestContext, command: &str, words: &str) {
    let said = context.cliptune(command).ended(2);
    assert!(said.stderr.contains(words), "cliptune {command}: {said}");
}

fn rows(context: &TestContext, file: &str, sql: &str) -> Vec<String> {
    let database = duckdb::Connection::open_in_memory().unwrap();
    let mut statement =
        database.prepare(&sql.replace("FILE", &format!("'{}'", context.path(file).display()))).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

#[test]
fn texts_are_ranked_with_the_probabilities_that_scoring_gives() {
    let context = place();
    // Items of the test split: their image, texts and what was predicted.
    let run = finished().only_run("tuned");
    let dataset = fs::read_dir(finished().path("runs/datasets")).unwrap();
    let database = duckdb::Connection::open_in_memory().unwrap();
    let sql = format!(
        "SELECT to_json({{image: i.image, texts: i.texts, candidates: p.candidates, probs: p.probs}})::VARCHAR
         FROM read_parquet({:?}) p JOIN read_parquet({:?}) i USING (item_id) LIMIT 3",
        dataset_pattern(&run.join("scores/test/predictions.parquet")),
        dataset_pattern(&dataset.map(|one| one.unwrap().path()).next().unwrap().join("../*/items.parquet")),
    )
    .replace('"', "'");
    let mut statement = database.prepare(&sql).unwrap();
    let items: Vec<String> =
        statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
    assert!(!items.is_empty());
    for item in items {
        let item: Value = serde_json::from_str(&item).unwrap();
        let texts: Vec<&str> =
            item["texts"].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
        context.write("texts.txt", &texts.join("\n"));
        let image = finished().path("contest/images").join(item["image"].as_str().unwrap());
        let mut rank = context.command("cliptune");
        rank.args(["rank", "tuned@0"]).arg(&image).args(["--texts", "texts.txt", "--json"]);
        let ranked = output(&mut rank).succeeded().json();
        for (candidate, expected) in
            item["candidates"].as_array().unwrap().iter().zip(item["probs"].as_array().unwrap())
        {
            let text = texts[candidate.as_u64().unwrap() as usize];
            let of_image = ranked[0]["texts"].as_array().unwrap();
            let found = of_image.iter().find(|one| one["text"] == text).unwrap();
            let apart = found["probability"].as_f64().unwrap() - expected.as_f64().unwrap();
            assert!(apart.abs() < 1e-5, "{text}: {found} {expected}");
        }
    }
}

fn dataset_pattern(path: &Path) -> String {
    path.display().to_string()
}

#[test]
fn an_image_that_is_none_is_told_and_harms_no_other() {
    let context = place();
    context.write("texts.txt", "a cat\na dog\na cat\n");
    context.write("broken.png", "no image");
    let rank = "rank tuned@best images/00.jpeg broken.png images/01.jpeg --texts texts.txt --json";
    let ranked = context.cliptune(rank).ended(1);
    assert!(ranked.stderr.contains("broken.png is left out: the bytes are not a JPEG"), "{ranked}");
    assert!(ranked.stderr.contains("1 line of texts.txt repeats"), "{ranked}");
    let found = ranked.json();
    let problems: Vec<bool> =
        found.as_array().unwrap().iter().map(|one| one["problem"].is_string()).collect();
    assert_eq!(problems, [false, true, false]);
    let total: f64 =
        found[2]["texts"].as_array().unwrap().iter().map(|one| one["probability"].as_f64().unwrap()).sum();
    assert!((total - 1.0).abs() < 1e-9);
}

#[test]
fn classes_are_the_mean_of_their_prompts_and_each_has_one_name() {
    let context = place();
    context.write("classes.txt", "cat\ndog\nboat\n");
    let classify = |more: &str| {
        context.cliptune(&format!("classify tuned@0 images --classes classes.txt --json {more}"))
    };
    let one = classify("-k 3").succeeded().json();
    assert_eq!(one.as_array().unwrap().len(), 12);
    assert_eq!(one[0]["classes"].as_array().unwrap().len(), 3);
    let mut command = context.command("cliptune");
    command.args(["classify", "tuned@0", "images", "--classes", "classes.txt", "--json", "-k", "3"]);
    command.args(["--template", "a photo of a {}", "--template", "a drawing of the {}"]);
    assert_ne!(output(&mut command).succeeded().json(), one, "a second template counts");
    context.write("classes.txt", "cat\ndog\ncat\n");
    assert!(classify("").ended(2).stdout.contains("repeats the name of a class"));
}

#[test]
fn embeddings_are_searched_by_text_and_by_image() {
    let context = place();
    fs::copy(context.path("images/03.jpeg"), context.path("images/copy.jpeg")).unwrap();
    context.write("images/broken.png", "no image");
    let embedded = context.cliptune("embed tuned@0 images --to e.parquet --json").succeeded();
    let summary = &embedded.json()["summary"];
    assert_eq!(
        (&summary["embedded"], &summary["distinct"], &summary["problems"]),
        (&13.into(), &12.into(), &1.into())
    );
    assert!(embedded.stderr.contains("images/broken.png is left out: the bytes are not"), "{embedded}");
    assert!(!context.path("e.parquet.partial").exists());
    // Others read the table.
    let lengths = rows(
        &context,
        "e.parquet",
        "SELECT DISTINCT format('{} {:.4f}', len(embedding), list_sum(list_transform(embedding, x -> x * x))) FROM FILE WHERE embedding IS NOT NULL",
    );
    assert_eq!(lengths, ["32 1.0000"]);
    let problems =
        rows(&context, "e.parquet", "SELECT path || ': ' || problem FROM FILE WHERE problem IS NOT NULL");
    assert!(problems[0].starts_with("images/broken.png: the bytes are not"), "{problems:?}");
    // An image finds itself first, with its copy.
    let found = context.cliptune("search e.parquet --image images/03.jpeg -k 4 --json").succeeded().json();
    assert_eq!(
        (&found[0]["name"], &found[0]["also"][0]),
        (&"images/03.jpeg".into(), &"images/copy.jpeg".into())
    );
    assert!(
        (found[0]["cosine"].as_f64().unwrap() - 1.0).abs() < 1e-5 && found.as_array().unwrap().len() == 4
    );
    // A text finds what rank finds for it.
    context.write("texts.txt", "a snail at a desk");
    let ranked = context.cliptune("rank tuned@0 images/03.jpeg --texts texts.txt --json").succeeded().json();
    let mut search = context.command("cliptune");
    search.args(["search", "e.parquet", "a snail at a desk", "-k", "12", "--json"]);
    let found = output(&mut search).succeeded().json();
    let own = found.as_array().unwrap().iter().find(|hit| hit["name"] == "images/03.jpeg").unwrap();
    let apart = own["cosine"].as_f64().unwrap() - ranked[0]["texts"][0]["cosine"].as_f64().unwrap();
    assert!(apart.abs() < 1e-5, "{own} {ranked}");
    let mut page = context.command("cliptune");
    page.args(["search", "e.parquet", "<script>alert(1)</script>", "--html"]);
    let page = output(&mut page).succeeded().stdout;
    assert!(page.contains("data:image/jpeg;base64") && !page.contains("<script>"));
}

#[test]
fn a_model_that_did_not_make_the_embeddings_is_refused() {
    let context = place();
    context.cliptune("embed tuned@0 images --to e.parquet").succeeded();
    refused(&context, "search e.parquet snail --model base@0", "did not make these embeddings");
    refused(
        &context,
        "search images/00.jpeg snail",
        "images/00.jpeg cannot be searched: it is no whole parquet file",
    );
    refused(&context, "embed tuned@0 images --to e.parquet", "e.parquet is there already");
    refused(&context, "embed tuned@0 images --precision int8 --to f.parquet", "has no graphs in int8");
    context.write("texts.txt", "a\n");
    refused(
        &context,
        "embed tuned@0 images texts.txt --to f.parquet",
        "one file has the embeddings of images or of texts",
    );
}

#[test]
fn any_model_folder_can_be_used_and_is_left_as_it_is() {
    let context = place();
    context.write("texts.txt", "a cat\na dog\n");
    let of_run = context.cliptune("rank tuned@0 images --texts texts.txt --json").succeeded().json();
    let cosine = |one: &Value| {
        let mut texts = one["texts"].as_array().unwrap().iter();
        texts.find(|text| text["index"] == 0).unwrap()["cosine"].as_f64().unwrap()
    };
    // open_clip prepares images in another way than transformers, so that some of them look a little different.
    for (layout, difference) in [("hugging-face", 1e-5), ("open_clip", 0.05)] {
        context.cliptune(&format!("export tuned@0 --layout {layout} --to {layout}")).succeeded();
        let before = context.files(layout);
        let mut of_folder = context.command("cliptune");
        of_folder.args(["rank", layout, "images", "--texts", "texts.txt", "--json", "--store", "other"]);
        let of_folder = output(&mut of_folder).succeeded().json();
        assert_eq!(context.files(layout), before);
        assert_eq!(of_folder.as_array().unwrap().len(), 12);
        for (one, other) in of_folder.as_array().unwrap().iter().zip(of_run.as_array().unwrap()) {
            assert!((cosine(one) - cosine(other)).abs() < difference, "{layout} {one} {other}");
        }
    }
}

#[test]
fn a_call_that_is_killed_goes_on_to_the_same_file() {
    let context = place();
    for image in images() {
        let name = image.file_name().unwrap().to_str().unwrap().to_owned();
        fs::copy(&image, context.path("images").join(name)).unwrap();
    }
    context.cliptune("embed tuned@0 images --to whole.parquet").succeeded();
    let mut child = context.start("cliptune", "embed tuned@0 images --to killed.parquet");
    let entries = context.path("killed.parquet.partial/entries.bin");
    wait_for("something is embedded", || {
        let is_ended = child.try_wait().unwrap().is_some();
        (is_ended || fs::metadata(&entries).is_ok_and(|file| file.len() > 0)).then_some(())
    });
    // Nothing happens to one that was quicker.
    let _ = child.kill();
    child.wait().unwrap();
    if !context.path("killed.parquet").exists() {
        context.cliptune("embed tuned@0 images --to killed.parquet").succeeded();
    }
    let read = |name: &str| fs::read(context.path(name)).unwrap();
    assert!(read("killed.parquet") == read("whole.parquet"));
}

#[test]
fn texts_are_embedded_from_lines_and_from_columns() {
    let context = place();
    context.write("texts.txt", "a cat\n\na dog\na cat\n");
    context.write("table.csv", "id,caption\n1,a cat\n2,\n3,a dog\n");
    context.cliptune("embed tuned@0 texts.txt --to lines.parquet").succeeded();
    let texts = "SELECT coalesce(text, '') FROM FILE";
    assert_eq!(rows(&context, "lines.parquet", texts), ["a cat", "a dog", "a cat"]);
    context.cliptune("embed tuned@0 table.csv --column caption --to column.parquet").succeeded();
    assert_eq!(rows(&context, "column.parquet", texts), ["a cat", "a dog", ""]);
    let same = "SELECT CAST(embedding AS VARCHAR) FROM FILE WHERE text = 'a dog'";
    assert_eq!(rows(&context, "lines.parquet", same), rows(&context, "column.parquet", same));
    refused(
        &context,
        "embed tuned@0 table.csv --to none.parquet",
        "table.csv is a table, and no column of it is named",
    );
    refused(
        &context,
        "embed tuned@0 table.csv --column text --to none.parquet",
        "table.csv has no column text",
    );
    let found = context.cliptune("search lines.parquet --image images/00.jpeg --json").succeeded().json();
    assert_eq!(found.as_array().unwrap().len(), 2);
}

/// A place with a copy of the store of a finished run, which may be changed.
fn of_my_own() -> TestContext {
    let context = TestContext::empty();
    let mut copy = std::process::Command::new("cp");
    copy.arg("-r").arg(finished().path("runs")).arg(context.path("runs"));
    assert!(copy.status().unwrap().success());
    context
}

#[test]
fn the_best_run_is_the_best_on_the_validation_split() {
    let context = of_my_own();
    let run = context.only_run("tuned");
    let shown = context.cliptune("show tuned@best").succeeded().stdout;
    assert!(shown.contains(run.file_name().unwrap().to_str().unwrap()), "{shown}");
    assert!(context.cliptune("show nothing@best").ended(2).stderr.contains("there is no run"));
    context.cliptune("pin tuned@best").succeeded();
    assert!(run.join("labels.json").exists(), "labels are of the run, whichever is the best one later");
    fs::remove_dir_all(run.join("scores/validation")).unwrap();
    refused(&context, "show tuned@best", "none has scores on the validation split");
}

#[test]
fn no_run_is_removed_for_being_the_best_of_the_moment() {
    let context = of_my_own();
    let run = format!("tuned/{}", context.only_run("tuned").file_name().unwrap().to_str().unwrap());
    for command in ["rm tuned@best", "rm tuned@best --force", "rm tuned@best --weights"] {
        let refused = context.cliptune(command).ended(2);
        assert!(refused.stderr.contains(&format!("tuned@best stands for {run} only until")), "{refused}");
        assert!(refused.stderr.trim_end().ends_with(&format!("hint: name it: {run}")), "{refused}");
        assert!(!refused.stderr.contains("cliptune rm"), "what may be copied would remove more: {refused}");
    }
    assert!(context.cliptune("rm nothing@best").ended(2).stderr.contains("there is no run"));
    assert!(context.path("runs").join(&run).join("onnx").is_dir(), "everything is as it was");
}

/// Writes the rows of a query to a parquet file.
fn parquet(context: &TestContext, file: &str, query: &str) {
    let database = duckdb::Connection::open_in_memory().unwrap();
    let path = context.path(file);
    database.execute_batch(&format!("COPY ({query}) TO '{}' (FORMAT parquet)", path.display())).unwrap();
}

#[test]
fn a_column_is_the_one_that_is_named_and_of_a_type_that_can_be_embedded() {
    let context = place();
    let folder = context.path("images").display().to_string();
    let image = |number: usize| format!("(SELECT content FROM read_blob('{folder}/{number:02}.jpeg'))");
    let packed = |number: usize| format!("{{'bytes': {}, 'path': NULL::VARCHAR}}", image(number));
    parquet(
        &context,
        "two.parquet",
        &format!(
            "SELECT {} AS image, {} AS second, {} AS bare, 'a cat' AS caption, 7 AS n, ['a'] AS l",
            packed(0),
            packed(1),
            image(2)
        ),
    );
    for (number, column) in ["image", "second", "bare"].into_iter().enumerate() {
        let to = format!("{column}.parquet");
        context.cliptune(&format!("embed tuned@0 two.parquet --column {column} --to {to}")).succeeded();
        let hash =
            blake3::hash(&fs::read(context.path(&format!("images/{number:02}.jpeg"))).unwrap()).to_hex();
        assert_eq!(rows(&context, &to, "SELECT hash FROM FILE"), [hash.to_string()], "{column}");
    }
    assert_eq!(rows(&context, "second.parquet", "SELECT path FROM FILE"), ["two.parquet/second/0"]);
    // What was found can be shown: its path leads into the column.
    let page = context.cliptune("search second.parquet snail --html").succeeded().stdout;
    assert!(page.contains("data:image/jpeg;base64"));
    refused(
        &context,
        "embed tuned@0 two.parquet --column n --to n.parquet",
        "column n of two.parquet has the type INTEGER",
    );
    refused(
        &context,
        "embed tuned@0 two.parquet --column l --to l.parquet",
        "column l of two.parquet has the type VARCHAR[]",
    );
    context.cliptune("embed tuned@0 two.parquet --column caption --to caption.parquet").succeeded();
    assert_eq!(rows(&context, "caption.parquet", "SELECT text FROM FILE"), ["a cat"]);
    for path in ["images", "images/00.jpeg", "images/*.jpeg"] {
        let said =
            context.cliptune(&format!("embed tuned@0 {path} --column caption --to none.parquet")).ended(2);
        assert!(said.stderr.contains("is no table with columns"), "{said}");
        assert!(said.stderr.contains("--column is for"), "{said}");
    }
}

#[test]
fn texts_that_are_paths_of_images_are_told() {
    let context = place();
    context.write("table.csv", "image,caption\nimages/00.jpeg,a cat\nimages/01.jpeg,a dog\n");
    let embedded = context.cliptune("embed tuned@0 table.csv --column image --to e.parquet").succeeded();
    assert!(
        embedded
            .stderr
            .contains("the column image of table.csv has the paths of images, which are embedded as texts"),
        "{embedded}"
    );
    let embedded = context.cliptune("embed tuned@0 table.csv --column caption --to f.parquet").succeeded();
    assert!(!embedded.stderr.contains("warning"), "{embedded}");
}

#[test]
fn a_table_that_cannot_be_read_is_told_in_one_line_with_what_it_should_be() {
    let context = place();
    context.write("bad.jsonl", "{\"cap\": \"a cat\"}\n{\"cap\": oops}\n");
    let said = context.cliptune("embed tuned@0 bad.jsonl --column cap --to e.parquet").ended(1);
    let error: Vec<&str> = said.stderr.lines().skip_while(|line| !line.starts_with("error")).collect();
    let expected = [
        "error: cannot read bad.jsonl: line 2 is no JSON: expected value at column 9",
        "",
        "hint: each line is one JSON object, such as {\"caption\": \"a cat\"}",
    ];
    assert_eq!(error, expected);
    assert!(!context.path("e.parquet.partial").exists());
}

#[test]
fn a_place_where_nothing_can_be_written_is_refused_before_anything_is_read() {
    let context = place();
    fs::create_dir(context.path("folder")).unwrap();
    for to in ["folder", "folder/", "new/"] {
        refused(
            &context,
            &format!("embed tuned@0 nothing.txt --to {to}"),
            "is a folder and not the name of a file",
        );
    }
    refused(&context, "embed tuned@0 nothing.txt --to new/e.parquet", "there is no folder new");
    let said = context.cliptune("embed tuned@0 nothing.txt --to /proc/e.parquet").ended(1);
    assert!(said.stderr.contains("/proc/e.parquet"), "{said}");
}

#[test]
fn nothing_stays_of_a_call_that_embedded_nothing() {
    let context = place();
    context.write("table.csv", "id,caption\n1,\n");
    context.write("empty.txt", "\n \n");
    fs::write(context.path("latin.txt"), b"caf\xe9\n").unwrap();
    context.write("none.png", "no image");
    for (inputs, words) in [
        ("table.csv --column text", "table.csv has no column text"),
        ("table.csv --column caption", "none of 1 text can be embedded"),
        ("empty.txt", "there are no texts in what is to be embedded"),
        ("latin.txt", "latin.txt is not UTF-8"),
        ("none.png", "none of 1 image can be embedded"),
    ] {
        let mut command = context.command("cliptune");
        command.args(format!("embed tuned@0 {inputs} --to e.parquet").split(' '));
        let said = output(&mut command);
        assert!(said.stderr.contains(words) && said.code != Some(0), "{inputs}: {said}");
        for file in ["e.parquet", "e.parquet.partial"] {
            assert!(!context.path(file).exists(), "{inputs}: {file}");
        }
    }
}

#[test]
fn an_image_whose_name_is_no_text_is_told_and_harms_no_other() {
    use std::os::unix::ffi::OsStrExt;
    let context = place();
    let name = std::ffi::OsStr::from_bytes(b"b\xff\x1b[31m.jpeg");
    fs::copy(context.path("images/00.jpeg"), context.path("images").join(name)).unwrap();
    context.write("texts.txt", "a cat\na dog\n");
    let embedded = context.cliptune("embed tuned@0 images --to e.parquet --json").succeeded();
    let told = "images/b\u{fffd}\\u{1b}[31m.jpeg is left out: its path is not UTF-8";
    assert!(embedded.stderr.contains(told), "{embedded}");
    let summary = &embedded.json()["summary"];
    assert_eq!((&summary["embedded"], &summary["problems"]), (&12.into(), &1.into()));
    let ranked = context.cliptune("rank tuned@0 images --texts texts.txt --json").ended(1);
    assert!(ranked.stderr.contains(told), "{ranked}");
    let found = ranked.json();
    let problems = found.as_array().unwrap().iter().filter(|one| one["problem"].is_string()).count();
    assert_eq!((found.as_array().unwrap().len(), problems), (13, 1));
}

#[test]
fn all_paths_where_there_is_nothing_are_named_before_any_work() {
    let context = place();
    context.write("texts.txt", "a cat\na dog\n");
    context.write("classes.txt", "cat\ndog\n");
    for command in ["rank tuned@0", "classify tuned@0"] {
        let list = if command.starts_with("rank") { "--texts texts.txt" } else { "--classes classes.txt" };
        let command = format!("{command} gone.png images/00.jpeg away/*.png images/01.jpeg {list}");
        let said = context.cliptune(&command).ended(2);
        assert!(said.stderr.contains("there are no images at gone.png, away/*.png"), "{said}");
        assert!(said.stdout.is_empty(), "{said}");
    }
    refused(
        &context,
        "embed tuned@0 gone.txt images away --to e.parquet",
        "there are no images or texts at gone.txt, away",
    );
}

#[test]
fn a_search_for_nothing_is_refused() {
    let context = place();
    context.cliptune("embed tuned@0 images --to e.parquet").succeeded();
    for blank in ["", "  ", "\t\n"] {
        let mut search = context.command("cliptune");
        search.args(["search", "e.parquet", blank]);
        let said = output(&mut search).ended(2);
        assert!(said.stderr.contains("there is nothing in it to search for"), "{said}");
    }
}

#[test]
fn what_was_never_fetched_is_refused_offline_with_what_fits() {
    let context = place();
    let said = context.cliptune("embed tuned@0 gs://no-such-bucket/images --to e.parquet --offline").ended(1);
    assert!(said.stderr.contains("run the same command without --offline"), "{said}");
    assert!(!said.stderr.contains("ingest"), "{said}");
}
