//! PDF: other programs' files and our own become rows; hostile ones become errors.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot make its file has failed"
)]
#![allow(clippy::print_stderr, reason = "a test that is passed over says so")]

use std::io::{Cursor, Write as _};

use liuhen_document::TableSource;
use liuhen_paper::{Column, PageImage, TableLayout, TablePdf};
use liuhen_picture::Font;
use liuhen_reading::{Format, Limits, Pdf, PdfPicture, ReadError, open};

/// Made by ReportLab 4 from invented people: pages of a table, its font not in the file
/// (`STSong-Light` under `UniGB-UCS2-H`), long cells in two lines, names of columns on each page.
const NAMES: &[u8] = include_bytes!("data/names.pdf");

fn opened(bytes: &[u8]) -> Result<Pdf, ReadError> {
    Pdf::open(Cursor::new(bytes.to_vec()), &Limits::default())
}

/// Header and rows.
fn table(bytes: &[u8]) -> (Vec<String>, Vec<Vec<String>>) {
    let source = Cursor::new(bytes.to_vec());
    let mut table = open(source, "a.pdf", &Limits::default()).unwrap();
    assert_eq!(table.format(), Format::Pdf);
    let header = table.header().0.clone();
    let rows = std::iter::from_fn(|| table.next_row());
    let rows = rows.map(|row| {
        let cells = row.unwrap().cells;
        cells.iter().map(|cell| cell.as_str().to_owned()).collect()
    });
    (header, rows.collect())
}

fn deflated(plain: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(plain).unwrap();
    packer.finish().unwrap()
}

/// A file of one page, out of objects from number 4 on; `content` is number 4, font `F` number 5.
fn page(content: &[u8], more: &str, resources: &str) -> Vec<u8> {
    let mut file = format!(
        "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Kids[3 0 R]/Count 1>>endobj\n\
         3 0 obj<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</Font<</F 5 0 R>>{resources}>>>>endobj\n\
         5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding<</BaseEncoding/WinAnsiEncoding/Differences[65/uni5F20/eight]>>>>endobj\n\
         {more}4 0 obj<</Length {}>>stream\n",
        content.len()
    )
    .into_bytes();
    file.extend_from_slice(content);
    file.extend_from_slice(b"\nendstream endobj\ntrailer<</Root 1 0 R>>");
    file
}

#[test]
fn a_table_printed_by_another_program_is_read() {
    let (header, rows) = table(NAMES);
    assert_eq!(header, ["姓名", "手机号", "身份证号", "住址"]);
    let names = ["赵甲", "钱乙", "孙丙", "李丁"];
    let expected: Vec<Vec<String>> = (1..=60)
        .map(|i: usize| {
            vec![
                names[i % 4].to_owned(),
                format!("1990000{i:04}"),
                format!("99010119900101{i:04}"),
                format!("某省某市某区某路{i}号院{}单元{}室", i % 9, i % 30),
            ]
        })
        .collect();
    assert_eq!(rows, expected);
    let mut pdf = opened(NAMES).unwrap();
    let last = pdf.pages() - 1;
    assert!(pdf.text(last).unwrap().contains("19900000060"));
    assert_eq!(pdf.text(9).unwrap(), "");
}

#[test]
fn our_own_pages_come_back_cell_by_cell_and_picture_by_picture() {
    let Ok(font) = Font::find(None, "姓名住址") else {
        eprintln!("no Chinese font on this machine: our own pages are not tested");
        return;
    };
    let columns = vec![
        Column::new("姓名"),
        Column::new("手机号 Mobile").parts(1.6),
        Column::new("住址").parts(3.0),
        Column::new("备注"),
        Column::new("金额").right(),
    ];
    let rows: Vec<Vec<String>> = (1..=95)
        .map(|row| {
            let long = if row % 3 == 0 {
                "某某小区东门北侧第二栋"
            } else {
                ""
            };
            let note = if row % 7 == 0 { "已复核" } else { "" };
            vec![
                ["赵甲", "钱乙", "欧阳丙"][row % 3].to_owned(),
                format!("1990000{row:04}"),
                format!("某省某市某区某路{row}号院{long}{}单元", row % 9),
                note.to_owned(),
                format!("{}.50", row * 13),
            ]
        })
        .collect();
    for image in [PageImage::Jpeg(80), PageImage::Lossless] {
        let layout = TableLayout {
            note: "某医院 · x_1 · 2026".to_owned(),
            image,
            ..TableLayout::new("名单", columns.clone())
        };
        let mut drawn = Vec::new();
        let keep = |_: u32, _: u32, _: u32, pixels: &mut [u8]| drawn.push(pixels.to_vec());
        let mut pdf = TablePdf::new(&font, layout, Vec::new(), keep).unwrap();
        for row in &rows {
            pdf.row(row).unwrap();
        }
        let (bytes, summary) = pdf.finish().unwrap();
        let (header, read) = table(&bytes);
        assert_eq!(header, ["姓名", "手机号 Mobile", "住址", "备注", "金额"]);
        // The foot of the first page stands among the rows, once.
        let (foot, people): (Vec<_>, Vec<_>) = read.into_iter().partition(|row| row[1].is_empty());
        assert_eq!(people, rows);
        assert!(foot.len() <= 2, "{foot:?}");

        let mut pdf = opened(&bytes).unwrap();
        assert_eq!(u32::try_from(pdf.pages()).unwrap(), summary.pages);
        for (number, drawn) in drawn.iter().enumerate() {
            let found = pdf.pictures(number).unwrap();
            match (image, found.as_slice()) {
                (PageImage::Jpeg(_), [PdfPicture::Jpeg(jpeg)]) => {
                    assert!(jpeg.starts_with(b"\xff\xd8\xff"));
                }
                (PageImage::Lossless, [PdfPicture::Rgb { pixels, .. }]) => {
                    let grey: Vec<u8> = pixels.chunks(3).map(|pixel| pixel[0]).collect();
                    assert!(grey == *drawn, "page {number}");
                }
                _ => unreachable!("a page is one picture"),
            }
        }
    }
}

#[test]
fn letters_are_read_however_they_are_set() {
    let rows: [(&str, &str); 8] = [
        ("BT /F 9 Tf 50 700 Td (x A B) Tj ET", "x 张 8\n"),
        (
            "BT /F 9 Tf 50 700 Td [(ab)-100(c)-2000(d)] TJ ET",
            "abc\td\n",
        ),
        (
            "BT /F 9 Tf 12 TL 50 700 Td (a) Tj T* (b) Tj (c) ' ET",
            "a\nb\nc\n",
        ),
        (
            "q 0 1 -1 0 500 50 cm BT /F 9 Tf 50 70 Td (up) Tj ET Q",
            "up\n",
        ),
        (
            "/Span<</ActualText<FEFF67094EBA>>>BDC BT /F 9 Tf (x) Tj ET EMC",
            "有人\n",
        ),
        ("BI /W 1 /H 1 ID (zz) Tj EI BT /F 9 Tf (y) Tj ET", "y\n"),
        ("/X Do", "in a form\n"),
        ("BT /Unknown 9 Tf (lost) Tj /F 9 Tf (kept) Tj ET", "kept\n"),
    ];
    let form = "6 0 obj<</Subtype/Form/Length 40>>stream\nBT /F 9 Tf (in a form) Tj ET /X Do      \nendstream endobj\n";
    for (content, expected) in rows {
        let file = page(content.as_bytes(), form, "/XObject<</X 6 0 R>>");
        assert_eq!(
            opened(&file).unwrap().text(0).unwrap(),
            expected,
            "{content}"
        );
    }
}

#[test]
fn objects_in_streams_and_newer_ones_are_found() {
    let objects = "7 0 8 60 <</Type/Font/Subtype/Type1/BaseFont/Courier>>";
    let packed = deflated(objects.as_bytes());
    let mut file = b"%PDF-1.5\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Kids[3 0 R 2 0 R]>>endobj\n\
        3 0 obj<</Contents[4 0 R]/Resources<</Font<</F 7 0 R>>>>>>endobj\n4 0 obj<</Length 30>>stream\nBT /F 9 Tf (old) Tj ET         \nendstream endobj\n"
        .to_vec();
    file.extend_from_slice(
        format!(
            "6 0 obj<</Type/ObjStm/N 2/First 9/Filter/FlateDecode/Length {}>>stream\n",
            packed.len()
        )
        .as_bytes(),
    );
    file.extend_from_slice(&packed);
    file.extend_from_slice(b"\nendstream endobj\n4 0 obj<</Length 99999999999>>stream\nBT /F 9 Tf (new) Tj ET\nendstream endobj");
    let mut pdf = opened(&file).unwrap();
    assert_eq!((pdf.pages(), pdf.text(0).unwrap().as_str()), (1, "new\n"));
}

#[test]
fn refuses_what_is_encrypted_empty_or_no_pdf() {
    let mut file = page(b"", "", "");
    file.extend_from_slice(b"trailer<</Root 1 0 R/Encrypt 9 0 R>>");
    assert!(matches!(opened(&file), Err(ReadError::EncryptedPdf)));
    assert!(matches!(
        opened(b"%PDF-1.7 nothing"),
        Err(ReadError::MalformedPdf { .. })
    ));
    let empty = open(Cursor::new(page(b"", "", "")), "a.pdf", &Limits::default());
    assert!(matches!(empty, Err(ReadError::Empty)));
    let limits = Limits {
        max_unpacked_bytes: 1_000,
        ..Limits::default()
    };
    let large = Pdf::open(Cursor::new(NAMES.to_vec()), &limits);
    assert!(matches!(large, Err(ReadError::TooLarge { budget: 1_000 })));
}

#[test]
fn refuses_a_stream_that_unpacks_without_end_and_a_picture_larger_than_any() {
    let bomb = deflated(&vec![b' '; 5 << 20]);
    let head = format!(
        "8 0 obj<</Filter/FlateDecode/Length {}>>stream\n",
        bomb.len()
    );
    let mut file = page(b"", "", "");
    file.extend_from_slice(head.as_bytes());
    file.extend_from_slice(&bomb);
    file.extend_from_slice(b"\nendstream endobj 3 0 obj<</Type/Page/Contents 8 0 R>>endobj");
    let limits = Limits {
        max_unpacked_bytes: 4 << 20,
        ..Limits::default()
    };
    assert!(file.len() < 100 << 10);
    assert_eq!(opened(&file).unwrap().text(0).unwrap(), "");
    let refused = Pdf::open(Cursor::new(file), &limits).unwrap().text(0);
    assert!(
        matches!(refused, Err(ReadError::TooLarge { .. })),
        "{refused:?}"
    );

    let image = "6 0 obj<</Subtype/Image/Width 999999/Height 999999/ColorSpace/DeviceGray/Length 1>>stream\nx\nendstream endobj\n";
    let file = page(b"/X Do", image, "/XObject<</X 6 0 R>>");
    let refused = opened(&file).unwrap().pictures(0);
    assert!(matches!(refused, Err(ReadError::TooLarge { .. })));
    // One that promises more than it holds is none.
    let image = image.replace("999999", "900");
    let file = page(b"/X Do", &image, "/XObject<</X 6 0 R>>");
    assert_eq!(opened(&file).unwrap().pictures(0).unwrap(), []);
}

/// All that a reader of leaks asks of a file.
fn exercised(bytes: &[u8]) {
    if let Ok(mut pdf) = opened(bytes) {
        for page in 0..pdf.pages().min(5) {
            let _ = pdf.text(page);
            let _ = pdf.pictures(page);
        }
    }
    if let Ok(mut table) = open(Cursor::new(bytes.to_vec()), "a.pdf", &Limits::default()) {
        while table.next_row().is_some() {}
    }
}

#[test]
fn mutated_files_never_panic() {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % (below as u64)).unwrap()
    };
    let plain = page(
        b"q 1 0 0 1 5 5 cm BT /F 9 Tf 50 700 Td [(ab)-100(c)] TJ 0 -12 TD (x) ' ET Q /X Do /Y Do /Span<</ActualText(a)>>BDC EMC",
        "6 0 obj<</Subtype/Image/Width 64/Height 64/BitsPerComponent 1/ColorSpace[/Indexed/DeviceRGB 1 <000000FFFFFF>]/Filter/ASCIIHexDecode/Length 9>>stream\nFFFFFFFF>\nendstream endobj\n\
         7 0 obj<</Subtype/Form/Matrix[1 0 0 1 0 0]/Resources<</Font<</F 5 0 R>>>>/Filter[/A85/LZW]/Length 20>>stream\n87cURD]i,\"Ebo80~>   \nendstream endobj\n",
        "/XObject<</X 6 0 R/Y 7 0 R>>",
    );
    let words: [&[u8]; 12] = [
        b"<<",
        b">>",
        b"[",
        b"]",
        b"(",
        b" 0 R",
        b"-1",
        b"99999999999",
        b"stream",
        b"obj",
        b"/Kids[2 0 R]",
        b"\x80",
    ];
    for round in 0..300 {
        let mut bytes = if round % 2 == 0 {
            plain.clone()
        } else {
            NAMES.to_vec()
        };
        for _ in 0..=next(8) {
            let at = next(bytes.len());
            match next(4) {
                0 => bytes[at] = u8::try_from(next(256)).unwrap(),
                1 => {
                    let word = words[next(words.len())];
                    bytes.splice(at..at, word.iter().copied());
                }
                2 => {
                    let end = (at + next(60)).min(bytes.len());
                    bytes.drain(at..end);
                }
                _ => {
                    let end = (at + next(200)).min(bytes.len());
                    let part = bytes[at..end].to_vec();
                    let to = next(bytes.len());
                    bytes.splice(to..to, part);
                }
            }
        }
        exercised(&bytes);
    }
}
