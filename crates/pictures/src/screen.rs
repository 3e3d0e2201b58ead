//! The size of the terminal.

use std::io::stdout;

/// The size of a character where the terminal does not say it, in pixels.
const USUAL_CELL: [usize; 2] = [10, 20];

/// The size of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Screen {
    /// The number of characters in a line.
    pub columns: usize,
    /// The number of lines.
    pub rows: usize,
    /// The width and height of a character in pixels.
    pub cell: [usize; 2],
}

impl Screen {
    /// Returns the size of the terminal that stdout goes to, or `None` if it goes elsewhere.
    pub fn of_stdout() -> Option<Self> {
        let size = rustix::termios::tcgetwinsize(stdout()).ok()?;
        let [columns, rows, width, height] =
            [size.ws_col, size.ws_row, size.ws_xpixel, size.ws_ypixel].map(usize::from);
        Some(Self::measured([columns, rows], [width, height]))
    }

    /// Returns the size of a terminal with this many characters and pixels. Where it says 0, it is one as usual.
    fn measured([columns, rows]: [usize; 2], [width, height]: [usize; 2]) -> Self {
        let (columns, rows) = if columns == 0 || rows == 0 { (80, 24) } else { (columns, rows) };
        let cell = match [width / columns, height / rows] {
            [0, _] | [_, 0] => USUAL_CELL,
            cell => cell,
        };
        Self { columns, rows, cell }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_does_not_say_is_as_usual() {
        let screen = |columns, rows, cell| Screen { columns, rows, cell };
        assert_eq!(Screen::measured([120, 40], [1_080, 720]), screen(120, 40, [9, 18]));
        assert_eq!(Screen::measured([120, 40], [0, 0]), screen(120, 40, USUAL_CELL));
        assert_eq!(Screen::measured([0, 0], [0, 0]), screen(80, 24, USUAL_CELL));
    }
}
