//! Datasets and runs on disk, with their identities, records, crash safety and queries.
//!
//! [`Store`] is the root folder. [`standings`] says for every plan what exists and what is stale. A [`Dataset`] or a
//! [`Run`] that can be opened is as complete as its record says. Whatever a crash leaves behind has a name that no
//! reader looks for.

mod base;
mod beside;
mod class_scores;
mod clock;
mod compact;
mod dataset;
mod dataset_record;
mod dataset_tables;
mod digests;
mod error;
mod event;
mod event_log;
mod files;
mod identity;
mod image_files;
mod image_identity;
mod inputs;
mod inspections;
mod item;
mod item_image;
mod item_rows;
mod items;
mod labels;
mod leak;
mod lock;
mod model_hash;
mod named;
mod named_columns;
mod number;
mod origin;
mod packed;
mod parity;
mod parquet;
mod parquet_footer;
mod parquet_guard;
mod parquet_pages;
mod parquet_parts;
#[cfg(test)]
mod parquet_parts_tests;
mod precision_record;
mod precisions;
mod read_items;
mod reading;
mod record;
mod regular;
mod reject;
mod remote;
mod run;
mod run_files;
mod run_record;
mod score_record;
mod scores;
mod standings;
mod store;
mod strings;
mod succession;
pub mod table_limits;
mod thrift;
mod unread;
mod why;

pub use base::ResolvedBase;
pub use class_scores::{ClassScore, ClassScores, Confusion};
pub use clock::Clock;
pub use dataset::{Dataset, write_dataset, write_dataset_rows};
pub use dataset_record::{
    Changes, DatasetRecord, Difference, History, ItemCounts, JoinCounts, Leaks, Move, SourceNotes, Sources,
    SplitCounts, Spread, TableHashes,
};
pub use dataset_tables::{ITEMS, REJECTS, write_items, write_rejects};
pub use error::{Damage, MissingImages, StoreError};
pub use event::{Event, Stamped, kept_alpha};
pub use event_log::{EventLog, Events, read_events};
pub use files::{read_json, write_json};
pub use identity::{DATASET_FORMAT, PRECISIONS_FORMAT, RUN_FORMAT, SCORES_FORMAT};
pub use image_files::is_image_name;
pub use image_identity::{ImageIdentity, NoIdentity};
pub use inputs::{ImageFile, Inputs, TableFiles, TableLayout};
pub use inspections::Inspections;
pub use item::Item;
pub use item_image::ItemImage;
pub use items::{ItemRef, ItemSlice, Items, Part};
pub use labels::{Labels, Note, OwnName, Tag};
pub use leak::Leak;
pub use lock::StoreLock;
pub use named_columns::TABLE_NAME;
pub use origin::Origin;
pub use packed::{TarArchive, TarMember, image_column, image_columns, is_text_name, read_image};
pub use parity::{read_parity, write_parity};
pub use parquet::{ROW_OF_FILE, Table, literal_path, open_database, sql_name, sql_text};
pub use parquet_guard::guard_parquet;
pub use precision_record::{Measured, Precisions, ReducedPrecision};
pub use precisions::{read_precisions, tower_files, write_precisions};
pub use reading::{ReadFile, Reading};
pub use regular::read_file;
pub use reject::{JoinSide, Reason, Reject};
pub use remote::{Extent, fetch_remote, is_remote};
pub use run::{Run, RunStatus, run_name, utc_now};
pub use run_record::{Base, End, Outcome, Provenance, RunRecord};
pub use score_record::indexed::Metrics;
pub use score_record::{Estimate, Parity, ParityItem, ParitySample, Prediction, Scores};
pub use scores::{read_predictions, read_scores, write_scores};
pub use standings::{Standing, Standings, Unknown, look, standings, unless_damaged};
pub use store::{Listing, Store};
pub use succession::Succession;
pub use unread::{ContentHash, Unread};
