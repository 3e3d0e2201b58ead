//! Asking the system's loader which libraries a program would be given.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Output};

/// The variable with which glibc's loader lists the libraries of a program in place of starting it. `ldd` sets it.
const TRACE: &str = "LD_TRACE_LOADED_OBJECTS";

/// The variables that would make the loader list more, or bind symbols first.
const MORE: [&str; 3] = ["LD_WARN", "LD_BIND_NOW", "LD_VERBOSE"];

/// A library that a program, or one of its libraries, names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Library {
    /// The name, such as `libduckdb.so`.
    pub name: String,
    /// The file that the loader takes for it, if it finds one.
    pub file: Option<PathBuf>,
}

/// What the loader says of a program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// All libraries, in the loader's order.
    pub libraries: Vec<Library>,
    /// What the loader would end the program for beside a library that is missing, such as a glibc that is too old.
    pub complaints: Vec<String>,
}

impl Loaded {
    /// Asks the loader about the program of a command, in the environment that the command would be run in. `None` where the
    /// loader cannot be asked, or cannot read one of the files: it says so itself when the program is started.
    pub fn by(command: &Command) -> Option<Self> {
        if !cfg!(all(target_os = "linux", target_env = "gnu")) {
            // Any other loader would start the program.
            return None;
        }
        Self::heard(asking(command).output().ok()?)
    }

    /// Understands what the loader has written: the libraries to standard output, and what it complains of to standard error.
    fn heard(output: Output) -> Option<Self> {
        if !output.status.success() {
            return None;
        }
        let said = [output.stdout, output.stderr].concat();
        Some(Self::read(&String::from_utf8(said).ok()?))
    }

    /// Returns the library of the given name, if the program needs one.
    pub fn library(&self, name: &str) -> Option<&Library> {
        self.libraries.iter().find(|library| library.name == name)
    }

    /// Returns the names of the libraries that are missing.
    pub fn missing(&self) -> impl Iterator<Item = &str> {
        self.libraries.iter().filter(|library| library.file.is_none()).map(|library| library.name.as_str())
    }

    /// Reads lines like `libc.so.6 => /lib/libc.so.6 (0x00007f)`. Lines without an arrow are the kernel's and the loader's own.
    fn read(text: &str) -> Self {
        let mut loaded = Self::default();
        for line in text.lines().map(str::trim) {
            match line.split_once(" => ") {
                Some((name, file)) => {
                    loaded.libraries.push(Library { name: name.to_owned(), file: found(file) });
                }
                None if line.contains("' not found (required by ") => loaded.complaints.push(line.to_owned()),
                None => {}
            }
        }
        loaded
    }
}

/// Returns the command that lists the libraries of another command's program.
fn asking(command: &Command) -> Command {
    let mut asking = Command::new(command.get_program());
    for (name, value) in command.get_envs() {
        set(&mut asking, name, value);
    }
    MORE.iter().for_each(|name| set(&mut asking, OsStr::new(name), None));
    asking.env(TRACE, "1");
    asking
}

fn set(command: &mut Command, name: &OsStr, value: Option<&OsStr>) {
    match value {
        Some(value) => command.env(name, value),
        None => command.env_remove(name),
    };
}

fn found(file: &str) -> Option<PathBuf> {
    let (path, _) = file.rsplit_once(" (0x")?;
    Some(PathBuf::from(path))
}

#[cfg(test)]
mod tests {
    use std::process::ExitStatus;

    use super::*;

    #[test]
    fn the_words_of_the_loader_are_understood() {
        let listed = "\tlinux-vdso.so.1 (0x00007f)\n\
                      \tlibtorch_cpu.so => not found\n\
                      \tlibc.so.6 => /my lib/libc.so.6 (0x00007f6d)\n\
                      \t/lib64/ld-linux-x86-64.so.2 (0x00007f6d)\n";
        // What glibc 2.36 writes of a program that was linked on a newer system, and where.
        let complained = "/bin/x: /lib/libc.so.6: version `GLIBC_2.38' not found (required by /bin/x)\n";
        let output =
            Output { status: ExitStatus::default(), stdout: listed.into(), stderr: complained.into() };
        let loaded = Loaded::heard(output).expect("the loader has answered");
        assert_eq!(loaded.missing().collect::<Vec<_>>(), ["libtorch_cpu.so"]);
        let libc = loaded.library("libc.so.6").and_then(|library| library.file.clone());
        assert_eq!(libc, Some(PathBuf::from("/my lib/libc.so.6")));
        assert_eq!(loaded.library("libduckdb.so"), None);
        assert_eq!(loaded.complaints.len(), 1);
        assert!(loaded.complaints[0].contains("GLIBC_2.38"));
    }

    #[test]
    fn the_loader_is_asked_about_a_program_that_is_not_started() {
        // As a program, `false` would fail.
        let loaded = Loaded::by(&Command::new("/bin/false"));
        let loaded = loaded.expect("every Linux with glibc has it, linked to its C library");
        assert!(loaded.library("libc.so.6").is_some_and(|library| library.file.is_some()), "{loaded:?}");
    }

    #[test]
    fn there_is_no_answer_about_what_is_no_program() {
        assert_eq!(Loaded::by(&Command::new("/nowhere/program")), None);
    }
}
