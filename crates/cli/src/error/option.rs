//! Options that do not go with the rest of a command line, or with where its output goes.

use cliptune_terminal::{Diagnostic, Exit};

/// An option does not go with the rest of the command line, or with where its output goes.
#[derive(Debug, thiserror::Error)]
pub enum OptionError {
    /// An option has no meaning with the others.
    #[error("{option} is for {of} alone")]
    OnlyFor {
        /// The option.
        option: &'static str,
        /// What it is for.
        of: &'static str,
    },
    /// An option was given that says something about experiment files, without any.
    #[error("{option} is about experiment files, and none is given")]
    NeedsFiles {
        /// The option.
        option: &'static str,
    },
    /// A layout is that of one model.
    #[error("a layout is of one model, and {count} are named")]
    OneModel {
        /// The number of names.
        count: usize,
    },
    /// A page was asked for on a terminal.
    #[error("a page is for a browser, and standard output is a terminal")]
    PageOnTerminal {
        /// The command, without the option that asks for the page.
        command: &'static str,
    },
    /// A page of items was asked for, and no run says which dataset holds them.
    #[error("a page shows the images of a run's dataset, and no run is named")]
    PageWithoutRun,
    /// A page was asked for of rejects without a reason.
    #[error("a page shows what was rejected for one reason")]
    PageWithoutReason,
    /// Questions were asked for, and nobody can answer them.
    #[error("--interactive asks in a terminal, and nobody can answer there")]
    NobodyToAsk,
}

impl Diagnostic for OptionError {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::OnlyFor { .. } | Self::NeedsFiles { .. } => return None,
            Self::OneModel { .. } => "name one run, or export several with --as".to_owned(),
            Self::PageOnTerminal { command } => format!("write it to a file: `{command} --html > page.html`"),
            Self::PageWithoutRun => "name an experiment or a run beside the predictions".to_owned(),
            Self::PageWithoutReason => "name the reason; --rejects without --html lists them".to_owned(),
            Self::NobodyToAsk => {
                "without --interactive, the likeliest is taken, and what else is plausible is in the file"
                    .to_owned()
            }
        };
        Some(hint)
    }

    fn exit(&self) -> Exit {
        Exit::Usage
    }
}
