//! Data that lies in a bucket, here in a stand-in for Google's store.

use std::process::Command;

use fs_err as fs;

use crate::stand_in::StandIn;
use crate::support::{Output, TestContext, assert_output, checkout, output};

/// The contest in a bucket instead of a folder, and the experiments that name it there.
struct Bucket {
    context: TestContext,
    store: Option<StandIn>,
    address: String,
}

impl Bucket {
    fn new() -> Self {
        let context = TestContext::new();
        let store = StandIn::start(&checkout().join("scripts"), "gcs", "contest");
        for (file, _) in context.files("contest") {
            store.put(file.strip_prefix("contest/").unwrap(), &fs::read(context.path(&file)).unwrap());
        }
        fs::remove_dir_all(context.path("contest")).unwrap();
        context.replace("experiments/base.yaml", "../contest/", "gs://contest/");
        let address = store.address.clone();
        Self { context, store: Some(store), address }
    }

    fn cliptune(&self, arguments: &str) -> Output {
        let mut command: Command = self.context.command("cliptune");
        command.args(arguments.split_whitespace()).env("CLIPTUNE_CACHE", self.context.path("cache"));
        output(command.env("STORAGE_EMULATOR_HOST", &self.address).env("no_proxy", "127.0.0.1"))
    }

    fn ingest(&self, more: &str) -> Output {
        self.cliptune(&format!("ingest experiments/base.yaml {more}")).succeeded()
    }

    /// The names of the images in the cache.
    fn images(&self) -> Vec<String> {
        let files = self.context.files("cache").into_iter().map(|(file, _)| file);
        files.filter(|file| file.ends_with(".jpeg")).collect()
    }
}

/// The lines that say what is fetched.
fn fetched(output: &Output) -> Vec<String> {
    let lines = output.stderr.lines().filter(|line| line.contains(" to fetch"));
    lines.map(|line| line.split(", ").next().unwrap().to_owned()).collect()
}

#[test]
fn data_in_a_bucket_is_fetched_once_and_used_without_the_network() {
    let mut bucket = Bucket::new();
    let unknown = bucket.cliptune("status experiments/base.yaml");
    assert!(unknown.to_string().contains("it was never listed"), "{unknown}");
    assert!(!bucket.context.path("cache").exists(), "status asks nobody");

    let first = bucket.ingest("");
    assert_eq!(fetched(&first), ["gs://contest/contest.parquet: 1 file", "gs://contest/images: 60 files"]);
    let again = bucket.ingest("");
    assert_eq!(fetched(&again), [""; 0]);
    assert!(again.stderr.contains("is fresh"), "{again}");

    let images = bucket.images();
    let content = fs::read(bucket.context.path(&images[1])).unwrap();
    let name = images[0].rsplit('/').next().unwrap();
    bucket.store.as_ref().unwrap().put(&format!("images/{name}"), &content);
    let changed = bucket.ingest("");
    assert_eq!(fetched(&changed), ["gs://contest/images: 1 file"]);
    assert!(!changed.stderr.contains("is fresh"), "{changed}");

    // The store is gone.
    bucket.store = None;
    let offline = bucket.ingest("--offline");
    assert!(offline.stderr.contains("is fresh"), "{offline}");
    bucket.cliptune("run experiments/base.yaml --offline").succeeded();
    let status = bucket.cliptune("status experiments/base.yaml --json").succeeded().json();
    assert_eq!((&status[0]["dataset"], &status[0]["training"]), (&"fresh".into(), &"fresh".into()));
}

#[test]
fn run_notices_what_has_changed_in_the_bucket() {
    let bucket = Bucket::new();
    bucket.cliptune("run experiments/base.yaml").succeeded();
    let images = bucket.images();
    let content = fs::read(bucket.context.path(&images[1])).unwrap();
    let name = images[0].rsplit('/').next().unwrap();
    bucket.store.as_ref().unwrap().put(&format!("images/{name}"), &content);
    let run = bucket.cliptune("run experiments/base.yaml").succeeded();
    assert_eq!(fetched(&run), ["gs://contest/images: 1 file"]);
    assert!(run.stderr.contains("train"), "{run}");
}

#[test]
fn copies_are_listed_and_removed_and_missed_offline() {
    let bucket = Bucket::new();
    bucket.ingest("-q");
    let listed = bucket.cliptune("cache ls --json").succeeded().json();
    assert_eq!((&listed[0]["address"], &listed[0]["files"]), (&"gs://contest".into(), &61.into()));
    assert!(bucket.cliptune("cache ls").succeeded().stdout.contains("gs://contest"));
    bucket.cliptune("cache clear gs://contest").succeeded();
    assert!(bucket.images().is_empty());
    assert_output!(bucket.context, bucket.cliptune("cache clear gs://contest"), @r"
    exit code: 2
    ----- stderr -----
    error: there is no copy of gs://contest

    hint: `cliptune cache ls` lists the copies
    ");
    assert_output!(bucket.context, bucket.cliptune("ingest experiments/base.yaml --offline"), @r"
    exit code: 1
    ----- stderr -----
    error: what gs://contest/contest.parquet holds is not known: it was never listed, and the network is not used

    hint: run `cliptune ingest` without --offline
    ");
}
