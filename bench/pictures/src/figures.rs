//! Small statistics of the table.

/// The interval of Clopper and Pearson (1934) around `hits` of `trials`, at 95%.
pub(crate) fn interval(hits: u64, trials: u64) -> (f64, f64) {
    let low = if hits == 0 {
        0.0
    } else {
        cross(|p| 1.0 - below(hits - 1, trials, p), 0.025)
    };
    let high = if hits >= trials {
        1.0
    } else {
        cross(|p| 1.0 - below(hits, trials, p), 0.975)
    };
    (low, high)
}

/// Where a growing function of a probability reaches `target`.
fn cross(grows: impl Fn(f64) -> f64, target: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..100 {
        let middle = f64::midpoint(low, high);
        if grows(middle) < target {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

/// `P(X ≤ hits)` for a binomial `X`.
#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
fn below(hits: u64, trials: u64, p: f64) -> f64 {
    if p <= 0.0 {
        return 1.0;
    }
    if p >= 1.0 {
        return if hits >= trials { 1.0 } else { 0.0 };
    }
    let mut ln = trials as f64 * (-p).ln_1p();
    let mut sum = ln.exp();
    for k in 1..=hits {
        ln += ((trials - k + 1) as f64 / k as f64).ln() + p.ln() - (-p).ln_1p();
        sum += ln.exp();
    }
    sum.min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_known_from_tables() {
        let (low, high) = interval(0, 20_000);
        assert_eq!(low, 0.0);
        // 1 − 0.025^(1/20000)
        assert!((high - 1.844e-4).abs() < 1e-6, "{high}");
        let (low, high) = interval(8, 10);
        assert!((low - 0.4439).abs() < 1e-3 && (high - 0.9748).abs() < 1e-3);
    }
}
