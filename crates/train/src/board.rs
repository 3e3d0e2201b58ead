//! Writes a run in the format that TensorBoard shows.

use std::io;
use std::path::{Path, PathBuf};

use cliptune_documents::fenced;
use cliptune_experiment::{Plan, spelled};
use cliptune_store::{Event, Sample, Usage};
use cliptune_tensorboard::{EventFile, Setting, Status};
use serde_json::{Value, json};

/// Writes the curves, the plan and the settings of one run into its folder as events arrive.
#[derive(Debug)]
pub struct Board {
    /// The run that is shown; `None` if nothing is.
    shown: Option<Shown>,
}

#[derive(Debug)]
struct Shown {
    folder: PathBuf,
    plan: String,
    group: String,
    settings: Vec<(String, Setting)>,
    /// The event file, which is created with the first event.
    file: Option<EventFile>,
    step: usize,
}

impl Board {
    /// Creates a board that shows nothing.
    pub fn hidden() -> Self {
        Self { shown: None }
    }

    /// Creates a board that shows a run of this plan.
    pub fn new(folder: &Path, plan: &Plan) -> Self {
        Self {
            shown: Some(Shown {
                folder: folder.to_owned(),
                // A plan that cannot be written as YAML is not shown.
                plan: plan.to_yaml().unwrap_or_default(),
                group: group(plan),
                settings: settings(plan),
                file: None,
                step: 0,
            }),
        }
    }

    /// Shows an event.
    ///
    /// # Errors
    ///
    /// Returns an error when the file cannot be written. The next event is tried all the same.
    pub fn show(&mut self, event: &Event) -> io::Result<()> {
        self.shown.as_mut().map_or(Ok(()), |shown| shown.show(event))
    }

    /// Shows what the run used of its machine, once the run is shown at all.
    ///
    /// # Errors
    ///
    /// Returns an error when the file cannot be written. The next sample is tried all the same.
    pub fn show_usage(&mut self, sample: &Sample) -> io::Result<()> {
        let Some(Shown { file: Some(file), step, .. }) = &mut self.shown else { return Ok(()) };
        // A sample that is older than what was shown last must not take the curve back.
        file.scalars(sample.step.max(*step), &curves(&sample.usage))
    }
}

/// The bytes of a gibibyte: TensorBoard writes every number out.
const GIBIBYTE: f64 = (1u64 << 30) as f64;

/// Returns the curves of a usage, of which the machine may tell some.
fn curves(usage: &Usage) -> Vec<(&'static str, f64)> {
    let gibibytes = |bytes: Option<u64>| bytes.map(|bytes| bytes as f64 / GIBIBYTE);
    let curves = [
        ("system/cpu", usage.cpu),
        ("system/processors", usage.processors),
        ("system/memory_gib", gibibytes(usage.memory)),
        ("system/disk_free_gib", gibibytes(usage.disk)),
        ("system/gpu", usage.gpu),
        ("system/gpu_memory_gib", gibibytes(usage.gpu_memory)),
        ("system/gpu_watts", usage.watts),
        ("system/gpu_temperature", usage.gpu_temperature),
    ];
    curves.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

impl Shown {
    fn show(&mut self, event: &Event) -> io::Result<()> {
        match event {
            Event::Started { .. } => self.start(),
            // The steps after the checkpoint are taken again.
            Event::Resumed { step, .. } => {
                self.step = *step;
                self.file()?.begin_at(step + 1)
            }
            Event::Step { step, .. } => {
                self.step = *step;
                self.add(event)
            }
            Event::Epoch { .. } => self.add(event),
            Event::Finished { .. } => self.end(Status::Success),
            Event::Diverged { .. } => self.end(Status::Failure),
            // An interrupted run will go on, and the models tried after training belong to no step.
            Event::Interrupted { .. } | Event::Interpolated { .. } => Ok(()),
        }
    }

    /// Starts a run from step 0. This may happen again if the run was killed before its first checkpoint.
    fn start(&mut self) -> io::Result<()> {
        let (plan, group, settings) = (self.plan.clone(), self.group.clone(), self.settings.clone());
        let file = self.file()?;
        file.begin_at(0)?;
        file.text(0, "plan", &fenced("yaml", &plan))?;
        file.session_start(&group, &settings)
    }

    /// Adds what was measured to the curves.
    fn add(&mut self, event: &Event) -> io::Result<()> {
        let Some((step, points)) = event.points() else { return Ok(()) };
        self.file()?.scalars(step, &points)
    }

    fn end(&mut self, status: Status) -> io::Result<()> {
        let step = self.step;
        self.file()?.session_end(step, status)
    }

    fn file(&mut self) -> io::Result<&mut EventFile> {
        let file = match self.file.take() {
            Some(file) => file,
            None => EventFile::create(&self.folder)?,
        };
        Ok(self.file.insert(file))
    }
}

/// Names the group of runs that TensorBoard averages: those of one experiment that differ only in their seed. The
/// digits are a hash of the settings, so that a change the matrix does not mention, such as an edited plan, starts a
/// new group.
fn group(plan: &Plan) -> String {
    let axes = plan.axes.iter().map(|(axis, value)| format!(" {axis}={}", spelled(value)));
    let hash = blake3::hash(json!([plan.model, plan.train]).to_string().as_bytes()).to_hex();
    std::iter::once(plan.experiment.to_string()).chain(axes).collect::<String>() + " " + &hash[..6]
}

/// Returns the settings that decide a result, by dotted key. The seed is left out: runs of one group have the same
/// settings.
fn settings(plan: &Plan) -> Vec<(String, Setting)> {
    let mut settings = Vec::new();
    for (section, value) in
        [("model", serde_json::to_value(&plan.model)), ("train", serde_json::to_value(&plan.train))]
    {
        flatten(section, &value.unwrap_or_default(), &mut settings);
    }
    settings
}

fn flatten(key: &str, value: &Value, settings: &mut Vec<(String, Setting)>) {
    let setting = match value {
        Value::Null => return,
        Value::Object(map) => {
            map.iter().for_each(|(name, value)| flatten(&format!("{key}.{name}"), value, settings));
            return;
        }
        Value::Bool(flag) => Setting::Flag(*flag),
        Value::Number(number) => Setting::Number(number.as_f64().unwrap_or(f64::NAN)),
        Value::String(text) => Setting::Text(text.clone()),
        Value::Array(_) => Setting::Text(value.to_string()),
    };
    settings.push((key.to_owned(), setting));
}
