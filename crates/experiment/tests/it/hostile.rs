//! Whatever a file holds, loading it ends, and soon, with plans or with problems.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use crate::support::{Folder, REST, TRAIN};

fn survives(text: &[u8]) {
    let folder = Folder::with(&[]);
    let path = folder.path().join("x.yaml");
    fs_err::write(&path, text).unwrap();
    if let Err(error) = cliptune_experiment::load(&[path], &[]) {
        assert!(error.count() > 0);
        assert!(error.rendered().starts_with("error: "));
        assert!(!error.to_string().is_empty());
    }
}

proptest! {
    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        survives(&bytes);
    }

    #[test]
    fn any_yaml_like_text(text in r#"([a-z]{1,4}|[-?:,\[\]{}#&*!|>'"%@` \n\t.0-9~]){0,80}"#) {
        survives(text.as_bytes());
    }

    #[test]
    fn an_experiment_with_a_damaged_place(place in 0_usize..400, damage in r#"[-?:,\[\]{}#&*!|>'"%@` \n\té猫]{1,3}"#) {
        let mut text: Vec<char> = format!("name: damaged{REST}{TRAIN}seeds: [0, 1]\n").chars().collect();
        let place = place % text.len();
        text.splice(place..place, damage.chars());
        survives(text.into_iter().collect::<String>().as_bytes());
    }
}

#[test]
fn large_files_are_refused_quickly() {
    let start = Instant::now();
    survives(&vec![b'['; 1 << 21]);
    survives("a: 1\n".repeat(150_000).as_bytes());
    survives((0..150_000).map(|i| format!("k{i}: 1\n")).collect::<String>().as_bytes());
    survives(format!("a: {{{}}}", (0..100_000).map(|i| format!("k{i}: 1, ")).collect::<String>()).as_bytes());
    survives(format!("name: {}", "x".repeat(1_000_000)).as_bytes());
    survives(&b"- ".repeat(500_000));
    survives(&b"? ".repeat(500_000));
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

#[test]
fn an_anchor_bomb_is_no_bomb() {
    let mut bomb = "a0: &a0 [x, x]\n".to_owned();
    for level in 1..40 {
        bomb.push_str(&format!("a{level}: &a{level} [*a{}, *a{}]\n", level - 1, level - 1));
    }
    survives(bomb.as_bytes());
}
