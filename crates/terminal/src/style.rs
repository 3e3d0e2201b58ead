//! The few colours that cliptune uses. Nothing depends on colour alone: every message also says in words what it is.

use anstyle::{AnsiColor, Style};
use clap::builder::Styles;

/// The style of `error:` in front of a message.
pub(crate) const ERROR: Style = AnsiColor::Red.on_default().bold();
/// The style of `warning:` in front of a message.
pub(crate) const WARNING: Style = AnsiColor::Yellow.on_default().bold();
/// The style of `hint:` in front of a piece of advice.
pub(crate) const HINT: Style = AnsiColor::Cyan.on_default().bold();

/// The colours of every tool's `--help`: `#[command(styles = cliptune_terminal::STYLES)]`.
pub const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default())
    .error(ERROR)
    .valid(AnsiColor::Cyan.on_default().bold())
    .invalid(WARNING);

/// Returns the label in the given style, followed by a colon.
pub(crate) fn label(style: Style, text: &str) -> String {
    format!("{style}{text}:{style:#}")
}
