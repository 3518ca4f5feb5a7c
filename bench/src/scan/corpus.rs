//! The texts that detection is measured on, made from seeds.
//!
//! Clean: news-like Chinese, English prose, code; nobody is in it. Dense: lines
//! of chats, logs and tables with a value about every fifty bytes. The numbers
//! in it look valid, are made anew at each run and are written nowhere.

use std::fmt::Write as _;

use liuhen_invented::Generator;
use liuhen_kinds::digits;

/// Seed of every text.
pub(crate) const SEED: u64 = 20_261_122;

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        #[expect(clippy::cast_possible_truncation, reason = "bounds are small")]
        let low = (z ^ (z >> 31)) as usize;
        low % bound
    }

    fn of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len())]
    }
}

const SUBJECTS: &[&str] = &[
    "有关部门",
    "这项工程",
    "新的标准",
    "当地企业",
    "研究团队",
    "该平台",
    "本届展会",
    "参会代表",
    "科研人员",
    "气象台",
    "多家媒体",
    "不少读者",
    "图书馆",
    "交通运输部门",
    "农业专家",
    "这座城市",
    "试点地区",
    "技术人员",
    "志愿者",
    "评审组",
];
const VERBS: &[&str] = &[
    "公布了",
    "推进了",
    "完成了",
    "讨论了",
    "介绍了",
    "改进了",
    "调整了",
    "发布了",
    "总结了",
    "部署了",
    "肯定了",
    "研究了",
];
const OBJECTS: &[&str] = &[
    "今年的建设进展",
    "秋粮收购的情况",
    "下一阶段的安排",
    "公共服务的成效",
    "节能改造的方案",
    "数据治理的经验",
    "道路养护的计划",
    "新产品的测试结果",
    "生态修复的成果",
    "古籍整理的工作",
    "防汛物资的储备",
    "社区食堂的做法",
    "全文检索的性能",
    "课程改革的建议",
];
const TAILS: &[&str] = &[
    "，受到广泛关注",
    "，预计明年投入使用",
    "，各方反应积极",
    "，同比增长百分之五",
    "，为后续工作打下基础",
    "，并提出三点意见",
    "，总体进展顺利",
    "",
    "",
    "，其中约三成来自基层",
    "，累计超过120万人次",
    "，比上年提高2.5个百分点",
];
const ENGLISH: &[&str] = &[
    "the committee",
    "reviewed",
    "a proposal",
    "for better",
    "drainage",
    "along",
    "the river",
    "and",
    "agreed",
    "that",
    "measurements",
    "should",
    "continue",
    "through",
    "winter",
    "because",
    "earlier",
    "results",
    "were",
    "encouraging",
    "although",
    "some",
    "members",
    "noted",
    "rising",
    "costs",
    "of",
    "materials",
    "in",
    "several",
    "regions",
    "while",
    "others",
    "pointed",
    "to",
    "simple",
    "improvements",
    "which",
    "had",
    "worked",
    "elsewhere",
];
const NAMES: &[&str] = &[
    "buffer", "index", "count", "offset", "parser", "node", "value", "result", "state", "width",
    "table", "entry", "cursor", "length", "window", "score", "left", "right", "next", "total",
];

/// News-like Chinese sentences of at least `bytes` bytes.
pub(crate) fn chinese(bytes: usize) -> String {
    let mut random = Random(SEED);
    let mut out = String::with_capacity(bytes + 256);
    while out.len() < bytes {
        let (subject, verb) = (random.of(SUBJECTS), random.of(VERBS));
        let (object, tail) = (random.of(OBJECTS), random.of(TAILS));
        let end = if random.below(6) == 0 { "。\n" } else { "。" };
        let _ = write!(out, "{subject}{verb}{object}{tail}{end}");
    }
    out
}

/// English-like sentences of at least `bytes` bytes.
pub(crate) fn english(bytes: usize) -> String {
    let mut random = Random(SEED + 1);
    let mut out = String::with_capacity(bytes + 256);
    while out.len() < bytes {
        for _ in 0..8 + random.below(12) {
            out.push_str(random.of(ENGLISH));
            out.push(' ');
        }
        out.pop();
        out.push_str(if random.below(5) == 0 { ".\n" } else { ". " });
    }
    out
}

/// Lines of code of at least `bytes` bytes.
pub(crate) fn code(bytes: usize) -> String {
    let mut random = Random(SEED + 2);
    let mut out = String::with_capacity(bytes + 256);
    while out.len() < bytes {
        let (a, b, c) = (random.of(NAMES), random.of(NAMES), random.of(NAMES));
        let n = random.below(4096);
        let _ = match random.below(7) {
            0 => writeln!(out, "    let {a} = {b}.{c}({n})?;"),
            1 => writeln!(
                out,
                "    if {a}.{b} >= {n} {{ return Err({c}_error({a})); }}"
            ),
            2 => writeln!(
                out,
                "fn {a}_{b}({c}: &mut State, {b}: usize) -> Option<u32> {{"
            ),
            3 => writeln!(
                out,
                "    // The {a} follows the {b}, so the {c} stays sorted."
            ),
            4 => writeln!(
                out,
                "    for {a} in 0..{b}.{c}() {{ {b}[{a}] ^= 0x{n:08x}; }}"
            ),
            5 => writeln!(out, "    {a} => {{ {b} += {c} * {n}; }}"),
            _ => writeln!(out, "}}\n"),
        };
    }
    out
}

/// Half Chinese, a quarter English, a quarter code, in stretches of a few kilobytes.
pub(crate) fn clean(bytes: usize) -> String {
    let parts = [chinese(bytes / 2), english(bytes / 4), code(bytes / 4)];
    let mut at = [0; 3];
    let mut out = String::with_capacity(bytes + 1024);
    while out.len() < bytes {
        let before = out.len();
        for (part, at) in parts.iter().zip(&mut at) {
            let mut end = (*at + 4096).min(part.len());
            while !part.is_char_boundary(end) {
                end += 1;
            }
            out.push_str(&part[*at..end]);
            *at = end;
        }
        if out.len() == before {
            break;
        }
    }
    out
}

/// Lines with a value about every fifty bytes, and how many values they hold.
pub(crate) fn dense(bytes: usize) -> (String, usize) {
    let mut random = Random(SEED + 3);
    let people = Generator::new(SEED);
    let mut out = String::with_capacity(bytes + 512);
    let (mut values, mut index) = (0, 0);
    while out.len() < bytes {
        let person = people.person_at(index);
        index += 1;
        let mobile = format!("13{:09}", random.below(1_000_000_000));
        let card = card(&mut random);
        let (id, email) = (&person.resident_id, &person.email);
        let (count, _) = match random.below(4) {
            0 => (
                2,
                writeln!(
                    out,
                    "[20:15] 我：好的，这就发过去。手机{mobile}，身份证号{id}，麻烦尽快处理一下"
                ),
            ),
            1 => (
                2,
                writeln!(
                    out,
                    "2026-11-22T08:15:03Z INFO [svc-7] user.update step=2 mobile={mobile} email={email} status=200 took=13ms"
                ),
            ),
            2 => (
                4,
                writeln!(
                    out,
                    "{index},{id},{mobile},{card},{email},已通过初审，待复核后通知本人,待发放"
                ),
            ),
            _ => (
                2,
                writeln!(
                    out,
                    "{{\"id\":{index},\"bank_card\":\"{card}\",\"mobile\":\"{mobile}\",\"state\":\"active\",\"tags\":[\"a\",\"b\"],\"note\":null}}"
                ),
            ),
        };
        values += count;
    }
    (out, values)
}

/// A card number of a known issuer, complete with its check digit.
fn card(random: &mut Random) -> String {
    let payload = format!("622202{:012}", random.below(1_000_000_000_000));
    let check = digits::luhn(payload.as_bytes()).unwrap_or(b'0');
    format!("{payload}{}", check as char)
}
