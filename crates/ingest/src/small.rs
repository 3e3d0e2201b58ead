//! Small sources for the tests of this crate: one image and a table with one row.

use std::path::PathBuf;

use cliptune_experiment::DataPlan;
use cliptune_store::Store;
use tempfile::TempDir;

/// A folder with `images/1.png`, `table.csv` and an experiment about them.
pub(crate) struct Small(TempDir);

impl Small {
    pub(crate) fn new(verify: &str) -> Self {
        let small = Self(tempfile::tempdir().unwrap());
        fs_err::create_dir(small.path("images")).unwrap();
        small.image("images/1.png", 1);
        small.write("table.csv", "file,text\n1.png,a text\n");
        small.write(
            "small.yaml",
            &format!(
                "name: small
data:
  images: images
  metadata: table.csv
  verify: {verify}
  join: {{ image: name, metadata: file }}
  columns: {{ text: text }}
  split: {{ by: row, train: 0, validation: 0, test: 1 }}
model: {{ from: openai/clip-vit-base-patch32 }}
"
            ),
        );
        small
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs_err::write(self.path(name), text).unwrap();
    }

    /// Draws an image that differs from those of other numbers.
    pub(crate) fn image(&self, name: &str, number: u8) {
        let pixel = |x: u32, y: u32| image::Rgb([x as u8, y as u8, (x * y) as u8 ^ number]);
        image::RgbImage::from_fn(64, 48, pixel).save(self.path(name)).unwrap();
    }

    pub(crate) fn store(&self) -> Store {
        Store::open(&self.path("runs")).unwrap()
    }

    pub(crate) fn plan(&self) -> DataPlan {
        let experiments = cliptune_experiment::load(&[self.path("small.yaml")], &[]).unwrap();
        experiments[0].plans[0].data.clone()
    }
}
