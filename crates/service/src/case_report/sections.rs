//! The sections of a case's report.

use std::collections::BTreeSet;

use liuhen_forensics::case::{Act, Entry, Sealing};
use liuhen_forensics::provenance::Relation;
use liuhen_forensics::slang::Slang;
use liuhen_forensics::{Policy, Reason, Rules};
use liuhen_kinds::{Kind, Lang, RulePack};
use serde_json::Value;

use super::{Arrow, Block, CaseReport, Chart, Head, Material};

/// Regions, files and lines of the glossary shown at most; the rest is in the JSON.
const MOST: usize = 60;

/// As a count names them.
const RELATIONS: [Relation; 6] = [
    Relation::Copy,
    Relation::CopyReordered,
    Relation::Subset,
    Relation::MergeOf,
    Relation::ReSale,
    Relation::Siblings,
];

/// Parts under way, in one language.
struct Pages<'m> {
    lang: Lang,
    material: &'m Material,
    blocks: Vec<Block>,
}

pub(super) fn document(material: &Material, lang: Lang) -> CaseReport {
    let mut pages = Pages {
        lang,
        material,
        blocks: Vec::new(),
    };
    pages.case();
    pages.exhibits();
    if let Some((folder, count)) = &material.count {
        pages.count(folder, count);
        pages.sample();
        pages.glossary();
    } else if material.entries.iter().any(is_count) {
        pages.text(
            "最近一次统计与封存时不一致，不予列出。",
            "The last count is not as it was sealed, and is not shown.",
        );
    } else {
        pages.text("本案尚未统计。", "Nothing was counted in this case yet.");
    }
    pages.method();
    pages.custody();
    let head = |name: &str| string(&material.head, name);
    CaseReport {
        title: pages.say(
            "个人信息案件统计报告",
            "Report on a case of personal information",
        ),
        header: format!("{} {}", head("number"), head("name"))
            .trim()
            .to_owned(),
        footer: format!("liuhen {}", env!("CARGO_PKG_VERSION")),
        lang,
        blocks: pages.blocks,
        json: material.json(),
    }
}

fn is_count(entry: &Entry) -> bool {
    matches!(&entry.act, Act::Worked { what, .. } if what == "count")
}

fn string(value: &Value, name: &str) -> String {
    let found = value.get(name);
    found.and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn number(value: &Value, pointer: &str) -> u64 {
    let found = value.pointer(pointer);
    found.and_then(Value::as_u64).unwrap_or(0)
}

fn list<'v>(value: &'v Value, pointer: &str) -> impl Iterator<Item = &'v Value> {
    let found = value.pointer(pointer).and_then(Value::as_array);
    found.into_iter().flatten()
}

fn map<'v>(value: &'v Value, pointer: &str) -> impl Iterator<Item = (&'v String, u64)> {
    let found = value.pointer(pointer).and_then(Value::as_object);
    let pair = |(name, count): (&'v String, &'v Value)| (name, count.as_u64().unwrap_or(0));
    found.into_iter().flatten().map(pair)
}

/// Digits in threes.
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[expect(clippy::cast_precision_loss, reason = "lengths of bars")]
fn bar(label: String, count: u64) -> (String, f64, String) {
    (label, count as f64, grouped(count))
}

impl Pages<'_> {
    fn say(&self, zh: &str, en: &str) -> String {
        match self.lang {
            Lang::Zh => zh,
            Lang::En => en,
        }
        .to_owned()
    }

    fn heading(&mut self, zh: &str, en: &str) {
        let text = self.say(zh, en);
        self.blocks.push(Block::Heading(2, text));
    }

    fn lesser(&mut self, zh: &str, en: &str) {
        let text = self.say(zh, en);
        self.blocks.push(Block::Heading(3, text));
    }

    fn text(&mut self, zh: &str, en: &str) {
        let text = self.say(zh, en);
        self.blocks.push(Block::Text(text));
    }

    /// Heads of a table: Chinese, English, width, whether numbers.
    fn heads(&self, heads: &[(&str, &str, f32, bool)]) -> Vec<Head> {
        let head =
            |(zh, en, width, right): &(&str, &str, f32, bool)| (self.say(zh, en), *width, *right);
        heads.iter().map(head).collect()
    }

    fn table(&mut self, heads: &[(&str, &str, f32, bool)], rows: Vec<Vec<String>>) {
        let heads = self.heads(heads);
        self.blocks.push(Block::Table(heads, rows));
    }

    fn chart(&mut self, zh: &str, en: &str, bars: Vec<(String, f64, String)>) {
        let title = self.say(zh, en);
        self.blocks.push(Block::Chart(Chart { title, bars }));
    }

    fn case(&mut self) {
        let head = &self.material.head;
        let pairs = vec![
            (self.say("案件", "Case"), string(head, "name")),
            (self.say("编号", "Number"), string(head, "number")),
            (self.say("立卷时间", "Opened"), string(head, "opened")),
        ];
        self.blocks.push(Block::Pairs(pairs));
        self.text(
            "本报告由程序根据案件文件夹生成，仅供参考：裁判取决于数量以外的诸多情节；违法所得须按行为人分别认定；未达数量标准的，仍可能依《治安管理处罚法》第五十六条处罚。",
            "Made by a program from the case's folder, as advice: a court weighs more than numbers; gains are each actor's own; below the numbers article 56 of the Public Security Administration Punishments Law may still apply.",
        );
        if self.material.told_apart {
            self.text(
                "核验所用公钥或检查点系另行保存，不取自案件文件夹。",
                "Checked under a key or a checkpoint that was kept apart from the case's folder.",
            );
        } else {
            self.text(
                "仅以案件文件夹自带的公钥核验：持私钥者另行制作的整个案卷亦能通过。请与另行告知的公钥（--vkey）或先前的检查点（--earlier）对照。",
                "Checked under the folder's own key alone, which a case written anew as a whole passes too: compare the key with the one you were told (--vkey), or an earlier checkpoint (--earlier).",
            );
        }
        if self.material.faults.is_empty() {
            return self.text(
                "生成本报告前已重新计算全部校验值，与封存时一致。",
                "All sums were taken anew before this report was made; everything is as it was sealed.",
            );
        }
        self.heading("与封存时不一致", "Not as it was sealed");
        self.text(
            "以下各项与封存时不一致，本报告不应作为依据。",
            "What follows is not as it was sealed; do not rely on this report.",
        );
        let faults = self.material.faults.iter().take(MOST).cloned();
        self.blocks.extend(faults.map(Block::Text));
        self.left_off(self.material.faults.len());
        if !self.material.withheld.is_empty() {
            let said = self.say("因此不列出", "Not shown for that reason");
            let withheld = self.material.withheld.join(", ");
            self.blocks.push(Block::Text(format!("{said}: {withheld}")));
        }
    }

    fn exhibits(&mut self) {
        self.heading("检材", "Exhibits");
        if self.material.exhibits.is_empty() {
            return self.text("尚无检材。", "There are none yet.");
        }
        for listing in &self.material.exhibits {
            let heading = format!("{} · {}", listing.folder, listing.source);
            self.blocks.push(Block::Heading(3, heading));
            let mut pairs = vec![
                (self.say("封存人", "Sealed by"), listing.who.by.clone()),
                (self.say("封存时间", "Sealed at"), listing.who.at.clone()),
                (
                    self.say("文件数", "Files"),
                    grouped(listing.files.len() as u64),
                ),
                (self.say("字节", "Bytes"), grouped(listing.bytes())),
            ];
            if !listing.who.note.is_empty() {
                pairs.push((self.say("备注", "Note"), listing.who.note.clone()));
            }
            self.blocks.push(Block::Pairs(pairs));
            for file in &listing.files {
                match &file.sealing {
                    Sealing::File {
                        size,
                        sums,
                        changed_while_read,
                    } => {
                        let changed = if *changed_while_read {
                            self.say("；读取时有变动", "; it changed while it was read")
                        } else {
                            String::new()
                        };
                        let bytes = self.say("字节", "bytes");
                        self.blocks.push(Block::Text(format!(
                            "{} · {} {bytes}{changed}",
                            file.path,
                            grouped(*size)
                        )));
                        self.blocks.push(Block::Hash(format!(
                            "SHA-256 {}\nSM3     {}",
                            sums.sha256, sums.sm3
                        )));
                    }
                    Sealing::Unread { why } => {
                        self.blocks
                            .push(Block::Text(format!("{} · {why}", file.path)));
                    }
                    Sealing::Link { .. } | Sealing::Other => {
                        let what =
                            self.say("链接或非文件，未复制", "a link or no file; not copied");
                        self.blocks
                            .push(Block::Text(format!("{} · {what}", file.path)));
                    }
                }
            }
        }
    }

    fn count(&mut self, folder: &str, count: &Value) {
        self.parameters(count);
        self.not_read(count);
        self.pipeline(folder, count);
        self.excluded(count);
        self.policies(count);
        self.thresholds(count);
        self.persons(count);
        self.near(count);
        self.pictures(count);
        self.files(count);
        self.provenance(count);
    }

    /// What was put in by whoever counted: every number beside the law rests on it.
    fn parameters(&mut self, count: &Value) {
        self.heading(
            "统计前提（由操作者给定）",
            "Premises (as the operator gave them)",
        );
        let yuan = self.say("元", "yuan");
        let yes = count
            .pointer("/parameters/insider")
            .and_then(Value::as_bool)
            .unwrap_or(false);
        let insider = match yes {
            true => self.say("是：标准减半", "yes: thresholds are halved"),
            false => self.say("否", "no"),
        };
        let of_rules = &Rules::builtin().flags;
        let flags: Vec<String> = list(count, "/parameters/flags")
            .filter_map(Value::as_str)
            .map(|name| {
                let known = of_rules.iter().find(|flag| flag.name == name);
                known.map_or_else(|| name.to_owned(), |flag| self.say(&flag.zh, &flag.en))
            })
            .collect();
        let gains = count
            .pointer("/parameters/gains_yuan")
            .and_then(Value::as_object);
        let gains: Vec<String> = gains
            .into_iter()
            .flatten()
            .map(|(actor, gain)| {
                let actor = match actor.as_str() {
                    "" => self.say("全案", "all"),
                    actor => actor.to_owned(),
                };
                format!("{actor} {} {yuan}", gain.as_str().unwrap_or_default())
            })
            .collect();
        let profit = count
            .pointer("/parameters/business_profit_yuan")
            .and_then(Value::as_str);
        let none = || self.say("未给定", "none given");
        let joined = |parts: Vec<String>| match parts.is_empty() {
            true => none(),
            false => parts.join(self.say("；", "; ").as_str()),
        };
        let on = count.pointer("/parameters/ages_on").and_then(Value::as_str);
        let pairs = vec![
            (
                self.say("履职或提供服务中获得", "Obtained on duty or in service"),
                insider,
            ),
            (
                self.say("不问数量的情节", "Circumstances whatever the number"),
                joined(flags),
            ),
            (self.say("违法所得", "Gains"), joined(gains)),
            (
                self.say(
                    "合法经营活动获利（第六条）",
                    "Profit of a business (article 6)",
                ),
                profit.map_or_else(none, |profit| format!("{profit} {yuan}")),
            ),
            (
                self.say("所述行为（条）", "Acts stated"),
                grouped(number(count, "/parameters/acts")),
            ),
            (
                self.say("年龄计算至", "Ages on"),
                on.unwrap_or_default().to_owned(),
            ),
        ];
        self.blocks.push(Block::Pairs(pairs));
    }

    /// What the numbers below do not have in them.
    fn not_read(&mut self, count: &Value) {
        let of_file = |file: &Value| {
            let path = string(file, "path");
            let whole = file.pointer("/unread/text").and_then(Value::as_str);
            let mut all: Vec<(String, String)> = whole
                .map(|why| (path.clone(), why.to_owned()))
                .into_iter()
                .collect();
            all.extend(list(file, "/unread_parts").map(|part| {
                let place = match string(part, "inside").as_str() {
                    "" => path.clone(),
                    inside => format!("{path} » {inside}"),
                };
                (place, string(part, "text"))
            }));
            all
        };
        let mut all: Vec<(String, String)> = list(count, "/not_read")
            .map(|note| (string(note, "path"), string(note, "reason")))
            .collect();
        all.extend(list(count, "/files").flat_map(of_file));
        let more: u64 = list(count, "/files")
            .map(|file| number(file, "/unread_parts_more"))
            .sum();
        if all.is_empty() && more == 0 {
            return self.text(
                "检材中的文件均已读取。",
                "Every file of the exhibits was read.",
            );
        }
        self.heading("未读取", "Not read");
        self.text(
            "以下各处未读取或未读完，后列数量不包含其中内容。",
            "What follows was not read, or not to its end; the numbers below do not have it in them.",
        );
        let total = all.len() as u64 + more;
        let rows: Vec<Vec<String>> = all
            .into_iter()
            .take(MOST)
            .map(|(place, why)| vec![place, why])
            .collect();
        let left = total - rows.len() as u64;
        self.table(
            &[("位置", "Place", 4.0, false), ("原因", "Why", 3.0, false)],
            rows,
        );
        let said = self.say("共", "In all");
        self.blocks
            .push(Block::Text(format!("{said}: {}", grouped(total))));
        self.left(left);
    }

    fn pipeline(&mut self, folder: &str, count: &Value) {
        self.heading("认定过程", "From rows to persons");
        let said = self.say("依据", "From");
        self.blocks
            .push(Block::Text(format!("{said} {folder}/count.json")));
        let steps = [
            ("原始行", "raw rows", "/pipeline/raw"),
            ("可读取", "parsed", "/pipeline/parsed"),
            ("可识别", "identifiable", "/pipeline/identifiable"),
            ("有效", "valid", "/pipeline/valid"),
            ("去重后（人）", "distinct persons", "/totals/persons"),
        ];
        let steps = steps.map(|(zh, en, pointer)| (self.say(zh, en), number(count, pointer)));
        self.chart(
            "原始 → 可读取 → 可识别 → 有效 → 去重",
            "raw → parsed → identifiable → valid → distinct",
            steps
                .iter()
                .map(|(name, count)| bar(name.clone(), *count))
                .collect(),
        );
        let mut before = steps[0].1;
        let rows = steps.iter().map(|(name, count)| {
            let out = before.saturating_sub(*count);
            before = *count;
            vec![name.clone(), grouped(*count), grouped(out)]
        });
        let rows = rows.collect();
        self.table(
            &[
                ("步骤", "Step", 3.0, false),
                ("行", "Rows", 1.0, true),
                ("本步排除", "Out at this step", 1.0, true),
            ],
            rows,
        );
    }

    fn excluded(&mut self, count: &Value) {
        self.heading("排除", "What does not count");
        let words = |pages: &Self, code: &str| {
            let reason = Reason::ALL.iter().find(|reason| reason.code() == code);
            reason.map_or_else(String::new, |reason| {
                let (zh, en) = reason.words();
                pages.say(zh, en)
            })
        };
        let mut rows: Vec<Vec<String>> = map(count, "/excluded")
            .map(|(code, rows)| vec![code.clone(), words(self, code), grouped(rows)])
            .collect();
        let repeated =
            number(count, "/pipeline/valid").saturating_sub(number(count, "/totals/persons"));
        rows.push(vec![
            "DUPLICATE_OF".to_owned(),
            self.say(
                "重复（按人去重的口径）",
                "a repetition, under the policy by person",
            ),
            grouped(repeated),
        ]);
        self.table(
            &[
                ("代码", "Code", 2.0, false),
                ("说明", "Meaning", 4.0, false),
                ("行", "Rows", 1.0, true),
            ],
            rows,
        );
        let kept: Vec<String> = map(count, "/kept_with_untrue_field")
            .map(|(code, rows)| format!("{code} {}", grouped(rows)))
            .collect();
        if !kept.is_empty() {
            let said = self.say("保留但有字段不实", "Kept, though a field is untrue");
            self.blocks
                .push(Block::Text(format!("{said}: {}", kept.join(", "))));
        }
        self.text(
            "每一排除行的文件、表、行号与代码见同一结果中的 ledger.jsonl。",
            "File, sheet, row and code of every such row stand in ledger.jsonl of the same result.",
        );
    }

    fn policies(&mut self, count: &Value) {
        self.heading("去重口径与合计", "Key policies and totals");
        let mut rows = Vec::new();
        for policy in list(count, "/policies") {
            let name = string(policy, "policy");
            let words = Policy::ALL.into_iter().find(|one| one.name() == name);
            let (zh, en) = words.map_or(("", ""), Policy::words);
            let before = number(policy, "/items_before");
            rows.push(vec![
                self.say(zh, en),
                grouped(before),
                grouped(number(policy, "/duplicates")),
                grouped(number(policy, "/distinct")),
            ]);
        }
        self.table(
            &[
                ("口径", "Policy", 3.0, false),
                ("去重前（条）", "Items before", 1.2, true),
                ("重复", "Repetitions", 1.2, true),
                ("去重后（条）", "Distinct items", 1.2, true),
            ],
            rows,
        );
        let pairs = vec![
            (
                self.say("套（去重后）", "Bundles (套), distinct"),
                grouped(number(count, "/totals/bundles_distinct")),
            ),
            (
                self.say("人", "Persons (人)"),
                grouped(number(count, "/totals/persons")),
            ),
        ];
        self.blocks.push(Block::Pairs(pairs));
        self.text(
            "条、套、人为三种单位，不得相加或互换；各口径并列，无一为“唯一”数字。",
            "Items, bundles and persons are three units, never added or exchanged; no policy is “the” number.",
        );
    }

    fn thresholds(&mut self, count: &Value) {
        self.heading("数量标准对照（供参考）", "Beside the thresholds (advice)");
        let rules = Rules::builtin();
        let of_count = count.pointer("/tool/count_rules").and_then(Value::as_str);
        if of_count == Some(rules.version.as_str()) {
            let law = &rules.thresholds;
            self.table(
                &[
                    ("法释〔2017〕10号", "Fa Shi (2017) 10", 3.0, false),
                    ("标准", "Threshold", 1.0, true),
                ],
                vec![
                    vec![
                        self.say("第五条第一款第三项（条）", "article 5(1)(3), items"),
                        grouped(law.t50),
                    ],
                    vec![
                        self.say("第五条第一款第四项（条）", "article 5(1)(4), items"),
                        grouped(law.t500),
                    ],
                    vec![
                        self.say("第五条第一款第五项（条）", "article 5(1)(5), items"),
                        grouped(law.t5000),
                    ],
                    vec![
                        self.say(
                            "第五条第一款第六项（比例合计）",
                            "article 5(1)(6), proportional sum",
                        ),
                        "1".to_owned(),
                    ],
                    vec![
                        self.say(
                            "第五条第一款第七项（违法所得，元）",
                            "article 5(1)(7), gains in yuan",
                        ),
                        grouped(law.gain_yuan),
                    ],
                    vec![
                        self.say(
                            "第五条第一款第八项（履职或提供服务）",
                            "article 5(1)(8), duty or service",
                        ),
                        format!("1/{}", law.insider_divisor),
                    ],
                    vec![
                        self.say(
                            "第五条第二款第三项（情节特别严重）",
                            "article 5(2)(3), especially serious",
                        ),
                        format!("×{}", law.special_factor),
                    ],
                ],
            );
        }
        let mut rows = Vec::new();
        for policy in list(count, "/policies") {
            let name = string(policy, "policy");
            let words = Policy::ALL.into_iter().find(|one| one.name() == name);
            let (zh, en) = words.map_or(("", ""), Policy::words);
            let name = self.say(zh, en);
            rows.extend(list(policy, "/readings").map(|reading| self.reading(&name, reading)));
        }
        for actor in list(count, "/article_11") {
            let who = string(actor, "actor");
            let who = if who.is_empty() {
                self.say("全案", "all")
            } else {
                who
            };
            let name = format!("{} {who}", self.say("第十一条", "article 11"));
            rows.extend(list(actor, "/readings").map(|reading| self.reading(&name, reading)));
        }
        self.table(
            &[
                ("口径", "Policy", 2.4, false),
                ("读法", "Reading", 1.5, false),
                ("50", "50", 1.3, true),
                ("500", "500", 1.6, true),
                ("5000", "5000", 1.6, true),
                ("比例合计", "Sum", 1.6, true),
                ("对照", "Beside the law", 3.0, false),
            ],
            rows,
        );
        self.text(
            "读法：有争议的类别按规则包、一律从高、一律从低三种并列。“达到”指数量对照，不是法律结论；未达不等于合法。",
            "Readings: disputed kinds as the rules have them, all high, all low. “Reaches” compares numbers and concludes nothing; below a number is not lawful.",
        );
    }

    fn reading(&self, name: &str, reading: &Value) -> Vec<String> {
        let which = match reading.get("reading").and_then(Value::as_str) {
            Some("strict") => self.say("争议从高", "high"),
            Some("mild") => self.say("争议从低", "low"),
            _ => self.say("规则包", "pack"),
        };
        let article_6 = reading
            .pointer("/advice/article_6")
            .and_then(Value::as_bool)
            .unwrap_or(false);
        let reached = match reading.pointer("/advice/reaches").and_then(Value::as_str) {
            Some("serious") if article_6 => self.say(
                "第六条：达“情节严重”所列情形（不依数量）",
                "article 6: reaches serious, whatever the number",
            ),
            Some("especially_serious") if article_6 => self.say(
                "第六条：情节特别严重（不依数量）",
                "article 6: reaches especially serious, whatever the number",
            ),
            _ if article_6 => self.say(
                "第六条：不依数量，获利与所述情节未达所列",
                "article 6: numbers do not decide; profit and circumstances are below those listed",
            ),
            Some("serious") => self.say("达“情节严重”数量标准", "reaches serious"),
            Some("especially_serious") => {
                self.say("达“情节特别严重”数量标准", "reaches especially serious")
            }
            _ => self.say("未达所列数量标准", "below the numbers listed"),
        };
        let by: Vec<String> = list(reading, "/advice/by")
            .filter_map(Value::as_str)
            .map(|rule| self.article(rule))
            .collect();
        vec![
            name.to_owned(),
            which,
            grouped(number(reading, "/items/t50")),
            grouped(number(reading, "/items/t500")),
            grouped(number(reading, "/items/t5000")),
            reading
                .get("advice")
                .map_or_else(String::new, |advice| string(advice, "proportional_sum")),
            format!("{reached} {}", by.join(self.say("、", ", ").as_str()))
                .trim()
                .to_owned(),
        ]
    }

    fn article(&self, rule: &str) -> String {
        let (zh, en) = match rule {
            "article_5_1_3" => ("第五条第一款第三项", "5(1)(3)"),
            "article_5_1_4" => ("第五条第一款第四项", "5(1)(4)"),
            "article_5_1_5" => ("第五条第一款第五项", "5(1)(5)"),
            "article_5_1_6" => ("第五条第一款第六项", "5(1)(6)"),
            "article_5_1_7" => ("第五条第一款第七项", "5(1)(7)"),
            "article_5_1_1_2_9" => ("第五条第一款第一、二、九项", "5(1)(1), (2), (9)"),
            "article_5_2_1_2" => ("第五条第二款第一、二项", "5(2)(1), (2)"),
            "article_6" => ("第六条", "6"),
            other => return other.to_owned(),
        };
        self.say(zh, en)
    }

    fn persons(&mut self, count: &Value) {
        self.heading("人", "Persons");
        let ages = [
            ("under_14", "不满十四周岁", "under 14"),
            ("14_to_17", "十四至十七周岁", "14 to 17"),
            ("adult", "成年", "adult"),
            ("unknown", "年龄不明（不等于成年）", "unknown (not: adult)"),
        ];
        let ages = ages.map(|(name, zh, en)| {
            bar(
                self.say(zh, en),
                number(count, &format!("/persons/ages/{name}")),
            )
        });
        let on = count
            .pointer("/parameters/ages_on")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let title = format!("{} {on}", self.say("年龄，计算至", "Ages, on"));
        self.blocks.push(Block::Chart(Chart {
            title,
            bars: ages.into(),
        }));
        self.lesser(
            "敏感个人信息（人），各标准并列",
            "Sensitive personal information (persons), by each standard",
        );
        let standards = [
            ("pipl_28", "个人信息保护法第二十八条", "PIPL, article 28"),
            ("gbt_35273_2020", "GB/T 35273-2020", "GB/T 35273-2020"),
            ("gbt_45574_2025", "GB/T 45574-2025", "GB/T 45574-2025"),
        ];
        let pairs = standards
            .map(|(name, zh, en)| {
                (
                    self.say(zh, en),
                    grouped(number(count, &format!("/persons/sensitive/{name}"))),
                )
            })
            .into();
        self.blocks.push(Block::Pairs(pairs));
        self.lesser("信息类别（人）", "Kinds (persons)");
        let pack = RulePack::builtin();
        let label = |name: &String| {
            name.parse::<Kind>().map_or_else(
                |_| name.clone(),
                |kind| pack.label(kind, self.lang).to_owned(),
            )
        };
        let kinds =
            map(count, "/persons/kinds").map(|(name, persons)| vec![label(name), grouped(persons)]);
        let kinds = kinds.collect();
        self.table(
            &[("类别", "Kind", 3.0, false), ("人", "Persons", 1.0, true)],
            kinds,
        );
        self.regions(count);
        let schools = ["schools", "classes", "persons_in_classes", "largest_class"]
            .map(|name| number(count, &format!("/schools/{name}")));
        if schools[0] > 0 {
            self.lesser("学校与班级", "Schools and classes");
            let names = [
                ("学校", "Schools"),
                ("班级", "Classes"),
                ("班级中的人", "Persons in classes"),
                ("最大班级", "Largest class"),
            ];
            let pairs = names
                .iter()
                .zip(schools)
                .map(|((zh, en), count)| (self.say(zh, en), grouped(count)));
            let pairs = pairs.collect();
            self.blocks.push(Block::Pairs(pairs));
        }
        let domains: Vec<(String, f64, String)> = list(count, "/domains")
            .map(|domain| {
                let name = string(domain, if self.lang == Lang::Zh { "zh" } else { "en" });
                bar(name, number(domain, "/rows"))
            })
            .collect();
        if !domains.is_empty() {
            self.chart("数据领域（行）", "Sorts of data (rows)", domains);
        }
    }

    fn regions(&mut self, count: &Value) {
        let mut regions: Vec<(u64, String)> = list(count, "/persons/regions")
            .map(|region| {
                let name = format!("{} {}", string(region, "province"), string(region, "city"));
                (number(region, "/persons"), name.trim().to_owned())
            })
            .collect();
        if regions.is_empty() {
            return;
        }
        self.lesser("地区（人）", "Regions (persons)");
        let total = regions.len();
        regions.sort_by_key(|(persons, _)| std::cmp::Reverse(*persons));
        regions.truncate(MOST);
        let rows = regions
            .into_iter()
            .map(|(persons, name)| vec![name, grouped(persons)])
            .collect();
        self.table(
            &[("地区", "Region", 3.0, false), ("人", "Persons", 1.0, true)],
            rows,
        );
        self.left_off(total);
    }

    fn left_off(&mut self, total: usize) {
        self.left(total.saturating_sub(MOST) as u64);
    }

    fn left(&mut self, left: u64) {
        if left > 0 {
            let said = self.say("其余未列，见 JSON：", "not listed, see the JSON: ");
            self.blocks
                .push(Block::Text(format!("{said}{}", grouped(left))));
        }
    }

    fn near(&mut self, count: &Value) {
        self.heading("疑似重复（未排除）", "Likely repetitions (not excluded)");
        let links = &Rules::builtin().links;
        let rows: Vec<Vec<String>> = list(count, "/near_duplicates/rules")
            .map(|rule| {
                let name = string(rule, "rule");
                let link = links.iter().find(|link| link.name == name);
                let words = link.map_or(name, |link| self.say(&link.zh, &link.en));
                vec![
                    words,
                    string(rule, "confidence"),
                    grouped(number(rule, "/links")),
                ]
            })
            .collect();
        self.table(
            &[
                ("规则", "Rule", 5.0, false),
                ("把握（自定）", "Confidence (ours)", 1.2, true),
                ("对", "Links", 1.0, true),
            ],
            rows,
        );
        let told = |at: &str| grouped(number(count, &format!("/near_duplicates/{at}")));
        let fewer = self.say(
            "若均属实，至多减少人数",
            "Persons fewer at most, if all were true",
        );
        let more = self.say(
            "同一电话、账号下的姓名若各为一人，至多增加人数",
            "Persons more at most, if each name of one telephone or account were somebody",
        );
        let between = self.say("人数下限、上限", "Least and most persons");
        for text in [
            format!("{fewer}: {}", told("persons_fewer_at_most")),
            format!("{more}: {}", told("persons_more_at_most")),
            format!(
                "{between}: {}, {}",
                told("persons_between/0"),
                told("persons_between/1")
            ),
        ] {
            self.blocks.push(Block::Text(text));
        }
    }

    /// What pictures showed, and what of it is in no number above.
    fn pictures(&mut self, count: &Value) {
        let of = |name: &str| number(count, &format!("/pictures/{name}"));
        let unseen: u64 = map(count, "/pictures/not_read")
            .map(|(_, count)| count)
            .sum();
        if of("seen") + unseen == 0 {
            return;
        }
        self.heading("图片", "Pictures");
        self.text(
            "图片中读出的人各为一行，与其他各行同样认定、去重。同一图片中既有人脸又有标识信息的，计为一套。仅有人脸的图片不成行：未经比对不能区分是谁、是否同一人，故单列张数，不计入条、套、人；法释〔2017〕10号未规定其计数方法。",
            "Each person read from a picture is a row, judged and compared as all others are. A face beside identifiers in one picture is a set. A face alone makes no row: whose it is, and whether two are one, is not told without comparing faces, which is not done. Such pictures are told apart and are in none of the totals; Fa Shi (2017) 10 has no rule for counting them.",
        );
        let rows = [
            ("已查看", "looked at", of("seen")),
            ("未查看", "not looked at", unseen),
            ("有标识信息", "with identifiers", of("with_identifiers")),
            ("有人脸", "with a face", of("with_face")),
            (
                "有人脸且有标识信息（套）",
                "with a face and identifiers (sets)",
                of("sets"),
            ),
            ("仅有人脸", "with a face alone", of("face_alone")),
            ("疑似人脸", "with what may be a face", of("perhaps_face")),
            ("带拍摄位置", "whose file tells a place", of("with_place")),
            ("读出的行", "rows read from them", of("rows")),
            (
                "其中识读把握不足",
                "of them, read with little confidence",
                of("rows_unsure"),
            ),
        ];
        let mut rows: Vec<Vec<String>> = rows
            .into_iter()
            .map(|(zh, en, count)| vec![self.say(zh, en), grouped(count)])
            .collect();
        for (code, count) in map(count, "/pictures/not_read") {
            let said = self.say("未查看的原因", "not looked at for");
            rows.push(vec![format!("{said} {code}"), grouped(count)]);
        }
        self.table(
            &[
                ("图片", "Pictures", 4.0, false),
                ("数量", "Number", 1.0, true),
            ],
            rows,
        );
    }

    /// The networks of a count, by file and sum.
    fn networks(&mut self, count: &Value) {
        let Some(sight) = count
            .pointer("/pictures/sight")
            .filter(|sight| sight.is_object())
        else {
            return;
        };
        let thorough = sight.get("thorough").and_then(Value::as_bool) == Some(true);
        let which = if thorough { "thorough" } else { "standard" };
        self.lesser(
            "识读图片的网络",
            "Networks that pictures were looked at with",
        );
        let pairs = vec![
            (self.say("一组", "Set"), which.to_owned()),
            (self.say("阈值", "Thresholds"), string(sight, "thresholds")),
            (
                self.say("证件规则", "Rules of documents"),
                string(sight, "documents"),
            ),
            (self.say("运行于", "Run by"), string(sight, "runtime")),
        ];
        self.blocks.push(Block::Pairs(pairs));
        let rows: Vec<Vec<String>> = list(sight, "/networks")
            .map(|network| {
                ["job", "file", "sha256"]
                    .map(|name| string(network, name))
                    .into()
            })
            .collect();
        self.table(
            &[
                ("用途", "Job", 2.0, false),
                ("文件", "File", 3.0, false),
                ("SHA-256", "SHA-256", 5.0, false),
            ],
            rows,
        );
    }

    fn files(&mut self, count: &Value) {
        self.heading("各文件", "Files");
        let files: Vec<&Value> = list(count, "/files").collect();
        let rows = files.iter().take(MOST).map(|file| {
            let unread = file.pointer("/unread/text").and_then(Value::as_str);
            vec![
                match unread {
                    Some(why) => format!("{} ({why})", string(file, "path")),
                    None => string(file, "path"),
                },
                grouped(number(file, "/raw")),
                grouped(number(file, "/valid")),
                grouped(number(file, "/persons")),
                grouped(number(file, "/persons_first_here")),
            ]
        });
        let rows = rows.collect();
        self.table(
            &[
                ("文件", "File", 4.0, false),
                ("原始", "Raw", 1.0, true),
                ("有效", "Valid", 1.0, true),
                ("人", "Persons", 1.0, true),
                ("前文件未见", "In no earlier file", 1.2, true),
            ],
            rows,
        );
        self.left_off(files.len());
    }

    /// Which file came from which, where the count says so.
    fn provenance(&mut self, count: &Value) {
        let files: Vec<(u64, String)> = list(count, "/provenance/files")
            .map(|file| (number(file, "/file"), string(file, "path")))
            .collect();
        let edges: Vec<&Value> = list(count, "/provenance/edges").collect();
        if edges.is_empty() {
            return;
        }
        self.heading(
            "文件之间的来源（推断）",
            "Which file came from which (inferred)",
        );
        let place = |edge: &Value, end: &str| {
            let wanted = number(edge, end);
            files.iter().position(|(file, _)| *file == wanted)
        };
        let (mut arrows, mut rows) = (Vec::new(), Vec::new());
        let total = edges.len();
        for edge in edges.into_iter().take(MOST) {
            let (Some(from), Some(to)) = (place(edge, "/from"), place(edge, "/to")) else {
                continue;
            };
            let directed = edge
                .get("directed")
                .and_then(Value::as_bool)
                .unwrap_or(true);
            let label = self.relation(&string(edge, "relation"));
            rows.push(vec![
                files[from].1.clone(),
                if directed { "→" } else { "—" }.to_owned(),
                files[to].1.clone(),
                label.clone(),
                grouped(number(edge, "/evidence/common")),
                string(edge, "confidence"),
            ]);
            arrows.push(Arrow {
                from,
                to,
                directed,
                label,
            });
        }
        // Only files that an arrow meets are drawn.
        let met: BTreeSet<usize> = arrows.iter().flat_map(|one| [one.from, one.to]).collect();
        let place_of = |at: usize| met.range(..at).count();
        for arrow in &mut arrows {
            (arrow.from, arrow.to) = (place_of(arrow.from), place_of(arrow.to));
        }
        let drawn = met.iter().map(|at| files[*at].1.clone());
        self.blocks.push(Block::Graph(drawn.collect(), arrows));
        self.table(
            &[
                ("文件", "File", 3.0, false),
                ("", "", 0.5, false),
                ("文件", "File", 3.0, false),
                ("关系", "Relation", 2.0, false),
                ("共有人数", "Persons in both", 1.0, true),
                ("把握（自定）", "Confidence (ours)", 1.0, true),
            ],
            rows,
        );
        self.left_off(total);
        let more = number(count, "/provenance/pairs_left_off");
        if more > 0 {
            let said = self.say(
                "统计时未比较的文件对",
                "Pairs of files that the count did not compare",
            );
            self.blocks
                .push(Block::Text(format!("{said}: {}", grouped(more))));
        }
    }

    fn relation(&self, name: &str) -> String {
        let known = RELATIONS.iter().find(|one| one.name() == name);
        known.map_or_else(
            || name.to_owned(),
            |one| {
                let (zh, en) = one.words();
                self.say(zh, en)
            },
        )
    }

    fn sample(&mut self) {
        self.heading("抽样核验", "Sample for verification");
        let Some((folder, estimate)) = &self.material.estimate else {
            return self.text(
                "对最近一次统计尚无核验结果（case sample、case verdict）。",
                "There is no verdict on a sample of the last count (case sample, case verdict).",
            );
        };
        let level = estimate.get("level").and_then(Value::as_f64).unwrap_or(0.0) * 100.0;
        let side = |pages: &Self, zh: &str, en: &str, name: &str| {
            let count = |what: &str| grouped(number(estimate, &format!("/{name}/{what}")));
            vec![
                pages.say(zh, en),
                count("rows"),
                count("drawn"),
                count("true"),
                count("untrue"),
                count("unknown"),
                count("estimate"),
                format!("{} – {}", count("low"), count("high")),
            ]
        };
        let rows = vec![
            side(self, "计入的人：属实", "held as persons: true", "counted"),
            side(
                self,
                "排除的行：应计入",
                "left out: should count",
                "excluded",
            ),
        ];
        let interval = format!("{} {level:.0} %", self.say("区间", "Interval"));
        let mut heads = self.heads(&[
            ("", "", 2.4, false),
            ("总体", "Rows", 1.2, true),
            ("抽取", "Drawn", 1.0, true),
            ("真实", "True", 1.0, true),
            ("不实", "Untrue", 1.0, true),
            ("难断", "Cannot tell", 1.0, true),
            ("估计", "Estimate", 1.2, true),
        ]);
        heads.push((interval, 2.0, true));
        self.blocks.push(Block::Table(heads, rows));
        let pairs = vec![
            (self.say("依据", "From"), format!("{folder}/estimate.json")),
            (self.say("种子", "Seed"), string(estimate, "seed")),
            (self.say("核验人", "Who looked"), string(estimate, "by")),
            (
                self.say("未标行", "Rows not marked"),
                grouped(number(estimate, "/unmarked")),
            ),
        ];
        self.blocks.push(Block::Pairs(pairs));
        self.text(
            "按文件与主要类别（排除的行按代码）分层，各层取种子与位置之 SHA-256 最小者。下限把“难断”当作不实，上限当作真实。区间用切尔诺夫界（Chernoff；不放回抽样见 Hoeffding 1963，第六节），取各层间最不利的分配，不假定正态；两个区间各自成立。排除的行是行数，不是人数。",
            "Strata by file and main kind (rows left out: by code); in each, the rows with the least SHA-256 of seed and place. “Cannot tell” is untrue for the lower bound and true for the upper. Intervals by Chernoff's bound (without replacement: Hoeffding 1963, section 6) at the worst division among the strata, nothing assumed normal; each holds by itself. Rows left out are rows, not persons.",
        );
    }

    fn glossary(&mut self) {
        let heard: Vec<&Value> = self
            .material
            .slang
            .as_array()
            .into_iter()
            .flatten()
            .collect();
        if heard.is_empty() {
            return;
        }
        self.heading("附：黑话释义", "Glossary of the trade's words");
        let slang = Slang::builtin();
        let mut rows = Vec::new();
        for one in heard.iter().take(MOST) {
            let name = string(one, "word");
            let word = slang.words.iter().find(|word| word.word == name);
            let mut meaning = word.map_or_else(String::new, |word| self.say(&word.zh, &word.en));
            if word.is_some_and(|word| word.ambiguous) {
                meaning += &self.say("（亦有通常含义）", " (has an ordinary sense too)");
            }
            let mut place = string(one, "file");
            for (before, name) in [(" » ", "inside"), (" · ", "sheet")] {
                if let Some(part) = one.get(name).and_then(Value::as_str) {
                    place += before;
                    place += part;
                }
            }
            if let Some(row) = one.get("row").and_then(Value::as_u64) {
                place += &format!(" · {row}");
            }
            let source = word.map_or_else(String::new, |word| word.source.to_string());
            rows.push(vec![
                name,
                meaning,
                source,
                place,
                grouped(number(one, "/times")),
            ]);
        }
        self.table(
            &[
                ("词", "Word", 1.2, false),
                ("含义", "Meaning", 3.0, false),
                ("来源", "Source", 0.9, false),
                ("首见", "First met", 2.6, false),
                ("次数", "Times", 0.7, true),
            ],
            rows,
        );
        self.left_off(heard.len());
        self.text(
            "仅在文件名、表名、表头与文本行中查找，不查表格单元格；出现某词本身不证明任何事。",
            "Looked for in names of files and sheets, headers and running text, not in cells of tables; that a word stands there proves nothing.",
        );
    }

    fn method(&mut self) {
        self.heading("方法、界限与版本", "Method, limits and versions");
        self.text(
            "去重以键控散列比较（SipHash-2-4，128 位）；首次出现按路径、表、行之先后；空行与表头不计；一行以一人计；掩码或截断的值不作标识；号码无校验位者不因数字判为不实。详见 docs/counting.md 与 docs/case.md。",
            "Repetitions are compared by keyed hashes (SipHash-2-4, 128 bits); the first occurrence is the first by path, sheet and row; a row is about one person; masked or cut values identify nobody; numbers without a check digit are not untrue for their digits. See docs/counting.md and docs/case.md.",
        );
        self.text(
            "封存证明此后未被改动，不证明封存前的真实；“谁”“何时”为操作者所述。",
            "Sealing shows that nothing was changed since, not what was true before; who and when are as the operator said.",
        );
        let count = self.material.count.as_ref().map(|(_, count)| count);
        let tool = |name: &str| {
            let found = count.and_then(|count| count.get("tool"));
            found.map_or_else(String::new, |tool| string(tool, name))
        };
        let mut pairs = vec![(
            self.say("本程序", "This program"),
            format!("liuhen {}", env!("CARGO_PKG_VERSION")),
        )];
        if count.is_some() {
            pairs.extend([
                (
                    self.say("统计所用程序", "Counted with"),
                    format!("{} {}", tool("name"), tool("version")),
                ),
                (
                    self.say("统计规则", "Rules of counting"),
                    format!("{} ({})", tool("count_rules"), tool("count_rules_date")),
                ),
                (
                    self.say("类别规则", "Rules of kinds"),
                    format!("{} ({})", tool("kind_rules"), tool("kind_rules_date")),
                ),
                (
                    self.say("黑话表", "List of words"),
                    self.material.slang_version.clone(),
                ),
            ]);
        }
        self.blocks.push(Block::Pairs(pairs));
        let unverified: Vec<&str> = count
            .into_iter()
            .flat_map(|count| list(count, "/tool/unverified_tiers"))
            .filter_map(Value::as_str)
            .collect();
        if !unverified.is_empty() {
            let said = self.say("层级未经核实的类别", "Kinds whose tier is unverified");
            self.blocks
                .push(Block::Text(format!("{said}: {}", unverified.join(", "))));
        }
        if let Some(count) = count {
            self.networks(count);
        }
    }

    fn custody(&mut self) {
        self.heading("保管链", "Chain of custody");
        let rows = self.material.entries.iter().map(|entry| {
            let what = match &entry.act {
                Act::Opened { .. } => self.say("立卷", "opened"),
                Act::Sealed(folder) => format!("{} {}", self.say("封存", "sealed"), folder.folder),
                Act::Worked { what, folder } => format!("{what} {}", folder.folder),
                Act::Stamped { size, .. } => {
                    format!(
                        "{} {size}",
                        self.say("时间戳，覆盖条目", "time stamp over entries:")
                    )
                }
            };
            let who = &entry.who;
            vec![
                entry.n.to_string(),
                who.at.clone(),
                who.by.clone(),
                what,
                who.note.clone(),
            ]
        });
        let rows = rows.collect();
        self.table(
            &[
                ("序", "No.", 0.5, true),
                ("时间", "When", 2.4, false),
                ("何人", "Who", 1.2, false),
                ("事项", "What", 2.4, false),
                ("备注", "Note", 2.0, false),
            ],
            rows,
        );
        self.text("本案公钥", "The case's public key");
        self.blocks.push(Block::Hash(self.material.vkey.clone()));
        if let Some(checkpoint) = &self.material.checkpoint {
            self.text("保管链日志的检查点", "Checkpoint of the custody log");
            self.blocks
                .push(Block::Hash(checkpoint.trim_end().to_owned()));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn material(count: Value) -> Material {
        Material {
            head: json!({ "name": "x", "number": "1", "opened": "2026-11-22T08:00:00Z" }),
            exhibits: Vec::new(),
            entries: Vec::new(),
            vkey: String::new(),
            checkpoint: None,
            faults: Vec::new(),
            told_apart: false,
            withheld: Vec::new(),
            count: Some(("results/0001".to_owned(), count)),
            slang: Value::Null,
            slang_version: "w1".to_owned(),
            estimate: None,
        }
    }

    fn blocks(count: Value) -> Vec<Block> {
        document(&material(count), Lang::En).blocks
    }

    /// Everything that can be read on paper, in order.
    fn words(blocks: &[Block]) -> String {
        let lines = blocks.iter().map(|block| match block {
            Block::Heading(_, text) | Block::Text(text) | Block::Hash(text) => text.clone(),
            Block::Pairs(pairs) => {
                let pairs = pairs.iter().map(|(name, value)| format!("{name}: {value}"));
                pairs.collect::<Vec<_>>().join("\n")
            }
            Block::Table(_, rows) => {
                let rows = rows.iter().map(|row| row.join(" | "));
                rows.collect::<Vec<_>>().join("\n")
            }
            Block::Chart(chart) => chart.title.clone(),
            Block::Graph(..) => String::new(),
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// What was not read stands before the first number, all of it is counted, nothing is cut in silence.
    #[test]
    fn what_was_not_read_is_told_before_the_totals() {
        let parts: Vec<Value> = (0..70)
            .map(|at| json!({ "inside": format!("m{at}.csv"), "code": "locked", "text": "a password is needed" }))
            .collect();
        let text = words(&blocks(json!({
            "files": [
                { "path": "lock.zip", "unread_parts": parts, "unread_parts_more": 5 },
                { "path": "b.doc", "unread": { "code": "x", "text": "damaged" } },
            ],
            "not_read": [{ "path": "c", "code": "y", "reason": "permission denied" }],
        })));
        let place = |part: &str| text.find(part).unwrap_or_else(|| panic!("{part}\n{text}"));
        let totals = place("From rows to persons");
        for part in [
            "lock.zip » m0.csv | a password is needed",
            "c | permission denied",
            "In all: 77",
            "not listed, see the JSON: 17",
        ] {
            assert!(place(part) < totals, "{part}");
        }
        let all_read = words(&blocks(
            json!({ "files": [{ "path": "a" }], "not_read": [] }),
        ));
        assert!(all_read.contains("Every file of the exhibits was read."));
        let faults: Vec<String> = (0..63).map(|at| format!("fault {at}")).collect();
        let material = Material {
            faults,
            ..material(json!({}))
        };
        let text = words(&document(&material, Lang::En).blocks);
        assert!(text.contains("not listed, see the JSON: 3"));
        assert!(text.contains("the folder's own key alone"));
    }

    /// Pictures with a face alone are told and are no row; the networks stand by file and sum.
    #[test]
    fn pictures_and_the_networks_that_saw_them_are_on_paper() {
        let text = words(&blocks(json!({
            "files": [{ "path": "a.jpg" }],
            "pictures": {
                "sight": {
                    "networks": [{ "job": "faces", "file": "y.onnx", "sha256": "49f0" }],
                    "thorough": true, "thresholds": "t1", "documents": "d1", "runtime": "r1",
                },
                "seen": 1200, "face_alone": 7, "sets": 3, "not_read": { "damaged": 2 },
            },
        })));
        for part in [
            "looked at | 1,200",
            "with a face alone | 7",
            "with a face and identifiers (sets) | 3",
            "not looked at | 2",
            "not looked at for damaged | 2",
            "faces | y.onnx | 49f0",
            "Set: thorough",
            "Thresholds: t1",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        let none = words(&blocks(
            json!({ "files": [], "pictures": { "sight": null, "seen": 0 } }),
        ));
        assert!(!none.contains("face alone") && !none.contains("Networks"));
    }

    /// Every premise of the law part is on paper, and article 6 has words of its own.
    #[test]
    fn premises_are_printed_and_article_6_says_nothing_of_numbers() {
        let reading = |article_6: bool| {
            json!({
                "policies": [{ "policy": "person", "readings": [{
                    "reading": "pack",
                    "items": { "t50": 0, "t500": 0, "t5000": 900_000 },
                    "advice": { "proportional_sum": "180.0000", "reaches": "below_thresholds", "by": [], "article_6": article_6 },
                }] }],
                "parameters": {
                    "ages_on": "2026-11-22", "insider": true, "flags": ["prior"], "acts": 2,
                    "gains_yuan": { "": "10.00", "李某": "2200.50" }, "business_profit_yuan": "1.00",
                },
            })
        };
        let text = words(&blocks(reading(true)));
        let flags = &Rules::builtin().flags;
        let prior = flags.iter().find(|flag| flag.name == "prior").unwrap();
        for part in [
            "Obtained on duty or in service: yes: thresholds are halved",
            prior.en.as_str(),
            "Gains: all 10.00 yuan; 李某 2200.50 yuan",
            "Profit of a business (article 6): 1.00 yuan",
            "Acts stated: 2",
            "article 6: numbers do not decide",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        assert!(!text.contains("below the numbers listed"));
        assert!(words(&blocks(reading(false))).contains("below the numbers listed"));
    }

    /// What a count says of files among each other is drawn and told; without it nothing is.
    #[test]
    fn provenance_is_drawn_where_there_is_one() {
        let count = |provenance: Value| {
            json!({
                "pipeline": { "raw": 3_000, "valid": 5 },
                "provenance": provenance,
            })
        };
        let drawn = blocks(count(json!({
            "files": [{ "file": 1, "path": "alone.csv" }, { "file": 4, "path": "a.csv" }, { "file": 7, "path": "b.csv" }],
            "pairs_left_off": 12,
            "edges": [
                { "from": 4, "to": 7, "directed": true, "relation": "subset", "confidence": "0.95", "evidence": { "common": 1200 } },
                { "from": 4, "to": 99, "directed": true, "relation": "copy" },
            ],
        })));
        let graph = drawn.iter().find_map(|block| match block {
            Block::Graph(files, arrows) => Some((files.clone(), arrows.clone())),
            _ => None,
        });
        let (files, arrows) = graph.unwrap();
        assert_eq!(files, ["a.csv", "b.csv"]);
        // The words of the graph and of the terminal.
        let label = Relation::Subset.words().1.to_owned();
        assert_eq!(
            arrows,
            [Arrow {
                from: 0,
                to: 1,
                directed: true,
                label
            }]
        );
        assert!(drawn.iter().any(
            |block| matches!(block, Block::Table(_, rows) if rows.iter().flatten().any(|cell| cell == "1,200"))
        ));
        let without = blocks(count(Value::Null));
        assert!(
            !without
                .iter()
                .any(|block| matches!(block, Block::Graph(..)))
        );
    }

    #[test]
    fn digits_stand_in_threes() {
        let rows = [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (3_000_000, "3,000,000"),
        ];
        for (count, expected) in rows {
            assert_eq!(grouped(count), expected);
        }
    }
}
