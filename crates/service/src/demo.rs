//! `--demo`: about a thousand invented people and a year of reads, put in through the same use-cases as real ones.
//!
//! The people come from `invented`: their numbers belong to nobody.
//! The past is made by setting the vault's clock back and letting it run forward; the log's own signatures carry the true time, so nobody can take the demonstration for a real past.

use std::io::Write;
use std::sync::Arc;

use futures_util::future::join_all;
use liuhen_invented::Generator;
use liuhen_kinds::Kind;

use crate::caller::{Assurance, Caller, CallerKind, Role};
use crate::error::{Result, ServiceError};
use crate::imports::{ImportPlan, ImportState, PlanColumn};
use crate::policy::View;
use crate::purposes::PurposeView;
use crate::reads::{Handle, ReadRequest};
use crate::{Service, ids};

/// How many people.
pub const PEOPLE: u64 = 1000;

/// How many days of reads.
const DAYS: u64 = 365;

const DAY_MS: i64 = 86_400_000;

/// The collection they are put in.
pub const COLLECTION: &str = "demo";

/// One of the invented readers: how he appears, what for, what he sees and how often a day.
struct Reader {
    id: &'static str,
    name: &'static str,
    purpose: &'static str,
    view: View,
    a_day: u64,
}

const READERS: [Reader; 7] = [
    Reader {
        id: "demo-desk-1",
        name: "前台一号 Front desk 1",
        purpose: "care",
        view: View::Plain,
        a_day: 9,
    },
    Reader {
        id: "demo-desk-2",
        name: "前台二号 Front desk 2",
        purpose: "care",
        view: View::Plain,
        a_day: 7,
    },
    Reader {
        id: "demo-nurse",
        name: "护士站 Nurses' station",
        purpose: "care",
        view: View::Masked,
        a_day: 6,
    },
    Reader {
        id: "demo-billing",
        name: "收费处 Billing",
        purpose: "billing",
        view: View::Masked,
        a_day: 5,
    },
    Reader {
        id: "demo-courier",
        name: "送药员 Courier",
        purpose: "delivery",
        view: View::Plain,
        a_day: 4,
    },
    Reader {
        id: "demo-call",
        name: "随访中心 Call centre",
        purpose: "care",
        view: View::Masked,
        a_day: 3,
    },
    Reader {
        id: "demo-promo",
        name: "市场部 Marketing",
        purpose: "marketing",
        view: View::Masked,
        a_day: 2,
    },
];

/// Puts the demonstration into an empty vault; does nothing in one that has it already.
///
/// `progress` is told what is being done, how far it is and how far it goes.
///
/// # Errors
///
/// [`ServiceError::Conflict`] when the vault already holds something else.
pub async fn seed(
    service: &Arc<Service>,
    progress: &(dyn Fn(&str, u64, u64) + Sync),
) -> Result<()> {
    let collections = service.collections();
    if collections
        .iter()
        .any(|collection| collection.name == COLLECTION)
    {
        return Ok(());
    }
    if !collections.is_empty() {
        return Err(ServiceError::Conflict(
            "the demonstration only goes into an empty vault; give another directory with --dir"
                .to_owned(),
        ));
    }
    let year = i64::try_from(DAYS).unwrap_or(365) * DAY_MS;
    service.clock.shift(-year - DAY_MS);
    let seeded = seed_past(service, progress).await;
    service.clock.shift(0);
    seeded
}

async fn seed_past(
    service: &Arc<Service>,
    progress: &(dyn Fn(&str, u64, u64) + Sync),
) -> Result<()> {
    let caller = Caller::local();
    service
        .put_site(&caller, "clinic", "示范诊所 Demonstration clinic")
        .await?;
    for purpose in purposes() {
        service.put_purpose(&caller, purpose).await?;
    }
    let mut seed = [0u8; 8];
    ids::fill(&mut seed)?;
    let people = Generator::new(u64::from_le_bytes(seed));
    import_people(service, &caller, &people, progress).await?;
    read_for_a_year(service, &people, progress).await
}

fn purposes() -> Vec<PurposeView> {
    let fields = |kinds: &[Kind]| kinds.iter().map(|kind| kind.name().to_owned()).collect();
    let purpose = |id: &str, zh: &str, en: &str, basis, kinds: &[Kind], marketing| PurposeView {
        id: id.to_owned(),
        name_zh: zh.to_owned(),
        name_en: en.to_owned(),
        basis,
        fields: fields(kinds),
        retention_days: 1095,
        notice: format!("{zh}：仅为该目的处理上述字段。 {en}: only these fields, only for this."),
        notice_hash: String::new(),
        marketing,
        surety: crate::Surety::Durable,
        decoy_percent: None,
        face_alternative: None,
        version: 0,
        updated: 0,
    };
    let care = [
        Kind::PERSON_NAME,
        Kind::RESIDENT_ID,
        Kind::MOBILE,
        Kind::DATE_OF_BIRTH,
    ];
    vec![
        purpose("care", "诊疗", "medical care", 2, &care, false),
        purpose(
            "billing",
            "收费",
            "billing",
            2,
            &[Kind::PERSON_NAME, Kind::BANK_CARD],
            false,
        ),
        purpose(
            "delivery",
            "送药上门",
            "delivery of medicine",
            2,
            &[Kind::PERSON_NAME, Kind::MOBILE, Kind::ADDRESS],
            false,
        ),
        purpose(
            "marketing",
            "健康资讯推送",
            "health newsletters",
            1,
            &[Kind::PERSON_NAME, Kind::MOBILE],
            true,
        ),
    ]
}

const KINDS: [(Kind, &str); 7] = [
    (Kind::PERSON_NAME, "姓名"),
    (Kind::RESIDENT_ID, "身份证号"),
    (Kind::MOBILE, "手机号"),
    (Kind::ADDRESS, "住址"),
    (Kind::BANK_CARD, "银行卡号"),
    (Kind::EMAIL, "邮箱"),
    (Kind::DATE_OF_BIRTH, "出生日期"),
];

async fn import_people(
    service: &Arc<Service>,
    caller: &Caller,
    people: &Generator,
    progress: &(dyn Fn(&str, u64, u64) + Sync),
) -> Result<()> {
    let mut upload = service.upload()?;
    let mut line = |cells: Vec<String>| -> Result<()> {
        let text = cells.join(",") + "\r\n";
        let (bytes, _, _) = encoding_rs::GB18030.encode(&text);
        upload
            .write_all(&bytes)
            .map_err(ServiceError::io("write the demonstration"))
    };
    line(
        KINDS
            .iter()
            .map(|(_, header)| (*header).to_owned())
            .collect(),
    )?;
    for index in 0..PEOPLE {
        let fields = people.person_at(index).fields();
        let cell = |kind: Kind| {
            let found = fields.iter().find(|(of, _)| *of == kind);
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        line(KINDS.iter().map(|(kind, _)| cell(*kind)).collect())?;
    }
    let id = upload.finish_import(caller, "demo.csv")?;
    let columns = KINDS
        .iter()
        .enumerate()
        .map(|(index, (kind, _))| PlanColumn {
            index,
            field: kind.name().to_owned(),
            kind: Some(*kind),
            keep: true,
        });
    let plan = ImportPlan {
        collection: COLLECTION.to_owned(),
        site: Some("clinic".to_owned()),
        sheet: None,
        has_header: true,
        columns: columns.collect(),
    };
    service.import_start(caller, &id, plan).await?;
    loop {
        let status = service.import_status(caller, &id)?;
        progress("importing invented people", status.counts.rows, PEOPLE);
        match status.state {
            ImportState::Done => return Ok(()),
            ImportState::Failed => {
                return Err(ServiceError::Setup(status.error.unwrap_or_default()));
            }
            _ => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
        }
    }
}

async fn read_for_a_year(
    service: &Arc<Service>,
    people: &Generator,
    progress: &(dyn Fn(&str, u64, u64) + Sync),
) -> Result<()> {
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let year = i64::try_from(DAYS).unwrap_or(365) * DAY_MS;
    for day in 0..DAYS {
        let at = i64::try_from(day).unwrap_or(0) * DAY_MS;
        let mut asked = Vec::new();
        for reader in &READERS {
            // A little more or less than usual, and fewer at the weekend.
            let weekend = day % 7 >= 5;
            let reads = if weekend {
                reader.a_day / 3
            } else {
                dice.below(reader.a_day) + reader.a_day / 2
            };
            for _ in 0..reads {
                asked.push((
                    reader,
                    people.person_at(dice.below(PEOPLE)),
                    dice.below(9 * 3600 * 1000),
                ));
            }
        }
        asked.sort_by_key(|(_, _, time)| *time);
        let reads = asked.into_iter().map(|(reader, person, time)| {
            let within = i64::try_from(time).unwrap_or(0);
            read_once(service, reader, person.mobile, at - year + within)
        });
        for read in join_all(reads).await {
            read?;
        }
        progress("a year of reads", day + 1, DAYS);
    }
    Ok(())
}

/// One read, as of `offset` milliseconds from now.
async fn read_once(service: &Service, reader: &Reader, mobile: String, offset: i64) -> Result<()> {
    let purpose = service.purpose(reader.purpose)?;
    let caller = Caller {
        id: format!("staff:{}", reader.id),
        display: reader.name.to_owned(),
        kind: CallerKind::Staff,
        roles: [Role::Reader].into_iter().collect(),
        assurance: Assurance::TwoFactor,
        site: None,
    };
    let request = ReadRequest {
        purpose: reader.purpose.to_owned(),
        subjects: vec![Handle::Value {
            kind: Kind::MOBILE,
            value: mobile,
        }],
        collection: Some(COLLECTION.to_owned()),
        fields: purpose.fields.clone(),
        view: reader.view,
        questions: Vec::new(),
        reference: None,
    };
    // A read takes the time before it first waits, so the readers that wait together keep their own times.
    service.clock.shift(offset);
    service.read(&caller, &request).await.map(drop)
}

/// A small generator for the rhythm of the demonstration (xorshift64*); nothing secret hangs on it.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % bound.max(1)
    }
}
