//! Items in memory as columns: a few integers for each item, and every distinct text, group and image once.

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use cliptune_experiment::Split;

use crate::image_identity::ImageIdentity;
use crate::item::Item;
use crate::item_image::ItemImage;
use crate::strings::{Interner, Lists, StringLists, Strings};

/// The parts of items that a reader can ask for. The split of an item is always read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The identity of the item and the identifier of its first row.
    Identity,
    /// The identifiers of all rows that the item was made from.
    Rows,
    /// The group.
    Group,
    /// The image: its file and what it is known by.
    Image,
    /// The width and the height of the image.
    Size,
    /// The candidate texts and the label.
    Texts,
    /// The texts that are used only to train a tokenizer.
    Vocabulary,
}

impl Part {
    /// All parts.
    pub const ALL: [Self; 7] =
        [Self::Identity, Self::Rows, Self::Group, Self::Image, Self::Size, Self::Texts, Self::Vocabulary];
}

/// The items of some splits, one split after another.
///
/// A part that was not asked for is empty: texts are missing, names are empty, numbers are 0.
#[derive(Clone, Debug, Default)]
pub struct Items {
    pub(crate) splits: Vec<Split>,
    pub(crate) item_ids: Strings,
    pub(crate) ids: Strings,
    pub(crate) rows: StringLists,
    pub(crate) groups: Vec<u32>,
    pub(crate) group_names: Interner,
    pub(crate) files: Vec<u32>,
    pub(crate) images: Images,
    pub(crate) sizes: Vec<[Option<u32>; 2]>,
    pub(crate) texts: Lists<u32>,
    pub(crate) labels: Vec<u32>,
    pub(crate) vocabulary: Lists<u32>,
    /// The texts and the words of the vocabulary.
    pub(crate) text_names: Interner,
}

/// The distinct files and the distinct images of items.
#[derive(Clone, Debug, Default)]
pub(crate) struct Images {
    /// The folders that files are in.
    pub(crate) folders: Vec<PathBuf>,
    /// The files, each as the number of its folder, a slash and its path below the folder.
    names: Interner,
    /// The number of each file's folder.
    folder_of: Vec<u32>,
    /// The number of the image that each file shows.
    image_of: Vec<u32>,
    /// What each image is known by, and the first file that shows it.
    known: Vec<(ImageIdentity, u32)>,
    numbers: HashMap<ImageIdentity, u32>,
}

impl Images {
    /// Returns the number of a file.
    pub(crate) fn file(&mut self, folder: u32, relative: &str, identity: ImageIdentity) -> u32 {
        let file = self.names.number(&format!("{folder}/{relative}"));
        if file as usize == self.image_of.len() {
            let next = self.known.len() as u32;
            let image = *self.numbers.entry(identity).or_insert(next);
            if image == next {
                self.known.push((identity, file));
            }
            self.image_of.push(image);
            self.folder_of.push(folder);
        }
        file
    }

    /// Returns the number of a file's folder and the path below it.
    fn place(&self, file: u32) -> (u32, &str) {
        let folder = self.folder_of.get(file as usize).copied().unwrap_or_default();
        (folder, self.names.get(file).split_once('/').map_or("", |(_, relative)| relative))
    }

    fn path(&self, file: u32) -> PathBuf {
        let (folder, relative) = self.place(file);
        self.folders.get(folder as usize).map_or(Path::new(""), PathBuf::as_path).join(relative)
    }

    fn image_of(&self, file: u32) -> u32 {
        self.image_of.get(file as usize).copied().unwrap_or_default()
    }

    fn identity(&self, file: u32) -> ImageIdentity {
        let known = self.known.get(self.image_of(file) as usize);
        known.map_or(ImageIdentity::Content([0; 32]), |(identity, _)| *identity)
    }
}

impl Items {
    /// Returns the columns of items that are in memory one by one.
    pub fn of(items: &[Item]) -> Self {
        let mut columns = Self::default();
        items.iter().for_each(|item| columns.push(item));
        columns
    }

    fn push(&mut self, item: &Item) {
        self.splits.push(item.split);
        self.item_ids.push(&item.item_id);
        self.ids.push(&item.id);
        self.rows.push(item.ids.iter().map(String::as_str));
        self.groups.push(self.group_names.number(&item.group));
        self.files.push(self.images.file(item.folder, &item.image, item.image_hash));
        self.sizes.push([item.width, item.height]);
        self.texts.push(item.texts.iter().map(|text| self.text_names.number(text)));
        self.labels.push(item.label as u32);
        self.vocabulary.push(item.vocabulary.iter().map(|text| self.text_names.number(text)));
    }

    /// Returns all items.
    pub fn all(&self) -> ItemSlice<'_> {
        ItemSlice { items: self, start: 0, end: self.splits.len() }
    }

    /// Returns the items of one split, which lie together.
    pub fn split(&self, split: Split) -> ItemSlice<'_> {
        let start = self.splits.iter().position(|own| *own == split).unwrap_or_default();
        let count = self.splits[start..].iter().take_while(|own| **own == split).count();
        ItemSlice { items: self, start, end: start + count }
    }

    /// Returns a distinct text by its number.
    pub fn text(&self, number: u32) -> &str {
        self.text_names.get(number)
    }

    /// Returns the first file of a distinct image by the image's number.
    pub fn image(&self, number: u32) -> ItemImage {
        let (identity, file) =
            self.images.known.get(number as usize).copied().unwrap_or((ImageIdentity::Content([0; 32]), 0));
        ItemImage::new(self.images.path(file), identity)
    }

    /// Returns what the distinct images are known by.
    pub fn identities(&self) -> impl Iterator<Item = ImageIdentity> {
        self.images.known.iter().map(|(identity, _)| *identity)
    }
}

/// Some consecutive items.
#[derive(Clone, Copy, Debug)]
pub struct ItemSlice<'a> {
    items: &'a Items,
    start: usize,
    end: usize,
}

impl<'a> ItemSlice<'a> {
    /// Returns the items that these are a part of. The numbers of texts and images are theirs.
    pub fn items(self) -> &'a Items {
        self.items
    }

    /// Returns the number of items.
    pub fn len(self) -> usize {
        self.end - self.start
    }

    /// Checks whether there are no items.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Returns an item, if there is one at that place.
    pub fn get(self, at: usize) -> Option<ItemRef<'a>> {
        (at < self.len()).then_some(self.at(at))
    }

    /// Returns the item at a place that the caller knows to be one. Beyond the last item, all parts are empty.
    pub fn at(self, at: usize) -> ItemRef<'a> {
        ItemRef { items: self.items, at: self.start + at }
    }

    /// Returns the items of a part of these. What lies beyond the last one is left out.
    #[must_use]
    pub fn part(self, range: Range<usize>) -> Self {
        let end = range.end.min(self.len());
        Self { items: self.items, start: self.start + range.start.min(end), end: self.start + end }
    }

    /// Returns the items in order.
    pub fn iter(self) -> impl ExactSizeIterator<Item = ItemRef<'a>> + Clone {
        (self.start..self.end).map(move |at| ItemRef { items: self.items, at })
    }
}

/// One item, whose parts are found in columns.
#[derive(Clone, Copy, Debug)]
pub struct ItemRef<'a> {
    items: &'a Items,
    at: usize,
}

impl<'a> ItemRef<'a> {
    /// Returns the identity of the item's content.
    pub fn item_id(self) -> &'a str {
        self.items.item_ids.get(self.at)
    }

    /// Returns the identifier of the first row that the item was made from.
    pub fn id(self) -> &'a str {
        self.items.ids.get(self.at)
    }

    /// Returns the identifiers of all rows that the item was made from.
    pub fn ids(self) -> impl ExactSizeIterator<Item = &'a str> {
        self.items.rows.get(self.at)
    }

    /// Returns the group.
    pub fn group(self) -> &'a str {
        self.items.group_names.get(self.group_number())
    }

    /// Returns the number of the group.
    pub fn group_number(self) -> u32 {
        number(&self.items.groups, self.at)
    }

    /// Returns the item's own image file.
    pub fn image(self) -> ItemImage {
        let file = number(&self.items.files, self.at);
        ItemImage::new(self.items.images.path(file), self.items.images.identity(file))
    }

    /// Returns the number of the image. Files with the same content have the same number.
    pub fn image_number(self) -> u32 {
        self.items.images.image_of(number(&self.items.files, self.at))
    }

    /// Returns the candidate texts.
    pub fn texts(self) -> impl ExactSizeIterator<Item = &'a str> {
        let items = self.items;
        self.text_numbers().iter().map(|&text| items.text(text))
    }

    /// Returns the numbers of the candidate texts.
    pub fn text_numbers(self) -> &'a [u32] {
        self.items.texts.get(self.at)
    }

    /// Returns the index of the right text or class.
    pub fn label(self) -> usize {
        number(&self.items.labels, self.at) as usize
    }

    /// Returns the texts that are used only to train a tokenizer.
    pub fn vocabulary(self) -> impl Iterator<Item = &'a str> {
        let items = self.items;
        items.vocabulary.get(self.at).iter().map(|&text| items.text(text))
    }

    /// Returns the item on its own, to be shown or written.
    pub fn to_item(self) -> Item {
        let owned = |texts: &mut dyn Iterator<Item = &'a str>| texts.map(str::to_owned).collect();
        let file = number(&self.items.files, self.at);
        let (folder, image) = self.items.images.place(file);
        let [width, height] = self.items.sizes.get(self.at).copied().unwrap_or_default();
        Item {
            item_id: self.item_id().to_owned(),
            id: self.id().to_owned(),
            ids: owned(&mut self.ids()),
            group: self.group().to_owned(),
            split: self.items.splits.get(self.at).copied().unwrap_or(Split::Train),
            folder,
            image: image.to_owned(),
            image_hash: self.items.images.identity(file),
            width,
            height,
            texts: owned(&mut self.texts()),
            label: self.label(),
            vocabulary: owned(&mut self.vocabulary()),
        }
    }
}

fn number(numbers: &[u32], at: usize) -> u32 {
    numbers.get(at).copied().unwrap_or_default()
}
