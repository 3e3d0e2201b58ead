//! Small sources, made on the spot.

use std::path::{Path, PathBuf};

use cliptune_experiment::{
    Access, Columns, DataPlan, ExperimentName, Fraction, ImageKey, Join, Label, NearDuplicates, Require,
    Seed, SplitBy, SplitPlan, SplitShares, TableFormat, TableSource, Task, Verify,
};
use cliptune_ingest::{IngestError, ingest};
use cliptune_store::{Dataset, Item, Reject, Store, open_database, sql_text};
use cliptune_terminal::Printer;
use tempfile::TempDir;

/// A folder with `images/`, a table and a store.
pub(crate) struct Sources {
    folder: TempDir,
}

impl Sources {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs_err::create_dir(folder.path().join("images")).unwrap();
        Self { folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A small PNG or JPEG whose content depends on the shade.
    pub(crate) fn image(&self, name: &str, shade: u8) -> &Self {
        let path = self.path("images").join(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        image::GrayImage::from_pixel(7, 5, image::Luma([shade])).save(path).unwrap();
        self
    }

    /// A picture with something to be seen in it, 320 pixels wide. Pictures of different numbers do not look alike.
    pub(crate) fn picture(&self, name: &str, number: u32) -> &Self {
        picture(number).save(self.path("images").join(name)).unwrap();
        self
    }

    /// The same picture in half the size.
    pub(crate) fn small_picture(&self, name: &str, number: u32) -> &Self {
        let half = image::imageops::thumbnail(&picture(number), 160, 150);
        half.save(self.path("images").join(name)).unwrap();
        self
    }

    /// Images `0.png`, `1.png` and so on, all different.
    pub(crate) fn images(&self, count: u8) -> &Self {
        for number in 0..count {
            self.image(&format!("{number}.png"), number);
        }
        self
    }

    /// Writes `table.parquet` from a query.
    pub(crate) fn table(&self, query: &str) -> &Self {
        let path = sql_text(&self.path("table.parquet").to_string_lossy());
        open_database()
            .unwrap()
            .execute_batch(&format!("COPY ({query}) TO {path} (FORMAT parquet)"))
            .unwrap();
        self
    }

    pub(crate) fn file(&self, name: &str, text: &str) -> &Self {
        fs_err::write(self.path(name), text).unwrap();
        self
    }

    /// A choice dataset over `table.parquet` with the columns file, choices, label and contest.
    pub(crate) fn choice(&self) -> DataPlan {
        self.plan(Task::Choice { choices: "choices".to_owned(), label: Label::of("label") })
    }

    /// A pairs dataset over `table.parquet` with the columns file, text and contest.
    pub(crate) fn pairs(&self) -> DataPlan {
        self.plan(Task::Pairs { text: "text".to_owned() })
    }

    pub(crate) fn plan(&self, task: Task) -> DataPlan {
        DataPlan {
            images: vec![self.path("images").into()],
            metadata: TableSource::at(self.path("table.parquet"), TableFormat::Parquet),
            access: Access::default(),
            join: Some(Join { image: ImageKey::Name, metadata: "file".to_owned() }),
            columns: Columns { task, id: None, group: Some("contest".to_owned()), vocabulary: Vec::new() },
            filter: None,
            sample: None,
            deduplicate: true,
            verify: Verify::Whole,
            require: Require::default(),
            split: SplitPlan {
                by: component(&[]),
                shares: all_train(),
                folds: None,
                stratify: None,
                seed: Seed(0),
            },
        }
    }

    pub(crate) fn store(&self) -> Store {
        Store::open(&self.path("runs")).unwrap()
    }

    pub(crate) fn ingest(&self, plan: &DataPlan) -> Result<Made, IngestError> {
        self.ingest_for(plan, &[])
    }

    /// Makes the dataset of an experiment, which follows the one that it had before.
    pub(crate) fn ingest_again(&self, plan: &DataPlan) -> Result<Made, IngestError> {
        self.ingest_for(plan, &["again".parse().unwrap()])
    }

    fn ingest_for(&self, plan: &DataPlan, experiments: &[ExperimentName]) -> Result<Made, IngestError> {
        let (dataset, _) = ingest(&self.store(), plan, experiments, &Printer::new(true, false))?;
        Ok(Made { items: dataset.items(None).unwrap(), rejects: dataset.rejects().unwrap(), dataset })
    }
}

/// A dataset with everything in it.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) dataset: Dataset,
    pub(crate) items: Vec<Item>,
    pub(crate) rejects: Vec<Reject>,
}

impl Made {
    /// `side key: reason`, sorted.
    pub(crate) fn reasons(&self) -> Vec<String> {
        self.rejects.iter().map(|r| format!("{:?} {}: {}", r.side, r.key, r.reason).to_lowercase()).collect()
    }
}

/// Draws waves whose lengths, directions and phases the number decides.
fn picture(number: u32) -> image::GrayImage {
    let random = |at: u32| {
        f64::from(
            (number * 8 + at + 1).wrapping_mul(0x9e37_79b9).rotate_left(15).wrapping_mul(0x85eb_ca6b) >> 16,
        ) / 65_536.0
    };
    let waves: Vec<[f64; 3]> = (0..6)
        .map(|wave| [random(wave) * 24.0, random(wave + 50) * 24.0 - 12.0, random(wave + 100) * 6.3])
        .collect();
    image::GrayImage::from_fn(320, 300, |x, y| {
        let wave = |[across, down, phase]: &[f64; 3]| {
            (across * f64::from(x) / 320.0 + down * f64::from(y) / 300.0 + phase).sin()
        };
        image::Luma([(127.5 + 21.0 * waves.iter().map(wave).sum::<f64>()) as u8])
    })
}

pub(crate) fn component(across: &[&str]) -> SplitBy {
    let across = across.iter().map(|&column| column.to_owned()).collect();
    SplitBy::Component { across, near_duplicates: NearDuplicates::Report }
}

pub(crate) fn all_train() -> SplitShares {
    shares(1.0, 0.0, 0.0)
}

pub(crate) fn shares(train: f64, validation: f64, test: f64) -> SplitShares {
    let fraction = |share| Fraction::try_from(share).unwrap();
    SplitShares { train: fraction(train), validation: fraction(validation), test: fraction(test) }
}

/// The names in a folder; none when it is not there.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs_err::read_dir(folder) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}
