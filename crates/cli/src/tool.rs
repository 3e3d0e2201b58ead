//! The four tools that are separate programs.

use std::ffi::OsString;
use std::fmt;

use clap::Parser;
use cliptune_launcher::Launch;
use cliptune_terminal::{CommonArgs, Exit};

use crate::error::CliError;
use crate::sibling;

/// A tool that is a separate program. Two of them link native libraries that cannot be loaded into one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Tool {
    /// `cliptune-ingest`.
    Ingest,
    /// `cliptune-train`.
    Train,
    /// `cliptune-score`.
    Score,
    /// `cliptune-report`.
    Report,
}

impl Tool {
    /// Returns the name of the tool's command and of its step in a pipeline.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Train => "train",
            Self::Score => "score",
            Self::Report => "report",
        }
    }

    /// Returns the name of the tool's program, which is also the name of its package.
    pub fn program(self) -> String {
        format!("cliptune-{}", self.as_str())
    }
}

impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a tool is given: everything that follows its name.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Experiment files or folders, and the tool's own flags; --help explains them
    #[arg(value_name = "EXPERIMENT", trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

impl Args {
    /// Checks whether the tool is only to say what it is. That works whatever is wrong with the machine.
    fn asks_for_words(&self) -> bool {
        let mut options = self.arguments.iter().take_while(|argument| *argument != "--");
        options.any(|option| {
            option.to_str().is_some_and(|option| ["--help", "-h", "--version", "-V"].contains(&option))
        })
    }
}

/// Runs a tool in place of this command.
pub(crate) fn run(tool: Tool, args: &Args, common: &CommonArgs) -> Result<Exit, CliError> {
    let mut command = match args.asks_for_words() {
        true => sibling::bare(tool)?,
        false => sibling::command(tool)?,
    };
    command.args(given(common)).args(&args.arguments);
    // A launcher that ends its processes has to reach the one that trains: behind this one it would live on.
    if matches!(Launch::of_this_process(), Ok(Launch::Among(_))) {
        return Err(sibling::take_place(command));
    }
    sibling::wait(tool, command)
}

/// Returns the common flags that came before the tool's own arguments. Others must not be added: the tool's arguments
/// may contain them already, and a flag may be given only once.
fn given(common: &CommonArgs) -> impl Iterator<Item = OsString> {
    #[derive(Parser)]
    struct Nothing {
        #[command(flatten)]
        common: CommonArgs,
    }
    let default = Nothing::parse_from(["cliptune"]).common.forward();
    common.forward().into_iter().filter(move |argument| !default.contains(argument))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::{Cli, Command};

    fn forwarded(line: &str) -> Vec<String> {
        let cli = Cli::try_parse_from(line.split(' ')).expect("the line is right");
        let Command::Train(args) = &cli.command else { panic!("{line} is no training") };
        let all = given(&cli.common).chain(args.arguments.iter().cloned());
        all.map(|argument| argument.into_string().expect("UTF-8")).collect()
    }

    #[test]
    fn flags_reach_the_tool_once_wherever_they_stand() {
        let expected = ["--store=other", "demo.yaml"];
        assert_eq!(forwarded("cliptune --store other train demo.yaml"), expected);
        assert_eq!(forwarded("cliptune train --store other demo.yaml"), expected);
        assert_eq!(forwarded("cliptune train demo.yaml --store other"), ["demo.yaml", "--store", "other"]);
        assert_eq!(
            forwarded("cliptune -q train a.yaml --set a.b=1"),
            ["--quiet", "a.yaml", "--set", "a.b=1"]
        );
    }

    #[test]
    fn flags_that_only_the_tool_knows_reach_it() {
        assert_eq!(forwarded("cliptune train --help"), ["--help"]);
        assert_eq!(forwarded("cliptune train --threads 2 a.yaml"), ["--threads", "2", "a.yaml"]);
    }
}
