//! Nothing leaves the machine, and nothing is written but where it was declared.

use std::path::Path;

use fs_err as fs;

use crate::repository::COMMIT;
use crate::server::FakeHub;
use crate::support::{TestContext, Watched, output, program};

/// Every command but `fetch`, which is there to ask a hub.
const COMMANDS: [&str; 48] = [
    "demo-data out/drawn --cartoons 50",
    "new out/own --images contest/images --metadata contest/contest.parquet",
    "check experiments --set data.join=",
    "ingest experiments",
    "ingest experiments/tuned.yaml --pack out/shards",
    "train experiments/base.yaml",
    "train experiments/tuned.yaml",
    "score experiments",
    "report experiments",
    "sample experiments/tuned.yaml --pictures blocks",
    "status --why",
    "plan experiments --all --json",
    "run experiments --slurm --dry-run",
    "ls --json",
    "ls experiments --stale",
    "query --save out/runs.duckdb",
    "show base@0",
    "compare tuned@0 tuned@1 --items",
    "import theirs --name theirs --experiment tuned",
    "rank tuned@best contest/images --texts texts.txt",
    "classify tuned@0 contest/images --classes texts.txt",
    "embed tuned@0 contest/images --to out/embeddings.parquet",
    "search out/embeddings.parquet snail",
    "tag tuned@0 --add good",
    "note tuned@0 --text tried",
    "rename tuned@0 champion",
    "pin champion",
    "rm tuned@1",
    "rm --filter seed=7 --yes",
    "restore --list",
    "restore tuned",
    "fsck",
    "fsck --repair --json",
    "relocate nothing elsewhere --dry-run",
    "gc --trash --unfinished --keep-best 9 --dry-run",
    "gc --trash --unfinished --cache",
    "export base@0 --layout hugging-face --to out/exported",
    "rank out/exported contest/images --texts texts.txt",
    "export base@0 --as mlflow --weights --to out/mlflow",
    "export base@0 --as parquet --to out/tables",
    "soup tuned --to out/averaged",
    "cache ls",
    "doctor",
    "schema",
    "completions bash",
    "help ls",
    "help train",
    "run experiments --set train.epochs=1",
];

/// The store with its caches, the temporary folder, and where the commands above were told to write.
const DECLARED: [&str; 3] = ["runs", "tmp", "out"];

/// Fails the test when a program opened a socket or changed a file outside of the declared folders.
fn assert_kept_to_itself(context: &TestContext, what: &str, watched: &Watched) {
    assert!(watched.sockets.is_empty(), "{what} opened sockets: {:#?}", watched.sockets);
    let declared = |path: &Path| {
        path == Path::new("/dev/null") || DECLARED.iter().any(|folder| path.starts_with(context.path(folder)))
    };
    let stray: Vec<_> = watched.changed.iter().filter(|path| !declared(path)).collect();
    assert!(stray.is_empty(), "{what} changed files outside of its folders: {stray:#?}");
    assert_eq!(fs::read_dir(context.path("home")).unwrap().count(), 0, "{what} left something at home");
}

#[test]
fn no_command_opens_a_socket_or_writes_outside_of_its_folders() {
    let context = TestContext::new();
    // Reduced precisions, so that ONNX Runtime sees all kinds of graphs.
    let tuned = fs::read_to_string(context.path("experiments/tuned.yaml")).unwrap();
    context.write("experiments/tuned.yaml", &format!("{tuned}export: {{ onnx: [fp32, fp16, int8] }}\n"));
    context.write("texts.txt", "a cat\na dog\n");
    context.write("theirs/meta.yaml", "run_id: '0a'\nlifecycle_stage: active\n");
    context.write("theirs/params/lr", "1e-5");
    for command in COMMANDS {
        let arguments: Vec<&str> = command.split_whitespace().collect();
        let watched = context.watch(&program("cliptune"), &arguments, &[]);
        assert_eq!(watched.output.code, Some(0), "cliptune {command}\n{}", watched.output);
        assert_kept_to_itself(&context, command, &watched);
    }
    assert_eq!(context.statuses("base").len(), 2, "the commands did what they are for");
}

#[test]
fn a_fetched_model_is_trained_and_scored_without_asking_the_hub_again() {
    let context = TestContext::new();
    context.replace("experiments/tuned.yaml", "from: run:base", "from: org/tiny");
    let cache = context.path("cache").display().to_string();
    {
        let server = FakeHub::start([crate::fetch::tiny()]);
        let mut fetch = context.command("cliptune");
        fetch.args(["fetch", "org/tiny", "-q"]).env("HF_HOME", &cache).env("HF_ENDPOINT", &server.endpoint);
        output(fetch.env("no_proxy", "127.0.0.1")).succeeded();
    }
    let snapshot = context.path("cache/hub/models--org--tiny/snapshots").join(COMMIT);
    assert!(snapshot.join("model.safetensors").is_file());
    for command in ["ingest", "train", "score"] {
        let arguments = [command, "experiments/tuned.yaml"];
        let watched = context.watch(&program("cliptune"), &arguments, &[("HF_HOME", &cache)]);
        assert_eq!(watched.output.code, Some(0), "cliptune {command}\n{}", watched.output);
        assert_kept_to_itself(&context, command, &watched);
    }
}

#[test]
fn the_watch_itself_sees_sockets_and_stray_files_of_children_too() {
    let context = TestContext::empty();
    let script = "(exec 3<>/dev/udp/127.0.0.1/9); mkdir \"$HOME/.cache\"; (cd tmp; echo x > ../home/a)\n\
                  mv home/a 'home/it \"is\"'; ln -s nowhere home/link; cat \"$0\" < /dev/null";
    let watched = context.watch(Path::new("/bin/bash"), &["-c", script, "/dev/null"], &[]);
    assert_eq!(watched.output.code, Some(0), "{}", watched.output);
    assert!(watched.sockets.iter().any(|call| call.contains("AF_INET")), "{watched:?}");
    for name in [".cache", "a", "link"] {
        assert!(watched.changed.contains(&context.path("home").join(name)), "{name}: {watched:?}");
    }
    let moved = watched.changed.iter().any(|path| path.to_string_lossy().contains("it \\\"is"));
    assert!(moved, "{watched:?}");
    assert!(!watched.changed.contains(&"/dev/null".into()), "it was only read: {watched:?}");
}
