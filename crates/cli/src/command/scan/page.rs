//! `--html`: a page of its own, the picture that people look at first.
//!
//! No script, nothing loaded from elsewhere, fit for print and for light and dark screens.

use std::io::{self, Write};
use std::time::Duration;

use liuhen_kinds::{Kind, Lang, Level};
use liuhen_service::scan::{Finding, Hot, Summary};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::Report;
use super::words::{LEVELS, Labels, grouped, level_name, level_word, pace, say};

/// Masked samples on the page.
const SAMPLES: usize = 500;
/// Places in the table; the map above it shows all that are kept.
const PLACES: usize = 50;

const STYLE: &str = "\
:root{--ink:#1d2430;--soft:#5d6675;--line:#dfe3ea;--paper:#fff;--very_high:#a4262c;--high:#d9622b;--medium:#c99a2e;--low:#6f8f72}\
@media(prefers-color-scheme:dark){:root{--ink:#e8eaee;--soft:#a2aab8;--line:#353c48;--paper:#171b22}}\
body{font:16px/1.55 system-ui,'Noto Sans SC',sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;color:var(--ink);background:var(--paper)}\
h1{font-size:1.5rem;margin:0 0 .2rem}h2{font-size:1.1rem;margin:2rem 0 .6rem}p.soft,small{color:var(--soft)}\
.figures{display:flex;flex-wrap:wrap;gap:1rem;margin:1.4rem 0}.figures div{flex:1 1 8rem;border-top:3px solid var(--line);padding:.5rem 0}\
.figures b{display:block;font-size:1.7rem;line-height:1.2;font-variant-numeric:tabular-nums}\
.bars{display:grid;grid-template-columns:minmax(7rem,14rem) 1fr auto;gap:.35rem .8rem;align-items:center}\
.bars span.n{text-align:right;font-variant-numeric:tabular-nums}.bar{height:1.1rem;border-radius:2px;min-width:2px}\
.very_high{background:var(--very_high)}.high{background:var(--high)}.medium{background:var(--medium)}.low{background:var(--low)}\
.key{display:flex;gap:1rem;color:var(--soft);font-size:.85rem;margin:.7rem 0}.key i{display:inline-block;width:.8rem;height:.8rem;border-radius:2px;margin-right:.3rem}\
.heat{display:flex;flex-wrap:wrap;gap:3px}.heat i{width:1.35rem;height:1.35rem;border-radius:2px}\
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.35rem .6rem .35rem 0;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:anywhere}\
th{color:var(--soft);font-weight:500}td.n{text-align:right;font-variant-numeric:tabular-nums}.tag{color:#fff;border-radius:2px;padding:0 .4rem;font-size:.85rem;white-space:nowrap}\
code{font-size:.9em}@media print{body{max-width:none}}";

/// The report.
pub(super) struct Page<'p> {
    labels: Labels<'p>,
    chinese: bool,
    samples: Vec<Sample>,
    more: u64,
}

struct Sample {
    path: String,
    place: String,
    kind: Kind,
    level: Level,
    masked: Box<str>,
    why: Vec<String>,
}

impl<'p> Page<'p> {
    pub(super) fn new(labels: Labels<'p>) -> Self {
        Self {
            labels,
            chinese: labels.chinese,
            samples: Vec::new(),
            more: 0,
        }
    }

    fn lang(&self) -> Lang {
        self.labels.lang()
    }

    fn label(&self, kind: Kind) -> &'p str {
        self.labels.of(kind)
    }

    fn say(&self, zh: &'static str, en: &'static str) -> &'static str {
        say(self.chinese, zh, en)
    }
}

impl Report for Page<'_> {
    fn finding(&mut self, _out: &mut dyn Write, path: &str, finding: &Finding) -> io::Result<()> {
        let Some(masked) = &finding.masked else {
            return Ok(());
        };
        if self.samples.len() >= SAMPLES {
            self.more += 1;
            return Ok(());
        }
        self.samples.push(Sample {
            path: path.to_owned(),
            place: finding.site.to_string(),
            kind: finding.kind(),
            level: finding.level,
            masked: masked.clone(),
            why: finding.explained(self.lang()),
        });
        Ok(())
    }

    fn end(&mut self, out: &mut dyn Write, summary: &Summary, took: Duration) -> io::Result<()> {
        out.write_all(self.whole(summary, took).into_string().as_bytes())
    }
}

impl Page<'_> {
    fn whole(&self, summary: &Summary, took: Duration) -> Markup {
        let lang = if self.chinese { "zh-CN" } else { "en" };
        let title = self.say("个人信息扫描报告", "Personal information found");
        html! {
            (DOCTYPE)
            html lang=(lang) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'";
                    title { (title) }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    h1 { (title) }
                    p class="soft" { (pace(self.chinese, summary.files, summary.bytes, took)) }
                    (self.figures(summary))
                    (self.bars(summary))
                    (self.heat(summary))
                    (self.places(summary))
                    (self.samples())
                    (self.notes(summary))
                    p class="soft" { small {
                        (self.say(
                            "本页不含任何原值。没有发现不等于没有：未读的文件列在下面，识别也会有遗漏。",
                            "This page holds no value. Nothing found does not mean nothing there: files not read are listed, and recognition misses some.",
                        ))
                    } }
                }
            }
        }
    }

    fn figures(&self, summary: &Summary) -> Markup {
        let passed = summary.pictures.passed_over() > 0;
        let figures = [
            (summary.count(), self.say("处发现", "findings")),
            (
                summary.files_with,
                self.say("个文件有发现", "files with findings"),
            ),
            (summary.sets, self.say("人的信息成套", "persons with sets")),
            (
                summary.notes.len() as u64,
                self.say("处没有读完", "paths not read wholly"),
            ),
            (
                summary.pictures.passed_over(),
                self.say(
                    "张图片未细看（--triage）",
                    "pictures passed over (--triage)",
                ),
            ),
        ];
        html! {
            div class="figures" {
                // Most scans pass no picture over, and need not say so.
                @for (count, what) in figures.into_iter().take(4 + usize::from(passed)) {
                    div { b { (grouped(count)) } (what) }
                }
            }
        }
    }

    fn bars(&self, summary: &Summary) -> Markup {
        let kinds = summary.kinds();
        let most = kinds.iter().map(|(_, _, count)| *count).max().unwrap_or(1);
        html! {
            h2 { (self.say("各种类的数量", "How many of each kind")) }
            @if kinds.is_empty() {
                p { (self.say("没有发现个人信息。", "No personal information was found.")) }
            }
            div class="bars" {
                @for (kind, level, count) in kinds {
                    span { (self.label(kind)) }
                    div class={ "bar " (level_name(level)) } style=(format!("width:{:.2}%", width(count, most))) {}
                    span class="n" { (grouped(count)) }
                }
            }
            div class="key" {
                @for level in LEVELS {
                    span { i class=(level_name(level)) {} (level_word(level, self.chinese)) }
                }
            }
        }
    }

    /// Every file kept as a place, as a square: its colour the level, its strength the weight.
    fn heat(&self, summary: &Summary) -> Markup {
        let most = summary.places().first().map_or(1, |hot| hot.weight);
        html! {
            @if !summary.places().is_empty() {
                h2 { (self.say("文件热图", "Heat of the files")) }
                div class="heat" {
                    @for hot in summary.places() {
                        i class=(level_name(hot.level)) title=(self.said(hot))
                            style=(format!("opacity:{:.2}", strength(hot.weight, most))) {}
                    }
                }
            }
        }
    }

    fn said(&self, hot: &Hot) -> String {
        let level = level_word(hot.level, self.chinese);
        format!("{} · {level} · {}", hot.path, grouped(hot.findings))
    }

    fn places(&self, summary: &Summary) -> Markup {
        html! {
            @if !summary.places().is_empty() {
                h2 { (self.say("先看这些地方", "Places to look first")) }
                table {
                    tr {
                        th { (self.say("路径", "path")) }
                        th { (self.say("最高级别", "highest level")) }
                        th { (self.say("数量", "findings")) }
                        th { (self.say("成套的人", "persons with sets")) }
                        th { (self.say("旁边的人脸或证件图片", "pictures of faces or documents beside it")) }
                        th { (self.say("种类", "kinds")) }
                    }
                    @for hot in summary.places().iter().take(PLACES) {
                        tr {
                            td { code { (hot.path) } }
                            td { (self.tag(hot.level)) }
                            td class="n" { (grouped(hot.findings)) }
                            td class="n" { (grouped(hot.sets)) }
                            td class="n" { (grouped(hot.pictures)) }
                            td {
                                @for (at, kind) in hot.kinds.iter().take(6).enumerate() {
                                    @if at > 0 { (self.say("、", ", ")) }
                                    (self.label(*kind))
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    fn tag(&self, level: Level) -> Markup {
        html! { span class={ "tag " (level_name(level)) } { (level_word(level, self.chinese)) } }
    }

    fn samples(&self) -> Markup {
        html! {
            @if !self.samples.is_empty() {
                h2 { (self.say("遮盖后的样例", "Masked samples")) }
                table {
                    @for sample in &self.samples {
                        tr {
                            td { (self.label(sample.kind)) }
                            td { code { (sample.masked) } }
                            td { (self.tag(sample.level)) }
                            td { code { (sample.path) } br; small { (sample.place) } }
                            td { small { (sample.why.join(self.say("；", "; "))) } }
                        }
                    }
                }
                @if self.more > 0 {
                    p class="soft" { (grouped(self.more)) " " (self.say("处未列出", "more are not listed")) }
                }
            }
        }
    }

    fn notes(&self, summary: &Summary) -> Markup {
        html! {
            @if !summary.notes.is_empty() {
                h2 { (self.say("没有读、或没有读完的", "Not read, or not wholly")) }
                table {
                    @for note in &summary.notes {
                        tr { td { code { (note.path) } } td { (note.reason.text(self.lang())) } }
                    }
                }
            }
        }
    }
}

fn width(count: u64, most: u64) -> f64 {
    count as f64 / most.max(1) as f64 * 100.0
}

/// On the scale of logarithms: the weights of files differ by millions.
fn strength(weight: u64, most: u64) -> f64 {
    let log = |weight: u64| (weight as f64 + 1.0).ln();
    0.25 + 0.75 * (log(weight) / log(most.max(1))).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_page_is_whole_in_both_languages() {
        for (chinese, said) in [
            (true, "没有发现个人信息"),
            (false, "No personal information"),
        ] {
            let page = Page::new(Labels {
                packs: &[],
                chinese,
            })
            .whole(&Summary::default(), Duration::ZERO)
            .into_string();
            assert!(page.contains(said) && page.ends_with("</html>"));
            assert!(
                !page.contains("<script")
                    && !page.contains("http://")
                    && !page.contains("https://")
            );
        }
    }

    #[test]
    fn strengths_stay_visible() {
        assert!(strength(0, 1_000_000) >= 0.25);
        assert!((strength(9, 9) - 1.0).abs() < 1e-9);
    }
}
