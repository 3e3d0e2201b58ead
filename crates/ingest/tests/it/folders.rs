//! Several folders of images, in which files may have the same paths.

use cliptune_experiment::{DataPlan, ImageKey, SplitBy};
use cliptune_terminal::Diagnostic as _;

use crate::support::{Made, Sources, shares};

/// Two folders with the same file names, and images that differ in size.
fn sources() -> Sources {
    let sources = Sources::new();
    for (folder, side) in [("images", 8), ("more", 40)] {
        fs_err::create_dir_all(sources.path(folder)).unwrap();
        for number in 0..6_u32 {
            let noise = |x: u32, y: u32| image::Luma([(x * 31 + y * y * 17 + number * 97 + x * y) as u8]);
            let path = sources.path(folder).join(format!("{number}.png"));
            image::GrayImage::from_fn(side + number, side, noise).save(path).unwrap();
        }
    }
    sources
}

/// Pairs of which each names a file and its size, which is all that tells the folders apart.
fn plan(sources: &Sources, rows: impl Iterator<Item = (&'static str, u32)>) -> DataPlan {
    let row = |(folder, number): (&str, u32)| {
        let size = fs_err::metadata(sources.path(folder).join(format!("{number}.png"))).unwrap().len();
        format!("('{number}.png {size}', 'scene {number} of {folder}')")
    };
    let rows: Vec<String> = rows.map(row).collect();
    sources.table(&format!("SELECT * FROM (VALUES {}) AS t(file, text)", rows.join(", ")));
    plan_of(sources)
}

/// The plan of the two folders and of a table of files and texts.
fn plan_of(sources: &Sources) -> DataPlan {
    let mut plan = sources.pairs();
    plan.images = vec![sources.path("images").into(), sources.path("more").into()];
    plan.join.as_mut().unwrap().image = ImageKey::Sql("name || ' ' || size".to_owned());
    plan.columns.group = None;
    plan
}

fn groups(made: &Made) -> Vec<&str> {
    let mut groups: Vec<&str> = made.items.iter().map(|item| item.group.as_str()).collect();
    groups.sort_unstable();
    groups
}

#[test]
fn two_images_are_two_groups_though_their_paths_are_equal() {
    let sources = sources();
    let mut plan = plan(&sources, (0..6).flat_map(|number| [("images", number), ("more", number)]));
    plan.split.by = SplitBy::Group;
    plan.split.shares = shares(0.5, 0.25, 0.25);
    let made = sources.ingest(&plan).unwrap();
    assert_eq!(
        groups(&made),
        [
            "0.png", "1.png", "1//0.png", "1//1.png", "1//2.png", "1//3.png", "1//4.png", "1//5.png",
            "2.png", "3.png", "4.png", "5.png"
        ]
    );
    let record = made.dataset.record();
    assert_eq!((record.items.groups, record.items.components), (12, 12));
    for item in &made.items {
        let wide = if item.group.starts_with("1//") { 40 } else { 8 };
        assert_eq!((item.height, item.image.contains('/')), (Some(wide), false));
    }
}

#[test]
fn what_is_rejected_has_the_name_of_its_own_image() {
    let sources = sources();
    let plan = plan(&sources, [("images", 0), ("more", 1)].into_iter());
    let made = sources.ingest(&plan).unwrap();
    let rejected: Vec<&str> = made.rejects.iter().map(|reject| reject.key.as_str()).collect();
    assert_eq!(
        rejected,
        [
            "1.png", "1//0.png", "1//2.png", "1//3.png", "1//4.png", "1//5.png", "2.png", "3.png", "4.png",
            "5.png"
        ]
    );
}

#[test]
fn an_image_has_not_changed_because_another_folder_has_one_of_its_path() {
    let sources = sources();
    let before = plan(&sources, [("images", 0), ("images", 1), ("more", 0)].into_iter());
    sources.ingest_again(&before).unwrap();
    let after = plan(&sources, [("images", 0), ("more", 0), ("more", 1)].into_iter());
    let made = sources.ingest_again(&after).unwrap();
    let changes = made.dataset.record().history.changes.clone().unwrap();
    assert_eq!((changes.images.added, changes.images.removed, changes.images.changed), (1, 1, 0));
    // Rows without an identifier of their own are known by their groups and images.
    assert_eq!((changes.rows.added, changes.rows.removed, changes.rows.changed), (1, 1, 0));
}

#[test]
fn a_folder_that_is_named_twice_is_refused_whatever_it_is_called() {
    let sources = sources();
    std::os::unix::fs::symlink("images", sources.path("link")).unwrap();
    for other in ["images", "images/", "link", "more/../images"] {
        let mut plan = plan(&sources, [("images", 0)].into_iter());
        plan.images = vec![sources.path("images").into(), sources.path(other).into()];
        let said = format!("{} and {} are the same images", sources.path("images").display(), plan.images[1]);
        assert_eq!(sources.ingest(&plan).unwrap_err().to_string(), said);
    }
}

#[test]
fn images_that_no_key_tells_apart_are_told_apart_by_more() {
    let sources = sources();
    sources.table("SELECT '0.png' AS file, 'a dog' AS text");
    let mut plan = plan_of(&sources);
    plan.join.as_mut().unwrap().image = ImageKey::Name;
    plan.images = vec![sources.path("images/0.png").into(), sources.path("more/0.png").into()];
    let hint = sources.ingest(&plan).unwrap_err().hint().unwrap();
    assert!(hint.ends_with("what a row looks for has to be the key of one image"), "{hint}");
}

#[test]
fn a_table_without_rows_is_named_as_the_reason_for_no_items() {
    let sources = sources();
    sources.table("SELECT '0.png' AS file, 'a dog' AS text WHERE false");
    let error = sources.ingest(&plan_of(&sources)).unwrap_err();
    assert_eq!(error.hint().as_deref(), Some("the table has no rows"), "{error}");
}
