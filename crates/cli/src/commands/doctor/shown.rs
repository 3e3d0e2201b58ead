//! What was found, as a person reads it.

use cliptune_terminal::{Column, Printer, Table, format};

use super::Findings;
use super::libraries::Library;
use super::machine::{Folder, Machine};
use super::problem::Problem;
use super::programs::Program;
use crate::tool::Tool;

/// Prints everything, problems last. No path is cut, however narrow the terminal is.
pub(super) fn print(findings: &Findings, printer: &Printer) {
    let tables = [
        programs(&findings.programs),
        libraries(&findings.libraries),
        machine(findings.version, findings.installation, &findings.machine),
        folders(&findings.folders),
    ];
    printer.data(&tables.map(|table| table.to_string()).join("\n"));
    findings.notes.iter().for_each(|note| printer.data(&format!("\nnote: {note}")));
    findings.problems.iter().for_each(|problem| printer.data(&format!("\n{}", told(problem))));
    if findings.problems.is_empty() {
        printer.status("nothing is missing");
    }
}

/// Returns what is known, or a dash.
fn known(text: Option<impl Into<String>>) -> String {
    text.map_or_else(|| "-".to_owned(), Into::into)
}

fn programs(programs: &[Program]) -> Table {
    let mut table = Table::new([Column::left("program"), Column::left("version"), Column::left("file")]);
    for program in programs {
        let file = program.file.as_ref().map(|file| file.display().to_string());
        table.row([program.program.clone(), known(program.version.as_deref()), known(file)]);
    }
    table
}

fn libraries(libraries: &[Library]) -> Table {
    let headers = ["library", "built against", "version", "found by", "file"];
    let mut table = Table::new(headers.map(Column::left));
    for library in libraries {
        let cuda = if library.has_cuda == Some(true) { ", with CUDA" } else { "" };
        let version = library.version.as_ref().map(|version| format!("{version}{cuda}"));
        let file = library.file.as_ref().map(|file| file.display().to_string());
        table.row([
            library.library.to_owned(),
            library.built_against.to_owned(),
            known(version),
            known(library.found_by.as_deref()),
            known(file),
        ]);
    }
    table
}

fn machine(version: &str, installation: &str, machine: &Machine) -> Table {
    let mut table = Table::new([Column::left("machine"), Column::left("")]);
    table.row(["cliptune".to_owned(), format!("{version} ({installation})")]);
    table.row(["processor".to_owned(), known(machine.processor.as_deref())]);
    table.row(["features".to_owned(), machine.features.join(" ")]);
    table.row(["threads".to_owned(), known(machine.threads.map(|threads| threads.to_string()))]);
    table.row(["memory".to_owned(), known(machine.memory.map(format::bytes))]);
    table.row(["NVIDIA driver".to_owned(), known(machine.nvidia_driver.as_deref())]);
    if !machine.gpus.is_empty() {
        table.row(["GPUs".to_owned(), machine.gpus.join(", ")]);
    }
    table
}

fn folders(folders: &[Folder]) -> Table {
    let mut table = Table::new([Column::left("folder for"), Column::right("free"), Column::left("path")]);
    for folder in folders {
        let path = folder.path.as_ref().map(|path| path.display().to_string()).or(folder.unknown.clone());
        let path = match folder.exists || folder.path.is_none() {
            true => known(path),
            false => format!("{} (not there yet)", known(path)),
        };
        table.row([folder.holds.to_owned(), known(folder.free.map(format::bytes)), path]);
    }
    table
}

/// Says what is wrong, and on a line of its own what mends it.
fn told(problem: &Problem) -> String {
    let whose = problem.tool.map_or_else(|| "cliptune".to_owned(), Tool::program);
    let mend = problem.mend.iter().map(|mend| format!("\n  {mend}"));
    format!("problem: {whose}: {}{}", problem.problem, mend.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_comes_with_what_mends_it() {
        let problem =
            Problem::new(Some(Tool::Train), "libx.so is missing".to_owned(), "`brings it`".to_owned());
        assert_eq!(told(&problem), "problem: cliptune-train: libx.so is missing\n  `brings it`");
        let problem = Problem { tool: None, mend: None, ..problem };
        assert_eq!(told(&problem), "problem: cliptune: libx.so is missing");
    }
}
