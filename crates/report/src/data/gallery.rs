//! A few items with every entry's answer.

/// A few items with every entry's answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Gallery {
    /// The board that the gallery belongs to, as an index into [`ReportData::boards`](super::ReportData::boards).
    pub board: usize,
    /// The entries whose answers are shown, as indexes into [`ReportData::entries`](super::ReportData::entries).
    pub entries: Vec<usize>,
    /// The items, stratum after stratum.
    pub items: Vec<GalleryItem>,
    /// The number of items of the test split in each stratum, and how many of them are shown.
    pub strata: Vec<(Stratum, StratumCount)>,
}

/// The size of a stratum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StratumCount {
    /// The number of items of the test split in the stratum.
    pub items: usize,
    /// The number of these items that are in the gallery.
    pub shown: usize,
}

/// Whether the baseline and the headline entry were right; a majority of seeds decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stratum {
    /// The headline entry is right, the baseline wrong.
    Gained,
    /// The headline entry is wrong, the baseline right.
    Lost,
    /// Both are right.
    BothRight,
    /// Both are wrong.
    BothWrong,
}

impl Stratum {
    /// All strata in the order of the gallery.
    pub const ALL: [Self; 4] = [Self::Gained, Self::Lost, Self::BothRight, Self::BothWrong];
}

/// One item of the gallery.
#[derive(Clone, Debug, PartialEq)]
pub struct GalleryItem {
    /// The item's identity.
    pub item_id: String,
    /// The identifier that the dataset's table gives the item.
    pub id: String,
    /// The group that the item is in.
    pub group: String,
    /// The stratum that the item is in.
    pub stratum: Stratum,
    /// The image, or the reason why there is none.
    pub image: Result<Seen, String>,
    /// The candidate texts of the item, or the names of the classes that were considered.
    pub texts: Vec<String>,
    /// The index of the right text.
    pub label: usize,
    /// The answer of each entry of the gallery, in their order.
    pub answers: Vec<Answer>,
}

/// An image as the model sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// What the model sees: the colours, the transparency and the cut are those of its own preparation.
    pub as_model: Thumbnail,
    /// The whole image with what is transparent on a checkerboard, where something is.
    pub transparent: Option<Thumbnail>,
}

/// The images of pairs, each with the texts that are nearest to it.
#[derive(Clone, Debug, PartialEq)]
pub struct PairsGallery {
    /// The board that the gallery belongs to, as an index into [`ReportData::boards`](super::ReportData::boards).
    pub board: usize,
    /// The entry whose nearest texts these are.
    pub entry: usize,
    /// The items, stratum after stratum.
    pub items: Vec<PairsItem>,
}

/// One image of pairs.
#[derive(Clone, Debug, PartialEq)]
pub struct PairsItem {
    /// The identifier that the dataset's table gives the item.
    pub id: String,
    /// The group that the item is in.
    pub group: String,
    /// The stratum that the item is in: where "right" is that a text of the image ranks first.
    pub stratum: Stratum,
    /// The image, or the reason why there is none.
    pub image: Result<Seen, String>,
    /// The nearest texts, the nearest first.
    pub near: Vec<NearItem>,
    /// The item's own text.
    pub own: String,
    /// The rank of the best text of the image: for the entry, and for the baseline if there is one.
    pub ranks: (f64, Option<f64>),
}

/// A text that is near an image.
#[derive(Clone, Debug, PartialEq)]
pub struct NearItem {
    /// The text.
    pub text: String,
    /// The probability of the text among all texts of the split.
    pub prob: f64,
    /// Whether the text belongs to the image.
    pub is_hit: bool,
}

/// A small JPEG.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thumbnail {
    /// The bytes of the file.
    pub jpeg: Vec<u8>,
    /// The width in pixels.
    pub width: u32,
    /// The height in pixels.
    pub height: u32,
}

/// The answer of one entry to one item.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The number of seeds that chose each text.
    pub votes: Vec<usize>,
    /// The probability of each text, averaged over seeds.
    pub probs: Vec<f64>,
}
