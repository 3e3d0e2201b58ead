//! Data that lies in a bucket, here in a stand-in for Google's store.

use std::os::unix::fs::MetadataExt as _;
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
        Self::of(TestContext::new())
    }

    /// Puts a contest into a bucket.
    fn of(context: TestContext) -> Self {
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

/// A contest in a bucket whose table has two more columns: notes, and photos that make up most of it.
struct Wide {
    bucket: Bucket,
    size: u64,
    /// The datasets that the same files gave when they were local: of the experiment, and of the one that reads the notes.
    local: [String; 2],
}

/// Reads the notes, too, in a store of its own, where it follows no other dataset.
const NOTED: &str = "--set data.where=length(note)=128 --store noted";

impl Wide {
    fn new() -> Self {
        let context = TestContext::new();
        let (narrow, wide) = (context.path("contest/contest.parquet"), context.path("wide.parquet"));
        let query = format!(
            "SELECT * EXCLUDE (file_row_number), repeat(md5(file_row_number || 'note'), 4) AS note,
                    encode(array_to_string(list_transform(range(800), x -> md5(x || '-' || file_row_number)), '')) AS photo
             FROM read_parquet('{}', file_row_number = true) ORDER BY file_row_number",
            narrow.display()
        );
        let copy =
            format!("COPY ({query}) TO '{}' (FORMAT parquet, COMPRESSION uncompressed)", wide.display());
        duckdb::Connection::open_in_memory().unwrap().execute_batch(&copy).unwrap();
        fs::rename(&wide, &narrow).unwrap();
        let size = fs::metadata(&narrow).unwrap().len();
        assert!(size > 2 << 20, "{size} bytes");
        let local = ["--store local", &format!("{NOTED}-locally")]
            .map(|more| hash(&context.cliptune(&format!("ingest experiments/base.yaml --json {more}"))));
        Self { bucket: Bucket::of(context), size, local }
    }

    /// The bytes of the table that are on this machine.
    fn held(&self) -> u64 {
        let files = self.bucket.context.files("cache").into_iter();
        let tables: Vec<String> =
            files.map(|(file, _)| file).filter(|file| file.ends_with("/contest.parquet")).collect();
        assert_eq!(tables.len(), 1, "{tables:?}");
        let table = fs::metadata(self.bucket.context.path(&tables[0])).unwrap();
        assert_eq!(table.len(), self.size);
        table.len().min(table.blocks() * 512)
    }
}

fn hash(output: &Output) -> String {
    output.json()[0]["hash"].as_str().unwrap().to_owned()
}

#[test]
fn of_a_table_in_a_bucket_the_named_columns_are_fetched() {
    let wide = Wide::new();
    let first = wide.bucket.ingest("--json");
    assert!(fetched(&first).contains(&"gs://contest/contest.parquet: 1 file".to_owned()), "{first}");
    assert_eq!(hash(&first), wide.local[0]);
    let few = wide.held();
    assert!(few < wide.size / 4, "{few} of {} bytes", wide.size);

    // Another experiment reads the notes, too.
    let noted = wide.bucket.ingest(&format!("{NOTED} --json"));
    assert_eq!(fetched(&noted), ["gs://contest/contest.parquet: 1 file"]);
    assert_eq!(hash(&noted), wide.local[1]);
    let more = wide.held();
    assert!(few < more && more < wide.size / 3, "{few} and then {more} of {} bytes", wide.size);
    let again = wide.bucket.ingest("");
    assert!(again.stderr.contains("is fresh") && fetched(&again).is_empty(), "{again}");

    // What is there can be used without the network, and nothing else.
    assert!(wide.bucket.ingest("--offline").stderr.contains("is fresh"));
    let missing = "ingest experiments/base.yaml --offline --set data.where=octet_length(photo)>0";
    assert_output!(wide.bucket.context, wide.bucket.cliptune(missing), @r"
    exit code: 1
    ----- stderr -----
    error: the cache has parts of 1 file of gs://contest/contest.parquet, but not all that is needed, and the network is not used: contest.parquet

    hint: run `cliptune ingest` without --offline
    ");
    assert_output!(wide.bucket.context, wide.bucket.cliptune("sample experiments/base.yaml --offline"), @r"
    exit code: 1
    ----- stderr -----
    error: the cache has parts of 1 file of gs://contest/contest.parquet, but not all that is needed, and the network is not used: contest.parquet

    hint: run the same command without --offline: it fetches the rest
    ");

    // Who looks at a row looks at all its columns.
    let shown = wide.bucket.cliptune("sample experiments/base.yaml --json --limit 1").succeeded();
    assert_eq!(shown.json()[0]["row"]["columns"]["photo"], "25600 bytes", "{shown}");
    assert_eq!(wide.held(), wide.size);
    assert!(wide.bucket.ingest("").stderr.contains("is fresh"));
}
