//! The reliability plot: what was said against what was so, and how often it was said.

use std::fmt::Write as _;

use super::measure::{BINS, Bin, count};

/// Left, top, width and height of the upper field.
const FIELD: (f64, f64, f64, f64) = (84.0, 64.0, 420.0, 420.0);
/// Top and height of the lower field.
const COUNTS: (f64, f64) = (532.0, 110.0);

const INK: &str = "#1b2430";
const GRID: &str = "#d8dee6";
const MARK: &str = "#0b6e99";
const BAR: &str = "#9db8c9";

/// The plot as SVG, on a ground of its own so that it can be read on any page.
pub(super) fn svg(bins: &[Bin; BINS], caption: &str) -> String {
    let mut out = String::new();
    let (left, top, width, height) = FIELD;
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 560 712\" width=\"560\" height=\"712\" \
         font-family=\"system-ui, sans-serif\" font-size=\"13\" fill=\"{INK}\" role=\"img\">\n\
         <title>Reliability of confidences</title>\n\
         <rect width=\"560\" height=\"712\" fill=\"#ffffff\"/>\n\
         <text x=\"{left}\" y=\"28\" font-size=\"17\" font-weight=\"600\">Reliability of confidences</text>\n\
         <text x=\"{left}\" y=\"48\" font-size=\"12\" fill=\"#4a5868\">{caption}</text>\n"
    );
    grid(&mut out);
    let _ = writeln!(
        out,
        "<line x1=\"{left}\" y1=\"{}\" x2=\"{}\" y2=\"{top}\" stroke=\"{INK}\" stroke-dasharray=\"5 4\"/>",
        top + height,
        left + width,
    );
    line(&mut out, bins);
    for bin in bins.iter().filter(|bin| bin.count > 0) {
        point(&mut out, bin);
    }
    bars(&mut out, bins);
    let _ = writeln!(
        out,
        "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">confidence that the detector stated</text>",
        left + width / 2.0,
        COUNTS.0 + COUNTS.1 + 40.0
    );
    out.push_str("</svg>\n");
    out
}

fn across(value: f64) -> f64 {
    FIELD.0 + value * FIELD.2
}

fn up(value: f64) -> f64 {
    FIELD.1 + (1.0 - value) * FIELD.3
}

fn grid(out: &mut String) {
    let (left, top, width, height) = FIELD;
    for step in 0..=5 {
        let value = f64::from(step) / 5.0;
        let (x, y) = (across(value), up(value));
        let _ = writeln!(
            out,
            "<line x1=\"{left}\" y1=\"{y:.1}\" x2=\"{:.1}\" y2=\"{y:.1}\" stroke=\"{GRID}\"/>\
             <line x1=\"{x:.1}\" y1=\"{top}\" x2=\"{x:.1}\" y2=\"{:.1}\" stroke=\"{GRID}\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{value:.1}</text>\
             <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{value:.1}</text>",
            left + width,
            top + height,
            left - 8.0,
            y + 4.5,
            COUNTS.0 + COUNTS.1 + 18.0,
        );
    }
    let _ = writeln!(
        out,
        "<text x=\"26\" y=\"{0:.1}\" text-anchor=\"middle\" transform=\"rotate(-90 26 {0:.1})\">share that was right</text>\n\
         <text x=\"26\" y=\"{1:.1}\" text-anchor=\"middle\" transform=\"rotate(-90 26 {1:.1})\">answers</text>",
        top + height / 2.0,
        COUNTS.0 + COUNTS.1 / 2.0
    );
}

fn line(out: &mut String, bins: &[Bin; BINS]) {
    let points: Vec<String> = bins
        .iter()
        .filter(|bin| bin.count > 0)
        .map(|bin| format!("{:.1},{:.1}", across(bin.mean()), up(bin.share())))
        .collect();
    let _ = writeln!(
        out,
        "<polyline points=\"{}\" fill=\"none\" stroke=\"{MARK}\" stroke-width=\"2\"/>",
        points.join(" ")
    );
}

/// A bin: the share that was right with its interval at 95%.
fn point(out: &mut String, bin: &Bin) {
    let (low, high) = bin.interval();
    let x = across(bin.mean());
    let _ = writeln!(
        out,
        "<line x1=\"{x:.1}\" y1=\"{:.1}\" x2=\"{x:.1}\" y2=\"{:.1}\" stroke=\"{MARK}\" stroke-width=\"2\"/>\
         <circle cx=\"{x:.1}\" cy=\"{:.1}\" r=\"5\" fill=\"{MARK}\" stroke=\"#ffffff\"/>",
        up(low.max(0.0)),
        up(high.min(1.0)),
        up(bin.share()),
    );
}

/// How many answers each bin holds, on a scale of powers of ten.
fn bars(out: &mut String, bins: &[Bin; BINS]) {
    let (top, height) = COUNTS;
    let log = |n: usize| count(n + 1).log10();
    let most = bins.iter().map(|bin| log(bin.count)).fold(1.0, f64::max);
    for (at, bin) in bins.iter().enumerate() {
        let tall = height * log(bin.count) / most;
        let width = FIELD.2 / count(BINS);
        let x = FIELD.0 + count(at) * width;
        let _ = writeln!(
            out,
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{tall:.1}\" fill=\"{BAR}\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\" font-size=\"11\">{}</text>",
            x + 2.0,
            top + height - tall,
            width - 4.0,
            x + width / 2.0,
            top + height - tall - 4.0,
            bin.count,
        );
    }
}
