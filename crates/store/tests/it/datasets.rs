//! Datasets: identity and files.

use cliptune_experiment::{DataPlan, Split, SplitBy, Verify};
use cliptune_store::{
    DATASET_FORMAT, DatasetRecord, ITEMS, ImageIdentity, Item, JoinSide, Part, REJECTS, Reason, Reject,
    StoreError, TableHashes, literal_path, open_database, write_dataset, write_dataset_rows, write_items,
    write_rejects,
};
use cliptune_terminal::Diagnostic;
use fs_err as fs;

use crate::support::{World, data, item};

/// Puts a dataset in the place of the one with its hash.
fn replace_dataset(world: &World, record: &DatasetRecord, items: &[Item]) {
    let staged = world.store().stage_dataset(&record.hash).unwrap();
    write_dataset_rows(&staged, record, items, &[]).unwrap();
    staged.replace().unwrap();
}

#[test]
fn items_and_rejects_come_back_as_they_were() {
    let world = World::new();
    let items = [item(1, Split::Train), item(2, Split::Test), item(3, Split::Train)];
    let rejects = Reason::ALL.map(|reason| Reject {
        side: JoinSide::Row,
        key: format!("'; {reason}"),
        join_key: (reason as u8).is_multiple_of(2).then(|| "it's.png".to_owned()),
        reason,
        detail: "a\nb".to_owned(),
    });
    let backwards: Vec<_> = items.iter().rev().cloned().collect();
    let dataset = world.make_dataset(&data(&world.path("")), &backwards, &rejects);
    assert_eq!(dataset.items(None).unwrap(), [0, 2, 1].map(|at| items[at].clone()));
    assert_eq!(dataset.items(Some(Split::Test)).unwrap(), [items[1].clone()]);
    assert_eq!(dataset.items(Some(Split::Validation)).unwrap(), []);
    assert_eq!(dataset.image_hashes(Some(Split::Train)).unwrap().len(), 2);
    let mut found = dataset.rejects().unwrap();
    found.sort_by_key(|reject| reject.reason);
    let mut expected = rejects.to_vec();
    expected.sort_by_key(|reject| reject.reason);
    assert_eq!(found, expected);
}

#[test]
fn the_columns_are_what_others_can_query() {
    let world = World::new();
    let dataset = world.make_dataset(&data(&world.path("")), &[item(1, Split::Train)], &[]);
    let database = open_database().unwrap();
    let columns: String = database
        .query_row(
            "SELECT string_agg(column_name || ' ' || column_type, ', ')
             FROM (DESCRIBE SELECT * FROM read_parquet(getvariable('path')))"
                .replace(
                    "getvariable('path')",
                    &cliptune_store::sql_text(&literal_path(&dataset.items_file())),
                )
                .as_str(),
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(
        columns,
        "item_id VARCHAR, id VARCHAR, ids VARCHAR[], group VARCHAR, split VARCHAR, fold INTEGER, folder INTEGER, image VARCHAR, image_hash VARCHAR, \
         width INTEGER, height INTEGER, texts VARCHAR[], label INTEGER, multiplicity INTEGER, vocabulary VARCHAR[]"
    );
}

#[test]
fn a_dataset_is_written_from_tables_in_a_database_in_the_order_of_splits() {
    let world = World::new();
    let there = world.make_dataset(&data(&world.path("")), &[item(1, Split::Train)], &[]);
    let database = open_database().unwrap();
    database.execute_batch(&format!("{}; {}", ITEMS.create("items"), REJECTS.create("left out"))).unwrap();
    database
        .execute_batch(
            "INSERT INTO items (item_id, id, ids, \"group\", split, folder, image, image_hash, texts, label, multiplicity, vocabulary)
             SELECT i, i, [i], CAST(i AS INTEGER) % 2, CASE WHEN CAST(i AS INTEGER) < 3 THEN 'train' ELSE 'test' END, 0, i || '.png', repeat(i, 64), ['a', 'b'], 1, 1, []
             FROM (SELECT CAST(unnest(range(5)) AS VARCHAR) AS i);
             INSERT INTO \"left out\" VALUES ('row', 'key', NULL, 'no id', 'NULL')",
        )
        .unwrap();
    let staged = world.store().stage_dataset(&there.record().hash).unwrap();
    let [items, left_out] = [ITEMS.ordered("FROM items"), REJECTS.ordered("FROM \"left out\"")];
    let tables = TableHashes {
        items: write_items(staged.path(), &database, &items).unwrap(),
        rejects: write_rejects(staged.path(), &database, &left_out).unwrap(),
    };
    write_dataset(&staged, &DatasetRecord { tables, ..there.record().clone() }).unwrap();
    staged.replace().unwrap();
    let dataset = world.store().dataset(&there.record().hash).unwrap().unwrap();
    let items = dataset.items(None).unwrap();
    let order: Vec<&str> = items.iter().map(|item| item.item_id.as_str()).collect();
    assert_eq!(order, ["0", "2", "1", "4", "3"]);
    assert_eq!(
        (items[0].width, items[0].texts.clone(), items[0].label),
        (None, vec!["a".to_owned(), "b".to_owned()], 1)
    );
    assert_eq!(dataset.rejects().unwrap()[0].reason, Reason::NoId);
}

#[test]
fn columns_are_the_parts_that_are_asked_for_with_every_text_and_image_once() {
    let world = World::new();
    // Two files have the same content.
    let twin = Item {
        image: "twin.png".to_owned(),
        image_hash: item(1, Split::Train).image_hash,
        ..item(3, Split::Train)
    };
    let dataset =
        world.make_dataset(&data(&world.path("")), &[item(1, Split::Train), item(2, Split::Test), twin], &[]);
    let items = dataset.columns(&[Split::Test, Split::Train], &[Part::Texts, Part::Image]).unwrap();
    let (all, own) = (items.all(), item(1, Split::Train));
    assert_eq!(all.iter().map(cliptune_store::ItemRef::label).collect::<Vec<_>>(), [2, 1, 0]);
    assert!(all.iter().all(|item| item.text_numbers() == [0, 1, 2]), "{items:?}");
    assert!(all.iter().all(|item| item.texts().eq(own.texts.iter().map(String::as_str))));
    assert_eq!(all.iter().map(cliptune_store::ItemRef::image_number).collect::<Vec<_>>(), [0, 1, 1]);
    let paths: Vec<_> = all.iter().map(|item| item.image().path().to_owned()).collect();
    assert_eq!(paths, ["2.png", "1.png", "twin.png"].map(|name| world.path("images").join(name)));
    assert_eq!(items.image(1).path(), world.path("images/1.png"));
    // What was not asked for is empty.
    assert!(
        all.iter().all(|item| item.item_id().is_empty() && item.group().is_empty() && item.ids().len() == 0)
    );
    let lengths = Split::ALL.map(|split| items.split(split).len());
    assert_eq!(lengths, [2, 0, 1]);
    assert_eq!(items.split(Split::Train).at(0).image_number(), 1);
}

#[test]
fn no_image_is_opened_where_nothing_is_verified_and_a_new_time_is_a_new_image() {
    let world = World::new();
    let plan = DataPlan { verify: Verify::None, ..data(&world.path("")) };
    let bytes = std::sync::Mutex::new(Vec::new());
    let before = world.store().inputs(&plan, &|_, of| bytes.lock().unwrap().push(of)).unwrap();
    assert_eq!(bytes.into_inner().unwrap(), ["rows".len() as u64], "only the table is read");
    assert!(before.images.iter().all(|image| matches!(image.identity, ImageIdentity::Stamp { .. })));
    assert_ne!(before.images[0].identity, before.images[1].identity);
    let image = fs::File::options().write(true).open(world.path("images/1.png")).unwrap();
    image.file().set_modified(std::time::UNIX_EPOCH).unwrap();
    let after = world.inputs(&plan);
    assert_ne!(before.hashes.dataset_hash(&plan), after.hashes.dataset_hash(&plan));
    assert_eq!(before.images[1], after.images[1]);
    // With its content verified, the image is the same.
    let plan = data(&world.path(""));
    let before = world.inputs(&plan).hashes.dataset_hash(&plan);
    image.file().set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(1)).unwrap();
    assert_eq!(before, world.inputs(&plan).hashes.dataset_hash(&plan));
}

#[test]
fn images_of_several_folders_are_told_apart_and_found() {
    let world = World::new();
    fs::create_dir(world.path("more")).unwrap();
    world.write("more/1.png", "another one");
    let plan = DataPlan {
        images: vec![world.path("images").into(), world.path("more/*.png").into()],
        ..data(&world.path(""))
    };
    let inputs = world.inputs(&plan);
    let found: Vec<(u32, &str)> =
        inputs.images.iter().map(|image| (image.folder, &*image.relative)).collect();
    assert_eq!(found, [(0, "1.png"), (0, "2.png"), (1, "1.png")]);
    for image in &inputs.images {
        assert_eq!(image.identity, ImageIdentity::of(&fs::read(inputs.path(image)).unwrap()));
    }
    let backwards = DataPlan { images: plan.images.iter().rev().cloned().collect(), ..plan.clone() };
    assert_ne!(inputs.hashes.dataset_hash(&plan), world.inputs(&backwards).hashes.dataset_hash(&plan));
}

#[test]
fn a_label_counts_the_classes_of_the_dataset_where_the_item_has_no_texts() {
    let world = World::new();
    let pictured = |label| Item { texts: Vec::new(), label, ..item(1, Split::Train) };
    let there = world.make_dataset(&data(&world.path("")), &[], &[]);
    let record =
        DatasetRecord { classes: vec!["cat".to_owned(), "dog".to_owned()], ..there.record().clone() };
    let read = |label| {
        replace_dataset(&world, &record, &[pictured(label)]);
        world.store().dataset(&record.hash).unwrap().unwrap().items(None)
    };
    assert_eq!(read(1).unwrap(), [pictured(1)]);
    let error = read(2).unwrap_err();
    assert!(error.in_one_line().ends_with("has the label 2 and 2 classes"), "{error:?}");
}

#[test]
fn a_store_may_have_any_name() {
    let world = World::new();
    let plan = data(&world.path(""));
    let hash = world.inputs(&plan).hashes.dataset_hash(&plan);
    let dataset = world.make_dataset(&plan, &[item(1, Split::Train)], &[]);
    for name in ["it's", "a*b", "[x]", "what?", "ü \"quoted\"", "semi;colon"] {
        let root = world.path(name);
        fs::create_dir_all(root.join("datasets")).unwrap();
        let folder = root.join("datasets").join(dataset.folder().file_name().unwrap());
        fs::create_dir(&folder).unwrap();
        for file in ["dataset.json", "items.parquet", "rejects.parquet"] {
            fs::copy(dataset.folder().join(file), folder.join(file)).unwrap();
        }
        let store = cliptune_store::Store::open(&root).unwrap();
        let there = store.dataset(&hash).unwrap().unwrap();
        assert_eq!(there.items(None).unwrap().len(), 1, "{name}");
        let staged = store.stage_dataset("0123456789abcdef0").unwrap();
        write_dataset_rows(&staged, there.record(), &[item(1, Split::Test)], &[]).unwrap();
        assert_eq!(staged.commit().unwrap(), root.join("datasets/0123456789abcdef"));
    }
}

#[test]
fn identity_is_content_and_recipe_and_not_place() {
    let (here, there) = (World::new(), World::new());
    let hash = |world: &World, change: &dyn Fn(&mut cliptune_experiment::DataPlan)| {
        let mut plan = data(&world.path(""));
        change(&mut plan);
        world.inputs(&plan).hashes.dataset_hash(&plan)
    };
    let same = hash(&here, &|_| {});
    assert_eq!(same.len(), 64);
    assert_eq!(same, hash(&there, &|_| {}));
    assert_eq!(same, hash(&here, &|plan| plan.images = vec![here.path("images/*.png").into()]));
    let others = [
        hash(&here, &|plan| plan.split.seed.0 = 1),
        hash(&here, &|plan| plan.split.by = SplitBy::Group),
        hash(&here, &|plan| plan.deduplicate = false),
        hash(&here, &|plan| plan.filter = Some("true".to_owned())),
        hash(&here, &|plan| plan.images = vec![here.path("images/1.png").into()]),
    ];
    assert!(others.iter().all(|other| *other != same));
    there.write("images/1.png", "another");
    assert_ne!(same, hash(&there, &|_| {}));
    there.write("images/1.png", "one");
    assert_eq!(same, hash(&there, &|_| {}));
    fs::rename(there.path("images/1.png"), there.path("images/3.png")).unwrap();
    assert_ne!(same, hash(&there, &|_| {}));
}

#[test]
fn missing_sources_are_named() {
    let world = World::new();
    let mut plan = data(&world.path(""));
    plan.images = vec![world.path("nowhere").into()];
    assert!(
        matches!(world.store().inputs(&plan, &|_, _| {}), Err(StoreError::NoImages { path, .. }) if path == world.path("nowhere"))
    );
    plan = data(&world.path(""));
    plan.metadata.locations = vec![world.path("nothing.parquet").into()];
    assert!(
        matches!(world.store().inputs(&plan, &|_, _| {}), Err(StoreError::NoTable { path }) if path == world.path("nothing.parquet"))
    );
    // Looking for them has made nothing.
    assert!(!world.path("runs").exists());
}

#[test]
fn a_dataset_of_a_later_version_is_refused_by_name() {
    let world = World::new();
    let dataset = world.make_dataset(&data(&world.path("")), &[], &[]);
    let later = DATASET_FORMAT + 1;
    let record = DatasetRecord { format_version: later, ..dataset.record().clone() };
    replace_dataset(&world, &record, &[]);
    let error = world.store().dataset(&dataset.record().hash).unwrap_err();
    assert!(matches!(error, StoreError::Version { found, .. } if found == later), "{error}");
}

#[test]
fn every_flipped_bit_of_the_items_is_an_error_with_a_way_out() {
    let world = World::new();
    let items = [item(1, Split::Train), item(2, Split::Test), item(3, Split::Train)];
    let dataset = world.make_dataset(&data(&world.path("")), &items, &[]);
    let path = dataset.items_file();
    let intact = fs::read(&path).unwrap();
    for at in 0..intact.len() * 8 {
        let mut bytes = intact.clone();
        bytes[at / 8] ^= 1 << (at % 8);
        fs::write(&path, bytes).unwrap();
        let error = dataset.items(None).unwrap_err();
        assert_eq!(error.to_string(), format!("{} is damaged", path.display()), "bit {at}");
        assert_eq!(error.hint().unwrap(), "`cliptune run` or `cliptune ingest` makes it again");
    }
    fs::write(&path, intact).unwrap();
    assert_eq!(dataset.items(None).unwrap().len(), items.len());
}

#[test]
fn the_rejects_are_checked_too() {
    let world = World::new();
    let dataset = world.make_dataset(&data(&world.path("")), &[item(1, Split::Train)], &[]);
    fs::write(dataset.rejects_file(), "PAR1").unwrap();
    let error = dataset.rejects().unwrap_err();
    assert!(matches!(error, StoreError::Damaged { path, .. } if path == dataset.rejects_file()));
    assert!(dataset.items(None).is_ok() && dataset.verify().is_err());
}

#[test]
fn a_label_beyond_the_texts_is_refused_whoever_wrote_it() {
    let world = World::new();
    let mut wrong = item(1, Split::Train);
    wrong.label = wrong.texts.len();
    let dataset = world.make_dataset(&data(&world.path("")), &[wrong], &[]);
    let error = dataset.items(None).unwrap_err();
    let told = "is damaged: item 0000000000000001 has the label 3 and 3 texts";
    assert!(error.in_one_line().ends_with(told), "{error}");
}
