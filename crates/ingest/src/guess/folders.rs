//! Folders as classes, where no table says anything of images.

use std::collections::BTreeSet;

use super::roles::meaning;

/// How many images there are for each class at least, on average. Folders of fewer are more likely something else.
const IMAGES: usize = 3;

/// What the path of an image says.
struct Placed<'p> {
    path: &'p str,
    class: &'p str,
    /// The name of its split, where the topmost folders are splits.
    split: Option<&'p str>,
}

/// Returns the table that says of each image which folder it lies in, as CSV, or `None` where folders do not look like classes. In
/// `train/cat/1.png`, the class is `cat` if all topmost folders are called as splits are.
pub(super) fn table<'p>(paths: impl Iterator<Item = &'p str> + Clone) -> Option<String> {
    let has_splits =
        paths.clone().all(|path| path.split_once('/').is_some_and(|(top, _)| meaning(top).is_some()));
    let placed: Vec<Placed<'_>> = paths.map(|path| placed(path, has_splits)).collect::<Option<_>>()?;
    let classes: BTreeSet<&str> = placed.iter().map(|image| image.class).collect();
    let is_likely = classes.len() > 1 && IMAGES * classes.len() <= placed.len();
    is_likely.then(|| {
        let header = if has_splits { "file,class,split\n" } else { "file,class\n" };
        header.to_owned() + &placed.iter().map(line).collect::<String>()
    })
}

fn placed(path: &str, has_splits: bool) -> Option<Placed<'_>> {
    let (split, below) = match has_splits {
        true => path.split_once('/').map(|(split, below)| (Some(split), below))?,
        false => (None, path),
    };
    let (class, _) = below.split_once('/')?;
    Some(Placed { path, class, split })
}

fn line(image: &Placed<'_>) -> String {
    let values = [image.path, image.class].into_iter().chain(image.split);
    values.map(quoted).collect::<Vec<_>>().join(",") + "\n"
}

/// Writes a value of CSV so that it stays what it is.
fn quoted(value: &str) -> String {
    let is_plain = value.chars().all(|letter| letter.is_ascii_alphanumeric() || "_-./ ".contains(letter));
    if is_plain { value.to_owned() } else { format!("\"{}\"", value.replace('"', "\"\"")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(paths: &[&str]) -> Option<String> {
        table(paths.iter().copied())
    }

    #[test]
    fn folders_of_several_images_are_classes() {
        let paths = ["cat/1.png", "cat/2.png", "cat/3.png", "dog/1.png", "dog/2.png", "dog/a, b/\"3\".png"];
        assert_eq!(
            of(&paths).unwrap(),
            "file,class\ncat/1.png,cat\ncat/2.png,cat\ncat/3.png,cat\ndog/1.png,dog\ndog/2.png,dog\n\
             \"dog/a, b/\"\"3\"\".png\",dog\n"
        );
    }

    #[test]
    fn topmost_folders_that_are_called_so_are_splits() {
        let paths = [
            "train/cat/1.png",
            "train/cat/2.png",
            "train/dog/1.png",
            "val/dog/2.png",
            "test/cat/3.png",
            "test/dog/3.png",
        ];
        let text = of(&paths).unwrap();
        assert!(text.starts_with("file,class,split\ntrain/cat/1.png,cat,train\n"), "{text}");
        assert!(text.ends_with("test/dog/3.png,dog,test\n"), "{text}");
    }

    #[test]
    fn what_does_not_look_like_classes_is_no_table() {
        assert_eq!(of(&[]), None);
        // One folder, images without any, and a folder for each image.
        assert_eq!(of(&["a/1.png", "a/2.png", "a/3.png"]), None);
        assert_eq!(of(&["a/1.png", "a/2.png", "a/3.png", "b/1.png", "b/2.png", "3.png"]), None);
        assert_eq!(of(&["a/1.png", "b/1.png", "c/1.png"]), None);
        // Splits alone say nothing of what is to be seen.
        assert_eq!(
            of(&["train/1.png", "train/2.png", "train/3.png", "test/1.png", "test/2.png", "test/3.png"]),
            None
        );
    }
}
