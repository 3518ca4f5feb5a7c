//! Bar codes of letters and digits.
//!
//! Rule: ISO/IEC 15417, Code 128, sets B and C.

/// Widths of the bars and spaces of each symbol, 0 to 105, then the stop.
const SYMBOLS: [&str; 107] = [
    "212222", "222122", "222221", "121223", "121322", "131222", "122213", "122312", "132212",
    "221213", "221312", "231212", "112232", "122132", "122231", "113222", "123122", "123221",
    "223211", "221132", "221231", "213212", "223112", "312131", "311222", "321122", "321221",
    "312212", "322112", "322211", "212123", "212321", "232121", "111323", "131123", "131321",
    "112313", "132113", "132311", "211313", "231113", "231311", "112133", "112331", "132131",
    "113123", "113321", "133121", "313121", "211331", "231131", "213113", "213311", "213131",
    "311123", "311321", "331121", "312113", "312311", "332111", "314111", "221411", "431111",
    "111224", "111422", "121124", "121421", "141122", "141221", "112214", "112412", "122114",
    "122411", "142112", "142211", "241211", "221114", "413111", "241112", "134111", "111242",
    "121142", "121241", "114212", "124112", "124211", "411212", "421112", "421211", "212141",
    "214121", "412121", "111143", "111341", "131141", "114113", "114311", "411113", "411311",
    "113141", "114131", "311141", "411131", "211412", "211214", "211232", "2331112",
];
const TO_C: usize = 99;
const TO_B: usize = 100;
const START_B: usize = 104;
const START_C: usize = 105;
const STOP: usize = 106;

/// Widths in modules, a bar first, then a space, and so on. Takes printable ASCII; what is not,
/// is left out.
pub(super) fn bars(text: &str) -> Vec<u8> {
    let symbols = symbols(text.as_bytes());
    let mut sum = 0;
    for (place, &symbol) in symbols.iter().enumerate() {
        sum += symbol * place.max(1);
    }
    let check = sum % 103;
    symbols
        .into_iter()
        .chain([check, STOP])
        .flat_map(|symbol| SYMBOLS[symbol].bytes().map(|digit| digit - b'0'))
        .collect()
}

/// Pairs of digits in set C wherever four stand together, the rest in set B.
fn symbols(text: &[u8]) -> Vec<usize> {
    let mut out = Vec::new();
    let mut pairs = false;
    let mut at = 0;
    while at < text.len() {
        let run = text[at..].iter().take_while(|c| c.is_ascii_digit()).count();
        let wanted = if pairs { run >= 2 } else { run >= 4 };
        if out.is_empty() {
            out.push(if wanted { START_C } else { START_B });
        } else if wanted != pairs {
            out.push(if wanted { TO_C } else { TO_B });
        }
        pairs = wanted;
        if pairs {
            out.push(usize::from(text[at] - b'0') * 10 + usize::from(text[at + 1] - b'0'));
            at += 2;
        } else {
            if (32..127).contains(&text[at]) {
                out.push(usize::from(text[at] - 32));
            }
            at += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_symbol_is_eleven_modules_wide_and_none_occurs_twice() {
        for (index, symbol) in SYMBOLS.iter().enumerate() {
            let wide: u32 = symbol.bytes().map(|digit| u32::from(digit - b'0')).sum();
            assert_eq!(wide, if index == STOP { 13 } else { 11 }, "{index}");
            let bars: u32 = symbol
                .bytes()
                .step_by(2)
                .map(|digit| u32::from(digit - b'0'))
                .sum();
            // Rule: bars of a symbol cover an even number of modules (the stop has one bar more).
            assert!(bars.is_multiple_of(2), "{index}");
            assert!(!SYMBOLS[..index].contains(symbol), "{index}");
        }
    }

    #[test]
    fn another_reader_reads_it() {
        for text in ["LH1234567890123", "1234", "A-1", "LH12345"] {
            let bars = bars(text);
            // Three pixels a module, forty rows, ten modules of quiet at both ends.
            let mut row = vec![255_u8; 30];
            for (index, &wide) in bars.iter().enumerate() {
                let shade = if index % 2 == 0 { 0 } else { 255 };
                row.extend(std::iter::repeat_n(shade, 3 * usize::from(wide)));
            }
            row.extend([255; 30]);
            let width = u32::try_from(row.len()).unwrap();
            let found = rxing::helpers::detect_in_luma(row.repeat(40), width, 40, None).unwrap();
            assert_eq!(found.getText(), text);
            assert_eq!(*found.getBarcodeFormat(), rxing::BarcodeFormat::CODE_128);
        }
    }

    #[test]
    fn digits_go_in_pairs() {
        assert_eq!(
            symbols(b"LH1234567"),
            [START_B, 44, 40, TO_C, 12, 34, 56, TO_B, 23]
        );
        assert_eq!(symbols(b"1234"), [START_C, 12, 34]);
    }
}
