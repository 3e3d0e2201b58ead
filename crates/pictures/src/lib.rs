//! Shows pictures in a terminal: through the graphics protocol that the terminal has, or as blocks of characters.
//!
//! [`Mode`] is what the person asks for, [`Graphics::choose`] decides how pictures are shown, and [`Canvas::draw`]
//! returns a picture as the text to write to the terminal. Nothing is asked of the terminal itself: an answer that
//! arrives late would end up in the next command line.

mod blocks;
mod canvas;
mod error;
mod graphics;
mod iterm2;
mod kitty;
mod palette;
mod picture;
mod screen;
mod sixel;

pub use canvas::Canvas;
pub use error::PictureError;
pub use graphics::{Colours, Graphics, Mode};
pub use picture::Picture;
pub use screen::Screen;
