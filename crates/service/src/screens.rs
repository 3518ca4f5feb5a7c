//! Screens: pages that show personal information carry a faint pattern of their viewer and day.
//!
//! One key for each viewer and day, derived from the vault's root; before its first pattern leaves, the key is committed to in the trace. A photograph or screenshot of a page then leads to whose screen it was ([`crate::pictures`] examines it).

use liuhen_fingerprint::code::ExportKey;
use liuhen_fingerprint::tile::Tile;
use liuhen_vault::store::{Batch, KeyRange, Space};
use serde::{Deserialize, Serialize};

use crate::caller::Caller;
use crate::clock::rfc3339;
use crate::error::{Result, ServiceError};
use crate::event::{Action, Outcome};
use crate::{Service, ids, shelf};

/// Names the tiles of this use among all that a key could make.
pub(crate) const PART: &[u8] = b"console";

/// Keys of viewer-days in [`Space::Screens`].
const PREFIX: &[u8] = b"";

/// A viewer's screens of one day.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StoredScreen {
    pub(crate) who: String,
    pub(crate) name: String,
    /// `YYYY-MM-DD`, UTC.
    pub(crate) day: String,
    /// Index of the leaf that commits to the key.
    pub(crate) index: u64,
    pub(crate) leaf_hash: String,
}

impl StoredScreen {
    /// What the viewer-day is called.
    pub(crate) fn id(&self) -> String {
        format!("screen {} {}", self.day, self.who)
    }
}

impl Service {
    /// The pattern of a viewer's pages today, as a PNG with transparency, to be repeated over the whole page.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Trace`] when the commitment cannot be made durable; no pattern leaves then.
    pub async fn screen_mark(&self, caller: &Caller) -> Result<Vec<u8>> {
        let day = self.today();
        let key = self.screen_key(&caller.id, &day);
        if self.screen(&caller.id, &day)?.is_none() {
            self.begin_screen(caller, &day, &key).await?;
        }
        Ok(Tile::new(&key, PART).grey_alpha().png())
    }

    async fn begin_screen(&self, caller: &Caller, day: &str, key: &ExportKey) -> Result<()> {
        let details = [
            ("screen", day.to_owned()),
            ("mark_key_commitment", ids::hex(&key.commitment())),
        ];
        let noted = self
            .note(caller, Action::Screen, Outcome::Done, details)
            .await?;
        let stored = StoredScreen {
            who: caller.id.clone(),
            name: caller.display.clone(),
            day: day.to_owned(),
            index: noted.index,
            leaf_hash: self.receipt(&noted)?.leaf_hash,
        };
        let sealed = self.seal("screen", &shelf::bytes(&stored)?)?;
        let mut batch = Batch::new();
        batch.put(Space::Screens, row_key(&caller.id, day), sealed);
        Ok(self.store().write(&batch)?)
    }

    fn screen(&self, who: &str, day: &str) -> Result<Option<StoredScreen>> {
        let sealed = self.store().get(Space::Screens, &row_key(who, day))?;
        sealed.map(|sealed| self.open_screen(&sealed)).transpose()
    }

    fn open_screen(&self, sealed: &[u8]) -> Result<StoredScreen> {
        serde_json::from_slice(&self.unseal("screen", sealed)?)
            .map_err(|_| ServiceError::Damaged("screen"))
    }

    /// Every viewer-day, oldest first.
    pub(crate) fn screens(&self) -> Result<Vec<StoredScreen>> {
        let range = KeyRange::prefix(PREFIX);
        let rows = self
            .store()
            .scan(Space::Screens, &range, usize::MAX, false)?;
        rows.iter()
            .map(|(_, sealed)| self.open_screen(sealed))
            .collect()
    }

    /// The key of a viewer's screens on a day.
    pub(crate) fn screen_key(&self, who: &str, day: &str) -> ExportKey {
        let secret = self.vault.derive(&format!("screen/{day}/{who}"));
        ExportKey::from_secret(*secret.expose())
    }

    fn today(&self) -> String {
        let now = rfc3339(self.now());
        now.get(..10).unwrap_or(&now).to_owned()
    }
}

fn row_key(who: &str, day: &str) -> Vec<u8> {
    format!("{day}/{who}").into_bytes()
}
