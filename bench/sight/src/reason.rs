//! Why a field was missed.

use liuhen_service::sight::{Quad, Seen};
use liuhen_testkit::pictures::Field;
use liuhen_vision::{Line, Words};

use crate::truth::{ENOUGH, covered};

/// A reason, and what was read where the field stands; its people do not exist.
#[derive(Debug)]
pub(crate) struct Reason {
    pub(crate) why: String,
    #[expect(dead_code, reason = "shown by Debug")]
    read: String,
}

pub(crate) fn of(field: &Field, seen: &Seen, words: &Words) -> Reason {
    if field.code {
        return bare("the code was not read, or its box is too small");
    }
    let spots: Vec<Quad> = seen
        .spots
        .iter()
        .flat_map(|spot| spot.places.clone())
        .collect();
    let lines: Vec<Quad> = words.lines.iter().map(|line| line.quad).collect();
    // The first line of it that is missed.
    let Some(place) = field
        .places
        .iter()
        .find(|place| covered(place, &spots) < ENOUGH)
    else {
        return bare("none");
    };
    let (by_spots, by_lines) = (covered(place, &spots), covered(place, &lines));
    let over = |line: &&Line| covered(place, &[line.quad]) > 0.15;
    let mut here: Vec<&Line> = words.lines.iter().filter(over).collect();
    here.sort_by(|a, b| a.quad.0[0].x.total_cmp(&b.quad.0[0].x));
    let read: Vec<&str> = here.iter().map(|line| line.text.as_str()).collect();
    let read = read.join(" | ");
    let many = field.places.len() > 1;
    let right = if many {
        // Which letters stand on which line is not known: the whole is compared.
        let all: String = words
            .lines
            .iter()
            .filter(|line| {
                field
                    .places
                    .iter()
                    .any(|place| covered(place, &[line.quad]) > 0.15)
            })
            .map(|line| plain(&line.text))
            .collect();
        all.contains(&plain(&field.text))
    } else {
        plain(&read).contains(&plain(&field.text))
    };
    let why = if by_lines < 0.5 {
        if covered(place, &words.unread) > 0.5 {
            "its line was found and not believed".to_owned()
        } else {
            "its line was not found".to_owned()
        }
    } else if by_lines < ENOUGH {
        let how = if by_spots > 0.3 { "found" } else { "not found" };
        format!("the box of its line is too small ({how} as a kind)")
    } else if by_spots >= 0.3 {
        format!(
            "found, but the part's box is too small ({})",
            tenths(by_spots)
        )
    } else if right {
        "read right and not taken for anything".to_owned()
    } else {
        let wrong = distance(&plain(&read), &plain(&field.text));
        let wrong = if wrong > 3 {
            "4 or more".to_owned()
        } else {
            wrong.to_string()
        };
        if many {
            "misread or broken over lines, not taken for anything".to_owned()
        } else {
            format!("misread by {wrong} letters, not taken for anything")
        }
    };
    Reason { why, read }
}

fn bare(why: &str) -> Reason {
    Reason {
        why: why.to_owned(),
        read: String::new(),
    }
}

fn tenths(share: f32) -> &'static str {
    match share {
        ..0.6 => "below 60%",
        0.6..0.8 => "60 to 80%",
        _ => "80 to 90%",
    }
}

/// Letters and digits only.
fn plain(text: &str) -> String {
    text.chars()
        .filter(|letter| letter.is_alphanumeric() || *letter == '*')
        .flat_map(char::to_uppercase)
        .collect()
}

/// The fewest changes that turn some stretch of `text` into `wanted`: Sellers, 1980.
fn distance(text: &str, wanted: &str) -> usize {
    let wanted: Vec<char> = wanted.chars().collect();
    let mut column: Vec<usize> = (0..=wanted.len()).collect();
    let mut best = wanted.len();
    for letter in text.chars() {
        let mut diagonal = column[0];
        for (at, other) in wanted.iter().enumerate() {
            let change = diagonal + usize::from(*other != letter);
            diagonal = column[at + 1];
            column[at + 1] = change.min(diagonal + 1).min(column[at] + 1);
        }
        best = best.min(column[wanted.len()]);
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_is_found_with_its_errors() {
        assert_eq!(distance("电话15412345678", "15412345678"), 0);
        assert_eq!(distance("电话15412845678.", "15412345678"), 1);
        assert_eq!(distance("", "ABC"), 3);
    }
}
