//! Whether pictures are looked at, and by which weights.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use liuhen_service::count::Eyes as Counting;
use liuhen_service::models::{Set, default_folder};
use liuhen_service::sight::{Looker, VisionError};

use crate::command::models;

/// What a verb may be told of pictures.
#[derive(Debug, clap::Args)]
pub(crate) struct Eyes {
    /// Do not look at pictures. They are looked at when models are there; `liuhen models install` fetches them.
    #[arg(long)]
    no_pictures: bool,
    /// The folder of models [default: $LIUHEN_MODELS, else liuhen/models among the user's data].
    #[arg(long, value_name = "DIR")]
    models: Option<PathBuf>,
    /// Read text with the larger networks, where they are installed.
    #[arg(long)]
    thorough: bool,
}

impl Eyes {
    /// The eyes, if pictures are wanted and models are there. Models that were asked for by name
    /// and are missing are an error.
    pub(crate) fn open(&self, threads: usize) -> Result<Option<Looker>> {
        if !self.are_wanted() {
            return Ok(None);
        }
        if self.models.is_some() || self.thorough {
            return self
                .demanded(threads)
                .map(Some)
                .context("opening the models for pictures");
        }
        // Most runs meet no picture, and the networks take half a second to open.
        Ok(Looker::when_needed(&default_folder(), Set::Standard, threads).ok())
    }

    /// Whether pictures are to be looked at.
    pub(crate) fn are_wanted(&self) -> bool {
        !self.no_pictures
    }

    /// The eyes of a count, which tells a picture that could be read as missing.
    pub(crate) fn counting(&self, threads: usize) -> Result<Counting> {
        Ok(match self.open(threads)? {
            Some(looker) => Counting::Open(Arc::new(looker)),
            None if self.are_wanted() => Counting::Missing,
            None => Counting::Closed,
        })
    }

    /// The eyes, without which the verb can do nothing.
    pub(crate) fn demanded(&self, threads: usize) -> Result<Looker, VisionError> {
        let set = if self.thorough {
            Set::Thorough
        } else {
            Set::Standard
        };
        Looker::open(&models::folder(self.models.as_ref()), set, threads)
    }
}
