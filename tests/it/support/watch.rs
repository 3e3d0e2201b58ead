//! What programs ask of the system: sockets, and files to change.

use std::path::{Component, Path, PathBuf};
use std::process::Command;

use fs_err as fs;

use super::context::{TestContext, output};
use super::output::Output;

/// Every way to open a socket, and every way to make, change or remove a file.
const CALLS: &str = "trace=%network,open,openat,openat2,creat,truncate,mkdir,mkdirat,mknod,mknodat,rename,renameat,\
                     renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,rmdir";
/// Where the libraries are, if not in `native/`.
const LIBRARIES: [&str; 4] = ["LIBTORCH", "ORT_DYLIB_PATH", "DUCKDB_LIB_DIR", "LD_LIBRARY_PATH"];

/// A program that has ended, with what it and all of its threads and children asked for.
#[derive(Debug)]
pub(crate) struct Watched {
    pub(crate) output: Output,
    /// The calls that open a socket. (A pair of sockets leads nowhere but back into the process.)
    pub(crate) sockets: Vec<String>,
    /// The paths that were to be changed, whether or not it succeeded.
    pub(crate) changed: Vec<PathBuf>,
}

impl TestContext {
    /// Runs a program under `strace`, with an empty environment but for a home folder (`home/`), a temporary folder
    /// (`tmp/`) and `variables`.
    pub(crate) fn watch(&self, program: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Watched {
        for folder in ["home", "tmp"] {
            fs::create_dir_all(self.path(folder)).expect("there is room for a folder");
        }
        let traces = tempfile::tempdir().expect("there is room for a folder");
        let mut command = Command::new("strace");
        command.args(["-ff", "-qq", "-y", "--seccomp-bpf", "-e", "signal=none", "-e", CALLS, "-o"]);
        command.arg(traces.path().join("trace")).arg(program).args(arguments).current_dir(self.path(""));
        command.env_clear().envs(["PATH"].into_iter().chain(LIBRARIES).filter_map(given));
        command.env("HOME", self.path("home")).env("TMPDIR", self.path("tmp"));
        command.envs(variables.iter().copied());
        let version = Command::new("strace").arg("--version").output();
        assert!(
            version.is_ok(),
            "this test needs strace: scripts/test installs it, as does apt-get install strace"
        );
        let output = output(&mut command);
        let calls = calls(traces.path());
        assert!(!calls.is_empty(), "strace may not trace here; in a container, allow ptrace\n{output}");
        let sockets = calls.iter().filter(|call| call.starts_with("socket(")).cloned().collect();
        let changed = calls.iter().filter(|call| changes(call)).flat_map(|call| self.paths(call)).collect();
        Watched { output, sockets, changed }
    }

    /// The paths in a call, all of them from the root.
    fn paths(&self, call: &str) -> Vec<PathBuf> {
        let mut paths = strings(call);
        if call.starts_with("symlink") {
            // What a link says is no path until somebody follows it.
            paths.remove(0);
        }
        let from_root = |(folder, path): (Option<String>, String)| match folder {
            Some(folder) => plain(&Path::new(&folder).join(path)),
            None => plain(&self.path("").join(path)),
        };
        paths.into_iter().map(from_root).collect()
    }
}

/// Returns the path without `.` and `..`, by its words alone.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}

fn given(name: &'static str) -> Option<(&'static str, std::ffi::OsString)> {
    std::env::var_os(name).map(|value| (name, value))
}

/// The lines of all traces: one file for each thread.
fn calls(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("it is there");
    let files =
        entries.map(|entry| fs::read(entry.expect("it can be listed").path()).expect("it can be read"));
    let lines = |file: Vec<u8>| String::from_utf8_lossy(&file).lines().map(str::to_owned).collect::<Vec<_>>();
    files.flat_map(lines).collect()
}

/// Whether a call is to change a file; of those that open one, not when it is only to be read.
fn changes(call: &str) -> bool {
    let Some((name, arguments)) = call.split_once('(') else { return false };
    match name {
        "open" | "openat" | "openat2" => {
            ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC"].iter().any(|flag| arguments.contains(flag))
        }
        _ => CALLS.split([',', '=']).any(|traced| traced == name),
    }
}

/// The quoted strings among a call's arguments, each with the folder that it is relative to where one is given:
/// `openat(AT_FDCWD</home>, "file", O_RDONLY)`.
fn strings(call: &str) -> Vec<(Option<String>, String)> {
    let mut strings = Vec::new();
    let mut rest = call;
    while let Some((before, after)) = rest.split_once('"') {
        let folder = before.strip_suffix(">, ").and_then(|before| before.rsplit_once('<'));
        let mut quotes = after.match_indices('"').map(|(place, _)| place);
        let end = quotes.find(|&place| !after[..place].ends_with('\\')).unwrap_or(after.len());
        strings.push((folder.map(|(_, folder)| folder.to_owned()), after[..end].to_owned()));
        rest = after.get(end + 1..).unwrap_or_default();
    }
    strings
}
