//! The inline images of iTerm2: <https://iterm2.com/documentation-images.html>.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// Returns the command that shows a PNG file over some columns and lines.
pub(crate) fn draw(png: &[u8], [columns, rows]: [usize; 2]) -> String {
    format!(
        "\u{1b}]1337;File=inline=1;size={};width={columns};height={rows};preserveAspectRatio=1:{}\u{7}\n",
        png.len(),
        BASE64_STANDARD.encode(png)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_has_the_size_of_the_file_and_of_the_room() {
        let expected = "\u{1b}]1337;File=inline=1;size=3;width=4;height=2;preserveAspectRatio=1:cG5n\u{7}\n";
        assert_eq!(draw(b"png", [4, 2]), expected);
    }
}
