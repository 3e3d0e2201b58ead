//! Identity of a model folder.

use cliptune_clip::model_folder::Found;
use cliptune_store::StoreError;

use crate::support::World;

#[test]
fn what_decides_the_output_counts_and_nothing_else() {
    let world = World::new();
    let hash = || world.store().model_hash(&world.path("base")).unwrap();
    let first = hash();
    world.write("base/README.md", "a model");
    assert_eq!(hash(), first);
    for file in ["model.safetensors", "config.json", "tokenizer.json", "preprocessor_config.json"] {
        let before = hash();
        world.write(&format!("base/{file}"), "changed");
        assert_ne!(hash(), before, "{file}");
    }
}

#[test]
fn a_folder_without_weights_is_no_model() {
    let world = World::new();
    fs_err::remove_file(world.path("base/model.safetensors")).unwrap();
    let missing = |world: &World| match world.store().model_hash(&world.path("base")) {
        Err(StoreError::NotAModel(error)) => error.found,
        other => panic!("{other:?}"),
    };
    assert_eq!(missing(&world), Found::NoWeights);
    fs_err::remove_file(world.path("base/config.json")).unwrap();
    fs_err::write(world.path("base/model.safetensors"), "weights").unwrap();
    assert_eq!(missing(&world), Found::NoConfig { file: "config.json" });
}

#[test]
fn a_link_to_nothing_in_place_of_a_tokenizer_is_named() {
    let world = World::new();
    fs_err::os::unix::fs::symlink("../nowhere", world.path("base/tokenizer.json")).unwrap();
    let error = world.store().model_hash(&world.path("base")).unwrap_err().to_string();
    assert!(
        error.ends_with("is not a model folder: its tokenizer.json is a link to a file that is not there")
    );
}
