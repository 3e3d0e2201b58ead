//! The hub and its cache, as the rest of cliptune sees them.

use std::path::PathBuf;

use crate::agent::agent;
use crate::cache::CachedRepository;
use crate::client::Client;
use crate::commit::Commit;
use crate::error::Result;
use crate::fetch::Fetch;
use crate::id::HubId;
use crate::locate::locate;
use crate::patience::{Patience, Pause};
use crate::progress::Observer;
use crate::settings::Settings;

/// A model in the cache: every file of it that cliptune reads is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The folder with `config.json`, the weights and the rest.
    pub folder: PathBuf,
    /// The commit they are of: with it, the same model can be had again.
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
    /// The hub that this process's environment describes.
    ///
    /// # Errors
    ///
    /// When [`Settings::from_env`] or [`new`](Self::new) fails.
    pub fn from_env() -> Result<Self> {
        Self::new(Settings::from_env()?)
    }

    /// The hub that these settings describe. Nothing is asked or written yet.
    ///
    /// # Errors
    ///
    /// [`HubError::Setting`](crate::HubError::Setting) for an impossible proxy, and an error for certificates that
    /// cannot be read.
    pub fn new(settings: Settings) -> Result<Self> {
        let client = Client {
            agent: agent(&settings)?,
            endpoint: settings.endpoint.clone(),
            token: settings.token.clone(),
        };
        Ok(Self { settings, client, patience: Patience::default() })
    }

    /// The same hub, waiting in another way: for tests.
    #[must_use]
    pub fn with_pause(self, pause: Pause) -> Self {
        Self { patience: Patience::new(pause), ..self }
    }

    /// Finds the model in the cache, without the network, whoever has put it there.
    ///
    /// A branch or tag stands for the commit that it had when it was last fetched. None if the cache does not have
    /// every file that the model needs.
    ///
    /// # Errors
    ///
    /// [`HubError::Io`](crate::HubError::Io) if the cache cannot be read.
    pub fn locate(&self, id: &HubId) -> Result<Option<Snapshot>> {
        locate(&CachedRepository::new(&self.settings.cache, id), &id.revision())
    }

    /// Brings the model into the cache, downloading only what is missing of the files that it needs.
    ///
    /// In offline mode, and for a commit that is already complete, nothing is asked. When the hub cannot be reached,
    /// a complete snapshot of the revision in the cache is taken instead, with a
    /// [`Notice::Unreachable`](crate::Notice::Unreachable).
    ///
    /// # Errors
    ///
    /// Every variant of [`HubError`](crate::HubError) but those about names and settings. After
    /// [`Interrupted`](crate::HubError::Interrupted), [`Stopped`](crate::HubError::Stopped) and a full disk, the
    /// next fetch continues where this one ended.
    pub fn fetch(&self, id: &HubId, observer: &dyn Observer) -> Result<Snapshot> {
        Fetch { hub: self, id, repository: CachedRepository::new(&self.settings.cache, id), observer }.run()
    }
}
