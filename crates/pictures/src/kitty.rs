//! The graphics protocol of kitty: <https://sw.kovidgoyal.net/kitty/graphics-protocol/>.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// The most base64 letters of one command, a multiple of 4 as the protocol demands.
const CHUNK: usize = 4096;

/// Returns the commands that send a PNG file and show it over some columns and lines. The terminal does not answer.
pub(crate) fn draw(png: &[u8], [columns, rows]: [usize; 2]) -> String {
    let letters = BASE64_STANDARD.encode(png);
    let mut text = String::new();
    let mut control = format!("a=T,f=100,q=2,c={columns},r={rows},");
    let mut rest = letters.as_str();
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(rest.len().min(CHUNK));
        let more = u8::from(!after.is_empty());
        text.push_str(&format!("\u{1b}_G{control}m={more};{chunk}\u{1b}\\"));
        control.clear();
        rest = after;
    }
    text + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_file_is_one_command() {
        assert_eq!(draw(b"png", [3, 2]), "\u{1b}_Ga=T,f=100,q=2,c=3,r=2,m=0;cG5n\u{1b}\\\n");
    }

    #[test]
    fn a_large_file_comes_in_chunks_that_add_up_to_it() {
        let file: Vec<u8> = (0..10_000_u32).map(|at| at as u8).collect();
        let text = draw(&file, [3, 2]);
        let commands: Vec<&str> = text.trim_end().split_terminator("\u{1b}\\").collect();
        let parts: Vec<(&str, &str)> =
            commands.iter().filter_map(|command| command.split_once(';')).collect();
        let controls: Vec<&str> = parts.iter().map(|(control, _)| *control).collect();
        assert_eq!(
            controls,
            ["\u{1b}_Ga=T,f=100,q=2,c=3,r=2,m=1", "\u{1b}_Gm=1", "\u{1b}_Gm=1", "\u{1b}_Gm=0"]
        );
        assert!(parts.iter().all(|(_, chunk)| chunk.len() <= CHUNK && chunk.len() % 4 == 0));
        let letters: String = parts.iter().map(|(_, chunk)| *chunk).collect();
        assert_eq!(BASE64_STANDARD.decode(letters).unwrap(), file);
    }
}
