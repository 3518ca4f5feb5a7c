//! How many rows of each stratum are drawn.
//!
//! Rule: proportional to its rows, by largest remainders (Hamilton); a stratum whose share would be
//! below its least number has that instead, and the rest is shared among the others.

/// Shares `size` among strata with these many rows; ties go to the earlier one.
///
/// Each gets at least `least`, or all it has; none gets more than it has. Where the least numbers
/// alone are more than `size`, they are what is drawn.
pub(super) fn allocate(rows: &[u64], size: u64, least: u64) -> Vec<u64> {
    let mut given: Vec<u64> = rows.iter().map(|rows| least.min(*rows)).collect();
    let mut left = size.min(rows.iter().sum());
    if given.iter().sum::<u64>() >= left {
        return given;
    }
    let mut open: Vec<usize> = (0..rows.len()).collect();
    // Whoever has his least number takes some of the others' share, which may put one more below his.
    let mut weight: u128;
    loop {
        weight = open.iter().map(|at| u128::from(rows[*at])).sum();
        let is_below =
            |at: &usize| u128::from(left) * u128::from(rows[*at]) < u128::from(given[*at]) * weight;
        let (below, above): (Vec<usize>, Vec<usize>) = open.iter().partition(|at| is_below(at));
        open = above;
        if below.is_empty() {
            break;
        }
        left -= below.iter().map(|at| given[*at]).sum::<u64>();
    }
    let mut parts: Vec<(u128, usize)> = Vec::new();
    let mut shared = 0;
    for at in open {
        let wanted = u128::from(left) * u128::from(rows[at]);
        given[at] = u64::try_from(wanted / weight.max(1)).unwrap_or(u64::MAX);
        shared += given[at];
        parts.push((wanted % weight.max(1), at));
    }
    // Remainders, one row each, the largest first: fewer rows are left than there are remainders.
    parts.sort_by_key(|&(rest, at)| (std::cmp::Reverse(rest), at));
    let more = usize::try_from(left - shared).unwrap_or(usize::MAX);
    for (_, at) in parts.into_iter().take(more) {
        given[at] += 1;
    }
    given
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

    /// Ten files, each with a large stratum and three small ones: the last file is the first's equal.
    #[test]
    fn no_file_is_starved_by_the_order_of_files() {
        for files in [10, 20] {
            let rows: Vec<u64> = (0..files).flat_map(|_| [100_000, 30, 20, 10]).collect();
            let given = allocate(&rows, 320, 2);
            assert_eq!(given.iter().sum::<u64>(), 320);
            let large: Vec<u64> = given.iter().step_by(4).copied().collect();
            let (least, most) = (large.iter().min(), large.iter().max());
            let share = (320 - files * 6) / files;
            assert_eq!((least, most), (Some(&share), Some(&share)), "{given:?}");
        }
    }

    proptest! {
        #[test]
        fn more_rows_are_never_given_less(
            rows in prop::collection::vec(1_u64..100_000, 1..80),
            size in 0_u64..600,
            least in 0_u64..4,
        ) {
            let given = allocate(&rows, size, least);
            let mut pairs: Vec<(u64, u64)> = rows.into_iter().zip(given).collect();
            pairs.sort_unstable();
            for two in pairs.windows(2) {
                prop_assert!(two[1].1 + 1 >= two[0].1, "{two:?}");
                prop_assert!(two[0].0 != two[1].0 || two[1].1 <= two[0].1 + 1, "{two:?}");
            }
        }

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
