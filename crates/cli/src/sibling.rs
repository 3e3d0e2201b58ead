//! Finding the sibling programs and waiting for them.

use std::env;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::Ordering;

use cliptune_native::{
    DUCKDB_ALLOCATOR, Libtorch, Loaded, NoLibtorch, ORT_DISABLE_TELEMETRY, duckdb_allocator,
    path_to_named_libtorch,
};
use cliptune_terminal::{CommonArgs, Exit};
use serde::de::DeserializeOwned;

use crate::error::{CliError, ProgramError};
use crate::signals;
use crate::tool::Tool;

/// Returns a command for a tool's program, ready to be given its arguments.
pub(crate) fn command(tool: Tool) -> Result<Command, CliError> {
    let command = unchecked(tool)?;
    check(tool, &command)?;
    Ok(command)
}

/// Returns a command for a tool's program, whether or not it has the libraries that it needs.
pub(crate) fn unchecked(tool: Tool) -> Result<Command, CliError> {
    let mut command = Command::new(find(tool)?);
    if tool == Tool::Train {
        command.envs(path_to_named_libtorch().map_err(|folder| ProgramError::NoLibtorch { folder })?);
    }
    if tool == Tool::Ingest && env::var_os(DUCKDB_ALLOCATOR).is_none() {
        command.env(DUCKDB_ALLOCATOR, duckdb_allocator());
    }
    Ok(command)
}

/// Checks whether a tool's program has the libraries of which the loader would only name symbols or files.
pub(crate) fn check(tool: Tool, command: &Command) -> Result<(), CliError> {
    match tool {
        Tool::Train => check_libtorch(command),
        Tool::Ingest | Tool::Score | Tool::Report => Ok(()),
    }
}

/// Returns a command for a tool's program that only describes itself, for which any libtorch will do.
pub(crate) fn bare(tool: Tool) -> Result<Command, CliError> {
    let mut command = Command::new(find(tool)?);
    if check(tool, &command).is_err() {
        // Where there is no other, even the help needs the one that is named.
        command.envs(path_to_named_libtorch().ok().flatten());
        check(tool, &command)?;
    }
    Ok(command)
}

/// Checks whether the loader has the right libtorch for a program.
fn check_libtorch(command: &Command) -> Result<(), CliError> {
    let Some(loaded) = Loaded::by(command) else { return Ok(()) };
    match Libtorch::among(&loaded) {
        Err(NoLibtorch) => Err(ProgramError::MissingLibtorch.into()),
        Ok(Some(found)) if !found.is_right() => Err(ProgramError::OtherLibtorch { found }.into()),
        Ok(_) => Ok(()),
    }
}

/// The program with the commands that may have to read tables.
pub(crate) const STORE: &str = "cliptune-store";

/// Returns a command for `cliptune-store`, ready to be given its arguments.
pub(crate) fn store() -> Result<Command, CliError> {
    // Another version in PATH would answer for this one without a word.
    let mut command = Command::new(beside(STORE)?);
    // A command that loads ONNX Runtime would otherwise have to start once more.
    command.env(ORT_DISABLE_TELEMETRY, "1");
    Ok(command)
}

/// Puts `cliptune-store` in the place of this process, with the same arguments. Returns only the error of an attempt that fails.
pub(crate) fn become_store() -> Result<CliError, CliError> {
    let mut command = store()?;
    command.args(env::args_os().skip(1));
    Ok(take_place(command))
}

/// Puts a program in the place of this process. Returns only the error of an attempt that fails.
pub(crate) fn take_place(mut command: Command) -> CliError {
    let source = command.exec();
    ProgramError::Start { program: PathBuf::from(command.get_program()), source }.into()
}

/// Finds the program of a tool in the folder of this one, or else in PATH. That folder comes first because PATH may hold an
/// older cliptune.
pub(crate) fn find(tool: Tool) -> Result<PathBuf, CliError> {
    let (name, path) = (tool.program(), env::var_os("PATH").unwrap_or_default());
    let mut elsewhere =
        env::split_paths(&path).map(|folder| folder.join(&name)).filter(|file| file.is_file());
    match beside(&name) {
        Err(CliError::Program(ProgramError::NoTool { name, beside, .. })) => {
            Ok(elsewhere.next().ok_or(ProgramError::NoTool { name, beside, in_path: true })?)
        }
        found => found,
    }
}

/// Finds the program in the folder of this one.
pub(crate) fn beside(name: &str) -> Result<PathBuf, CliError> {
    let own = env::current_exe()?;
    match own.with_file_name(name) {
        program if program.is_file() => Ok(program),
        _ => Err(ProgramError::NoTool { name: name.to_owned(), beside: own, in_path: false }.into()),
    }
}

/// Runs the program to its end. Signals do not end the wait, because the program handles them. The program is not
/// started if a signal arrived while an earlier program was running.
pub(crate) fn wait(tool: Tool, command: Command) -> Result<Exit, CliError> {
    // Signals are caught before the program starts, so that there is no moment in which a signal ends only one of the
    // two.
    let interrupted = signals::catch();
    let caught = signals::Caught::now()?;
    if interrupted.load(Ordering::SeqCst) {
        return Ok(Exit::Interrupted);
    }
    let children = signals::Children::default();
    let forwarding = caught.forward_to(children.clone())?;
    let mut child = children.spawn(command)?;
    let (status, interrupted) = children.wait(&mut child)?;
    drop(forwarding);
    ended(tool, status, interrupted)
}

/// Runs a program to its end and reads the JSON that it answers with. Where it has failed, it has said so itself, and its exit code
/// is returned in place of the answer.
pub(crate) fn answer<T: DeserializeOwned>(
    mut command: Command,
    common: &CommonArgs,
) -> Result<Result<T, Exit>, CliError> {
    let program = PathBuf::from(command.get_program());
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.map_err(|source| ProgramError::Start { program, source })?;
    match serde_json::from_slice(&output.stdout) {
        Ok(answer) if output.status.success() => Ok(Ok(answer)),
        _ => {
            // With `--json`, an error is a document.
            if !output.stdout.is_empty() {
                common.printer().document(&String::from_utf8_lossy(&output.stdout));
            }
            Ok(Err(output.status.code().map_or(Exit::Failed, Exit::from_code)))
        }
    }
}

/// Translates the exit status of a program.
pub(crate) fn ended(tool: Tool, status: ExitStatus, interrupted: bool) -> Result<Exit, CliError> {
    match (status.code(), status.signal()) {
        (Some(code), _) => Ok(Exit::from_code(code)),
        // Some tools do not catch the signal.
        (None, _) if interrupted => Ok(Exit::Interrupted),
        (None, signal) => {
            Err(ProgramError::Killed { tool, signal: signals::name(signal.unwrap_or_default()) }.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> ExitStatus {
        Command::new("sh").args(["-c", script]).status().expect("there is a shell")
    }

    #[test]
    fn exit_codes_pass_through() {
        for (code, exit) in [(0, Exit::Done), (2, Exit::Usage), (3, Exit::Stale), (130, Exit::Interrupted)] {
            let status = shell(&format!("exit {code}"));
            assert_eq!(ended(Tool::Train, status, false).expect("it ended by itself"), exit);
        }
    }

    #[test]
    fn a_signal_that_nobody_sent_on_purpose_is_an_error() {
        let error = ended(Tool::Train, shell("kill -SEGV $$"), false).expect_err("it crashed");
        assert_eq!(error.to_string(), "cliptune-train was ended by SIGSEGV");
    }

    #[test]
    fn a_tool_that_is_asked_to_stop_was_interrupted() {
        // This does not use SIGINT, which shells make their background jobs ignore.
        let exit = ended(Tool::Ingest, shell("kill -TERM $$"), true).expect("it was asked to");
        assert_eq!(exit, Exit::Interrupted);
    }
}
