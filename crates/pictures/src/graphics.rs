//! How a terminal shows pictures, as its environment variables tell.

/// How the person wants pictures to be shown.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// What the terminal has, as its environment variables tell
    #[default]
    Auto,
    /// The protocol of kitty, which Ghostty has, too
    Kitty,
    /// The protocol of iTerm2, which WezTerm has, too
    Iterm2,
    /// Sixel graphics, of foot and Konsole among others
    Sixel,
    /// Half blocks of characters, in any terminal with colours
    Blocks,
    /// No pictures
    None,
}

/// How pictures are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Graphics {
    /// The graphics protocol of kitty.
    Kitty,
    /// The inline images of iTerm2.
    Iterm2,
    /// Sixel graphics.
    Sixel,
    /// Half blocks of characters.
    Blocks(Colours),
}

/// The colours that characters can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colours {
    /// All colours of 24 bits.
    True,
    /// The 256 colours of xterm.
    Palette,
}

/// The names in `TERM` by which terminals with graphics begin.
const TERMS: [(&str, Graphics); 7] = [
    ("xterm-kitty", Graphics::Kitty),
    ("xterm-ghostty", Graphics::Kitty),
    ("ghostty", Graphics::Kitty),
    ("wezterm", Graphics::Iterm2),
    ("foot", Graphics::Sixel),
    ("mlterm", Graphics::Sixel),
    ("contour", Graphics::Sixel),
];

/// The names in `TERM_PROGRAM` of terminals with graphics.
const PROGRAMS: [(&str, Graphics); 6] = [
    ("kitty", Graphics::Kitty),
    ("ghostty", Graphics::Kitty),
    ("iTerm.app", Graphics::Iterm2),
    ("WezTerm", Graphics::Iterm2),
    ("mintty", Graphics::Iterm2),
    ("contour", Graphics::Sixel),
];

/// The first version of Konsole with sixel graphics, as `KONSOLE_VERSION` counts.
const KONSOLE: u32 = 220_400;

impl Graphics {
    /// Returns how pictures are shown in the terminal with these environment variables, or `None` if they are not.
    ///
    /// Whatever the person asks for by name is used. Otherwise there are no pictures where `NO_COLOR` is set, and only
    /// blocks within tmux and screen, which pass on nothing else unless they are told to.
    pub fn choose(mode: Mode, variable: &dyn Fn(&str) -> Option<String>) -> Option<Self> {
        match mode {
            Mode::Kitty => Some(Self::Kitty),
            Mode::Iterm2 => Some(Self::Iterm2),
            Mode::Sixel => Some(Self::Sixel),
            Mode::Blocks => Some(Self::Blocks(colours(variable))),
            Mode::None => None,
            Mode::Auto => detected(variable),
        }
    }
}

fn detected(variable: &dyn Fn(&str) -> Option<String>) -> Option<Graphics> {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    let term = set("TERM").filter(|term| term != "dumb")?;
    if set("NO_COLOR").is_some() {
        return None;
    }
    let blocks = Graphics::Blocks(colours(variable));
    let is_wrapped = ["TMUX", "STY", "ZELLIJ"].into_iter().any(|name| set(name).is_some());
    if is_wrapped || term.starts_with("screen") || term.starts_with("tmux") {
        return Some(blocks);
    }
    if let Some((_, graphics)) = TERMS.iter().find(|(name, _)| term.starts_with(name)) {
        return Some(*graphics);
    }
    // A terminal that names itself is that one, whatever it inherited from the terminal that it was started in.
    if let Some(program) = set("TERM_PROGRAM") {
        let known = PROGRAMS.iter().find(|(name, _)| *name == program);
        return Some(known.map_or(blocks, |(_, graphics)| *graphics));
    }
    let is_konsole = set("KONSOLE_VERSION")
        .and_then(|version| version.parse().ok())
        .is_some_and(|own: u32| own >= KONSOLE);
    let inherited = [
        (set("KITTY_WINDOW_ID").is_some(), Graphics::Kitty),
        (set("LC_TERMINAL").is_some_and(|terminal| terminal == "iTerm2"), Graphics::Iterm2),
        (set("WEZTERM_PANE").is_some() || set("WEZTERM_EXECUTABLE").is_some(), Graphics::Iterm2),
        (is_konsole, Graphics::Sixel),
    ];
    Some(inherited.into_iter().find(|(is, _)| *is).map_or(blocks, |(_, graphics)| graphics))
}

fn colours(variable: &dyn Fn(&str) -> Option<String>) -> Colours {
    let says = |name: &str, words: [&str; 2]| {
        variable(name).is_some_and(|value| words.iter().any(|word| value.contains(word)))
    };
    match says("COLORTERM", ["truecolor", "24bit"]) || says("TERM", ["direct", "kitty"]) {
        true => Colours::True,
        false => Colours::Palette,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(mode: Mode, variables: &str) -> Option<Graphics> {
        let variables: Vec<(&str, &str)> =
            variables.split_whitespace().filter_map(|variable| variable.split_once('=')).collect();
        Graphics::choose(mode, &|name| {
            variables.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn a_terminal_is_known_by_its_environment() {
        let (palette, all) = (Graphics::Blocks(Colours::Palette), Graphics::Blocks(Colours::True));
        for (variables, expected) in [
            ("TERM=xterm-kitty", Graphics::Kitty),
            ("TERM=xterm-256color KITTY_WINDOW_ID=1", Graphics::Kitty),
            ("TERM=xterm-ghostty TERM_PROGRAM=ghostty", Graphics::Kitty),
            ("TERM=xterm-256color TERM_PROGRAM=iTerm.app", Graphics::Iterm2),
            ("TERM=xterm-256color LC_TERMINAL=iTerm2", Graphics::Iterm2),
            ("TERM=xterm-256color TERM_PROGRAM=WezTerm COLORTERM=truecolor", Graphics::Iterm2),
            ("TERM=xterm-256color WEZTERM_PANE=0", Graphics::Iterm2),
            ("TERM=foot-extra", Graphics::Sixel),
            ("TERM=xterm-256color KONSOLE_VERSION=230805", Graphics::Sixel),
            ("TERM=xterm-256color KONSOLE_VERSION=210400", palette),
            ("TERM=xterm-256color", palette),
            ("TERM=xterm-256color COLORTERM=", palette),
            ("TERM=xterm-256color COLORTERM=truecolor", all),
            ("TERM=xterm-direct", all),
            ("TERM=linux", palette),
        ] {
            assert_eq!(chosen(Mode::Auto, variables), Some(expected), "{variables}");
        }
    }

    #[test]
    fn a_terminal_within_another_is_the_inner_one() {
        let inner = "TERM=xterm-256color TERM_PROGRAM=vscode KITTY_WINDOW_ID=1 COLORTERM=truecolor";
        assert_eq!(chosen(Mode::Auto, inner), Some(Graphics::Blocks(Colours::True)));
        for wrapped in ["TMUX=/tmp/tmux-1000/default,1,0", "STY=1.pts-0", "ZELLIJ=0"] {
            let variables = format!("TERM=xterm-kitty KITTY_WINDOW_ID=1 COLORTERM=24bit {wrapped}");
            assert_eq!(chosen(Mode::Auto, &variables), Some(Graphics::Blocks(Colours::True)), "{wrapped}");
        }
        assert_eq!(
            chosen(Mode::Auto, "TERM=screen-256color KITTY_WINDOW_ID=1"),
            Some(Graphics::Blocks(Colours::Palette))
        );
    }

    #[test]
    fn there_are_no_pictures_without_colour_unless_they_are_asked_for() {
        for variables in ["TERM=xterm-kitty NO_COLOR=1", "TERM=dumb", "TERM=", "COLORTERM=truecolor"] {
            assert_eq!(chosen(Mode::Auto, variables), None, "{variables}");
            assert_eq!(chosen(Mode::Sixel, variables), Some(Graphics::Sixel), "{variables}");
        }
        assert_eq!(chosen(Mode::None, "TERM=xterm-kitty"), None);
        assert_eq!(chosen(Mode::Blocks, "TERM=xterm-kitty"), Some(Graphics::Blocks(Colours::True)));
        assert_eq!(chosen(Mode::Auto, "TERM=xterm-kitty NO_COLOR="), Some(Graphics::Kitty));
    }
}
