//! A case's report as a page of its own: no script, nothing loaded from elsewhere, fit for print.

use liuhen_kinds::Lang;
use liuhen_service::case_report::{Arrow, Block, CaseReport, Chart};
use liuhen_service::sample::policy_hash;
use maud::{DOCTYPE, Markup, PreEscaped, html};

const STYLE: &str = include_str!("page.css");
/// Height of a bar, and of a file in the graph, in pixels.
const STEP: usize = 26;

/// The whole page.
pub(super) fn page(report: &CaseReport) -> String {
    let lang = match report.lang {
        Lang::Zh => "zh-CN",
        Lang::En => "en",
    };
    let policy = format!(
        "default-src 'none'; base-uri 'none'; form-action 'none'; style-src {}",
        policy_hash(STYLE)
    );
    html! {
        (DOCTYPE)
        html lang=(lang) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(policy);
                title { (report.title) " · " (report.header) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { (report.title) }
                p.soft { (report.header) }
                main { @for part in &report.blocks { (block(part)) } }
                footer.soft { (report.footer) }
            }
        }
    }
    .into_string()
}

fn block(part: &Block) -> Markup {
    html! {
        @match part {
            Block::Heading(2, text) => h2 { (text) },
            Block::Heading(_, text) => h3 { (text) },
            Block::Text(text) => p { (text) },
            Block::Hash(text) => pre { (text) },
            Block::Pairs(pairs) => dl { @for (name, value) in pairs { dt { (name) } dd { (value) } } },
            Block::Table(heads, rows) => table {
                thead { tr { @for (title, _, right) in heads { th scope="col" class=(side(*right)) { (title) } } } }
                tbody { @for row in rows { tr {
                    @for (cell, (_, _, right)) in row.iter().zip(heads) { td class=(side(*right)) { (cell) } }
                } } }
            },
            Block::Chart(chart) => (bars(chart)),
            Block::Graph(files, arrows) => (graph(files, arrows)),
        }
    }
}

fn side(right: bool) -> &'static str {
    if right { "n" } else { "" }
}

/// Bars as SVG; lengths are shares of the longest, in thousandths.
fn bars(chart: &Chart) -> Markup {
    let most = chart
        .bars
        .iter()
        .map(|(_, value, _)| *value)
        .fold(0.0, f64::max);
    let long = |value: f64| {
        if most > 0.0 {
            value / most * 460.0
        } else {
            0.0
        }
    };
    let height = chart.bars.len() * STEP + 4;
    html! {
        figure {
            figcaption { (chart.title) }
            svg role="img" viewBox=(format!("0 0 800 {height}")) aria-label=(chart.title) {
                title { (chart.title) }
                @for (at, (label, value, note)) in chart.bars.iter().enumerate() {
                    @let top = at * STEP;
                    text x="196" y=(top + 17) text-anchor="end" { (label) }
                    rect.bar x="206" y=(top + 4) width=(format!("{:.1}", long(*value))) height="17" rx="2" {}
                    text x=(format!("{:.1}", 214.0 + long(*value))) y=(top + 17) { (note) }
                }
            }
        }
    }
}

/// Files one under another, an arc from each to what came of it.
fn graph(files: &[String], arrows: &[Arrow]) -> Markup {
    let height = files.len() * STEP + 8;
    let middle = |at: usize| at * STEP + STEP / 2 + 4;
    html! {
        figure {
            svg role="img" viewBox=(format!("0 0 800 {height}")) {
                defs { marker #tip viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto" { path.tip d="M0 0 L8 4 L0 8 z" {} } }
                @for (at, file) in files.iter().enumerate() {
                    circle.dot cx="300" cy=(middle(at)) r="4" {}
                    text x="312" y=(middle(at) + 5) { (file) }
                }
                @for arrow in arrows {
                    @let (from, to) = (middle(arrow.from), middle(arrow.to));
                    @let reach = 40 + (220 * from.abs_diff(to) / height.max(1));
                    @let line = format!("M296 {from} C{} {from} {} {to} 294 {to}", 300 - reach, 300 - reach);
                    path.arc d=(line) marker-end=[arrow.directed.then_some("url(#tip)")] {
                        title { (files.get(arrow.from).map_or("", String::as_str)) " → " (files.get(arrow.to).map_or("", String::as_str)) ": " (arrow.label) }
                    }
                }
            }
        }
    }
}
