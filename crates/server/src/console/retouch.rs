//! One picture under review: its marks, what is left to be seen, boxes of one's own, and its copy.
//!
//! A mark that no tick releases is hidden; so what a page that was loaded earlier does not know stays hidden.

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use liuhen_service::sight::{Mark, Quad, Sort};
use liuhen_service::{ReviewDecision, ReviewMark, ReviewState, ReviewView};
use maud::{Markup, html};

use super::redact::{actions, state_tag, why};
use super::request::{Answer, Desk, Page, Pairs, Posted, go, refusal};
use crate::error::ApiError;
use crate::extract::Path;
use crate::state::AppState;
use crate::ui::form::csrf;
use crate::ui::table::{Set, Table};
use crate::ui::words::{names as wn, redact as w};
use crate::ui::{Ctx, Note, assets, layout, names};

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/redact/{id}", get(show).post(decide))
        .route("/redact/{id}/progress", get(progress))
        .route("/redact/{id}/picture", get(picture))
        .route("/redact/{id}/copy", get(copy))
}

async fn show(desk: Desk, Path(id): Path<String>) -> Page {
    page(&desk, id, None).await
}

async fn page(desk: &Desk, id: String, note: Option<&Note>) -> Page {
    let (view, next) = desk
        .ask(move |service, caller| {
            let view = service.review(caller, &id, true)?;
            let others = service.reviews(caller, true)?;
            let open = |other: &&ReviewView| other.state == ReviewState::Open && other.id != id;
            let later = others.iter().filter(|other| other.number > view.number);
            let next = later
                .chain(&others)
                .find(open)
                .map(|other| other.id.clone());
            Ok((view, next))
        })
        .await?;
    let c = &desk.c;
    let body = html! {
        p.crumb {
            a href="/redact" { (c.t(w::BACK)) }
            " / " (view.name)
            @if let Some(next) = next { " · " a href={ "/redact/" (next) } { (c.t(w::NEXT)) } }
        }
        @if view.state.is_underway() { (waiting(c, &view)) }
        @else { (decided(c, &view)) }
    };
    let title = c.f(w::PICTURE_N, &[("n", &view.number)]);
    let lead = Some(c.t(w::REVIEW_LEAD));
    Ok(layout::page(c, &title, lead, note, &body))
}

fn waiting(c: &Ctx, view: &ReviewView) -> Markup {
    html! {
        section.sheet #waiting hx-get={ "/redact/" (view.id) "/progress" } hx-trigger="every 1s" hx-swap="outerHTML" {
            (state_tag(c, view.state))
            p aria-live="polite" { (c.t(w::WORKING)) }
            noscript { p { a href="/redact?reload=yes" { (c.t(w::RELOAD)) } } }
        }
    }
}

async fn progress(desk: Desk, Path(id): Path<String>) -> Answer {
    let view = desk
        .ask(move |service, caller| service.review(caller, &id, false))
        .await?;
    if !view.state.is_underway() {
        // The whole page has more to show now.
        return Ok([("hx-refresh", "true")].into_response());
    }
    Ok(waiting(&desk.c, &view).into_response())
}

fn decided(c: &Ctx, view: &ReviewView) -> Markup {
    let late = view.marks.iter().filter(|mark| mark.late).count();
    html! {
        @if let Some(problem) = view.problem { (Note::bad(why(c, problem))) }
        @if let Some(copy) = &view.copy {
            section.sheet #copy {
                header { h2 { (c.t(w::COPY)) } (actions(c, view)) }
                p { (c.f(w::COPY_SAID, &[("looks", &copy.looks), ("bytes", &names::bytes(copy.bytes))])) }
                @if late > 0 { p { (c.f(w::LATE_SAID, &[("n", &late)])) } }
                @if copy.media_type != "image/tiff" {
                    img.whole src={ "/redact/" (view.id) "/copy?" (copy.sha256) } alt=(c.t(w::COPY_ALT));
                }
            }
        }
        @if view.state != ReviewState::Refused { (review(c, view)) }
    }
}

fn review(c: &Ctx, view: &ReviewView) -> Markup {
    let save = if view.copy.is_some() {
        w::SAVE_AGAIN
    } else {
        w::SAVE
    };
    html! {
        form.review #review method="post" action={ "/redact/" (view.id) } autocomplete="off" {
            (csrf(c))
            section.sheet {
                header {
                    h2 { (c.t(w::ORIGINAL)) }
                    div.row.tools hidden {
                        button.plain.slim type="button" #draw aria-pressed="false" { (c.t(w::DRAW)) }
                        button.plain.slim type="button" #undo disabled { (c.t(w::UNDO)) }
                    }
                }
                (legend(c))
                (easel(c, view))
                @if !view.beside.is_empty() { p.small { (beside(c, view)) } }
            }
            section.sheet { h2 { (c.t(w::MARKS)) } (marks(c, view)) (faces(c, view)) }
            section.sheet { (boxes(c, view)) }
            div.row { button type="submit" #save { (c.t(save)) } }
        }
        script type="module" src=(assets::href("redact.js")) {}
    }
}

fn legend(c: &Ctx) -> Markup {
    let rows = [
        ("words", w::LEGEND_WORDS),
        ("face", w::LEGEND_FACE),
        ("code", w::LEGEND_CODE),
        ("unsure", w::LEGEND_UNSURE),
        ("drawn", w::LEGEND_DRAWN),
    ];
    html! { div.legend.marks { @for (class, name) in rows { span { i class=(class) {} (c.t(name)) } } } }
}

/// The picture with its marks over it, in pixels of the picture whatever its size on the screen.
fn easel(c: &Ctx, view: &ReviewView) -> Markup {
    let letter = (view.width.max(view.height) / 70).max(9);
    html! {
        div.easel {
            img src={ "/redact/" (view.id) "/picture" } width=(view.width) height=(view.height) alt=(c.t(w::ALT));
            svg #marks viewBox={ "0 0 " (view.width) " " (view.height) } preserveAspectRatio="none"
                data-width=(view.width) data-height=(view.height) role="group" aria-label=(c.t(w::MARKS)) {
                @for mark in &view.marks {
                    g class=(class(mark, view)) data-mark=(mark.number) {
                        title { (mark.number) " " (said(c, &mark.mark)) }
                        @for place in &mark.mark.places { polygon points=(points(place)) {} }
                        @if let Some(area) = mark.mark.area() {
                            text x=(area.left.round()) y=((area.top - 2.0).max(letter as f32).round()) font-size=(letter) { (mark.number) " " (said(c, &mark.mark)) }
                        }
                    }
                }
                g #drawn {
                    @for [left, top, width, height] in &view.decision.drawn {
                        rect x=(left) y=(top) width=(width) height=(height) {}
                    }
                }
            }
        }
    }
}

fn class(mark: &ReviewMark, view: &ReviewView) -> String {
    let sort = sort_class(&mark.mark);
    match view.is_released(mark) {
        true => format!("mark {sort} released"),
        false => format!("mark {sort}"),
    }
}

fn sort_class(mark: &Mark) -> &'static str {
    match mark.sort {
        _ if !mark.is_sure() => "unsure",
        Sort::Words => "words",
        Sort::Face => "face",
        Sort::Code => "code",
        Sort::Number | Sort::Unread => "unsure",
    }
}

fn points(place: &Quad) -> String {
    let corners = place
        .0
        .map(|point| format!("{:.1},{:.1}", point.x, point.y));
    corners.join(" ")
}

/// What a mark is, and how sure: never the value.
fn said(c: &Ctx, mark: &Mark) -> String {
    let kinds: Vec<String> = mark
        .kinds
        .iter()
        .map(|kind| names::field(c, kind.name()))
        .collect();
    let mut said = match (mark.sort, kinds.is_empty()) {
        (Sort::Code, true) => c.t(w::SORT_CODE).to_owned(),
        (Sort::Code, false) => {
            format!("{} {}", c.t(w::SORT_CODE), kinds.join(c.t(wn::LIST_COMMA)))
        }
        (Sort::Number, true) => c.t(w::SORT_NUMBER).to_owned(),
        (Sort::Unread, true) => c.t(w::SORT_UNREAD).to_owned(),
        _ => kinds.join(c.t(wn::LIST_COMMA)),
    };
    if let Some(percent) = percent(mark) {
        said.push_str(&format!(" {percent}"));
    }
    said
}

fn percent(mark: &Mark) -> Option<String> {
    let sure = mark.confidence?;
    Some(format!("{:.0}%", sure.clamp(0.0, 1.0) * 100.0))
}

fn marks(c: &Ctx, view: &ReviewView) -> Markup {
    let mut table = Table::new(c.t(w::MARKS), c.t(w::MARKS_NONE))
        .column(c.t(w::COL_NUMBER), Set::Number)
        .column(c.t(w::MARK_WHAT), Set::Text)
        .column(c.t(w::MARK_SURE), Set::Tight)
        .column(c.t(w::MARK_KEEP), Set::Text);
    for mark in &view.marks {
        let n = mark.number;
        let what = Mark {
            confidence: None,
            ..mark.mark.clone()
        };
        let label = c.f(w::MARK_KEEP_N, &[("n", &n)]);
        table.row(vec![
            html! { (n) },
            html! {
                i class={ "swatch " (sort_class(&mark.mark)) } {} (said(c, &what))
                @if mark.late { " " span.tag.warn { (c.t(w::MARK_LATE)) } }
            },
            html! {
                (percent(&mark.mark).unwrap_or_default())
                @if !mark.mark.is_sure() { " " (c.t(w::UNSURE)) }
            },
            html! { label.check { input type="checkbox" name="release" value=(n) checked[view.is_released(mark)] aria-label=(label); } },
        ]);
    }
    html! { (table) }
}

fn faces(c: &Ctx, view: &ReviewView) -> Markup {
    let ways = [
        ("fill", w::FACES_FILL, !view.decision.coarsen),
        ("coarsen", w::FACES_COARSEN, view.decision.coarsen),
    ];
    html! {
        fieldset {
            legend { (c.t(w::FACES)) }
            div.checks { @for (value, name, chosen) in ways {
                label.check { input type="radio" name="faces" value=(value) checked[chosen]; (c.t(name)) }
            } }
        }
    }
}

fn boxes(c: &Ctx, view: &ReviewView) -> Markup {
    let drawn = view.decision.drawn.iter().copied().map(Some);
    html! {
        fieldset #boxes {
            legend { (c.t(w::BOXES)) }
            p.hint { (c.t(w::BOXES_HINT)) }
            div.stack #rows { @for (at, row) in drawn.chain([None]).enumerate() { (box_row(c, at + 1, row)) } }
            button.plain.slim type="button" #add hidden { (c.t(w::BOX_ADD)) }
        }
    }
}

fn box_row(c: &Ctx, n: usize, sides: Option<[u32; 4]>) -> Markup {
    let names = [
        ("left", w::LEFT),
        ("top", w::TOP),
        ("width", w::WIDTH),
        ("height", w::HEIGHT),
    ];
    let of = c.f(w::BOX_N, &[("n", &n)]);
    html! {
        div.box role="group" aria-label=(of) {
            @for (at, (name, label)) in names.into_iter().enumerate() {
                label { (c.t(label)) " " input type="number" name=(name) min="0" step="1" inputmode="numeric" value=[sides.map(|sides| sides[at])]; }
            }
            button.plain.slim.remove type="button" hidden { (c.t(w::BOX_REMOVE)) }
        }
    }
}

fn beside(c: &Ctx, view: &ReviewView) -> String {
    let name = |name: &&str| match *name {
        "place" => w::BESIDE_PLACE,
        "time" => w::BESIDE_TIME,
        "device" => w::BESIDE_DEVICE,
        "texts" => w::BESIDE_TEXTS,
        _ => w::BESIDE_THUMBNAIL,
    };
    let said: Vec<&str> = view.beside.iter().map(|one| c.t(name(one))).collect();
    c.f(w::BESIDE, &[("what", &said.join(c.t(wn::LIST_COMMA)))])
}

async fn decide(Path(id): Path<String>, posted: Posted) -> Answer {
    let desk = &posted.desk;
    let asked = id.clone();
    let taken = match decision(&posted.form) {
        Ok(decision) => {
            let service = desk.state.service();
            let caller = desk.caller();
            service
                .decide_review(&caller, &asked, decision)
                .map_err(ApiError::from)
        }
        Err(error) => Err(error),
    };
    match taken {
        Ok(()) => Ok(go(&format!("/redact/{id}"))),
        Err(error) if error.code() == "not_found" => Err(error),
        Err(error) => {
            let status = error.status();
            let note = refusal(&desk.c, error)?;
            Ok((status, page(desk, id, Some(&note)).await?).into_response())
        }
    }
}

/// What a form says; a box whose fields are all empty is none.
fn decision(form: &Pairs) -> Result<ReviewDecision, ApiError> {
    let wrong = || ApiError::malformed("a box needs four whole numbers: left, top, width, height");
    let sides = ["left", "top", "width", "height"].map(|name| form.all(name));
    let [lefts, tops, widths, heights] = &sides;
    if sides.iter().any(|side| side.len() != lefts.len()) {
        return Err(wrong());
    }
    let mut drawn = Vec::new();
    for (((left, top), width), height) in lefts.iter().zip(tops).zip(widths).zip(heights) {
        let texts = [left, top, width, height];
        if texts.iter().all(|text| text.is_empty()) {
            continue;
        }
        let mut numbers = [0_u32; 4];
        for (number, text) in numbers.iter_mut().zip(texts) {
            *number = text.parse().map_err(|_| wrong())?;
        }
        drawn.push(numbers);
    }
    let released = form.all("release");
    let released = released.iter().map(|text| {
        let number = text.parse();
        number.map_err(|_| {
            ApiError::malformed("the form has a field that is missing or does not fit")
        })
    });
    Ok(ReviewDecision {
        released: released.collect::<Result<_, _>>()?,
        drawn,
        coarsen: form.get("faces") == "coarsen",
    })
}

async fn picture(desk: Desk, Path(id): Path<String>) -> Answer {
    let shown = desk
        .ask(move |service, caller| service.review_shown(caller, &id))
        .await?;
    Ok(([(header::CONTENT_TYPE, "image/jpeg")], shown.to_vec()).into_response())
}

async fn copy(desk: Desk, Path(id): Path<String>) -> Answer {
    let file = desk
        .ask(move |service, caller| service.review_copy(caller, &id))
        .await?;
    Ok(([(header::CONTENT_TYPE, file.media_type)], file.bytes).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(rows: &[(&str, &str)]) -> Pairs {
        let rows = rows.iter();
        Pairs(
            rows.map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
                .collect(),
        )
    }

    #[test]
    fn a_form_becomes_a_decision() {
        let given = form(&[
            ("release", "2"),
            ("release", "7"),
            ("faces", "coarsen"),
            ("left", "1"),
            ("top", "2"),
            ("width", "3"),
            ("height", "4"),
            ("left", ""),
            ("top", ""),
            ("width", ""),
            ("height", ""),
        ]);
        let decision = decision(&given).unwrap();
        assert_eq!(decision.drawn, [[1, 2, 3, 4]]);
        assert_eq!(decision.released, [2, 7].into());
        assert!(decision.coarsen);
        let empty = super::decision(&form(&[])).unwrap();
        assert!(empty.released.is_empty() && empty.drawn.is_empty() && !empty.coarsen);
    }

    #[test]
    fn half_a_box_is_refused() {
        let side = |left: &'static str, height: &'static str| {
            form(&[
                ("left", left),
                ("top", "1"),
                ("width", "1"),
                ("height", height),
            ])
        };
        for given in [
            side("1", ""),
            side("-1", "1"),
            side("1.5", "1"),
            side("99999999999", "1"),
            form(&[("left", "1")]),
            form(&[("release", "x")]),
        ] {
            assert!(decision(&given).is_err());
        }
    }
}
