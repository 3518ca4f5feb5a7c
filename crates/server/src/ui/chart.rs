//! Charts where one would rather look than read, as SVG made here.
//!
//! Positions are percentages, so a chart fills its place while its words keep their size, on a phone as on a desk.
//! Colours come from classes in `liuhen.css`; each chart has a title and a description, and its numbers stand in a table beside it.

use maud::{Markup, PreEscaped, html};

use super::table::{Set, Table};

/// Columns over days: what was answered, and on top what was refused.
pub(crate) struct Days<'a> {
    /// Says what is counted.
    pub(crate) title: &'a str,
    /// Names of the two series.
    pub(crate) names: (&'a str, &'a str),
    /// The word over the column of days.
    pub(crate) day: &'a str,
    /// The days, oldest first.
    pub(crate) days: &'a [String],
    /// Answered, by day.
    pub(crate) answered: &'a [u64],
    /// Refused, by day.
    pub(crate) refused: &'a [u64],
    /// "as a table".
    pub(crate) as_table: &'a str,
}

const HEIGHT: f64 = 150.0;
const FOOT: f64 = 22.0;

impl Days<'_> {
    fn at(&self, i: usize) -> (u64, u64) {
        (
            self.answered.get(i).copied().unwrap_or(0),
            self.refused.get(i).copied().unwrap_or(0),
        )
    }

    fn top(&self) -> u64 {
        let highest = (0..self.days.len())
            .map(|i| {
                let (a, b) = self.at(i);
                a + b
            })
            .max();
        round_up(highest.unwrap_or(0))
    }

    /// The whole figure: legend, drawing, table.
    pub(crate) fn figure(&self) -> Markup {
        html! {
            div.stack {
                div.legend { span { i.k1 {} (self.names.0) } span { i.k2 {} (self.names.1) } }
                div.chart.days { (self.svg()) }
                details { summary.small { (self.as_table) } (self.table()) }
            }
        }
    }

    fn svg(&self) -> Markup {
        let top = self.top();
        let labels = label_places(self.days.len());
        html! {
            svg role="img" height=(HEIGHT + FOOT) aria-label=(self.title) {
                title { (self.title) }
                desc { (self.describe()) }
                @for (share, count) in [(0.0, top), (0.5, top / 2)] {
                    @if top > 1 || share == 0.0 {
                        line.grid x1="0" x2="100%" y1=(px(HEIGHT * share + 0.5)) y2=(px(HEIGHT * share + 0.5)) {}
                        text x="-8" y=(px(HEIGHT * share + 4.5)) text-anchor="end" { (count) }
                    }
                }
                @for i in 0..self.days.len() { (self.column(i, top)) }
                line.axis x1="0" x2="100%" y1=(px(HEIGHT)) y2=(px(HEIGHT)) {}
                @for (i, anchor) in labels {
                    @if let Some(day) = self.days.get(i) {
                        text x=(self.place(i, anchor)) y=(px(HEIGHT + 17.0)) text-anchor=(anchor) { (day) }
                    }
                }
            }
        }
    }

    fn place(&self, i: usize, anchor: &str) -> String {
        let step = 100.0 / count(self.days.len());
        let offset = match anchor {
            "start" => 0.0,
            "end" => 1.0,
            _ => 0.5,
        };
        percent(step * (float(i) + offset))
    }

    fn column(&self, i: usize, top: u64) -> Markup {
        let (answered, refused) = self.at(i);
        let step = 100.0 / count(self.days.len());
        let (x, width) = (percent(step * (float(i) + 0.14)), percent(step * 0.72));
        let tall = |n: u64| HEIGHT * ratio(n, top);
        let (a, r) = (tall(answered), tall(refused));
        html! {
            @if answered > 0 { rect.bar1 x=(x) width=(width) y=(px(HEIGHT - a)) height=(px(a)) {} }
            @if refused > 0 { rect.bar2 x=(x) width=(width) y=(px(HEIGHT - a - r)) height=(px(r)) {} }
            @if let Some(day) = self.days.get(i) {
                // Nothing drawn, all height: where a pointer rests to read the numbers.
                rect fill="transparent" x=(percent(step * float(i))) width=(percent(step)) y="0" height=(px(HEIGHT)) {
                    title { (day) ": " (answered) " / " (refused) }
                }
            }
        }
    }

    fn describe(&self) -> String {
        let sum =
            |of: fn((u64, u64)) -> u64| (0..self.days.len()).map(|i| of(self.at(i))).sum::<u64>();
        let first = self.days.first().map_or("", String::as_str);
        let last = self.days.last().map_or("", String::as_str);
        format!(
            "{first} – {last}; {}: {}; {}: {}",
            self.names.0,
            sum(|p| p.0),
            self.names.1,
            sum(|p| p.1)
        )
    }

    fn table(&self) -> Markup {
        let mut table = Table::new(self.title, "—")
            .column(self.day, Set::Tight)
            .column(self.names.0, Set::Number)
            .column(self.names.1, Set::Number);
        for (i, day) in self.days.iter().enumerate() {
            let (answered, refused) = self.at(i);
            if answered + refused > 0 {
                table.row(vec![
                    html! { (day) },
                    html! { (answered) },
                    html! { (refused) },
                ]);
            }
        }
        html! { (table) }
    }
}

/// One reader's days as a row of small columns; `top` is common to all rows, so that rows compare.
pub(crate) fn small_columns(title: &str, days: &[String], counts: &[u64], top: u64) -> Markup {
    const TALL: f64 = 34.0;
    let step = 100.0 / count(days.len());
    html! {
        svg role="img" height=(TALL + 1.0) aria-label=(title) {
            title { (title) }
            @for (i, (day, n)) in days.iter().zip(counts).enumerate() {
                @if *n > 0 {
                    @let height = (TALL * ratio(*n, top)).max(1.5);
                    rect.bar1 x=(percent(step * (float(i) + 0.12))) width=(percent(step * 0.76)) y=(px(TALL - height)) height=(px(height)) {
                        title { (day) ": " (n) }
                    }
                }
            }
            line.axis x1="0" x2="100%" y1=(px(TALL + 0.5)) y2=(px(TALL + 0.5)) {}
        }
    }
}

/// The scale that rows of evidence share: from the least to the most, with zero and the threshold inside.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale {
    low: f64,
    high: f64,
    limit: f64,
}

impl Scale {
    /// A scale for these values of ln e and this threshold. What is no number counts as zero.
    pub(crate) fn of(values: impl Iterator<Item = f64>, limit: f64) -> Self {
        let limit = if limit.is_finite() { limit } else { 0.0 };
        let (mut low, mut high) = (0.0_f64, limit.max(1.0));
        for value in values.filter(|value| value.is_finite()) {
            // Evidence against a copy can be as large as one likes; more than a threshold's worth tells nothing more.
            low = low.min(value.max(-limit.max(1.0) / 2.0));
            high = high.max(value);
        }
        Self {
            low,
            high: high + (high - low) * 0.06,
            limit,
        }
    }

    fn place(self, value: f64) -> f64 {
        let value = if value.is_finite() {
            value.clamp(self.low, self.high)
        } else {
            self.low
        };
        (value - self.low) / (self.high - self.low) * 100.0
    }

    /// One copy's bar of ln e against the dashed threshold.
    pub(crate) fn bar(self, title: &str, value: f64, accused: bool) -> Markup {
        let (zero, end, limit) = (self.place(0.0), self.place(value), self.place(self.limit));
        let (from, to) = if end < zero { (end, zero) } else { (zero, end) };
        html! {
            svg role="img" height="26" aria-label=(title) {
                title { (title) }
                rect class=(if accused { "bar2" } else { "bar3" }) x=(percent(from)) width=(percent((to - from).max(0.2))) y="6" height="14" {}
                line.axis x1=(percent(zero)) x2=(percent(zero)) y1="0" y2="26" {}
                line.limit x1=(percent(limit)) x2=(percent(limit)) y1="0" y2="26" {}
            }
        }
    }
}

/// The mark of the house: a seal with a line that was left behind.
pub(crate) fn mark() -> Markup {
    PreEscaped(
        concat!(
            r#"<svg viewBox="0 0 28 28" aria-hidden="true"><rect class="mark" x="1" y="1" width="26" height="26" rx="6"/>"#,
            r#"<path class="stroke" d="M6.5 18.5c3 0 3.4-8.500 6.300-8.500 2.700 0 1.900 6.500 4.400 6.500 1.700 0 2-2.700 4.300-2.700"/></svg>"#
        )
        .to_owned(),
    )
}

/// First, middle and last, as far as they do not collide, with how their text is anchored.
fn label_places(days: usize) -> Vec<(usize, &'static str)> {
    match days {
        0 => vec![],
        1 => vec![(0, "middle")],
        2..=6 => vec![(0, "start"), (days - 1, "end")],
        _ => vec![(0, "start"), (days / 2, "middle"), (days - 1, "end")],
    }
}

/// The next of 1, 2, 4, 6, 8 × 10ⁿ, all of which halve well (1 aside): a calm top for an axis.
fn round_up(n: u64) -> u64 {
    let mut step = 1_u64;
    loop {
        if let Some(top) = [1, 2, 4, 6, 8]
            .iter()
            .filter_map(|m| step.checked_mul(*m))
            .find(|top| *top >= n)
        {
            return top;
        }
        match step.checked_mul(10) {
            Some(next) => step = next,
            None => return n,
        }
    }
}

fn ratio(n: u64, top: u64) -> f64 {
    if top == 0 { 0.0 } else { wide(n) / wide(top) }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a drawing needs no more than the 53 bits kept"
)]
fn wide(n: u64) -> f64 {
    n as f64
}

#[expect(
    clippy::cast_precision_loss,
    reason = "an index into at most some hundred days"
)]
fn float(i: usize) -> f64 {
    i as f64
}

fn count(n: usize) -> f64 {
    float(n.max(1))
}

fn percent(value: f64) -> String {
    format!("{}%", trim(value))
}

fn px(value: f64) -> String {
    trim(value)
}

/// Two decimals at most, without trailing zeros, so that drawings are small and the same everywhere.
fn trim(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_drawn_as_written_here() {
        let days = ["11-20".to_owned(), "11-21".to_owned()];
        let chart = Days {
            title: "Reads",
            names: ("answered", "refused"),
            day: "day",
            days: &days,
            answered: &[4, 1],
            refused: &[0, 2],
            as_table: "t",
        };
        let golden = concat!(
            r#"<svg role="img" height="172" aria-label="Reads"><title>Reads</title>"#,
            r#"<desc>11-20 – 11-21; answered: 5; refused: 2</desc>"#,
            r#"<line class="grid" x1="0" x2="100%" y1="0.5" y2="0.5"></line><text x="-8" y="4.5" text-anchor="end">4</text>"#,
            r#"<line class="grid" x1="0" x2="100%" y1="75.5" y2="75.5"></line><text x="-8" y="79.5" text-anchor="end">2</text>"#,
            r#"<rect class="bar1" x="7%" width="36%" y="0" height="150"></rect>"#,
            r#"<rect fill="transparent" x="0%" width="50%" y="0" height="150"><title>11-20: 4 / 0</title></rect>"#,
            r#"<rect class="bar1" x="57%" width="36%" y="112.5" height="37.5"></rect>"#,
            r#"<rect class="bar2" x="57%" width="36%" y="37.5" height="75"></rect>"#,
            r#"<rect fill="transparent" x="50%" width="50%" y="0" height="150"><title>11-21: 1 / 2</title></rect>"#,
            r#"<line class="axis" x1="0" x2="100%" y1="150" y2="150"></line>"#,
            r#"<text x="0%" y="167" text-anchor="start">11-20</text><text x="100%" y="167" text-anchor="end">11-21</text></svg>"#,
        );
        assert_eq!(chart.svg().into_string(), golden);
    }

    #[test]
    fn an_empty_chart_is_still_a_chart() {
        let chart = Days {
            title: "Reads",
            names: ("a", "b"),
            day: "day",
            days: &[],
            answered: &[],
            refused: &[],
            as_table: "t",
        };
        assert!(chart.figure().into_string().contains("<svg"));
    }

    #[test]
    fn evidence_keeps_zero_and_threshold_in_view() {
        let scale = Scale::of(
            [41.0, -300.0, f64::NAN, f64::NEG_INFINITY].into_iter(),
            25.0,
        );
        for value in [41.0, -300.0, 0.0, f64::NAN] {
            let place = scale.place(value);
            assert!((0.0..=100.0).contains(&place), "{value}: {place}");
        }
        assert!(scale.place(25.0) < scale.place(41.0) && scale.place(0.0) < scale.place(25.0));
        let bar = scale.bar("<hospital>", 41.0, true).into_string();
        assert!(
            bar.contains("&lt;hospital&gt;") && bar.contains("bar2"),
            "{bar}"
        );
    }

    #[test]
    fn tops_of_axes() {
        let rows = [
            (0, 1),
            (1, 1),
            (3, 4),
            (7, 8),
            (9, 10),
            (11, 20),
            (61, 80),
            (81, 100),
            (u64::MAX, u64::MAX),
        ];
        for (n, top) in rows {
            assert_eq!(round_up(n), top, "{n}");
        }
    }
}
