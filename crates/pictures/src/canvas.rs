//! Draws pictures on a terminal.

use crate::error::PictureError;
use crate::graphics::Graphics;
use crate::picture::Picture;
use crate::screen::Screen;
use crate::{blocks, iterm2, kitty, sixel};

/// The most columns and lines that a picture takes.
const MOST: [usize; 2] = [72, 24];

/// A terminal with what it can show.
#[derive(Clone, Copy, Debug)]
pub struct Canvas {
    /// How it shows pictures.
    pub graphics: Graphics,
    /// How large it is.
    pub screen: Screen,
}

impl Canvas {
    /// Returns the text that draws a picture on this terminal and ends in a new line.
    ///
    /// The picture is as wide as the terminal allows, but no larger than its own pixels.
    ///
    /// # Errors
    /// Fails when the picture cannot be encoded.
    pub fn draw(&self, picture: &Picture) -> Result<String, PictureError> {
        let cell = match self.graphics {
            Graphics::Blocks(_) => blocks::CELL,
            Graphics::Kitty | Graphics::Iterm2 | Graphics::Sixel => self.screen.cell,
        };
        // A picture that reaches the last column or line makes some terminals wrap or scroll.
        let columns = self.screen.columns.saturating_sub(1).min(MOST[0]);
        let rows = self.screen.rows.saturating_sub(2).min(MOST[1]);
        let (width, height) = picture.fitted(columns * cell[0], rows * cell[1]);
        let picture = picture.scaled(width, height);
        let cells = [width.div_ceil(cell[0]), height.div_ceil(cell[1])];
        match self.graphics {
            Graphics::Kitty => Ok(kitty::draw(&picture.png()?, cells)),
            Graphics::Iterm2 => Ok(iterm2::draw(&picture.png()?, cells)),
            Graphics::Sixel => Ok(sixel::draw(&picture)),
            Graphics::Blocks(colours) => Ok(blocks::draw(&picture, colours)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graphics::Colours;

    fn canvas(graphics: Graphics) -> Canvas {
        Canvas { graphics, screen: Screen { columns: 40, rows: 12, cell: [10, 20] } }
    }

    const ALL: [Graphics; 5] = [
        Graphics::Kitty,
        Graphics::Iterm2,
        Graphics::Sixel,
        Graphics::Blocks(Colours::True),
        Graphics::Blocks(Colours::Palette),
    ];

    #[test]
    fn the_smallest_and_the_widest_picture_can_be_drawn() {
        for (width, height) in [(1, 1), (60_000, 1), (1, 9_000), (2, 1)] {
            let picture = Picture::new(width, height, &vec![7; (3 * width * height) as usize]).unwrap();
            for graphics in ALL {
                let text = canvas(graphics).draw(&picture).unwrap();
                assert!(text.ends_with('\n') && text.len() < 20_000, "{width} × {height}, {graphics:?}");
            }
        }
    }

    #[test]
    fn a_picture_stays_within_the_terminal() {
        let picture = Picture::new(600, 450, &[9; 600 * 450 * 3]).unwrap();
        let blocks = canvas(Graphics::Blocks(Colours::True)).draw(&picture).unwrap();
        let lines: Vec<usize> = blocks.lines().map(|line| line.matches('▀').count()).collect();
        // 10 lines of two pixels each leave room for 27 × 20.
        assert_eq!(lines, [27; 10]);
        let kitty = canvas(Graphics::Kitty).draw(&picture).unwrap();
        assert!(kitty.contains("c=27,r=10"), "{kitty}");
    }

    #[test]
    fn a_small_picture_is_not_enlarged() {
        let picture = Picture::new(30, 20, &[9; 30 * 20 * 3]).unwrap();
        assert!(canvas(Graphics::Iterm2).draw(&picture).unwrap().contains("width=3;height=1"));
    }
}
