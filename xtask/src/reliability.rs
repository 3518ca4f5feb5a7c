//! `reliability`: whether a confidence of 0.9 is right nine times in ten.
//!
//! Rule: labelled texts of our domain are made from seeds, read with everything
//! reported, and binned by confidence. The plot goes to docs/reliability.svg, the
//! table into docs/detection.md between its marks. `--fit` prints weights that
//! another seed's texts suggest; pasting them is left to people.

mod distractors;
mod domain;
mod fit;
mod measure;
mod plot;
mod values;

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};

use measure::{Answer, BELIEVED, BINS, Bin, Measured, bins, brier, calibration_error, count};

/// Texts of one run.
const TEXTS: u64 = 40_000;

/// Seeds of the texts that are measured, and of those that weights are fitted on.
const TEST_SEED: u64 = 20_261_122;
const TRAIN_SEED: u64 = 77;

/// What the table stands between.
const BEGIN: &str = "<!-- calibration: written by `cargo xtask reliability` -->";
const END: &str = "<!-- end of calibration -->";

/// Measures, writes the plot and the table, and says what was found.
///
/// # Errors
///
/// When docs/detection.md lacks the marks, or a file cannot be written.
pub(crate) fn run(root: &Path) -> Result<String> {
    let measured = measure::measure(&domain::documents(TEST_SEED, TEXTS));
    let bins = bins(measured.answers.iter());
    let caption = format!(
        "{} answers, {TEXTS} generated texts, seed {TEST_SEED}; lines: 95%; bars: logarithmic",
        measured.answers.len()
    );
    std::fs::write(
        root.join("docs/reliability.svg"),
        plot::svg(&bins, &caption),
    )?;
    let table = table(&measured, &bins);
    let path = root.join("docs/detection.md");
    let doc = std::fs::read_to_string(&path).context("docs/detection.md")?;
    std::fs::write(&path, placed(&doc, &table)?)?;
    Ok(format!(
        "{table}\nwrote docs/reliability.svg and docs/detection.md"
    ))
}

/// Fits weights on one seed and says what they would do on another.
pub(crate) fn fit() -> String {
    let train = measure::measure(&domain::documents(TRAIN_SEED, TEXTS));
    let test = measure::measure(&domain::documents(TEST_SEED, TEXTS));
    let mut model = fit::Model::present();
    model.fit(&train.answers);
    let again: Vec<Answer> = test
        .answers
        .iter()
        .map(|answer| Answer {
            confidence: model.confidence(answer),
            ..*answer
        })
        .collect();
    let said = |answer: &Answer| answer.confidence;
    format!(
        "# fitted on {} answers (seed {TRAIN_SEED}); on {} answers of seed {TEST_SEED}:\n\
         # mean surprise {:.4} now, {:.4} fitted; calibration error {:.4} now, {:.4} fitted\n{}",
        train.answers.len(),
        test.answers.len(),
        fit::log_loss(&test.answers, said),
        fit::log_loss(&again, said),
        calibration_error(&bins(test.answers.iter())),
        calibration_error(&bins(again.iter())),
        model.toml()
    )
}

/// The document with the table where it belongs.
fn placed(doc: &str, table: &str) -> Result<String> {
    let (before, rest) = doc
        .split_once(BEGIN)
        .context("docs/detection.md has no mark")?;
    let (_, after) = rest
        .split_once(END)
        .context("docs/detection.md has no end mark")?;
    Ok(format!("{before}{BEGIN}\n\n{table}\n{END}{after}"))
}

fn table(measured: &Measured, bins: &[Bin; BINS]) -> String {
    let answers = &measured.answers;
    let believed = answers
        .iter()
        .filter(|answer| answer.confidence >= BELIEVED);
    let (right, all) = believed.fold((0, 0), |(right, all), answer| {
        (right + usize::from(answer.right), all + 1)
    });
    let (values, found) = measured
        .values
        .values()
        .fold((0, 0), |(all, found), (one, told)| {
            (all + one, found + told)
        });
    let mut out = format!(
        "{TEXTS} texts of seed {TEST_SEED} hold {values} values. At confidence {BELIEVED} or above the detector \
         finds {found} of them ({:.1}%) and is right in {right} of {all} answers ({:.1}%). \
         Calibration error {:.3}, Brier score {:.3}, over all {} answers; {} answers of kinds that the texts do not label are left out.\n\n\
         | stated | answers | mean stated | right | 95% |\n|---|---:|---:|---:|---|\n",
        share(found, values),
        share(right, all),
        calibration_error(bins),
        brier(answers),
        answers.len(),
        measured.unlabelled,
    );
    for (at, bin) in bins.iter().enumerate() {
        let (from, to) = (count(at) / 10.0, count(at + 1) / 10.0);
        if bin.count == 0 {
            let _ = writeln!(out, "| {from:.1}–{to:.1} | 0 | | | |");
            continue;
        }
        let (low, high) = bin.interval();
        let _ = writeln!(
            out,
            "| {from:.1}–{to:.1} | {} | {:.3} | {:.3} | {low:.3}–{high:.3} |",
            bin.count,
            bin.mean(),
            bin.share()
        );
    }
    out.push_str("\n| kind | values | found | answers | right | mean stated |\n");
    out.push_str("|---|---:|---:|---:|---:|---:|\n");
    for kind in domain::KINDS {
        let of_kind: Vec<&Answer> = answers
            .iter()
            .filter(|answer| answer.kind == kind && answer.confidence >= BELIEVED)
            .collect();
        if of_kind.is_empty() {
            continue;
        }
        let right = of_kind.iter().filter(|answer| answer.right).count();
        let sum: f64 = of_kind.iter().map(|answer| answer.confidence).sum();
        let (values, found) = measured.values.get(&kind).copied().unwrap_or_default();
        let _ = writeln!(
            out,
            "| `{kind}` | {values} | {:.3} | {} | {:.3} | {:.3} |",
            count(found) / count(values.max(1)),
            of_kind.len(),
            count(right) / count(of_kind.len()),
            sum / count(of_kind.len())
        );
    }
    out
}

fn share(part: usize, whole: usize) -> f64 {
    100.0 * count(part) / count(whole.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts by which confidences are asserted, the first of those that are measured; few enough
    /// for a build without optimisation.
    const ASSERTED: u64 = 40_000;

    #[test]
    fn the_table_takes_its_place() {
        let doc = format!("a\n{BEGIN}\nold\n{END}\nz\n");
        let once = placed(&doc, "new\n").unwrap();
        assert_eq!(once, format!("a\n{BEGIN}\n\nnew\n\n{END}\nz\n"));
        assert_eq!(placed(&once, "new\n").unwrap(), once);
        assert!(placed("no marks", "new").is_err());
    }

    #[test]
    fn nine_tenths_sure_is_right_nine_times_in_ten() {
        let measured = measure::measure(&domain::documents(TEST_SEED, ASSERTED));
        let sure = measured
            .answers
            .iter()
            .filter(|answer| answer.confidence >= 0.9);
        let (sure, bins) = (bins(sure), bins(measured.answers.iter()));
        // All of them fall into the last bin.
        let (low, _) = sure[BINS - 1].interval();
        assert!(sure[BINS - 1].count >= 1_000 && low >= 0.9, "{low}");
        for (at, bin) in bins.iter().enumerate().skip(BINS / 2) {
            // Of fewer answers the share says little.
            let over = bin.mean() - bin.share();
            assert!(
                bin.count < 100 || over <= 0.1,
                "bin {at}: {} answers, {over:.3} too sure",
                bin.count
            );
        }
    }

    #[test]
    fn texts_repeat_and_say_where_values_stand() {
        let (a, b) = (domain::documents(3, 300), domain::documents(3, 300));
        let values: usize = a.iter().map(|document| document.truth.len()).sum();
        assert!(values > 100, "{values}");
        for (a, b) in a.iter().zip(&b) {
            assert_eq!(a.text, b.text);
            for (start, end, _) in &a.truth {
                assert!(
                    a.text
                        .get(*start..*end)
                        .is_some_and(|text| !text.is_empty())
                );
            }
        }
    }
}
