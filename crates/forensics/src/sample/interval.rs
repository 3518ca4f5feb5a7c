//! Intervals of shares that were sampled.
//!
//! Each stratum by itself: C. J. Clopper and E. S. Pearson, "The use of confidence or fiducial
//! limits", Biometrika 26 (1934) 404–413.
//!
//! All strata together: H. Chernoff's bound on the tail of a sum of independent trials, at the
//! division among the strata that makes it weakest. W. Hoeffding, "Probability inequalities for
//! sums of bounded random variables", JASA 58 (1963) 13–30, section 6: what is drawn without
//! replacement obeys the same bound. It holds for every number of strata and every size of them;
//! nothing is assumed to be normal. The price is width: at 95 % it is up to 35 % wider than an
//! exact interval of one stratum (200 of 400), and as wide where all or none were true.

/// One stratum: rows, rows drawn, of them true.
pub type Seen = (u64, u64, u64);

/// Halvings of a range: beyond them nothing a report shows changes.
const STEPS: usize = 44;
/// Golden sections of the steepness; the bound is flat where it is least.
const SECTIONS: usize = 40;
/// Beyond this, a larger exponent changes no digit.
const STEEPEST: f64 = 400.0;

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn float(count: u64) -> f64 {
    count as f64
}

/// The probability of at least `k` of `n` when each has probability `p`.
fn at_least(k: u64, n: u64, p: f64) -> f64 {
    if k == 0 || p >= 1.0 {
        return 1.0;
    }
    if p <= 0.0 {
        return 0.0;
    }
    // ln of n choose k, then from term to term.
    let mut term: f64 = (0..k)
        .map(|at| (float(n - at) / float(at + 1)).ln())
        .sum::<f64>()
        + float(k) * p.ln()
        + float(n - k) * (-p).ln_1p();
    let odds = (p / (1.0 - p)).ln();
    let mut sum = 0.0;
    for at in k..=n {
        sum += term.exp();
        if at < n {
            term += (float(n - at) / float(at + 1)).ln() + odds;
        }
    }
    sum.min(1.0)
}

/// Where an increasing function of a share reaches `wanted`; between 0 and `top`.
fn reaches(wanted: f64, top: f64, value: impl Fn(f64) -> f64) -> (f64, f64) {
    let (mut low, mut high) = (0.0, top);
    for _ in 0..STEPS {
        let middle = f64::midpoint(low, high);
        if value(middle) < wanted {
            low = middle;
        } else {
            high = middle;
        }
    }
    (low, high)
}

/// The interval of a share of which `k` of `n` were seen, two-sided, at `level`; 0 to 1 when nothing was.
#[must_use]
pub fn clopper_pearson(k: u64, n: u64, level: f64) -> (f64, f64) {
    let tail = (1.0 - level) / 2.0;
    let low = |k: u64| match k {
        0 => 0.0,
        _ => reaches(tail, 1.0, |p| at_least(k, n, p)).0,
    };
    let k = k.min(n);
    (low(k), 1.0 - low(n - k))
}

/// The interval of how many of all strata's rows are true, two-sided, at `level`.
///
/// `low` and `high` count as true per stratum those that certainly and those that possibly were; both
/// are lists of the same strata, which may differ in the number of true rows only. A stratum of
/// which nothing was drawn may hold anything; of one drawn whole everything is known.
#[must_use]
pub fn stratified(low: &[Seen], high: &[Seen], level: f64) -> (f64, f64) {
    let tail = (1.0 - level) / 2.0;
    let opposite: Vec<Seen> = high
        .iter()
        .map(|&(rows, drawn, held)| (rows, drawn, drawn.saturating_sub(held)))
        .collect();
    let all: u64 = high.iter().map(|(rows, ..)| rows).sum();
    (
        at_least_true(low, tail),
        float(all) - at_least_true(&opposite, tail),
    )
}

/// A stratum of which a part was drawn.
struct Part {
    rows: f64,
    drawn: f64,
    /// Rows that each drawn one stands for, in units of their mean.
    weight: f64,
}

/// How many rows are true at least, but for a probability of `tail`.
fn at_least_true(strata: &[Seen], tail: f64) -> f64 {
    let known = strata.iter().filter(|(rows, drawn, _)| drawn >= rows);
    let known: u64 = known.map(|(.., held)| held).sum();
    let open = || {
        strata
            .iter()
            .filter(|(rows, drawn, _)| drawn < rows && *drawn > 0)
    };
    let rows = open().map(|(rows, ..)| float(*rows)).sum::<f64>();
    let drawn = open().map(|(_, drawn, _)| float(*drawn)).sum::<f64>();
    let mean = rows / drawn.max(1.0);
    let parts: Vec<Part> = open()
        .map(|&(rows, drawn, _)| Part {
            rows: float(rows),
            drawn: float(drawn),
            weight: float(rows) / float(drawn) / mean,
        })
        .collect();
    let seen: f64 = open()
        .map(|&(rows, drawn, held)| float(rows) * float(held) / float(drawn))
        .sum();
    if seen <= 0.0 {
        return float(known);
    }
    let wanted = tail.ln();
    float(known) + reaches(wanted, seen, |truth| bound(&parts, truth, seen, mean)).0
}

/// Chernoff's bound, as a logarithm, on seeing `seen` or more when `truth` rows are true.
fn bound(parts: &[Part], truth: f64, seen: f64, mean: f64) -> f64 {
    let at = |steepness: f64| weakest(parts, truth, steepness) - steepness * seen / mean;
    // Convex in the steepness: golden section.
    let golden = 0.618_033_988_749_894_9;
    let (mut left, mut right) = (0.0, STEEPEST);
    let (mut early, mut late) = (right - golden * right, golden * right);
    let (mut at_early, mut at_late) = (at(early), at(late));
    for _ in 0..SECTIONS {
        if at_early < at_late {
            (right, late, at_late) = (late, early, at_early);
            early = right - golden * (right - left);
            at_early = at(early);
        } else {
            (left, early, at_early) = (early, late, at_late);
            late = left + golden * (right - left);
            at_late = at(late);
        }
    }
    at(f64::midpoint(left, right)).min(0.0)
}

/// The largest logarithm of the sum's generating function over all divisions of `truth` among the strata.
///
/// Each stratum's term is concave in its share, so at the largest all slopes per row are equal, or a
/// share is 0 or 1.
fn weakest(parts: &[Part], truth: f64, steepness: f64) -> f64 {
    let fallen: Vec<f64> = parts
        .iter()
        .map(|part| (-steepness * part.weight).exp())
        .collect();
    // 1 / (e^x - 1)
    let shares = |slope: f64| {
        parts.iter().zip(&fallen).map(move |(part, fallen)| {
            let offset = fallen / (1.0 - fallen).max(f64::MIN_POSITIVE);
            (part, fallen, (slope / part.weight - offset).clamp(0.0, 1.0))
        })
    };
    let rows = |slope: f64| {
        shares(slope)
            .map(|(part, _, share)| part.rows * share)
            .sum::<f64>()
    };
    let heaviest = parts.iter().map(|part| part.weight).fold(0.0, f64::max);
    let flattest = fallen
        .iter()
        .map(|fallen| 1.0 + fallen / (1.0 - fallen).max(f64::MIN_POSITIVE))
        .fold(1.0, f64::max);
    let (_, slope) = reaches(truth, heaviest * flattest, rows);
    shares(slope)
        .map(|(part, fallen, share)| {
            let x = steepness * part.weight;
            part.drawn * (x + (share + (1.0 - share) * fallen).ln())
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64, by: f64) -> bool {
        (a - b).abs() <= by
    }

    /// `scipy.stats.beta.ppf(0.025, k, n - k + 1)` and `beta.ppf(0.975, k + 1, n - k)`, scipy 1.
    #[test]
    fn one_stratum_as_scipy_has_it() {
        let rows = [
            (3, 10, 0.066_739_511_177_734_47, 0.652_452_850_059_997_3),
            (0, 30, 0.0, 0.115_703_308_222_027_77),
            (97, 100, 0.914_823_947_025_72, 0.993_770_028_461_693_6),
            (380, 400, 0.923_833_027_244_857_5, 0.969_194_758_856_734),
        ];
        for (k, n, low, high) in rows {
            let (a, b) = clopper_pearson(k, n, 0.95);
            assert!(
                near(a, low, 1e-9) && near(b, high, 1e-9),
                "{k} of {n}: {a} {b}"
            );
        }
    }

    /// Another way to the same: `scipy.optimize.minimize` (SLSQP) over the division among the strata,
    /// `minimize_scalar` over the steepness, `brentq` over the truth.
    #[test]
    fn three_strata_as_scipy_has_them() {
        let seen = [(9000, 60, 55), (1000, 20, 12), (400, 4, 4)];
        let (low, high) = stratified(&seen, &seen, 0.95);
        assert!(
            near(low, 7946.63, 0.05) && near(high, 10_026.73, 0.05),
            "{low} {high}"
        );
    }

    /// Chernoff's bound of one stratum is exp(-n KL(k/n, p)).
    #[test]
    fn one_stratum_is_the_relative_entropy_bound() {
        for (k, n) in [(1_u64, 20_u64), (10, 20), (19, 20), (190, 200), (380, 400)] {
            let (low, _) = stratified(&[(1_000_000, n, k)], &[(1_000_000, n, k)], 0.95);
            let (share, p) = (float(k) / float(n), low / 1e6);
            let entropy =
                share * (share / p).ln() + (1.0 - share) * ((1.0 - share) / (1.0 - p)).ln();
            assert!(
                near(float(n) * entropy, -(0.025_f64.ln()), 1e-6),
                "{k} of {n}: {p}"
            );
        }
    }

    #[test]
    fn all_true_is_as_narrow_as_clopper_and_pearson() {
        let seen = [(90_000, 90, 90), (10_000, 10, 10)];
        let (low, high) = stratified(&seen, &seen, 0.95);
        let exact = clopper_pearson(100, 100, 0.95);
        assert!(near(low / 1e5, exact.0, 1e-6), "{low} {}", exact.0);
        assert!(near(high, 1e5, 1e-6));
    }

    #[test]
    fn what_was_looked_at_whole_is_known() {
        let seen = [(5, 5, 3), (7, 7, 0)];
        assert_eq!(stratified(&seen, &seen, 0.95), (3.0, 12.0 - 9.0));
        let nothing = [(50, 0, 0)];
        assert_eq!(stratified(&nothing, &nothing, 0.95), (0.0, 50.0));
        assert_eq!(stratified(&[], &[], 0.95), (0.0, 0.0));
    }

    fn choose(n: u64, k: u64) -> f64 {
        (0..k).map(|at| float(n - at) / float(at + 1)).product()
    }

    /// Every truth and every sample of two small strata, by exact probabilities of drawing without
    /// replacement: the interval holds the truth at least as often as it says.
    #[test]
    fn covers_as_often_as_it_says() {
        for ((rows_a, drawn_a), (rows_b, drawn_b)) in
            [((12, 5), (30, 4)), ((20, 10), (8, 2)), ((6, 6), (25, 5))]
        {
            let mut intervals = std::collections::HashMap::new();
            for a in 0..=drawn_a {
                for b in 0..=drawn_b {
                    let seen = [(rows_a, drawn_a, a), (rows_b, drawn_b, b)];
                    intervals.insert((a, b), stratified(&seen, &seen, 0.9));
                }
            }
            let odds = |rows, drawn, held: u64, k: u64| {
                if k > held || drawn - k > rows - held {
                    return 0.0;
                }
                choose(held, k) * choose(rows - held, drawn - k) / choose(rows, drawn)
            };
            for held_a in 0..=rows_a {
                for held_b in 0..=rows_b {
                    let truth = float(held_a + held_b);
                    let covered: f64 = intervals
                        .iter()
                        .filter(|(_, (low, high))| *low <= truth + 1e-6 && truth <= *high + 1e-6)
                        .map(|((a, b), _)| {
                            odds(rows_a, drawn_a, held_a, *a) * odds(rows_b, drawn_b, held_b, *b)
                        })
                        .sum();
                    assert!(covered >= 0.9 - 1e-9, "{held_a} {held_b}: {covered}");
                }
            }
        }
    }

    #[test]
    fn doubtful_rows_widen_it() {
        let (low, high) = ([(1000, 50, 40)], [(1000, 50, 45)]);
        let narrow = stratified(&low, &low, 0.95);
        let wide = stratified(&low, &high, 0.95);
        assert!(near(narrow.0, wide.0, 1e-9) && wide.1 > narrow.1);
    }
}
