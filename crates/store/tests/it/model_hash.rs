//! Identity of a model folder.

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
        Err(StoreError::NotAModel { file, .. }) => file,
        other => panic!("{other:?}"),
    };
    assert_eq!(missing(&world), "model.safetensors");
    fs_err::remove_file(world.path("base/config.json")).unwrap();
    assert_eq!(missing(&world), "config.json");
}
