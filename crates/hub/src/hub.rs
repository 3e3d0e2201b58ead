//! The interface to the hub and its cache that the rest of cliptune uses.

use std::path::PathBuf;

use cliptune_web::{Patience, Pause};

use crate::cache::CachedRepository;
use crate::client::Client;
use crate::commit::Commit;
use crate::error::Result;
use crate::fetch::Fetch;
use crate::id::HubId;
use crate::locate::locate;
use crate::progress::Observer;
use crate::settings::Settings;

/// A model in the cache with every file that cliptune reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The folder with `config.json`, the weights and the rest.
    pub folder: PathBuf,
    /// The commit that the files belong to. With it, the same model can be fetched again.
    pub commit: Commit,
}

/// The Hugging Face Hub, or a mirror of it, and the cache on this machine.
#[derive(Debug)]
pub struct Hub {
    pub(crate) settings: Settings,
    pub(crate) client: Client,
    pub(crate) patience: Patience,
}

impl Hub {
    /// Returns the hub that this process's environment describes.
    ///
    /// # Errors
    ///
    /// When [`Settings::from_env`] or [`new`](Self::new) fails.
    pub fn from_env() -> Result<Self> {
        Self::new(Settings::from_env()?)
    }

    /// Makes a hub from settings. Nothing is asked or written yet.
    ///
    /// # Errors
    ///
    /// [`HubError::Setting`](crate::HubError::Setting) for an impossible proxy, and an error for certificates that
    /// cannot be read.
    pub fn new(settings: Settings) -> Result<Self> {
        let client = Client {
            agent: settings.connections.agent()?,
            endpoint: settings.endpoint.clone(),
            token: settings.token.clone(),
        };
        Ok(Self { settings, client, patience: Patience::default() })
    }

    /// Replaces the way in which the hub waits between tries, for tests.
    #[must_use]
    pub fn with_pause(self, pause: Pause) -> Self {
        Self { patience: Patience::new(pause), ..self }
    }

    /// Finds the model in the cache without the network, no matter which program has put it there.
    ///
    /// A branch or tag stands for the commit that it had when it was last fetched. Returns `None` if the cache lacks a
    /// file that the model needs.
    ///
    /// # Errors
    ///
    /// [`HubError::Io`](crate::HubError::Io) if the cache cannot be read.
    pub fn locate(&self, id: &HubId) -> Result<Option<Snapshot>> {
        locate(&CachedRepository::new(&self.settings.cache, id), &id.revision())
    }

    /// Brings the model into the cache. Only files that the model needs and the cache lacks are downloaded.
    ///
    /// In offline mode, and for a commit that is already complete, the hub is not asked. When the hub cannot be
    /// reached, a complete snapshot of the revision in the cache is used instead, and a
    /// [`Notice::Unreachable`](crate::Notice::Unreachable) is reported.
    ///
    /// # Errors
    ///
    /// Returns any variant of [`HubError`](crate::HubError) except those about names and settings. After
    /// [`Interrupted`](crate::HubError::Interrupted), [`Stopped`](crate::HubError::Stopped) or a full disk, the next
    /// fetch continues where this one ended.
    pub fn fetch(&self, id: &HubId, observer: &dyn Observer) -> Result<Snapshot> {
        let repository = CachedRepository::new(&self.settings.cache, id);
        Fetch { hub: self, id, repository, observer }.run().map_err(|error| error.about(id))
    }
}
