//! PDF put together by hand, so that what reads and paints pages is tried against none of its own
//! making. Letters are those of a font that every viewer has: ASCII only.

/// A page.
#[derive(Debug, Clone, Copy)]
pub enum Leaf<'a> {
    /// Lines of text, on 6 by 4 inches.
    Text(&'a [&'a str]),
    /// A content stream as it is, on as much; its font is `F`.
    Drawn(&'a str),
    /// A JPEG of so many columns and rows, at 150 to the inch.
    Picture(&'a [u8], u32, u32),
}

/// A document of these pages, with an author among its properties.
#[must_use]
pub fn document(leaves: &[Leaf<'_>]) -> Vec<u8> {
    // 1 catalogue, 2 tree of pages, 3 font, 4 properties; then page, content and picture of each.
    let page = |at: usize| 5 + 3 * at;
    let kids: Vec<String> = (0..leaves.len())
        .map(|at| format!("{} 0 R", page(at)))
        .collect();
    let mut objects: Vec<Vec<u8>> = vec![
        b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
        format!(
            "<</Type/Pages/Kids[{}]/Count {}>>",
            kids.join(" "),
            leaves.len()
        )
        .into(),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>".to_vec(),
        b"<</Author(ouyang.yi)>>".to_vec(),
    ];
    for (at, leaf) in leaves.iter().enumerate() {
        let (wide, high, content, picture) = match leaf {
            Leaf::Text(lines) => (432.0, 288.0, shown(lines), b"null".to_vec()),
            Leaf::Drawn(content) => (432.0, 288.0, (*content).to_owned(), b"null".to_vec()),
            Leaf::Picture(jpeg, width, height) => {
                let side = |pixels: u32| f64::from(pixels) * 72.0 / 150.0;
                let (wide, high) = (side(*width), side(*height));
                let head = format!(
                    "<</Type/XObject/Subtype/Image/Width {width}/Height {height}/ColorSpace/DeviceRGB/BitsPerComponent 8/Filter/DCTDecode/Length {}>>stream\n",
                    jpeg.len()
                );
                let image = [head.as_bytes(), jpeg, b"\nendstream"].concat();
                (
                    wide,
                    high,
                    format!("q {wide} 0 0 {high} 0 0 cm /I Do Q"),
                    image,
                )
            }
        };
        let (content_at, picture_at) = (page(at) + 1, page(at) + 2);
        objects.push(
            format!("<</Type/Page/Parent 2 0 R/MediaBox[0 0 {wide} {high}]/Contents {content_at} 0 R/Resources<</Font<</F 3 0 R>>/XObject<</I {picture_at} 0 R>>>>>>").into(),
        );
        objects.push(format!("<</Length {}>>stream\n{content}\nendstream", content.len()).into());
        objects.push(picture);
    }
    written(&objects)
}

fn shown(lines: &[&str]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| format!("({line}) Tj T*")).collect();
    format!("BT /F 16 Tf 30 TL 30 240 Td {} ET", lines.join(" "))
}

/// Objects numbered from 1, with their table (ISO 32000-1, 7.5).
fn written(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut out = b"%PDF-1.4\n".to_vec();
    let mut places = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        places.push(out.len());
        out.extend(format!("{} 0 obj\n", index + 1).into_bytes());
        out.extend(object);
        out.extend(b"\nendobj\n");
    }
    let start = out.len();
    let size = places.len() + 1;
    out.extend(format!("xref\n0 {size}\n0000000000 65535 f \n").into_bytes());
    for place in &places {
        out.extend(format!("{place:010} 00000 n \n").into_bytes());
    }
    out.extend(
        format!("trailer<</Size {size}/Root 1 0 R/Info 4 0 R>>\nstartxref\n{start}\n%%EOF\n")
            .into_bytes(),
    );
    out
}
