//! The page on which a person marks the rows of a sample.
//!
//! One file: nothing is loaded, nothing is sent, and the policy in its head allows no more than the
//! script and the style that it carries, by their hashes. What is marked leaves as a small JSON
//! file that the person saves. Works by keyboard alone: the three choices of a row are ordinary radio
//! buttons, and 1, 2, 3 mark the row that has the focus and go on to the next.

use liuhen_kinds::{Lang, RulePack};
use liuhen_service::case::Head;
use liuhen_service::count::{At, Cell, Drawing};
use liuhen_service::sample::{Drawn, Group, policy_hash};
use maud::{DOCTYPE, Markup, PreEscaped, html};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Chinese and English beside each other.
fn both(zh: &str, en: &str) -> Markup {
    html! { span lang="zh-CN" { (zh) } " " span.en lang="en" { (en) } }
}

/// The whole page.
pub(super) fn page(head: &Head, drawing: &Drawing, hash: &str, values: bool) -> String {
    let policy = format!(
        "default-src 'none'; base-uri 'none'; form-action 'none'; style-src {}; script-src {}",
        policy_hash(STYLE),
        policy_hash(SCRIPT)
    );
    let sample = &drawing.sample;
    html! {
        (DOCTYPE)
        html lang="zh-CN" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="referrer" content="no-referrer";
                title { "抽样核验 Sample · " (head.name) }
                style { (PreEscaped(STYLE)) }
            }
            body data-sample=(hash) data-rows=(sample.rows.len()) {
                header {
                    h1 { (both("抽样核验", "Sample for verification")) }
                    p { (head.number) " " (head.name) " · " (sample.count) " · " (both("种子", "seed")) " " code { (sample.seed) } }
                    p { code { "SHA-256 " (hash) } }
                    @if values {
                        p.warn role="note" { (both("本页含个人信息，须按检材保管，核验后销毁。", "This page holds personal information: guard it as the exhibits, destroy it afterwards.")) }
                    } @else {
                        p.soft { (both("单元格已遮盖；请对照检材的所示位置判断。", "Cells are masked: look each place up in the exhibit.")) }
                    }
                    p { (both(
                        "逐行对照检材：该行是否是某一自然人的真实信息？键盘：1 真实，2 不实，3 无法判断；Tab 与方向键亦可。",
                        "Look at each row in the exhibit: is it true information of a natural person? Keys: 1 true, 2 untrue, 3 cannot tell; Tab and arrows work too."
                    )) }
                    p { label { (both("核验人", "Who looks")) " " input #by type="text" autocomplete="off"; } }
                }
                main { @for row in &sample.rows { (one(row, drawing)) } }
                footer {
                    span #done role="status" aria-live="polite" {}
                    " " button #next type="button" { (both("下一未标行", "Next unmarked")) }
                    " " label.file { (both("载入", "Load")) " " input #load type="file" accept=".json,application/json"; }
                    " " button #save type="button" { (both("保存标记", "Save marks")) }
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
    .into_string()
}

fn one(row: &Drawn, drawing: &Drawing) -> Markup {
    let group = drawing.sample.strata.get(row.stratum).map(|one| &one.group);
    let empty = (Vec::new(), Vec::new());
    let (own, first) = drawing.cells.get(&row.n).unwrap_or(&empty);
    let name = format!("r{}", row.n);
    let place = |at: &At| {
        let mut words = vec![at.file.clone()];
        words.extend(at.inside.iter().chain(&at.sheet).cloned());
        words.push(at.row.to_string());
        words.extend(at.picture.map(|shown| shown.to_string()));
        words.join(" · ")
    };
    html! {
        fieldset id=(name) data-n=(row.n) tabindex="-1" {
            legend { (row.n) " · " (place(&row.at)) }
            @if let Some(group) = group { p.soft { (ask(group)) } }
            (cells(own))
            @if let Some(repeated) = &row.first {
                p.soft { (both("所重复的首次出现", "The first occurrence it repeats")) ": " (place(&repeated.at)) }
                (cells(first))
            }
            div.marks role="radiogroup" aria-label=(format!("{} 标记 mark", row.n)) {
                @for (value, zh, en) in [("true", "1 真实", "true"), ("untrue", "2 不实", "untrue"), ("unknown", "3 无法判断", "cannot tell")] {
                    label { input type="radio" name=(name) value=(value); " " (both(zh, en)) }
                }
            }
        }
    }
}

/// What the count made of the row, and so what "true" means.
fn ask(group: &Group) -> Markup {
    let pack = RulePack::builtin();
    match (group.code, group.kind) {
        (Some(code), _) if code.code() == "DUPLICATE_OF" => both(
            "已作重复排除。真实＝与首次出现并非同一人",
            "Left out as a repetition. True: it is another person than the first",
        ),
        (Some(code), _) => {
            let (zh, en) = code.words();
            both(
                &format!("已排除：{zh}（{}）。真实＝不应排除", code.code()),
                &format!("Left out: {en}. True: it should have counted"),
            )
        }
        (None, Some(kind)) => both(
            &format!("已计入：{}", pack.label(kind, Lang::Zh)),
            &format!("Counted: {}", pack.label(kind, Lang::En)),
        ),
        (None, None) => both("已计入", "Counted"),
    }
}

fn cells(cells: &[Cell]) -> Markup {
    html! {
        @if cells.is_empty() {
            p.soft { (both("此行无法在此显示，请查看检材。", "This row cannot be shown here: look at the exhibit.")) }
        } @else {
            dl { @for cell in cells { dt { (cell.label(Lang::Zh)) } dd { (cell.text) } } }
        }
    }
}
