//! Numbers held against the thresholds of the law. Advice only: a court weighs more than numbers.
//!
//! Rule: Fa Shi (2017) 10, articles 5 and 6, numbers in `rules/count.toml`. Below a number is
//! still forbidden (Public Security Administration Punishments Law, article 56): nothing here
//! says otherwise.

use serde::{Deserialize, Serialize};

use crate::rules::Thresholds;

/// Items by tier.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ByTier {
    /// Traces, content of communications, credit reports, property.
    pub t50: u64,
    /// Lodging, records of communications, health, transactions and their like.
    pub t500: u64,
    /// Other.
    pub t5000: u64,
}

impl ByTier {
    pub(crate) fn add(&mut self, other: Self) {
        self.t50 += other.t50;
        self.t500 += other.t500;
        self.t5000 += other.t5000;
    }

    /// All items.
    #[must_use]
    pub const fn total(self) -> u64 {
        self.t50 + self.t500 + self.t5000
    }
}

/// What is known of a case beside its items.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Circumstances {
    /// Obtained in the course of duty or service (article 5(1)(8)).
    pub insider: bool,
    /// Gains, in hundredths of a yuan.
    pub gain_fen: u64,
    /// A fact that makes it serious whatever the number is stated.
    pub serious_flag: bool,
    /// A fact that makes it especially serious whatever the number is stated.
    pub special_flag: bool,
    /// Bought or received for a business not itself forbidden (article 6); profit in hundredths of a yuan.
    pub business_profit_fen: Option<u64>,
    /// Something was sold, provided or published, so that article 6 does not apply.
    pub provided: bool,
}

/// Which threshold the numbers reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reached {
    /// None of those checked; forbidden all the same.
    BelowThresholds,
    /// 情节严重.
    Serious,
    /// 情节特别严重.
    EspeciallySerious,
}

/// Numbers beside thresholds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Assessment {
    /// The proportional sum of article 5(1)(6), halved thresholds included; four decimals, cut.
    pub proportional_sum: String,
    /// The threshold reached.
    pub reaches: Reached,
    /// By which rules, in the order of the article.
    pub by: Vec<&'static str>,
    /// Whether article 6 was applied, under which only profit and former punishment weigh.
    pub article_6: bool,
}

/// Fen in a yuan.
const FEN: u128 = 100;

/// Holds items against the thresholds.
#[must_use]
pub fn assess(items: ByTier, case: &Circumstances, rules: &Thresholds) -> Assessment {
    let share = |count: u64, threshold: u64, unit: u128| Fraction {
        top: u128::from(count) * u128::from(divisor(case, rules)),
        bottom: u128::from(threshold.max(1)) * unit,
    };
    let singles = [
        ("article_5_1_3", share(items.t50, rules.t50, 1)),
        ("article_5_1_4", share(items.t500, rules.t500, 1)),
        ("article_5_1_5", share(items.t5000, rules.t5000, 1)),
    ];
    let sum = singles
        .iter()
        .fold(Fraction { top: 0, bottom: 1 }, |sum, (_, one)| {
            sum.plus(*one)
        });
    let gain = share(case.gain_fen, rules.gain_yuan, FEN);
    let article_6 =
        case.business_profit_fen.is_some() && !case.provided && items.t50 == 0 && items.t500 == 0;
    let mut by = Vec::new();
    let mut reaches = Reached::BelowThresholds;
    let mut told = |rule: &'static str, level: Reached| {
        by.push(rule);
        reaches = reaches.max(level);
    };
    if case.serious_flag {
        told("article_5_1_1_2_9", Reached::Serious);
    }
    if article_6 {
        let profit = u128::from(case.business_profit_fen.unwrap_or(0));
        if profit >= u128::from(rules.business_profit_yuan) * FEN {
            told("article_6", Reached::Serious);
        }
    } else {
        let sums = [("article_5_1_6", sum), ("article_5_1_7", gain)];
        for (rule, ratio) in singles.iter().chain(&sums) {
            if ratio.at_least(rules.special_factor) {
                told(rule, Reached::EspeciallySerious);
            } else if ratio.at_least(1) {
                told(rule, Reached::Serious);
            }
        }
    }
    if case.special_flag {
        told("article_5_2_1_2", Reached::EspeciallySerious);
    }
    Assessment {
        proportional_sum: sum.decimal(),
        reaches,
        by,
        article_6,
    }
}

/// Thresholds are halved by doubling what is held against them.
const fn divisor(case: &Circumstances, rules: &Thresholds) -> u64 {
    if case.insider {
        rules.insider_divisor
    } else {
        1
    }
}

/// Exact, so that the same numbers reach the same threshold on every machine.
#[derive(Debug, Clone, Copy)]
struct Fraction {
    top: u128,
    bottom: u128,
}

impl Fraction {
    const fn plus(self, other: Self) -> Self {
        Self {
            top: self.top * other.bottom + other.top * self.bottom,
            bottom: self.bottom * other.bottom,
        }
    }

    fn at_least(self, whole: u64) -> bool {
        self.top >= self.bottom * u128::from(whole)
    }

    fn decimal(self) -> String {
        let scaled = self.top * 10_000 / self.bottom;
        format!("{}.{:04}", scaled / 10_000, scaled % 10_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rules;

    fn reached(items: (u64, u64, u64), case: &Circumstances) -> (Reached, String) {
        let items = ByTier {
            t50: items.0,
            t500: items.1,
            t5000: items.2,
        };
        let found = assess(items, case, &Rules::builtin().thresholds);
        (found.reaches, found.proportional_sum)
    }

    #[test]
    fn article_6_ends_where_something_was_provided() {
        let bought = Circumstances {
            business_profit_fen: Some(1),
            ..Circumstances::default()
        };
        let sold = Circumstances {
            provided: true,
            ..bought
        };
        assert_eq!(reached((0, 0, 5_999), &bought).0, Reached::BelowThresholds);
        assert_eq!(reached((0, 0, 5_999), &sold).0, Reached::Serious);
    }

    #[test]
    fn thresholds_and_their_edges() {
        use Reached::{BelowThresholds as No, EspeciallySerious as Special, Serious};
        let plain = Circumstances::default();
        let insider = Circumstances {
            insider: true,
            ..Circumstances::default()
        };
        let rows = [
            ("nothing", (0, 0, 0), &plain, No, "0.0000"),
            ("one below", (49, 0, 0), &plain, No, "0.9800"),
            ("fifty", (50, 0, 0), &plain, Serious, "1.0000"),
            ("together", (25, 200, 500), &plain, Serious, "1.0000"),
            ("together, one short", (25, 200, 499), &plain, No, "0.9998"),
            ("tenfold", (500, 0, 0), &plain, Special, "10.0000"),
            ("4572 traces", (4572, 0, 0), &plain, Special, "91.4400"),
            ("insider at half", (25, 0, 0), &insider, Serious, "1.0000"),
            (
                "insider at five times",
                (0, 0, 25_000),
                &insider,
                Special,
                "10.0000",
            ),
            (
                "insider just below it",
                (0, 0, 24_999),
                &insider,
                Serious,
                "9.9996",
            ),
            (
                "three million",
                (0, 0, 3_000_000),
                &plain,
                Special,
                "600.0000",
            ),
        ];
        for (name, items, case, level, sum) in rows {
            assert_eq!(reached(items, case), (level, sum.to_owned()), "{name}");
        }
    }

    #[test]
    fn gains_flags_and_business() {
        use Reached::{BelowThresholds as No, EspeciallySerious as Special, Serious};
        let of = |change: &dyn Fn(&mut Circumstances)| {
            let mut case = Circumstances::default();
            change(&mut case);
            case
        };
        let rows = [
            (
                "4,999.99 yuan",
                of(&|c| c.gain_fen = 499_999),
                (0, 0, 1),
                No,
            ),
            (
                "5,000 yuan",
                of(&|c| c.gain_fen = 500_000),
                (0, 0, 1),
                Serious,
            ),
            (
                "50,000 yuan",
                of(&|c| c.gain_fen = 5_000_000),
                (0, 0, 1),
                Special,
            ),
            ("prior", of(&|c| c.serious_flag = true), (0, 0, 1), Serious),
            ("death", of(&|c| c.special_flag = true), (0, 0, 1), Special),
            (
                "business, small profit",
                of(&|c| c.business_profit_fen = Some(1)),
                (0, 0, 900_000),
                No,
            ),
            (
                "business, 50,000 yuan",
                of(&|c| c.business_profit_fen = Some(5_000_000)),
                (0, 0, 1),
                Serious,
            ),
            (
                "business, but traces",
                of(&|c| c.business_profit_fen = Some(1)),
                (50, 0, 0),
                Serious,
            ),
        ];
        for (name, case, items, expected) in rows {
            assert_eq!(reached(items, &case).0, expected, "{name}");
        }
    }
}
