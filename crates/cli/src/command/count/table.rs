//! The count as a person reads it, in Chinese or English.

use std::fmt::Write as _;

use liuhen_kinds::{Lang, RulePack};
use liuhen_service::count::provenance::Evidence;
use liuhen_service::count::{Counted, Excluded, Policy, Reached, ReadingCount, Report};

use crate::show::{pad, plain};

struct Page<'a> {
    out: String,
    lang: Lang,
    report: &'a Report,
}

/// The whole page.
pub(super) fn report(counted: &Counted, lang: Lang) -> String {
    let mut page = Page {
        out: String::new(),
        lang,
        report: &counted.report,
    };
    page.pipeline();
    page.policies();
    page.advice();
    page.persons();
    page.near();
    page.pictures();
    page.files();
    page.provenance();
    for note in &counted.notes {
        page.line(&format!(
            "{}: {}",
            plain(&note.path),
            note.reason.text(lang)
        ));
    }
    page.caveat();
    page.out
}

impl Page<'_> {
    fn say<'t>(&self, zh: &'t str, en: &'t str) -> &'t str {
        match self.lang {
            Lang::Zh => zh,
            Lang::En => en,
        }
    }

    fn line(&mut self, text: &str) {
        // Writing to a string does not fail.
        let _ = writeln!(self.out, "{text}");
    }

    fn title(&mut self, zh: &str, en: &str) {
        let title = self.say(zh, en).to_owned();
        let gap = if self.out.is_empty() { "" } else { "\n" };
        self.line(&format!("{gap}{title}"));
    }

    fn row(&mut self, name: &str, number: impl std::fmt::Display) {
        self.line(&format!("  {}{number:>12}", pad(name, 44)));
    }

    fn pipeline(&mut self) {
        self.title("认定过程（行）", "How rows count");
        let steps = &self.report.pipeline;
        for (zh, en, count) in [
            ("原始", "raw", steps.raw),
            ("可读取", "parsed", steps.parsed),
            ("可识别", "identifiable", steps.identifiable),
            ("有效", "valid", steps.valid),
        ] {
            self.row(self.say(zh, en), count);
        }
        for (reason, count) in &self.report.excluded {
            self.row(&format!("- {}", self.words(*reason)), count);
        }
        for (reason, count) in &self.report.kept_with_untrue_field {
            let kept = self.say("保留，但有字段不实", "kept, though a field is untrue");
            self.row(&format!("  {kept}: {}", reason.code()), count);
        }
        if self.report.deceased_kept > 0 {
            self.row(
                self.say("保留，标记已故", "kept, marked as deceased"),
                self.report.deceased_kept,
            );
        }
    }

    fn words(&self, reason: Excluded) -> String {
        let (zh, en) = reason.words();
        format!("{} {}", reason.code(), self.say(zh, en))
    }

    fn policies(&mut self) {
        self.title("去重后（条），按口径", "Distinct items (条), by key policy");
        for policy in &self.report.policies {
            let (zh, en) = policy.policy.words();
            self.row(self.say(zh, en), policy.distinct);
        }
        self.title("三种单位", "Three units");
        let totals = &self.report.totals;
        self.row(
            self.say("套（去重后）", "bundles (套), distinct"),
            totals.bundles_distinct,
        );
        self.row(self.say("人", "persons (人)"), totals.persons);
    }

    fn advice(&mut self) {
        self.title(
            "与法释〔2017〕10号第五条、第六条标准对照（供参考）",
            "Beside Fa Shi (2017) 10, articles 5 and 6 (advice)",
        );
        for policy in &self.report.policies {
            if matches!(policy.policy, Policy::ExactRow | Policy::Person) {
                let (zh, en) = policy.policy.words();
                let name = self.say(zh, en);
                self.readings(name, &policy.readings);
            }
        }
        for actor in &self.report.article_11 {
            let article = self.say("第十一条", "article 11");
            let all = self.say("全案", "all");
            let name = if actor.actor.is_empty() {
                all
            } else {
                &actor.actor
            };
            self.readings(&format!("{article}, {}", plain(name)), &actor.readings);
        }
    }

    fn readings(&mut self, name: &str, readings: &[ReadingCount]) {
        for reading in readings {
            let which = match reading.reading {
                "strict" => self.say("有争议者从高", "disputed kinds high"),
                "mild" => self.say("有争议者从低", "disputed kinds low"),
                _ => self.say("按规则包", "as the rules have them"),
            };
            let reached = match reading.advice.reaches {
                Reached::BelowThresholds => {
                    self.say("未达所列数量标准", "below the numbers listed")
                }
                Reached::Serious => self.say("达“情节严重”数量标准", "reaches serious"),
                Reached::EspeciallySerious => {
                    self.say("达“情节特别严重”数量标准", "reaches especially serious")
                }
            };
            let items = reading.items;
            let numbers = format!(
                "50: {}, 500: {}, 5000: {}, Σ {}",
                items.t50, items.t500, items.t5000, reading.advice.proportional_sum
            );
            let text = format!("  {}{}{numbers}; {reached}", pad(name, 14), pad(which, 24));
            self.line(&text);
        }
    }

    fn persons(&mut self) {
        self.title("人", "Persons");
        let persons = &self.report.persons;
        for (age, zh, en) in [
            ("under_14", "不满十四周岁", "under 14"),
            ("14_to_17", "十四至十七周岁", "14 to 17"),
            ("adult", "成年", "adult"),
            (
                "unknown",
                "年龄不明（不等于成年）",
                "age unknown (not: adult)",
            ),
        ] {
            self.row(
                self.say(zh, en),
                persons.ages.get(age).copied().unwrap_or(0),
            );
        }
        for (name, count) in &persons.sensitive {
            let label = format!("{}: {name}", self.say("敏感", "sensitive"));
            self.row(&label, count);
        }
        self.row(self.say("省份", "provinces"), persons.provinces);
        self.row(self.say("城市", "cities"), persons.cities);
        for (kind, count) in &persons.kinds {
            self.row(RulePack::builtin().label(*kind, self.lang), count);
        }
        let schools = &self.report.schools;
        if schools.schools > 0 {
            self.row(self.say("学校", "schools"), schools.schools);
            self.row(self.say("班级", "classes"), schools.classes);
        }
        for domain in &self.report.domains {
            let label = format!(
                "{}: {}",
                self.say("数据领域（行）", "sort of data (rows)"),
                self.say(&domain.zh, &domain.en)
            );
            self.row(&label, domain.rows);
        }
    }

    fn near(&mut self) {
        let near = &self.report.near_duplicates;
        if near.persons_more_at_most == 0 && near.rules.iter().all(|rule| rule.links == 0) {
            return;
        }
        self.title("疑似重复（未排除）", "Likely repetitions (not excluded)");
        for rule in &near.rules {
            self.row(&format!("{} ({})", rule.rule, rule.confidence), rule.links);
        }
        self.row(
            self.say(
                "若均属实，至多减少人数",
                "persons fewer at most, if all are true",
            ),
            near.persons_fewer_at_most,
        );
        self.row(
            self.say(
                "同一电话、账号下的姓名若各为一人，至多增加人数",
                "persons more at most, if each name of one telephone or account is somebody",
            ),
            near.persons_more_at_most,
        );
        self.row(
            self.say("人数下限", "least persons"),
            near.persons_between[0],
        );
        self.row(
            self.say("人数上限", "most persons"),
            near.persons_between[1],
        );
    }

    fn pictures(&mut self) {
        let report = self.report;
        let counts = &report.pictures.counts;
        if counts.is_empty() {
            return;
        }
        self.title("图片（张）", "Pictures");
        for (zh, en, count) in [
            ("已查看", "looked at", counts.seen),
            ("有标识信息", "with identifiers", counts.with_identifiers),
            ("有人脸", "with a face", counts.with_face),
            (
                "有人脸且有标识信息（套）",
                "with a face and identifiers (sets)",
                counts.sets,
            ),
            (
                "仅有人脸，未计入上列数量",
                "with a face alone, in none of the numbers above",
                counts.face_alone,
            ),
            ("疑似人脸", "with what may be a face", counts.perhaps_face),
            ("带拍摄位置", "whose file tells a place", counts.with_place),
            ("从中读出的行", "rows read from them", counts.rows),
            (
                "其中识读把握不足的行",
                "of them, read with little confidence",
                counts.rows_unsure,
            ),
        ] {
            if count > 0 {
                self.row(self.say(zh, en), count);
            }
        }
        for (code, count) in &counts.not_read {
            let label = format!("{}: {code}", self.say("未查看", "not looked at"));
            self.row(&label, count);
        }
        let Some(sight) = &report.pictures.sight else {
            return;
        };
        let which = if sight.thorough {
            "thorough"
        } else {
            "standard"
        };
        let title = self.say("识读网络", "networks");
        let (thresholds, documents) = (&sight.thresholds, &sight.documents);
        let runtime = &sight.runtime;
        self.line(&format!(
            "  {title}: {which}, {thresholds}, {documents}, {runtime}"
        ));
        for network in &sight.networks {
            self.line(&format!(
                "    {}  {}  {}",
                pad(&network.job, 16),
                network.file,
                network.sha256
            ));
        }
    }

    fn files(&mut self) {
        self.title(
            "文件：原始、有效、人、其中前文件未见",
            "Files: raw, valid, persons, of them in no earlier file",
        );
        for file in &self.report.files {
            let numbers = format!(
                "{:>10} {:>10} {:>10} {:>10}",
                file.raw, file.valid, file.persons, file.persons_first_here
            );
            let unread = file
                .unread
                .as_ref()
                .map_or(String::new(), |unread| format!("  {}", unread.text));
            self.line(&format!("  {}{numbers}{unread}", pad(&file.path, 44)));
            for part in &file.unread_parts {
                self.line(&format!("    {}: {}", plain(&part.inside), part.why.text));
            }
            if file.unread_parts_more > 0 {
                let more = self.say("另有未读部分", "more parts not read");
                self.line(&format!("    {more}: {}", file.unread_parts_more));
            }
        }
    }

    fn provenance(&mut self) {
        let told = &self.report.provenance;
        if told.edges.is_empty() && told.unresolved.is_empty() {
            return;
        }
        self.title(
            "文件之间的来源关系（推断，供参考）",
            "Which file came from which (inferred, advice)",
        );
        let name = |number: usize| {
            let file = number.checked_sub(1).and_then(|at| told.files.get(at));
            file.map_or_else(String::new, |file| plain(&file.path))
        };
        for edge in &told.edges {
            let (zh, en) = edge.relation.words();
            let arrow = if edge.directed { "→" } else { "—" };
            let (from, to) = (name(edge.from), name(edge.to));
            self.line(&format!(
                "  {from} {arrow} {to}: {} ({})",
                self.say(zh, en),
                edge.confidence
            ));
            let rule = told.rules.iter().find(|rule| rule.rule == edge.rule);
            if let Some(rule) = rule {
                let why = self.say(&rule.zh, &rule.en).to_owned();
                self.line(&format!("    {why}"));
            }
            self.evidence(&edge.evidence);
        }
        for overlap in &told.unresolved {
            let words = self.say(
                "有共同人员，未见其他亲缘迹象",
                "share people, and nothing else that speaks of kinship",
            );
            let [a, b] = overlap.files.map(name);
            self.line(&format!("  {a} / {b}: {words} ({})", overlap.common));
        }
        if told.pairs_left_off > 0 {
            self.row(
                self.say("未比较的文件对", "pairs of files not compared"),
                told.pairs_left_off,
            );
        }
    }

    fn evidence(&mut self, found: &Evidence) {
        if found.common == 0 {
            return;
        }
        let mut words = format!(
            "{} {} ({} / {}); {} {}, {} {}, {} {}",
            self.say("共同人员", "people in both"),
            found.common,
            found.of_from,
            found.of_to,
            self.say("共同错误", "errors in both"),
            found.shared_errors,
            self.say("仅前者有误", "only in the first"),
            found.errors_only_in_from,
            self.say("仅后者有误", "only in the second"),
            found.errors_only_in_to,
        );
        if let Some(order) = &found.order {
            let label = self.say("次序一致程度", "agreement of order");
            words = format!("{words}; {label} {order}");
        }
        self.line(&format!("    {words}"));
    }

    fn caveat(&mut self) {
        let text = self.say(
            "以上对照仅供参考：裁判取决于数量以外的诸多情节；违法所得须按行为人分别认定；未达数量标准的，仍可能依《治安管理处罚法》第五十六条处罚。",
            "Advice only: a court weighs more than numbers; gains are each actor's own; below the numbers article 56 of the Public Security Administration Punishments Law may still apply.",
        );
        let text = text.to_owned();
        self.line(&format!("\n{text}"));
    }
}
