//! An event file that only grows by whole records.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::time::{SystemTime, UNIX_EPOCH};

use fs_err as fs;
use fs_err::File;
use prost::Message;

use crate::proto::{
    CLASS_TENSOR, Dim, Event, HParam, HParamValue, HParams, Kind, Metadata, PluginData, SESSION_START,
    SessionEnd, SessionLog, SessionStart, Shape, Summary, TYPE_FLOAT, TYPE_STRING, Tensor, Value, What,
};
use crate::record::frame;

/// The prefix of the names of event files. The seconds since the Unix epoch follow.
pub const PREFIX: &str = "events.out.tfevents.";
/// The version of the format, which is written at the beginning of every file.
const VERSION: &str = "brain.Event:2";

/// An event file in the folder of a run.
#[derive(Debug)]
pub struct EventFile {
    file: File,
    /// The number of bytes in whole records.
    whole: u64,
    /// Whether a broken record follows those bytes.
    torn: bool,
    /// The records that TensorBoard needs to show the others as they are meant, as long as they could not be written.
    unwritten: Vec<u8>,
}

/// The value of a hyperparameter.
#[derive(Clone, Debug, PartialEq)]
pub enum Setting {
    /// A numeric value.
    Number(f64),
    /// A textual value.
    Text(String),
    /// A value that is true or false.
    Flag(bool),
}

/// The way in which a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The run is complete.
    Success,
    /// The run failed.
    Failure,
}

impl EventFile {
    /// Creates a new file, which TensorBoard reads after all files that are in the folder already. A disk that is full by
    /// then leaves an empty file that is written as soon as there is space: one file, however often that is tried.
    ///
    /// # Errors
    ///
    /// When the file cannot be created.
    pub fn create(folder: &Path) -> io::Result<Self> {
        let path = new_path(folder)?;
        let file = fs::OpenOptions::new().append(true).create_new(true).open(path)?;
        let unwritten = record(0, What::FileVersion(VERSION.to_owned()));
        Ok(Self { file, whole: 0, torn: false, unwritten })
    }

    /// Begins a process's part of the run at this step. What earlier files say about this step and later ones no longer
    /// counts. Every file has to begin this way, including the first one: TensorBoard takes the first such event of a
    /// run for the run's beginning, and the following ones for restarts.
    ///
    /// # Errors
    ///
    /// When the file cannot be written. The same holds for all methods below. A point of a curve is then lost; everything
    /// else is written before the next event.
    pub fn begin_at(&mut self, step: usize) -> io::Result<()> {
        self.keep(step, What::SessionLog(SessionLog { status: SESSION_START }))
    }

    /// Adds one point to each of several curves. TensorBoard stores 32-bit floats.
    pub fn scalars(&mut self, step: usize, values: &[(&str, f64)]) -> io::Result<()> {
        self.append(step, scalars(values))
    }

    /// Adds a text in Markdown.
    pub fn text(&mut self, step: usize, tag: &str, markdown: &str) -> io::Result<()> {
        self.keep(step, text(tag, markdown))
    }

    /// Records the settings of a run. TensorBoard shows the runs of one group as one, averaged, with the settings of
    /// the first run, so their settings must be equal.
    pub fn session_start(&mut self, group: &str, settings: &[(String, Setting)]) -> io::Result<()> {
        self.keep(0, session_start(group, settings, now()))
    }

    /// Records that the run has ended.
    pub fn session_end(&mut self, step: usize, status: Status) -> io::Result<()> {
        self.keep(step, session_end(status, now()))
    }

    /// Appends an event that is kept until it is written.
    fn keep(&mut self, step: usize, what: What) -> io::Result<()> {
        self.unwritten.extend(record(step, what));
        self.write(&[])
    }

    /// Appends an event that is lost when it cannot be written now.
    fn append(&mut self, step: usize, what: What) -> io::Result<()> {
        self.write(&record(step, what))
    }

    /// Appends what could not be written before, and then a record, with one write. Whatever a failed write leaves is cut
    /// off before the next one, because TensorBoard stops reading a file at the first broken record.
    fn write(&mut self, record: &[u8]) -> io::Result<()> {
        let bytes = [&self.unwritten, record].concat();
        if self.torn {
            self.file.set_len(self.whole)?;
        }
        self.torn = true;
        self.file.write_all(&bytes)?;
        self.torn = false;
        self.whole += bytes.len() as u64;
        self.unwritten.clear();
        Ok(())
    }
}

fn record(step: usize, what: What) -> Vec<u8> {
    let event = Event { wall_time: now(), step: step as i64, what: Some(what) };
    frame(&event.encode_to_vec())
}

fn scalars(values: &[(&str, f64)]) -> What {
    let value = |&(tag, value): &(&str, f64)| Value {
        tag: tag.to_owned(),
        simple_value: Some(value as f32),
        tensor: None,
        metadata: None,
    };
    What::Summary(Summary { value: values.iter().map(value).collect() })
}

fn text(tag: &str, markdown: &str) -> What {
    let tensor = Tensor {
        dtype: TYPE_STRING,
        tensor_shape: Some(Shape { dim: Vec::new() }),
        string_val: vec![markdown.as_bytes().to_vec()],
    };
    for_plugin("text", tag, tensor, Vec::new())
}

fn session_start(group: &str, settings: &[(String, Setting)], time: f64) -> What {
    let hparam = |(name, setting): &(String, Setting)| HParam {
        key: name.clone(),
        value: Some(HParamValue {
            kind: Some(match setting {
                Setting::Number(number) => Kind::Number(*number),
                Setting::Text(text) => Kind::Text(text.clone()),
                Setting::Flag(flag) => Kind::Flag(*flag),
            }),
        }),
    };
    let start = SessionStart {
        hparams: settings.iter().map(hparam).collect(),
        group_name: group.to_owned(),
        start_time_secs: time,
    };
    let content = HParams { session_start_info: Some(start), session_end_info: None };
    for_hparams("_hparams_/session_start_info", &content)
}

fn session_end(status: Status, time: f64) -> What {
    let status = match status {
        Status::Success => 1,
        Status::Failure => 2,
    };
    let end = SessionEnd { status, end_time_secs: time };
    let content = HParams { session_start_info: None, session_end_info: Some(end) };
    for_hparams("_hparams_/session_end_info", &content)
}

/// Makes a value for the HParams plugin, which only reads the metadata. Every value has to have a tensor all the same.
fn for_hparams(tag: &str, content: &HParams) -> What {
    let nothing = Tensor {
        dtype: TYPE_FLOAT,
        tensor_shape: Some(Shape { dim: vec![Dim { size: 0 }] }),
        string_val: Vec::new(),
    };
    for_plugin("hparams", tag, nothing, content.encode_to_vec())
}

fn for_plugin(plugin: &str, tag: &str, tensor: Tensor, content: Vec<u8>) -> What {
    let plugin_data = Some(PluginData { plugin_name: plugin.to_owned(), content });
    let metadata = Some(Metadata { plugin_data, data_class: CLASS_TENSOR });
    let value = Value { tag: tag.to_owned(), simple_value: None, tensor: Some(tensor), metadata };
    What::Summary(Summary { value: vec![value] })
}

/// Returns the seconds since the Unix epoch, or 0 if the machine's clock is set to an earlier time.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

/// Returns the path of a new file. TensorBoard reads the files of a folder in the order of their names, and never goes
/// back to an earlier one.
fn new_path(folder: &Path) -> io::Result<PathBuf> {
    let after = newest(folder)?.map_or(0, |seconds| seconds + 1);
    let seconds = after.max(now() as u64);
    Ok(folder.join(format!("{PREFIX}{seconds:010}.cliptune.{}.0", process::id())))
}

/// Returns the seconds in the name of the newest event file.
fn newest(folder: &Path) -> io::Result<Option<u64>> {
    let mut newest = None;
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let rest = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
        let seconds = rest.and_then(|rest| rest.split('.').next()?.parse::<u64>().ok());
        newest = newest.max(seconds);
    }
    Ok(newest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(step: i64, what: What) -> String {
        let event = Event { wall_time: 1.5, step, what: Some(what) };
        event.encode_to_vec().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// ```python
    /// from tensorboard.compat.proto.event_pb2 import Event, SessionLog
    /// from tensorboard.compat.proto.summary_pb2 import DATA_CLASS_TENSOR, Summary, SummaryMetadata
    /// from tensorboard.compat.proto.tensor_pb2 import TensorProto
    /// from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
    /// from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionEndInfo, SessionStartInfo
    ///
    /// def value(plugin, tag, tensor, content=b""):
    ///     data = SummaryMetadata.PluginData(plugin_name=plugin, content=content)
    ///     return Summary.Value(tag=tag, tensor=tensor,
    ///                          metadata=SummaryMetadata(plugin_data=data, data_class=DATA_CLASS_TENSOR))
    ///
    /// def show(step=0, value=[], **other):
    ///     if value: other["summary"] = Summary(value=value)
    ///     print(Event(wall_time=1.5, step=step, **other).SerializeToString(deterministic=True).hex())
    ///
    /// show(3, [Summary.Value(tag="train/loss", simple_value=0.25),
    ///          Summary.Value(tag="train/grad_norm", simple_value=float("inf"))])
    /// show(0, [value("text", "plan", TensorProto(dtype=7, tensor_shape=TensorShapeProto(), string_val=[b"a"]))])
    /// nothing = TensorProto(dtype=1, tensor_shape=TensorShapeProto(dim=[TensorShapeProto.Dim(size=0)]))
    /// start = SessionStartInfo(group_name="tuned", start_time_secs=2.5)
    /// start.hparams["lr"].number_value = 1e-5
    /// show(0, [value("hparams", "_hparams_/session_start_info", nothing,
    ///                HParamsPluginData(session_start_info=start).SerializeToString())])
    /// end = SessionEndInfo(status=1, end_time_secs=2.5)
    /// show(9, [value("hparams", "_hparams_/session_end_info", nothing,
    ///                HParamsPluginData(session_end_info=end).SerializeToString())])
    /// show(4, session_log=SessionLog(status=SessionLog.START))
    /// ```
    /// These are the bytes that tensorboard 2.21.0 writes.
    #[test]
    fn events_are_the_bytes_that_tensorboard_itself_writes() {
        let curves = scalars(&[("train/loss", 0.25), ("train/grad_norm", f64::INFINITY)]);
        assert_eq!(
            hex(3, curves),
            "09000000000000f83f10032a2b0a110a0a747261696e2f6c6f7373150000803e0a160a0f747261696e2f677261645f6e6f726d15\
             0000807f"
        );
        assert_eq!(
            hex(0, text("plan", "a")),
            "09000000000000f83f2a1d0a1b0a04706c616e4207080712004201614a0a0a060a04746578742002"
        );
        let settings = [("lr".to_owned(), Setting::Number(1e-5))];
        assert_eq!(
            hex(0, session_start("tuned", &settings, 2.5)),
            "09000000000000f83f2a5c0a5a0a1c5f68706172616d735f2f73657373696f6e5f73746172745f696e666f420608011202120\
             04a320a2e0a0768706172616d7312231a210a0f0a026c72120911f168e388b5f8e43e220574756e65642900000000000004402002"
        );
        assert_eq!(
            hex(9, session_end(Status::Success, 2.5)),
            "09000000000000f83f10092a440a420a1a5f68706172616d735f2f73657373696f6e5f656e645f696e666f420608011202120\
             04a1c0a180a0768706172616d73120d220b08011100000000000004402002"
        );
        let restart = What::SessionLog(SessionLog { status: SESSION_START });
        assert_eq!(hex(4, restart), "09000000000000f83f10043a020801");
    }

    /// Reads the records of a file, and fails at a frame that does not fit.
    fn events_of(data: &[u8]) -> Vec<Event> {
        let mut rest = data;
        let mut events = Vec::new();
        while !rest.is_empty() {
            let length = u64::from_le_bytes(rest[..8].try_into().unwrap()) as usize;
            let record = &rest[12..12 + length];
            assert_eq!(frame(record), rest[..length + 16]);
            events.push(Event::decode(record).unwrap());
            rest = &rest[length + 16..];
        }
        events
    }

    fn read(folder: &Path) -> Vec<Vec<Event>> {
        let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths.into_iter().map(|path| events_of(&fs::read(path).unwrap())).collect()
    }

    #[test]
    fn a_new_file_comes_after_those_that_are_there_whatever_the_clock_says() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("events.out.tfevents.9999999990.host.1.0"), "").unwrap();
        for _ in 0..3 {
            EventFile::create(folder.path()).unwrap().begin_at(7).unwrap();
        }
        let files = read(folder.path());
        assert_eq!(files.len(), 4);
        for events in &files[1..] {
            assert_eq!(events[0].what, Some(What::FileVersion(VERSION.to_owned())));
            assert_eq!((events[1].step, events.len()), (7, 2));
        }
    }

    #[test]
    fn a_disk_that_is_full_from_the_beginning_costs_points_and_leaves_one_file() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = EventFile::create(folder.path()).unwrap();
        let full = fs::OpenOptions::new().append(true).open("/dev/full").unwrap();
        let own = std::mem::replace(&mut file.file, full);
        assert!(file.begin_at(0).is_err());
        for step in 1..100 {
            assert!(file.scalars(step, &[("loss", 2.0)]).is_err());
        }
        file.file = own;
        file.scalars(100, &[("loss", 1.5)]).unwrap();
        let files = read(folder.path());
        let steps: Vec<(i64, bool)> =
            files[0].iter().map(|event| (event.step, matches!(event.what, Some(What::Summary(_))))).collect();
        assert_eq!((files.len(), steps), (1, vec![(0, false), (0, false), (100, true)]));
    }

    #[test]
    fn what_a_full_disk_broke_off_is_gone_with_the_next_record() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = EventFile::create(folder.path()).unwrap();
        file.scalars(1, &[("loss", 2.5)]).unwrap();
        let full = fs::OpenOptions::new().append(true).open("/dev/full").unwrap();
        let own = std::mem::replace(&mut file.file, full);
        assert!(file.scalars(2, &[("loss", 2.0)]).is_err());
        file.file = own;
        // This is what a write that is interrupted halfway leaves.
        file.file.write_all(b"\x2b\x00\x00").unwrap();
        file.scalars(3, &[("loss", 1.5)]).unwrap();
        let steps: Vec<i64> = read(folder.path())[0].iter().map(|event| event.step).collect();
        assert_eq!(steps, [0, 1, 3]);
    }
}
