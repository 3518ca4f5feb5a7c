//! How many rows of each stratum are drawn.
//!
//! Rule: proportional to its rows, by largest remainders (Hamilton), after each stratum has had its
//! least number.

/// Shares `size` among strata with these many rows; ties go to the earlier one.
///
/// Each gets at least `least`, or all it has; none gets more than it has. Where the least numbers
/// alone are more than `size`, they are what is drawn.
pub(super) fn allocate(rows: &[u64], size: u64, least: u64) -> Vec<u64> {
    let mut given: Vec<u64> = rows.iter().map(|rows| least.min(*rows)).collect();
    let all: u64 = rows.iter().sum();
    let target = size.min(all);
    // What a stratum cannot take falls to the others in the next round.
    loop {
        let left = target.saturating_sub(given.iter().sum());
        let open: Vec<usize> = (0..rows.len())
            .filter(|at| given[*at] < rows[*at])
            .collect();
        let weight: u128 = open.iter().map(|at| u128::from(rows[*at])).sum();
        if left == 0 || weight == 0 {
            return given;
        }
        let mut parts: Vec<(u128, usize)> = Vec::new();
        let mut shared = 0;
        for at in open {
            let wanted = u128::from(target) * u128::from(rows[at]);
            let whole = u64::try_from(wanted / u128::from(all.max(1))).unwrap_or(u64::MAX);
            let more = whole.saturating_sub(given[at]).min(left - shared);
            given[at] += more;
            shared += more;
            if given[at] < rows[at] {
                parts.push((wanted % u128::from(all.max(1)), at));
            }
        }
        // Remainders, one row each, the largest first.
        parts.sort_by_key(|&(rest, at)| (std::cmp::Reverse(rest), at));
        for (_, at) in parts {
            if shared == left {
                break;
            }
            given[at] += 1;
            shared += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn shares_as_hamilton_would() {
        let rows: [(&[u64], u64, u64, &[u64]); 6] = [
            (&[100, 100], 10, 0, &[5, 5]),
            (&[600, 300, 100], 10, 0, &[6, 3, 1]),
            (&[7, 2, 1], 5, 0, &[4, 1, 0]),
            (&[1000, 1, 3], 20, 2, &[17, 1, 2]),
            (&[2, 2], 10, 1, &[2, 2]),
            (&[50, 50, 50], 2, 2, &[2, 2, 2]),
        ];
        for (strata, size, least, expected) in rows {
            assert_eq!(allocate(strata, size, least), expected, "{strata:?} {size}");
        }
    }

    proptest! {
        #[test]
        fn never_more_than_there_is_and_as_many_as_asked(
            rows in prop::collection::vec(1_u64..10_000, 1..60),
            size in 0_u64..3000,
            least in 0_u64..5,
        ) {
            let given = allocate(&rows, size, least);
            let floor: u64 = rows.iter().map(|rows| least.min(*rows)).sum();
            prop_assert!(given.iter().zip(&rows).all(|(given, rows)| given <= rows && *given >= least.min(*rows)));
            prop_assert_eq!(given.iter().sum::<u64>(), size.min(rows.iter().sum()).max(floor));
        }
    }
}
