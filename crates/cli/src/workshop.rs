//! Puts a working loom together from settings: store, vault, executors.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use drawloom_lang::Compiled;
use drawloom_runtime::{Loom, Reader, SecretBook, Settings as LoomSettings, Work};
use drawloom_store::{Store, vault::MasterKey};

use crate::{failure::Failure, files, settings::Settings, store};

/// A store that was opened, and what belongs to it.
pub(crate) struct Workshop {
    pub(crate) settings: Settings,
    pub(crate) store: Arc<dyn Store>,
    hurried: AtomicBool,
}

impl Workshop {
    /// Opens the store that the settings name.
    pub(crate) fn open(settings: Settings, what_for: store::Use) -> Result<Self, Failure> {
        let store = store::open(&settings, what_for)?;
        Ok(Self { settings, store, hurried: AtomicBool::new(false) })
    }

    /// Takes ownership of the store's runs and stands ready to work on them.
    pub(crate) async fn loom(&self, work: Work) -> Result<Loom, Failure> {
        let kinds = drawloom_kinds::Settings { http_allow: self.settings.http_allow.clone(), ..Default::default() };
        let executors = drawloom_kinds::executors(&kinds).map_err(Failure::usage)?;
        let mut settings = LoomSettings::new(executors, drawloom_kinds::inline);
        settings.work = work;
        settings.secrets = Some(self.secrets());
        settings.parallelism = files::attempts(self.settings.parallelism.unwrap_or(settings.parallelism));
        Ok(Loom::open(Arc::clone(&self.store), settings).await?)
    }

    /// A reader, which works beside whoever owns the runs.
    pub(crate) fn reader(&self) -> Reader {
        Reader::new(Arc::clone(&self.store), drawloom_kinds::inline)
    }

    pub(crate) fn secrets(&self) -> SecretBook {
        let path = self.master_key();
        SecretBook::new(Arc::clone(&self.store), move || match std::env::var("DRAWLOOM_MASTER_KEY") {
            Ok(text) => MasterKey::from_text(&text),
            Err(_) => MasterKey::from_file(&path),
        })
    }

    /// Where the master key is: in its own file beside the store, unless settings say otherwise.
    pub(crate) fn master_key(&self) -> PathBuf {
        if let Some(it) = &self.settings.master_key {
            return it.clone();
        }
        match store::path(&self.settings.store) {
            Some(it) => it.with_file_name("master.key"),
            None => PathBuf::from(".drawloom/master.key"),
        }
    }

    /// Keeps the sub-flows that a flow was compiled with, so that its runs find them.
    pub(crate) async fn keep_children(&self, compiled: &Compiled) -> Result<(), Failure> {
        for child in &compiled.children {
            self.store.put_version(child.blueprint.encode().into(), None).await?;
        }
        Ok(())
    }

    /// Has nobody wait any longer for a store that does not answer.
    pub(crate) fn hurry(&self) {
        self.hurried.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_hurried(&self) -> bool {
        self.hurried.load(Ordering::Relaxed)
    }

    /// Gives the store up.
    pub(crate) async fn close(self) -> Result<(), Failure> {
        if self.is_hurried() {
            // A store that is dropped ends what it does, as far as that is quick.
            return Ok(());
        }
        Ok(self.store.close().await?)
    }
}
