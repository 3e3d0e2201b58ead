//! The flags that every tool has.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::printer::Printer;

/// The environment variable that names the store when `--store` does not.
pub const STORE_VARIABLE: &str = "CLIPTUNE_STORE";

/// The heading of these flags in `--help`. Given for each flag, because a heading for the struct would also take in the
/// flags that follow it.
const HEADING: &str = "Options of every tool";

/// The flags that every tool has; flatten them into its arguments with `#[command(flatten)]`.
#[derive(clap::Args, Clone, Debug)]
pub struct CommonArgs {
    /// Where datasets and runs are kept
    #[arg(long, global = true, help_heading = HEADING, value_name = "DIR", default_value = "runs")]
    #[arg(env = STORE_VARIABLE, hide_env_values = true)]
    pub store: PathBuf,

    /// Override a setting of the experiment, such as train.epochs=1 (repeatable)
    #[arg(long, global = true, help_heading = HEADING, value_name = "KEY=VALUE", value_parser = setting)]
    pub set: Vec<String>,

    /// Take remote data from the cache alone, as CLIPTUNE_OFFLINE=1 does
    #[arg(long, global = true, help_heading = HEADING)]
    pub offline: bool,

    /// Write the result to standard output as JSON
    #[arg(long, global = true, help_heading = HEADING)]
    pub json: bool,

    /// Say nothing but warnings and errors
    #[arg(long, short, global = true, help_heading = HEADING)]
    pub quiet: bool,
}

impl CommonArgs {
    /// Returns the printer these flags ask for.
    pub fn printer(&self) -> Printer {
        Printer::new(self.quiet, self.json)
    }

    /// Returns the same flags as arguments for a sibling tool.
    pub fn forward(&self) -> Vec<OsString> {
        // One argument each (`--store=DIR`), so that a value starting with a dash stays a value.
        let mut store = OsString::from("--store=");
        store.push(&self.store);
        let settings = self.set.iter().map(|setting| OsString::from(format!("--set={setting}")));
        let switches = [("--offline", self.offline), ("--json", self.json), ("--quiet", self.quiet)];
        let switches = switches.into_iter().filter(|(_, on)| *on).map(|(flag, _)| OsString::from(flag));
        std::iter::once(store).chain(settings).chain(switches).collect()
    }
}

/// Accepts a whole number that is not zero.
///
/// # Errors
/// Returns what was expected.
pub fn positive<N: TryFrom<u64>>(written: &str) -> Result<N, String> {
    at_least(1, written)
}

/// Accepts a whole number, zero included.
///
/// # Errors
/// Returns what was expected.
pub fn whole<N: TryFrom<u64>>(written: &str) -> Result<N, String> {
    at_least(0, written)
}

fn at_least<N: TryFrom<u64>>(least: u64, written: &str) -> Result<N, String> {
    let number = written.trim().parse::<u64>().ok().filter(|number| *number >= least);
    let number = number.and_then(|number| N::try_from(number).ok());
    number.ok_or_else(|| format!("expected a whole number, {least} or more"))
}

/// Accepts `key=value`; what key and value mean is for the experiment to judge.
fn setting(text: &str) -> Result<String, String> {
    match text.split_once('=') {
        Some((key, _)) if !key.trim().is_empty() => Ok(text.to_owned()),
        _ => Err("write it as KEY=VALUE, for example train.epochs=1".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    /// Demonstrate the common flags
    #[derive(clap::Parser)]
    #[command(name = "cliptune-demo")]
    struct Demo {
        #[command(flatten)]
        common: CommonArgs,
        /// Do it again
        #[arg(long)]
        again: bool,
    }

    fn parse(arguments: &[&str]) -> Result<CommonArgs, clap::Error> {
        Demo::try_parse_from(std::iter::once(&"cliptune-demo").chain(arguments)).map(|demo| demo.common)
    }

    #[test]
    fn what_is_forwarded_parses_to_the_same_flags() {
        let arguments =
            ["--store", "my runs", "--set", "a.b=1", "--set=c=[-1, 2]", "--offline", "--json", "-q"];
        let common = parse(&arguments).expect("the flags are right");
        let forwarded = common.forward();
        insta::assert_debug_snapshot!(forwarded, @r#"
        [
            "--store=my runs",
            "--set=a.b=1",
            "--set=c=[-1, 2]",
            "--offline",
            "--json",
            "--quiet",
        ]
        "#);
        let again = Demo::try_parse_from(std::iter::once(OsString::from("demo")).chain(forwarded));
        assert_eq!(format!("{:?}", again.expect("a sibling takes them").common), format!("{common:?}"));
    }

    #[test]
    fn a_setting_needs_a_key_and_a_value() {
        for wrong in ["epochs", "=1", " =1", ""] {
            assert!(parse(&["--set", wrong]).is_err(), "{wrong}");
        }
        let error = parse(&["--set", "epochs"]).expect_err("there is no value").to_string();
        insta::assert_snapshot!(error, @r"
        error: invalid value 'epochs' for '--set <KEY=VALUE>': write it as KEY=VALUE, for example train.epochs=1

        For more information, try '--help'.
        ");
    }

    #[test]
    fn help() {
        use clap::CommandFactory;
        insta::assert_snapshot!(Demo::command().term_width(100).render_help(), @r"
        Demonstrate the common flags

        Usage: cliptune-demo [OPTIONS]

        Options:
              --again  Do it again
          -h, --help   Print help

        Options of every tool:
              --store <DIR>      Where datasets and runs are kept [env: CLIPTUNE_STORE] [default: runs]
              --set <KEY=VALUE>  Override a setting of the experiment, such as train.epochs=1 (repeatable)
              --offline          Take remote data from the cache alone, as CLIPTUNE_OFFLINE=1 does
              --json             Write the result to standard output as JSON
          -q, --quiet            Say nothing but warnings and errors
        ");
    }
}
