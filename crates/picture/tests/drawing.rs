//! Text on pages and marks on pictures: is it there, can it be seen, is the card still there?

#![expect(clippy::unwrap_used, reason = "helpers of tests")]
#![expect(
    clippy::cast_precision_loss,
    reason = "counts of pixels, far below 16 million"
)]

mod common;

use liuhen_picture::text::{Pen, Raster};
use liuhen_picture::{Drawn, Font, FontError, MarkError, Picture, PurposeMark};

fn mark() -> PurposeMark {
    PurposeMark::of("办理入职", "2026-11-22")
}

fn font() -> Option<Font> {
    common::font(&mark().text)
}

/// Which pixels the mark changed by more than `least`, on a ground of one shade.
fn changed(mark: &PurposeMark, font: &Font, size: (u32, u32), grey: u8, least: u8) -> Vec<bool> {
    let mut picture = Picture::blank(size.0, size.1, [grey; 3]).unwrap();
    mark.draw(&mut picture, font).unwrap();
    let differs = |pixel: &[u8]| pixel.iter().any(|sample| sample.abs_diff(grey) > least);
    picture.pixels().chunks_exact(3).map(differs).collect()
}

/// Share of changed pixels in a window.
fn share(
    marked: &[bool],
    width: usize,
    (x, y): (usize, usize),
    (wide, high): (usize, usize),
) -> f32 {
    let rows = (y..y + high).map(|row| &marked[row * width + x..][..wide]);
    let count: usize = rows.map(|row| row.iter().filter(|one| **one).count()).sum();
    count as f32 / (wide * high) as f32
}

#[test]
fn the_customary_words() {
    assert_eq!(mark().text, "仅供办理入职使用，他用无效，2026-11-22");
    assert_eq!(PurposeMark::of("开户", "").text, "仅供开户使用，他用无效");
}

#[test]
fn no_eighth_of_any_picture_stays_free_wherever_it_is_laid() {
    let Some(font) = font() else { return };
    for (width, height) in [
        (856, 540),
        (540, 856),
        (1600, 1200),
        (1500, 400),
        (640, 640),
    ] {
        for (angle, seed) in [
            (30.0, 0),
            (30.0, 7),
            (-30.0, 1),
            (0.0, 2),
            (45.0, 3),
            (-75.0, 4),
        ] {
            let mark = PurposeMark {
                angle,
                seed,
                ..mark()
            };
            let marked = changed(&mark, &font, (width, height), 128, 20);
            let (wide, high) = (width as usize / 8, height as usize / 8);
            for step_y in 0..=28 {
                for step_x in 0..=28 {
                    let at = (step_x * wide / 4, step_y * high / 4);
                    let share = share(&marked, width as usize, at, (wide, high));
                    assert!(
                        share > 0.03,
                        "{width} x {height}, {angle}°, {at:?}: {share}"
                    );
                }
            }
        }
    }
}

#[test]
fn the_mark_shows_on_black_white_and_grey_and_leaves_the_rest() {
    let Some(font) = font() else { return };
    for grey in [0, 64, 128, 192, 255] {
        let marked = changed(&mark(), &font, (856, 540), grey, 40);
        let strong = share(&marked, 856, (0, 0), (856, 540));
        assert!((0.05..0.5).contains(&strong), "{grey}: {strong}");
        // Untouched ground between the strokes is what keeps the card legible.
        let touched = changed(&mark(), &font, (856, 540), grey, 0);
        assert!(share(&touched, 856, (0, 0), (856, 540)) < 0.6, "{grey}");
        // Half-way opaque: what lies below still shows, even where two letters' edges meet.
        let mut picture = Picture::blank(856, 540, [grey; 3]).unwrap();
        mark().draw(&mut picture, &font).unwrap();
        let most = picture
            .luma()
            .iter()
            .map(|luma| (luma - f32::from(grey)).abs())
            .fold(0.0, f32::max);
        assert!((30.0..=170.0).contains(&most), "{grey}: {most}");
    }
}

/// A letter drawn alone by the page's pen is found again in the mark, on lines of both colours.
#[test]
fn the_words_are_really_written() {
    let Some(font) = font() else { return };
    let mark = PurposeMark {
        angle: 0.0,
        opacity: 1.0,
        colour: [0; 3],
        size: 0.08,
        ..mark()
    };
    let mut picture = Picture::blank(1000, 500, [255; 3]).unwrap();
    let drawn = mark.draw(&mut picture, &font).unwrap();
    let luma = picture.luma();
    for letter in ["仅", "职", "效", "6"] {
        let template = letter_alone(&font, letter, drawn.size);
        let best = best_match(&luma, 1000, 500, &template);
        assert!(best > 0.97, "{letter}: {best}");
    }
    let template = letter_alone(&font, "密", drawn.size);
    let absent = best_match(&luma, 1000, 500, &template);
    assert!(absent < 0.8, "a letter that was not written: {absent}");
}

/// One letter, black on white, cut to the rows and columns it touches.
fn letter_alone(font: &Font, letter: &str, size: f32) -> (usize, Vec<f32>) {
    let mut page = Raster::new(100, 100, 255).unwrap();
    page.line(&mut Pen::new(font, size).unwrap(), letter, (20.0, 70.0), 0);
    let inked = |at: usize| page.pixels()[at] < 128;
    let columns: Vec<_> = (0..100)
        .filter(|x| (0..100).any(|y| inked(y * 100 + x)))
        .collect();
    let rows: Vec<_> = (0..100)
        .filter(|y| (0..100).any(|x| inked(y * 100 + x)))
        .collect();
    let cut = rows
        .iter()
        .flat_map(|y| columns.iter().map(move |x| y * 100 + x))
        .map(|at| f32::from(page.pixels()[at]))
        .collect();
    (columns.len(), cut)
}

/// Highest correlation of the template with any place of the picture.
fn best_match(
    luma: &[f32],
    width: usize,
    height: usize,
    (wide, template): &(usize, Vec<f32>),
) -> f32 {
    let high = template.len() / wide;
    let mean = template.iter().sum::<f32>() / template.len() as f32;
    let norm = template
        .iter()
        .map(|value| (value - mean).powi(2))
        .sum::<f32>();
    let mut best = 0.0_f32;
    for y in 0..height - high {
        for x in 0..width - wide {
            let rows = (0..high).map(|row| &luma[(y + row) * width + x..][..*wide]);
            let (mut sum, mut square, mut product) = (0.0, 0.0, 0.0);
            for (row, line) in rows.enumerate() {
                for (value, wanted) in line.iter().zip(&template[row * wide..]) {
                    sum += value;
                    square += value * value;
                    product += value * (wanted - mean);
                }
            }
            let spread = square - sum * sum / template.len() as f32;
            if spread > 1.0 {
                best = best.max(product / (norm * spread).sqrt());
            }
        }
    }
    best
}

#[test]
fn equal_seeds_draw_equal_marks_and_others_shift_the_lines() {
    let Some(font) = font() else { return };
    let draw = |seed| changed(&PurposeMark { seed, ..mark() }, &font, (500, 400), 200, 5);
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1), draw(2));
}

#[test]
fn text_shrinks_until_it_fits_and_then_is_refused() {
    let Some(font) = font() else { return };
    let draw = |width, height, text: &str| {
        let mut picture = Picture::blank(width, height, [200; 3]).unwrap();
        let before = picture.clone();
        let drawn = PurposeMark::new(text).draw(&mut picture, &font);
        assert_eq!(
            drawn.is_err(),
            picture == before,
            "refused and unchanged, or drawn"
        );
        drawn
    };
    let Drawn { size, .. } = draw(1000, 1000, "仅供开户使用").unwrap();
    assert!((size - 50.0).abs() < 1e-3);
    let Drawn { size, .. } = draw(1000, 1000, &"仅供开户使用".repeat(8)).unwrap();
    assert!((20.0..25.0).contains(&size), "{size}");
    let small = draw(300, 200, &mark().text).unwrap();
    assert!((12.0..12.1).contains(&small.size));
    for (width, height) in [(1, 1), (20, 3000), (100, 60), (3000, 20)] {
        let refused = draw(width, height, &mark().text);
        assert!(
            matches!(refused, Err(MarkError::TooSmall { .. })),
            "{width}: {refused:?}"
        );
    }
}

#[test]
fn options_and_texts_that_cannot_be_are_refused() {
    let Some(font) = font() else { return };
    let draw = |mark: PurposeMark| mark.draw(&mut Picture::blank(500, 500, [0; 3]).unwrap(), &font);
    for text in ["", "  ", "a\nb", &"字".repeat(121)] {
        assert!(
            matches!(draw(PurposeMark::new(text)), Err(MarkError::Text { .. })),
            "{text:?}"
        );
    }
    let lacking = draw(PurposeMark::new("仅供\u{e000}"));
    assert!(matches!(
        lacking,
        Err(MarkError::Font(FontError::Lacks { count: 1 }))
    ));
    for (angle, opacity, size) in [
        (f32::NAN, 0.4, 0.05),
        (91.0, 0.4, 0.05),
        (0.0, 0.05, 0.05),
        (0.0, 0.4, f32::INFINITY),
    ] {
        let refused = draw(PurposeMark {
            angle,
            opacity,
            size,
            ..mark()
        });
        assert!(
            matches!(refused, Err(MarkError::Option { .. })),
            "{refused:?}"
        );
    }
}

#[test]
fn a_transparent_picture_is_marked_upon_white() {
    let Some(font) = font() else { return };
    let mut picture = Picture::rgba(400, 300, vec![0; 400 * 300 * 4]).unwrap();
    mark().draw(&mut picture, &font).unwrap();
    assert_eq!(picture.channels(), 3);
    let white = picture
        .pixels()
        .iter()
        .filter(|sample| **sample == 255)
        .count();
    assert!(white > 400 * 300 && white < 400 * 300 * 3);
}

#[test]
fn a_line_is_as_wide_as_it_says_and_stands_where_it_should() {
    let Some(font) = font() else { return };
    let mut pen = Pen::new(&font, 20.0).unwrap();
    let text = "仅供 Test 他用";
    let mut page = Raster::new(300, 60, 255).unwrap();
    let width = page.line(&mut pen, text, (30.0, 40.0), 0);
    assert!((width - pen.width(text)).abs() < 0.01);
    let inked = |x: usize| (0..60).any(|y| page.pixels()[y * 300 + x] < 200);
    let (first, last) = (
        (0..300).find(|x| inked(*x)).unwrap(),
        (0..300).rfind(|x| inked(*x)).unwrap(),
    );
    assert!((29..35).contains(&first), "{first}");
    assert!((last as f32 - (30.0 + width)).abs() < 4.0, "{last}");

    // What was drawn before, and in which order, changes nothing.
    let mut again = Raster::new(300, 60, 255).unwrap();
    again.line(&mut Pen::new(&font, 20.0).unwrap(), text, (30.0, 40.0), 0);
    assert_eq!(page, again);
    page.line(&mut pen, "\u{e000}远", (9e9, -9e9), 0);
    assert_eq!(page, again, "outside the page nothing is drawn");
}
