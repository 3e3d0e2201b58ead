//! Sixel graphics: <https://vt100.net/docs/vt3xx-gp/chapter14.html>.

use crate::palette::Palette;
use crate::picture::Picture;

/// The number of rows of pixels that one letter stands for.
const BAND: usize = 6;

/// The shortest run of equal letters that is written as a count.
const RUN: usize = 4;

/// Returns the sequence that draws a picture with up to 256 colours.
pub(crate) fn draw(picture: &Picture) -> String {
    let palette = Palette::of(picture.pixels());
    let mut text = format!("\u{1b}P0;1;0q\"1;1;{};{}", picture.width(), picture.height());
    for (number, colour) in palette.colours.iter().enumerate() {
        let [red, green, blue] = colour.map(|value| (u32::from(value) * 100 + 127) / 255);
        text.push_str(&format!("#{number};2;{red};{green};{blue}"));
    }
    for band in palette.indices.chunks(picture.width() * BAND) {
        draw_band(band, picture.width(), &mut text);
        text.push('-');
    }
    text + "\u{1b}\\\n"
}

/// Writes six rows, one colour after the other.
fn draw_band(indices: &[u8], width: usize, text: &mut String) {
    let mut is_used = [false; 256];
    indices.iter().for_each(|index| is_used[usize::from(*index)] = true);
    let used = (0..=255_u8).filter(|colour| is_used[usize::from(*colour)]);
    for (at, colour) in used.enumerate() {
        if at > 0 {
            text.push('$');
        }
        text.push_str(&format!("#{colour}"));
        let letters = (0..width).map(|column| letter(indices, width, column, colour));
        push_runs(letters, text);
    }
}

/// Returns the letter for a column of six pixels, which has a bit for each pixel of the colour, the lowest at the top.
fn letter(indices: &[u8], width: usize, column: usize, colour: u8) -> char {
    let pixels = indices.iter().skip(column).step_by(width);
    let bits = pixels.enumerate().map(|(row, index)| u8::from(*index == colour) << row).sum::<u8>();
    char::from(b'?' + bits)
}

fn push_runs(letters: impl Iterator<Item = char>, text: &mut String) {
    let mut letters = letters.peekable();
    while let Some(letter) = letters.next() {
        let mut count = 1;
        while letters.next_if_eq(&letter).is_some() {
            count += 1;
        }
        match count < RUN {
            true => text.extend(std::iter::repeat_n(letter, count)),
            false => text.push_str(&format!("!{count}{letter}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_drawn_colour_by_colour_in_bands_of_six_rows() {
        // Seven rows of five pixels: the upper left one is white, the rest black.
        let mut rgb = [0; 7 * 5 * 3];
        rgb[..3].fill(255);
        let text = draw(&Picture::new(5, 7, &rgb).unwrap());
        let expected = "ESCP0;1;0q\"1;1;5;7#0;2;0;0;0#1;2;100;100;100#0}!4~$#1@!4?-#0!5@-ESC\\\n";
        assert_eq!(text.replace('\u{1b}', "ESC"), expected);
    }

    #[test]
    fn every_pixel_is_drawn_once() {
        let rgb: Vec<u8> = (0..20 * 15 * 3).map(|at| (at * 7 % 256) as u8).collect();
        let picture = Picture::new(20, 15, &rgb).unwrap();
        assert_eq!(decoded(&draw(&picture)), Palette::of(picture.pixels()).indices);
    }

    /// Returns the number of the colour of each pixel, as a terminal would draw them.
    fn decoded(text: &str) -> Vec<u8> {
        let body = text.split_once("#0;2;").unwrap().1.trim_end().trim_end_matches("\u{1b}\\");
        // The bands begin behind the last definition.
        let bands = body.rsplit_once(";2;").unwrap().1.split_once('#').unwrap().1;
        let mut pixels = vec![None; 20 * 15];
        for (band, lines) in bands.trim_end_matches('-').split('-').enumerate() {
            for line in lines.trim_start_matches('#').split("$#") {
                let digits = line.find(|letter: char| !letter.is_ascii_digit()).unwrap();
                let colour: u8 = line[..digits].parse().unwrap();
                for (column, bits) in letters(&line[digits..]).into_iter().enumerate() {
                    for row in (0..BAND).filter(|row| bits >> row & 1 == 1) {
                        let place = &mut pixels[(band * BAND + row) * 20 + column];
                        assert_eq!(place.replace(colour), None);
                    }
                }
            }
        }
        pixels.into_iter().map(Option::unwrap).collect()
    }

    fn letters(line: &str) -> Vec<u8> {
        let mut letters = Vec::new();
        let mut count = String::new();
        for letter in line.chars() {
            match letter {
                '!' => count.clear(),
                digit if digit.is_ascii_digit() => count.push(digit),
                letter => {
                    let times = if count.is_empty() { 1 } else { count.parse().unwrap() };
                    letters.extend(std::iter::repeat_n(letter as u8 - b'?', times));
                    count.clear();
                }
            }
        }
        letters
    }
}
