//! A dataset that was packed into shards, trained on from where they lie.

use fs_err as fs;

use crate::stand_in::StandIn;
use crate::support::{Output, TestContext, checkout, output};

/// The experiment on the shards of the dataset of another one.
const PACKED: &str = "\
name: packed
extends: base.yaml
data:
  images: IMAGES
  metadata: null
  join: null
  columns: { text: text, id: id, group: group, vocabulary: null }
  split: { column: split, by: null, across: null, train: null, validation: null, test: null, seed: null }
";

fn packed(context: &TestContext, images: &str) {
    context.write("experiments/packed.yaml", &PACKED.replace("IMAGES", images));
    context.cliptune("ingest experiments/base.yaml --pack shards --shard-size 300kB").succeeded();
}

#[test]
fn shards_are_trained_on_and_scored_as_the_images_that_they_were_packed_from() {
    let context = TestContext::new();
    packed(&context, "../shards");
    context.cliptune("run experiments/packed.yaml").succeeded();
    assert_eq!(context.statuses("packed"), ["done"]);
    assert!(context.cliptune("ingest experiments/packed.yaml").succeeded().stderr.contains("is fresh"));
    let sample = "sample experiments/packed.yaml --json --limit 1 --where";
    let mut shown = context.command("cliptune");
    shown.args(sample.split_whitespace()).arg("file.path LIKE 'train-000001.tar/%'");
    let shown = output(&mut shown).succeeded().json();
    let image = &shown[0]["file"];
    assert!(image["path"].as_str().unwrap().ends_with(".jpeg"), "{shown}");
    assert!(image["width"].as_u64().is_some(), "{shown}");
    // A test image of one is seen by whoever trained on the other.
    context.replace("experiments/tuned.yaml", "from: run:base", "from: run:packed");
    context.replace("experiments/tuned.yaml", "seed: 0 }", "seed: 5 }");
    let leak = context.cliptune("ingest experiments/packed.yaml experiments/tuned.yaml");
    assert!(leak.stderr.contains("seen in training"), "{leak}");
}

/// Puts the shards into a bucket, makes a dataset of them there, and returns what was said and the number of shards.
fn ingested_from_a_bucket(context: &TestContext) -> (Output, u64) {
    let store = StandIn::start(&checkout().join("scripts"), "gcs", "contest");
    let mut shards = 0;
    for (file, _) in context.files("shards") {
        shards += u64::from(file.ends_with(".tar"));
        store.put(&file.replace("shards/", "packed/"), &fs::read(context.path(&file)).unwrap());
    }
    let mut ingest = context.command("cliptune");
    ingest.args(["ingest", "experiments/packed.yaml"]).env("CLIPTUNE_CACHE", context.path("cache"));
    ingest.env("STORAGE_EMULATOR_HOST", &store.address).env("no_proxy", "127.0.0.1");
    (output(&mut ingest).succeeded(), shards)
}

#[test]
fn shards_in_a_bucket_are_fetched_as_they_are_and_read_with_the_table_in_them() {
    let context = TestContext::new();
    packed(&context, "gs://contest/packed");
    let (ingest, shards) = ingested_from_a_bucket(&context);
    assert!(ingest.stderr.contains(&format!("gs://contest/packed: {shards} files")), "{ingest}");
    let cached = context.files("cache").into_iter().filter(|(file, _)| file.ends_with(".jpeg"));
    assert_eq!(cached.count(), 0, "nothing is unpacked");
}

#[test]
fn a_folder_of_shards_in_a_bucket_needs_no_pattern_where_the_table_lies_elsewhere() {
    let context = TestContext::new();
    packed(&context, "gs://contest/packed");
    let table = "metadata: ../shards/*.tar\n  join: { image: path, metadata: image }";
    context.replace("experiments/packed.yaml", "metadata: null\n  join: null", table);
    let (ingest, shards) = ingested_from_a_bucket(&context);
    assert!(ingest.stderr.contains(&format!("gs://contest/packed: {shards} files")), "{ingest}");
}
