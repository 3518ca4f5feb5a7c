//! The report on leaked files as a page of its own: no script, nothing loaded from elsewhere, fit for print.

use std::f64::consts::LN_10;

use liuhen_server::api::leaks::{Leak, LeakCopy};
use maud::{DOCTYPE, Markup, PreEscaped, html};

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}\
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #ddd;vertical-align:top}\
.accused td{font-weight:600}.bar{fill:#8a6d3b}.accused .bar{fill:#a4262c}.need{stroke:#222;stroke-width:2}code{font-size:.85em;word-break:break-all}";

/// What was and was not shown, in the reader's language.
pub(crate) fn statements(leak: &Leak, chinese: bool) -> &[String] {
    match chinese {
        true => &leak.statements_zh,
        false => &leak.statements_en,
    }
}

/// The whole page.
pub(crate) fn page(leaks: &[Leak], chinese: bool) -> String {
    let lang = if chinese { "zh-CN" } else { "en" };
    let title = say(chinese, "泄露文件溯源报告", "Report on leaked files");
    html! {
        (DOCTYPE)
        html lang=(lang) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { (title) }
                @for leak in leaks { (one(leak, chinese)) }
            }
        }
    }
    .into_string()
}

fn one(leak: &Leak, chinese: bool) -> Markup {
    let copies = say(chinese, "各份副本的证据", "Evidence about each copy");
    let readers = say(
        chinese,
        "查看过这些人的读者（仅为排序，不构成指认）",
        "Who read these persons (a ranking, no accusation)",
    );
    html! {
        section {
            h2 { (leak.file_name) }
            p { "SHA-256 " code { (leak.sha256) } }
            p { (counts(leak, chinese)) }
            ul { @for statement in statements(leak, chinese) { li { (statement) } } }
            h3 { (copies) }
            table {
                tr {
                    th { (say(chinese, "接收方", "Recipient")) }
                    th { (say(chinese, "副本", "Copy")) }
                    th { (say(chinese, "共有人数", "Persons shared")) }
                    th { (say(chinese, "证据（以 10 为底的对数），竖线为指认所需", "Evidence (log10); the line is what an accusation needs")) }
                }
                @for copy in &leak.copies { (row(copy, leak.threshold_ln)) }
            }
            @if leak.decoys > 0 { (accounts(leak, chinese)) }
            @if !leak.readers.is_empty() {
                h3 { (readers) }
                ol {
                    @for reader in &leak.readers {
                        li { (reader.name) ": " (reader.leaked_read) " / " (reader.read) ", p = " (format!("{:.1e}", reader.p)) }
                    }
                }
            }
        }
    }
}

/// Accounts that had coins for the decoys found, with what that assumes.
fn accounts(leak: &Leak, chinese: bool) -> Markup {
    let assumed = say(
        chinese,
        "诱饵是编造的人，只按事先记入日志的概率显示。指认的是账号所见，不是某个人；前提：抽签的密钥未泄露，无辜者没有把自己看到的诱饵转告泄露者。",
        "Decoys do not exist and are shown only with chances logged beforehand. What is accused is what an account was shown, not a person; it assumes that the key of the coins was kept and that no innocent passed a decoy he saw on to whoever leaked.",
    );
    html! {
        h3 { (say(chinese, "诱饵对各账号的证据", "Evidence of decoys about accounts")) }
        p { (assumed) }
        table {
            tr {
                th { (say(chinese, "账号", "Account")) }
                th { (say(chinese, "显示过 / 抽过签（偶然可期）", "Shown / coins (by chance)")) }
                th { (say(chinese, "证据（以 10 为底的对数），竖线为指认所需", "Evidence (log10); the line is what an accusation needs")) }
            }
            @for account in &leak.accounts {
                tr class=(if account.accused { "accused" } else { "" }) {
                    td { (account.name) " " code { (account.who) } }
                    td { (account.shown) " / " (account.coins) (format!(" ({:.1})", account.expected)) }
                    td { (bar(account.ln_e / leak.threshold_ln)) (format!("{:.1}", account.ln_e / LN_10)) }
                }
            }
        }
    }
}

fn counts(leak: &Leak, chinese: bool) -> String {
    let Leak {
        rows,
        persons,
        canaries,
        copies_examined,
        epsilon,
        ..
    } = leak;
    match chinese {
        true => format!(
            "共 {rows} 行，其中本库人员 {persons} 人，替身 {canaries} 人；与 {copies_examined} 份副本比对；误指任何无辜者的概率不超过 {epsilon:e}。"
        ),
        false => format!(
            "{rows} rows, {persons} persons of this vault, {canaries} canaries; compared with {copies_examined} copies; the probability that any innocent is accused is at most {epsilon:e}."
        ),
    }
}

fn row(copy: &LeakCopy, threshold_ln: f64) -> Markup {
    let class = if copy.accused { "accused" } else { "" };
    html! {
        tr class=(class) {
            td { (copy.recipient) }
            td { (copy.export) }
            td { (copy.persons_shared) }
            td {
                (bar(copy.ln_e / threshold_ln))
                (format!("{:.1}", copy.ln_e / LN_10))
                @for channel in &copy.channels {
                    br;
                    small { (channel.name) ": " (format!("{:.1}", channel.ln_e / LN_10)) }
                }
            }
        }
    }
}

/// The evidence as a bar, the threshold as a line at half the width.
fn bar(share: f64) -> Markup {
    let width = format!("{:.0}", share.clamp(0.0, 2.0) * 50.0);
    html! {
        svg viewBox="0 0 100 8" width="200" height="16" role="img" aria-hidden="true" preserveAspectRatio="none" {
            rect class="bar" x="0" y="1" width=(width) height="6" {}
            line class="need" x1="50" x2="50" y1="0" y2="8" {}
        }
    }
}

fn say(chinese: bool, zh: &'static str, en: &'static str) -> &'static str {
    if chinese { zh } else { en }
}

#[cfg(test)]
mod tests {
    use liuhen_server::api::leaks::{LeakState, Verdict};
    use liuhen_server::api::wire::Time;

    use super::*;

    fn leak(name: &str) -> Leak {
        Leak {
            id: "l".to_owned(),
            file_name: name.to_owned(),
            sha256: "00".repeat(32),
            size: 99,
            state: LeakState::Done,
            error: None,
            verdict: Verdict::Accused,
            rows: 3,
            bad_rows: 0,
            persons: 2,
            canaries: 1,
            marks: 7,
            epsilon: 1e-6,
            copies_examined: 100,
            decoys: 0,
            accounts_examined: 0,
            accounts: Vec::new(),
            threshold_ln: 18.4,
            copies: vec![LeakCopy {
                export: "x1".to_owned(),
                recipient: "<b>Evil</b>".to_owned(),
                purpose: "care".to_owned(),
                persons_shared: 2,
                trace_index: Some(5),
                leaf_hash: None,
                commitment: None,
                channels: Vec::new(),
                ln_e: 40.0,
                accused: true,
            }],
            pictures: Vec::new(),
            readers: Vec::new(),
            symbols_missing: None,
            rows_missing: None,
            statements_zh: vec!["一".to_owned()],
            statements_en: vec!["one".to_owned()],
            created: Time(0),
            by: "me".to_owned(),
        }
    }

    #[test]
    fn names_are_text_and_never_markup() {
        let page = page(&[leak("<script>alert(1)</script>")], false);
        assert!(!page.contains("<script"));
        assert!(!page.contains("<b>Evil"));
        assert!(page.contains("&lt;b&gt;Evil"));
    }

    #[test]
    fn speaks_both_languages() {
        assert!(page(&[leak("a")], true).contains("替身 1 人"));
        assert!(page(&[leak("a")], false).contains("1 canaries"));
    }
}
