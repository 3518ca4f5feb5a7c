//! The report on a leaked file, as PDF: what was found, what it proves and what it does not.
//!
//! Equal leak, equal vault and equal program give equal bytes: it says nothing of when it was asked for, and nothing of the log that came later. The page of the console and `trace --html` say the same from the same [`LeakView`].

use std::f64::consts::LN_10;

use liuhen_paper::{Bar, Bars, Column, Lang, Meta, Paper};
use liuhen_picture::Font;

use crate::Service;
use crate::caller::{Caller, Role};
use crate::decoys::AccountView;
use crate::error::{Result, ServiceError};
use crate::leaks::{CopyView, LeakState, LeakView};

/// Copies drawn; the table names all that are accused.
const DRAWN: usize = 25;

impl Service {
    /// The report on an examined leak, as PDF, in Chinese or English.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Conflict`] while it is not examined; [`ServiceError::Setup`] when the machine has no font with the characters.
    pub fn leak_report(&self, caller: &Caller, id: &str, chinese: bool) -> Result<Vec<u8>> {
        caller.need(Role::Investigator, "see leaks")?;
        let leak = self.leak(caller, id)?;
        if leak.state != LeakState::Done {
            return Err(ServiceError::Conflict(
                "this file is not examined".to_owned(),
            ));
        }
        let words = Words { chinese };
        let font = Font::find(None, words.sample()).map_err(setup)?;
        let origin = self.log_vkey();
        paper(&font, words, &leak, &origin).finish().map_err(setup)
    }
}

fn setup(error: impl std::fmt::Display) -> ServiceError {
    ServiceError::Setup(error.to_string())
}

/// The words of a report in one language.
#[derive(Clone, Copy)]
struct Words {
    chinese: bool,
}

impl Words {
    fn say(self, zh: &str, en: &str) -> String {
        if self.chinese { zh } else { en }.to_owned()
    }

    /// Characters that the font must have.
    fn sample(self) -> &'static str {
        if self.chinese {
            "泄露溯源报告证据误指"
        } else {
            "Leak"
        }
    }
}

fn paper<'f>(font: &'f Font, w: Words, leak: &LeakView, vkey: &str) -> Paper<'f> {
    let meta = Meta {
        title: w.say("泄露文件溯源报告", "Report on a leaked file"),
        lang: if w.chinese {
            Lang::Chinese
        } else {
            Lang::English
        },
        header: leak.file_name.clone(),
        footer: format!("liuhen {}", env!("CARGO_PKG_VERSION")),
        created: None,
    };
    let title = meta.title.clone();
    let mut paper = Paper::new(font, meta).heading(1, title);
    paper = found(paper, w, leak);
    paper = outcome(paper, w, leak);
    paper = evidence(paper, w, leak);
    paper = accounts(paper, w, leak);
    paper = commitments(paper, w, leak);
    paper = readers(paper, w, leak);
    limits(paper, w, leak, vkey)
}

fn found<'f>(paper: Paper<'f>, w: Words, leak: &LeakView) -> Paper<'f> {
    let number = |n: u64| n.to_string();
    let mut pairs = vec![
        (w.say("文件名", "File"), leak.file_name.clone()),
        (w.say("字节", "Bytes"), number(leak.size)),
    ];
    if leak.rows > 0 {
        pairs.extend([
            (w.say("行数", "Rows"), number(leak.rows)),
            (
                w.say("未能读取的行", "Unreadable rows"),
                number(leak.bad_rows),
            ),
            (
                w.say("本库中的人", "Persons of this vault"),
                number(leak.persons),
            ),
            (w.say("替身", "Canaries"), number(leak.canaries)),
            (w.say("读出的标记位", "Marks read"), number(leak.marks)),
        ]);
    }
    for picture in &leak.pictures {
        pairs.push((
            w.say("相符的原图", "Original it shows"),
            match picture.page {
                Some(page) => format!("{}, {page}", picture.name),
                None => picture.name.clone(),
            },
        ));
        pairs.push((
            w.say("可读标记", "Readable places"),
            number(picture.carriers),
        ));
    }
    let mut paper = paper
        .heading(2, w.say("查到什么", "What was found"))
        .pairs(pairs)
        .paragraph("SHA-256")
        .hash(leak.sha256.clone());
    for picture in &leak.pictures {
        paper = paper
            .paragraph(w.say("原图的 SHA-256", "SHA-256 of the original"))
            .hash(picture.sha256.clone());
    }
    paper
}

fn outcome<'f>(paper: Paper<'f>, w: Words, leak: &LeakView) -> Paper<'f> {
    let said = if w.chinese {
        &leak.statements_zh
    } else {
        &leak.statements_en
    };
    let mut paper = paper.heading(2, w.say("结论", "What follows"));
    for (at, statement) in (1..).zip(said) {
        paper = paper.paragraph(format!("{at}. {statement}"));
    }
    paper
}

fn log10(ln: f64) -> String {
    format!("{:.1}", ln / LN_10)
}

fn evidence<'f>(paper: Paper<'f>, w: Words, leak: &LeakView) -> Paper<'f> {
    let mut paper = paper.heading(2, w.say("各副本的证据", "Evidence about each copy"));
    if leak.copies.is_empty() {
        return paper.paragraph(w.say(
            "没有一份副本与它有共同的人、替身或图片。",
            "No copy shares persons, canaries or a picture with it.",
        ));
    }
    paper = paper.paragraph(format!(
        "{} {}; {} {}",
        w.say("比对的副本", "Copies examined"),
        leak.copies_examined,
        w.say(
            "指认所需（以 10 为底的对数）",
            "needed for an accusation (log10)"
        ),
        log10(leak.threshold_ln)
    ));
    let drawn = leak.copies.iter().map(|copy| (&copy.recipient, copy.ln_e));
    paper = paper.bars(bars_of(w, leak, drawn));
    let columns = vec![
        Column::new(w.say("接收方", "Recipient")).parts(3.0),
        Column::new(w.say("副本", "Copy")).parts(3.0),
        Column::new(w.say("共有人数", "Persons shared")).right(),
        Column::new(w.say("渠道", "Channels")).parts(3.0),
        Column::new(w.say("合计", "Together")).right(),
    ];
    let row = |copy: &CopyView| {
        let channels: Vec<String> = copy
            .channels
            .iter()
            .map(|channel| format!("{} {}", channel_name(w, &channel.name), log10(channel.ln_e)))
            .collect();
        let mark = if copy.accused {
            w.say("（指认）", " (accused)")
        } else {
            String::new()
        };
        vec![
            format!("{}{mark}", copy.recipient),
            copy.export.clone(),
            copy.persons_shared.to_string(),
            channels.join("\n"),
            log10(copy.ln_e),
        ]
    };
    let named = DRAWN.max(leak.accused().count());
    paper.table(columns, leak.copies.iter().take(named).map(row))
}

/// The strongest evidence as bars, by name, and what an accusation needs.
fn bars_of<'n>(w: Words, leak: &LeakView, drawn: impl Iterator<Item = (&'n String, f64)>) -> Bars {
    let bar = |(name, ln_e): (&String, f64)| Bar {
        label: name.clone(),
        value: ln_e / LN_10,
        note: log10(ln_e),
    };
    Bars {
        bars: drawn.take(DRAWN).map(bar).collect(),
        threshold: Some((leak.threshold_ln / LN_10, w.say("指认所需", "needed"))),
    }
}

/// Accounts that had coins for the decoys found.
fn accounts<'f>(paper: Paper<'f>, w: Words, leak: &LeakView) -> Paper<'f> {
    if leak.decoys == 0 {
        return paper;
    }
    let mut paper = paper
        .heading(
            2,
            w.say("诱饵对各账号的证据", "Evidence of decoys about accounts"),
        )
        .paragraph(format!(
            "{} {}; {} {}",
            w.say("文件中的诱饵", "Decoys in the file"),
            leak.decoys,
            w.say("比对的账号", "accounts examined"),
            leak.accounts_examined
        ))
        .paragraph(w.say(
            "诱饵是世上没有的人，与同名者一起出现；对每个账号是否显示，由事先写入日志的概率抽签决定。账号与副本共用同一门槛。",
            "A decoy is a person who does not exist, shown among namesakes; whether an account is shown one falls by lot, with a chance that was written into the log before. Accounts share the threshold of the copies.",
        ));
    if leak.accounts.is_empty() {
        return paper.paragraph(w.say("没有账号为它们抽过签。", "No account had a coin for them."));
    }
    let drawn = leak
        .accounts
        .iter()
        .map(|account| (&account.name, account.ln_e));
    paper = paper.bars(bars_of(w, leak, drawn));
    let columns = vec![
        Column::new(w.say("账号", "Account")).parts(4.0),
        Column::new(w.say("抽过签", "Coins")).right(),
        Column::new(w.say("显示过", "Shown")).right(),
        Column::new(w.say("偶然可期", "By chance")).right(),
        Column::new(w.say("证据", "Evidence")).right(),
    ];
    let row = |account: &AccountView| {
        let mark = if account.accused {
            w.say("（指认）", " (accused)")
        } else {
            String::new()
        };
        vec![
            format!("{} · {}{mark}", account.name, account.who),
            account.coins.to_string(),
            account.shown.to_string(),
            format!("{:.1}", account.expected),
            log10(account.ln_e),
        ]
    };
    let named = DRAWN.max(leak.accused_accounts().count());
    paper.table(columns, leak.accounts.iter().take(named).map(row))
}

fn channel_name(w: Words, name: &str) -> String {
    match name {
        "marks" => w.say("写法标记", "marks"),
        "canaries" => w.say("替身", "canaries"),
        "picture" => w.say("图片暗记", "picture mark"),
        crate::pictures::TILE => w.say("图片暗纹（无原图）", "picture tile, without its original"),
        "screen" => w.say("屏幕暗记", "screen mark"),
        other => other.to_owned(),
    }
}

fn commitments<'f>(paper: Paper<'f>, w: Words, leak: &LeakView) -> Paper<'f> {
    let mut paper = paper.heading(
        2,
        w.say(
            "泄露之前日志中的承诺",
            "Commitments in the log that predate the leak",
        ),
    );
    let mut any = false;
    for copy in leak.accused() {
        any = true;
        paper = paper.heading(3, format!("{} · {}", copy.recipient, copy.export));
        if let Some(index) = copy.trace_index {
            paper = paper.paragraph(format!("{} {index}", w.say("日志条目", "Entry of the log")));
        }
        for (name, hash) in [
            (w.say("条目的哈希", "Hash of the entry"), &copy.leaf_hash),
            (
                w.say("标记密钥的承诺", "Commitment to the marking key"),
                &copy.commitment,
            ),
        ] {
            if let Some(hash) = hash {
                paper = paper.paragraph(name).hash(hash.clone());
            }
        }
    }
    for account in leak.accused_accounts() {
        any = true;
        let leaves: Vec<String> = account.leaves.iter().map(u64::to_string).collect();
        paper = paper
            .heading(3, format!("{} · {}", account.name, account.who))
            .paragraph(format!(
                "{} {}",
                w.say(
                    "写下各诱饵概率的日志条目",
                    "Entries of the log that hold the chances of these decoys:"
                ),
                leaves.join(", ")
            ));
    }
    if !any {
        paper = paper.paragraph(w.say(
            "没有指认任何副本或账号。",
            "No copy and no account is accused.",
        ));
    }
    paper
}

fn readers<'f>(paper: Paper<'f>, w: Words, leak: &LeakView) -> Paper<'f> {
    if leak.readers.is_empty() {
        return paper;
    }
    let columns = vec![
        Column::new(w.say("读取者", "Reader")).parts(4.0),
        Column::new(w.say("其中", "Of these")).right(),
        Column::new(w.say("共读", "In all")).right(),
        Column::new(w.say("偶然可期", "By chance")).right(),
        Column::new("p").right().parts(1.5),
        Column::new(w.say("同类工作中的 p", "p among like work"))
            .right()
            .parts(1.5),
    ];
    let rows = leak.readers.iter().map(|reader| {
        vec![
            reader.name.clone(),
            reader.leaked_read.to_string(),
            reader.read.to_string(),
            format!("{:.1}", reader.expected),
            format!("{:.1e}", reader.p),
            reader
                .p_within
                .map_or_else(|| "—".to_owned(), |p| format!("{p:.1e}")),
        ]
    });
    paper
        .heading(
            2,
            w.say(
                "逐条查看过这些人的读取者（只作排序，不作指认）",
                "Readers of these persons (a ranking, never an accusation)",
            ),
        )
        .table(columns, rows)
}

/// What the bound assumes of decoys, where there are any.
fn decoys_assume(w: Words, leak: &LeakView) -> Option<String> {
    let assumed = || {
        w.say(
            "账号与副本一起计数，门槛为 (副本数 + 账号数) ÷ ε。对账号的前提：抽签的密钥未泄露；各次抽签的概率在抽签之前写入日志；无辜者没有把自己看到的诱饵转告泄露者，也没有人按他看到的内容去查询。把诱饵告诉同事，会使同事的泄露也指向自己。指认的是账号所见的内容：可能是本人泄露、账号被盗或转告，本报告不作区分。",
            "Accounts are counted with the copies: the threshold is (copies + accounts) / ε. Of accounts it assumes that the key of the coins was kept; that each chance was in the log before its coin fell; and that an innocent passed no decoy he saw on to whoever leaked, nor did anybody look up what he had seen. Whoever tells a colleague of a decoy may be accused for the colleague's leak. What is accused is what an account was shown: whether its holder leaked, was robbed or told somebody is not shown.",
        )
    };
    (leak.accounts_examined > 0).then(assumed)
}

fn limits<'f>(paper: Paper<'f>, w: Words, leak: &LeakView, vkey: &str) -> Paper<'f> {
    let bound = if w.chinese {
        format!(
            "每次比对中，一份副本的证据达到 比对副本数 ÷ ε 才予指认；不论多少人合谋、怎样删改，误指任何一份无辜副本的概率不超过 ε = {:e}（马尔可夫不等式与并合界）。前提：标记密钥随机且未泄露；比对的副本不是按标记挑选的。k 次比对合起来，误指的概率不超过 k·ε。",
            leak.epsilon
        )
    } else {
        format!(
            "In each examination, a copy is accused when its evidence reaches copies examined / ε; whatever was done to the file and however many colluded, the probability of accusing any innocent copy is at most ε = {:e} (Markov's inequality and a union bound). It assumes that marking keys are random and were kept secret, and that the copies examined were not chosen by their marks; k examinations together accuse an innocent with probability at most k·ε.",
            leak.epsilon
        )
    };
    let mut paper = paper
        .heading(2, w.say("界限与前提", "The bound and what it assumes"))
        .paragraph(bound);
    if let Some(assumed) = decoys_assume(w, leak) {
        paper = paper.paragraph(assumed);
    }
    paper
        .paragraph(w.say(
            "没有证明的：副本是谁交出去的，何时交出去的，以及持有标记密钥的人没有嫁祸。没有指认，不等于不是从这里泄露的。",
            "Not shown: who let the copy go, or when; nor that whoever holds the marking keys did not frame. That nobody is accused does not mean that it did not come from here.",
        ))
        .paragraph(w.say("日志的公钥", "Public key of the log"))
        .hash(vkey.trim().to_owned())
}
