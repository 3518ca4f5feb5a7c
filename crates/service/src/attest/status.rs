//! How far map and witnesses are behind the log, for whoever must act when they stay behind.

use serde::Serialize;

use super::Shared;
use crate::Service;
use crate::clock::UnixMs;
use crate::meter::AppendTimes;

/// How far the trace has come.
#[derive(Debug, Clone, Serialize)]
pub struct TraceStatus {
    /// Leaves that are durable.
    pub size: u64,
    /// Leaves under the newest checkpoint.
    pub checkpoint: u64,
    /// Leaves under the newest checkpoint that a quorum of witnesses cosigned; none without witnesses.
    pub cosigned: Option<u64>,
    /// The private map.
    pub map: MapStatus,
    /// The witnesses, in the order of the policy.
    pub witnesses: Vec<WitnessStatus>,
    /// What somebody must see to, in words.
    pub alarms: Vec<Alarm>,
}

/// Something that stays behind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "alarm", rename_all = "snake_case")]
pub enum Alarm {
    /// The log takes no more entries.
    Stopped,
    /// A witness has not cosigned for a while though there is something new.
    Witness {
        /// Its name in the policy.
        name: String,
        /// Seconds since it last did; none when it never did.
        seconds: Option<u64>,
    },
    /// No quorum has cosigned for a while.
    Quorum {
        /// Seconds since one last did; none when none ever did.
        seconds: Option<u64>,
    },
    /// The private map does not follow.
    Map {
        /// Why, where it is known.
        reason: Option<String>,
    },
}

impl Alarm {
    /// The stable name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Witness { .. } => "witness",
            Self::Quorum { .. } => "quorum",
            Self::Map { .. } => "map",
        }
    }
}

/// How far the private map has come.
#[derive(Debug, Clone, Serialize)]
pub struct MapStatus {
    /// The newest map root covers entries below this index.
    pub size: u64,
    /// Labels under it.
    pub labels: u64,
    /// Index of its entry.
    pub index: Option<u64>,
}

/// One witness.
#[derive(Debug, Clone, Serialize)]
pub struct WitnessStatus {
    /// Its name in the policy.
    pub name: String,
    /// Its verifier key.
    pub vkey: String,
    /// Where it is asked, if it is.
    pub url: Option<String>,
    /// Size it last cosigned.
    pub size: u64,
    /// When it last cosigned, by our clock.
    pub cosigned_at: Option<UnixMs>,
    /// What it last answered instead, if that is newer.
    pub trouble: Option<String>,
    /// Requests that failed since the start.
    pub failures: u64,
}

impl Shared {
    fn map_alarm(&self) -> Option<Alarm> {
        let map = self.map.read();
        let behind = map
            .followed
            .is_none_or(|at| at.elapsed() > self.pace.alarm_after);
        (behind || map.fault.is_some()).then(|| Alarm::Map {
            reason: map.fault.clone(),
        })
    }

    fn witness_alarms(&self, checkpoint: u64) -> Vec<Alarm> {
        let after = self.pace.alarm_after;
        let mut alarms = Vec::new();
        let asked = self.witnesses.lock();
        for witness in asked.iter().filter(|witness| witness.url.is_some()) {
            let late = witness
                .waiting_since
                .is_some_and(|since| since.elapsed() > after);
            if late && witness.size < checkpoint {
                alarms.push(Alarm::Witness {
                    name: witness.name.clone(),
                    seconds: witness.cosigned.map(|at| at.elapsed().as_secs()),
                });
            }
        }
        drop(asked);
        let quorum = self.quorum_waits.lock();
        if let Some(since) = quorum.filter(|since| since.elapsed() > after) {
            let seconds = Some(since.elapsed().as_secs());
            alarms.push(Alarm::Quorum { seconds });
        }
        alarms
    }
}

impl Service {
    /// How far the trace has come, and what stays behind.
    pub fn trace_status(&self) -> TraceStatus {
        let shared = &self.attest.shared;
        let checkpoint = self.log.checkpoint().size();
        let mut alarms = Vec::new();
        if self.log.poisoned().is_some() {
            alarms.push(Alarm::Stopped);
        }
        alarms.extend(shared.map_alarm());
        alarms.extend(shared.witness_alarms(checkpoint));
        let newest = shared.map.read().newest();
        let witnesses = shared.witnesses.lock();
        TraceStatus {
            size: self.log.size(),
            checkpoint,
            cosigned: shared.policy.is_some().then(|| shared.cosigned_size()),
            map: MapStatus {
                size: newest.map_or(0, |bound| bound.root.size),
                labels: newest.map_or(0, |bound| bound.root.labels),
                index: newest.map(|bound| bound.index),
            },
            witnesses: witnesses
                .iter()
                .map(super::witnesses::Asked::status)
                .collect(),
            alarms,
        }
    }

    /// Reads since the start, by how they ended.
    pub fn read_counts(&self) -> Vec<(&'static str, u64)> {
        self.ledger().meter().reads()
    }

    /// How long leaves waited until they were durable, since the start.
    pub fn append_times(&self) -> AppendTimes {
        self.ledger().meter().append_times()
    }
}
