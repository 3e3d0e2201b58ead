//! Who may work: many processes, and two paths that lead to one store.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use cliptune_store::{Claim, Patience, Store, StoreError, Work};
use cliptune_terminal::Printer;
use fs_err as fs;

use crate::support::{World, create};

/// Where the processes that a test starts find their store.
const STORE: &str = "CLIPTUNE_TEST_STORE";
/// How often each of them does what nobody else may do at the same time.
const TIMES: usize = 10;

fn claim(store: &Store, wait: bool) -> Result<Claim, StoreError> {
    let (interrupted, printer) = (AtomicBool::new(false), Printer::new(true, false));
    let work = Work::run(&World::new().plan("tuned"), "key");
    let claim = store.claim(&work, &Patience { wait, interrupted: &interrupted, printer: &printer });
    claim.map(|claim| claim.unwrap())
}

/// Counts in a file. Two that do so at once lose a number.
fn count(path: &Path) {
    let before: usize = fs::read_to_string(path).unwrap().parse().unwrap();
    fs::write(path, (before + 1).to_string()).unwrap();
}

/// Starts this test program again, with one of the functions below alone.
fn start(name: &str, store: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", &format!("claims::{name}"), "--ignored", "--nocapture"]);
    // What a killed one leaves goes with the folder of the test.
    command.env(STORE, store).env("TMPDIR", store.parent().unwrap());
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn store_of_parent() -> Option<Store> {
    std::env::var_os(STORE).map(|path| Store::open(&PathBuf::from(path)).unwrap())
}

#[test]
#[ignore = "the work of the processes that another test starts"]
fn counts_when_it_may() {
    let Some(store) = store_of_parent() else { return };
    for _ in 0..TIMES {
        let claim = claim(&store, true).unwrap();
        count(&store.root().join("work"));
        drop(claim);
        let lock = store.lock().unwrap();
        count(&store.root().join("lock"));
        drop(lock);
    }
}

#[test]
fn many_processes_come_one_after_the_other() {
    let world = World::new();
    let root = world.store().root().to_path_buf();
    fs::create_dir_all(&root).unwrap();
    for name in ["work", "lock"] {
        fs::write(root.join(name), "0").unwrap();
    }
    let children: Vec<Child> = (0..4).map(|_| start("counts_when_it_may", &root)).collect();
    assert!(children.into_iter().all(|mut child| child.wait().unwrap().success()));
    for name in ["work", "lock"] {
        assert_eq!(fs::read_to_string(root.join(name)).unwrap(), (4 * TIMES).to_string(), "{name}");
    }
    let mut left: Vec<_> = fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, [".lock", "lock", "work"], "no claim stays behind");
}

#[test]
#[ignore = "the work of a process that another test starts"]
fn holds_everything_until_it_is_killed() {
    let Some(store) = store_of_parent() else { return };
    let _claim = claim(&store, true).unwrap();
    let _lock = store.lock().unwrap();
    let world = World::new();
    let _run = store
        .create_run(crate::support::record(
            &world.plan("tuned"),
            "dataset",
            cliptune_store::Base::Scratch,
            "key",
        ))
        .unwrap();
    fs::write(store.root().join("ready"), "").unwrap();
    loop {
        std::thread::park();
    }
}

#[test]
fn what_a_killed_process_held_is_free_at_once() {
    let world = World::new();
    let store = world.store();
    let mut child = start("holds_everything_until_it_is_killed", store.root());
    while !store.root().join("ready").exists() {
        assert!(child.try_wait().unwrap().is_none(), "it has ended");
        std::thread::yield_now();
    }
    let error = claim(&store, false).unwrap_err();
    assert!(error.to_string().contains(&format!("process {}", child.id())), "{error}");
    let mut run = store.runs().unwrap().runs.remove(0);
    assert!(matches!(run.resume(), Err(StoreError::InUse { .. })));
    child.kill().unwrap();
    child.wait().unwrap();
    drop(claim(&store, false).unwrap());
    drop(store.lock().unwrap());
    run.resume().unwrap();
}

/// A second path to a folder: another mount where this process may make one, otherwise a link.
struct SecondPath {
    path: PathBuf,
    is_mount: bool,
}

impl SecondPath {
    fn to(folder: &Path, path: PathBuf) -> Self {
        fs::create_dir_all(&path).unwrap();
        let mount =
            Command::new("mount").arg("--bind").args([folder, path.as_path()]).stderr(Stdio::null()).status();
        let is_mount = mount.is_ok_and(|status| status.success());
        if !is_mount {
            fs::remove_dir(&path).unwrap();
            std::os::unix::fs::symlink(folder, &path).unwrap();
        }
        Self { path, is_mount }
    }
}

impl Drop for SecondPath {
    fn drop(&mut self) {
        if self.is_mount {
            let _ = Command::new("umount").arg(&self.path).status();
        }
    }
}

#[test]
fn two_mounts_of_a_store_are_one_store() {
    let world = World::new();
    let one = world.store();
    fs::create_dir_all(one.root()).unwrap();
    let second = SecondPath::to(one.root(), world.path("second"));
    let other = Store::open(&second.path).unwrap();
    let held = claim(&one, false).unwrap();
    assert!(matches!(claim(&other, false), Err(StoreError::Busy { .. })));
    drop(held);
    drop(claim(&other, false).unwrap());
    let run = create(&world, "key");
    let mut seen = other.runs().unwrap().runs.remove(0);
    assert_eq!(seen.status(), cliptune_store::RunStatus::Running);
    assert!(matches!(seen.resume(), Err(StoreError::InUse { .. })));
    drop(run);
    seen.resume().unwrap();
    drop(seen);
    let (inside, passed, start) = (AtomicBool::new(false), AtomicUsize::new(0), Barrier::new(8));
    std::thread::scope(|scope| {
        for number in 0..8 {
            let (store, inside, passed, start) =
                (if number % 2 == 0 { &one } else { &other }, &inside, &passed, &start);
            scope.spawn(move || {
                start.wait();
                let held = claim(store, true).unwrap();
                assert!(!inside.swap(true, Ordering::SeqCst), "two at once");
                passed.fetch_add(1, Ordering::SeqCst);
                inside.store(false, Ordering::SeqCst);
                drop(held);
            });
        }
    });
    assert_eq!(passed.load(Ordering::SeqCst), 8);
}
