//! Pictures of characters: each is two pixels, one above the other.

use crate::graphics::Colours;
use crate::picture::Picture;

/// The pixels of one character.
pub(crate) const CELL: [usize; 2] = [1, 2];

/// The levels of the colour cube among xterm's 256 colours.
const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// Returns the lines that draw a picture. A colour is only named where it changes.
pub(crate) fn draw(picture: &Picture, colours: Colours) -> String {
    let rows: Vec<&[[u8; 3]]> = picture.rows().collect();
    let mut text = String::new();
    for pair in rows.chunks(2) {
        let mut drawn = None;
        for (column, upper) in pair[0].iter().enumerate() {
            let lower = pair.get(1).map(|row| row[column]);
            let colour = (colours.code(*upper), lower.map(|lower| colours.code(lower)));
            if drawn.as_ref() != Some(&colour) {
                let (upper, lower) = &colour;
                let below = lower.as_ref().map(|lower| format!(";48;{lower}")).unwrap_or_default();
                text.push_str(&format!("\u{1b}[38;{upper}{below}m"));
                drawn = Some(colour);
            }
            text.push('▀');
        }
        text.push_str("\u{1b}[0m\n");
    }
    text
}

impl Colours {
    /// Returns a colour as it stands in an escape sequence.
    fn code(self, [red, green, blue]: [u8; 3]) -> String {
        match self {
            Self::True => format!("2;{red};{green};{blue}"),
            Self::Palette => format!("5;{}", nearest([red, green, blue])),
        }
    }
}

/// Returns the number of the colour among xterm's 256 that is nearest: one of the cube or one of the greys.
fn nearest(colour: [u8; 3]) -> u8 {
    let level = |value: u8| (0..6_u8).min_by_key(|at| LEVELS[usize::from(*at)].abs_diff(value)).unwrap_or(0);
    let steps = colour.map(level);
    let cube = (16 + 36 * steps[0] + 6 * steps[1] + steps[2], steps.map(|step| LEVELS[usize::from(step)]));
    let mean = colour.iter().map(|value| u32::from(*value)).sum::<u32>() / 3;
    let step = (mean.saturating_sub(3) / 10).min(23) as u8;
    let grey = (232 + step, [8 + 10 * step; 3]);
    let distance = |other: [u8; 3]| -> u32 {
        other.iter().zip(colour).map(|(other, own)| u32::from(other.abs_diff(own)).pow(2)).sum()
    };
    if distance(grey.1) < distance(cube.1) { grey.0 } else { cube.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_rows_of_pixels_are_a_line_and_an_odd_one_has_nothing_below() {
        let picture =
            Picture::new(2, 3, &[255, 0, 0, 255, 0, 0, 0, 0, 255, 0, 0, 255, 1, 2, 3, 4, 5, 6]).unwrap();
        let text = draw(&picture, Colours::True).replace('\u{1b}', "ESC");
        insta::assert_snapshot!(text, @r"
        ESC[38;2;255;0;0;48;2;0;0;255m▀▀ESC[0m
        ESC[38;2;1;2;3m▀ESC[38;2;4;5;6m▀ESC[0m
        ");
    }

    #[test]
    fn without_24_bits_a_colour_is_the_nearest_of_256() {
        // The numbers are those of xterm's table: 16 black, 231 white, 196 red, 244 the grey 128, 67 steel blue.
        for (colour, expected) in [
            ([0, 0, 0], 16),
            ([255, 255, 255], 231),
            ([255, 0, 0], 196),
            ([128, 128, 128], 244),
            ([95, 135, 175], 67),
            ([10, 9, 8], 232),
        ] {
            assert_eq!(nearest(colour), expected, "{colour:?}");
        }
    }
}
