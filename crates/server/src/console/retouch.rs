//! One picture under review, or one page of a PDF: its marks, what is left to be seen, boxes of one's own, and its copy.
//!
//! Boxes on the picture say what they are one at a time: the one that is pointed at, or whose row in the list beside is; so a crowded picture stays legible. The list is what keyboards and screen readers use.
//!
//! A mark that no tick releases is hidden; so what a page that was loaded earlier does not know stays hidden.

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use liuhen_service::sight::{Mark, Quad, Sort};
use liuhen_service::{ReviewMark, ReviewPage, ReviewPart, ReviewState, ReviewView};
use maud::{Markup, html};

use super::redact::{actions, pages_done, state_tag, why};
use super::request::{Answer, Desk, Page, Pairs, Posted, go, refusal};
use crate::error::ApiError;
use crate::extract::{Path, Query};
use crate::state::AppState;
use crate::ui::form::csrf;
use crate::ui::i18n::Phrase;
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

/// Which page, from 1.
#[derive(Debug, Default, serde::Deserialize)]
struct At {
    page: Option<u32>,
}

async fn show(desk: Desk, Path(id): Path<String>, Query(at): Query<At>) -> Page {
    page(&desk, id, at.page.unwrap_or(1), None).await
}

/// One page of what is under review, seen by itself.
struct Leaf<'v> {
    view: &'v ReviewView,
    /// From 1, as its marks and boxes are told.
    number: u32,
    size: ReviewPage,
}

impl<'v> Leaf<'v> {
    /// The page of this number, or the nearest there is.
    fn of(view: &'v ReviewView, wanted: u32) -> Self {
        let number = wanted.clamp(1, last(view));
        let mut pages = (1..).zip(&view.pages);
        let size = pages.find(|(at, _)| *at == number);
        Self {
            view,
            number,
            size: size.map(|(_, page)| *page).unwrap_or_default(),
        }
    }

    fn marks(&self) -> impl Iterator<Item = &'v ReviewMark> + use<'v> {
        marks_on(self.view, self.number)
    }

    fn drawn(&self) -> &'v [[u32; 4]] {
        let drawn = self.view.decision.drawn.get(&self.number);
        drawn.map_or(&[], Vec::as_slice)
    }

    /// The address of something of this page.
    fn address(&self, rest: &str) -> String {
        format!("/redact/{}{rest}?page={}", self.view.id, self.number)
    }
}

fn last(view: &ReviewView) -> u32 {
    u32::try_from(view.pages.len()).unwrap_or(u32::MAX).max(1)
}

fn marks_on(view: &ReviewView, page: u32) -> impl Iterator<Item = &ReviewMark> {
    view.marks.iter().filter(move |mark| mark.page == page)
}

async fn page(desk: &Desk, id: String, at: u32, note: Option<&Note>) -> Page {
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
        @else { (decided(c, &Leaf::of(&view, at))) }
    };
    let title = match view.paged {
        true => w::PDF_N,
        false => w::PICTURE_N,
    };
    let title = c.f(title, &[("n", &view.number)]);
    let lead = Some(c.t(w::REVIEW_LEAD));
    Ok(layout::page(c, &title, lead, note, &body))
}

fn waiting(c: &Ctx, view: &ReviewView) -> Markup {
    html! {
        section.sheet #waiting hx-get={ "/redact/" (view.id) "/progress" } hx-trigger="every 1s" hx-swap="outerHTML" {
            (state_tag(c, view.state))
            p aria-live="polite" { (c.t(w::WORKING)) }
            @if let Some(done) = pages_done(c, view) {
                progress max=(view.pages.len()) value=(view.done) aria-label=(c.t(w::PROGRESS)) {}
                p.muted.small { (done) }
            }
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

fn decided(c: &Ctx, leaf: &Leaf<'_>) -> Markup {
    let view = leaf.view;
    let late = view.marks.iter().filter(|mark| mark.late).count();
    html! {
        @if let Some(problem) = view.problem { (Note::bad(why(c, problem))) }
        @if view.pages.len() > 1 { (pages(c, leaf)) }
        @if let Some(copy) = &view.copy {
            section.sheet #copy {
                header { h2 { (c.t(w::COPY)) } (actions(c, view)) }
                p { (c.f(w::COPY_SAID, &[("looks", &copy.looks), ("bytes", &names::bytes(copy.bytes))])) }
                @if late > 0 { p { (c.f(w::LATE_SAID, &[("n", &late)])) } }
                @if view.pages.len() > 1 { p.small { (page_of(c, leaf, w::COPY_PAGE)) } }
                @if copy.media_type != "image/tiff" {
                    img.whole src={ (leaf.address("/copy")) "&sum=" (copy.sha256) } alt=(c.t(w::COPY_ALT));
                }
            }
        }
        @if view.state != ReviewState::Refused { (review(c, leaf)) }
    }
}

fn page_of(c: &Ctx, leaf: &Leaf<'_>, phrase: Phrase) -> String {
    let total = leaf.view.pages.len();
    c.f(phrase, &[("n", &leaf.number), ("total", &total)])
}

/// Which page this is, and the others: each step sends the form, so that nothing decided is lost.
fn pages(c: &Ctx, leaf: &Leaf<'_>) -> Markup {
    let (here, last) = (leaf.number, last(leaf.view));
    let (before, after) = (here.saturating_sub(1), here.saturating_add(1));
    html! {
        nav.sheet.leaves aria-label=(c.t(w::PAGES)) {
            // A return within a field sends the form by its first button: the page is kept, nothing is painted.
            button.sr.slim type="submit" form="review" name="go" value=(here) tabindex="-1" aria-hidden="true" {}
            div.row {
                button.plain.slim #before type="submit" form="review" name="go" value=(before) disabled[before < 1] { "← " (c.t(w::PAGE_BEFORE)) }
                strong { (page_of(c, leaf, w::PAGE_OF)) }
                button.plain.slim #after type="submit" form="review" name="go" value=(after) disabled[after > last] { (c.t(w::PAGE_AFTER)) " →" }
            }
            ol { @for page in 1..=last { (page_button(c, leaf.view, page, page == here)) } }
            p.hint { (c.t(w::PAGES_HINT)) }
        }
    }
}

fn page_button(c: &Ctx, view: &ReviewView, page: u32, is_here: bool) -> Markup {
    let found = marks_on(view, page).count();
    let late = marks_on(view, page).filter(|mark| mark.late).count();
    let said = match late {
        0 => c.f(w::PAGE_FOUND, &[("n", &page), ("found", &found)]),
        _ => c.f(
            w::PAGE_FOUND_LATE,
            &[("n", &page), ("found", &found), ("late", &late)],
        ),
    };
    let here = is_here.then_some("page");
    html! {
        li { button.plain.slim.some[found > 0].late[late > 0] type="submit" form="review" name="go" value=(page)
            aria-current=[here] aria-label=(said) title=(said) { (page) @if late > 0 { " !" } } }
    }
}

fn review(c: &Ctx, leaf: &Leaf<'_>) -> Markup {
    let view = leaf.view;
    let save = match view.pages.len() {
        _ if view.copy.is_some() => c.t(w::SAVE_AGAIN).to_owned(),
        0 | 1 => c.t(w::SAVE).to_owned(),
        several => c.f(w::SAVE_PAGES, &[("n", &several)]),
    };
    html! {
        form.review #review method="post" action={ "/redact/" (view.id) } autocomplete="off" {
            (csrf(c))
            input type="hidden" name="page" value=(leaf.number);
            section.sheet {
                header {
                    h2 { (c.t(w::ORIGINAL)) }
                    div.row.tools hidden {
                        button.plain.slim type="button" #draw aria-pressed="false" { (c.t(w::DRAW)) }
                        button.plain.slim type="button" #undo disabled { (c.t(w::UNDO)) }
                    }
                }
                (legend(c))
                div.bench { (easel(c, leaf)) div.list { h3 { (c.t(w::MARKS)) } (marks(c, leaf)) } }
                @if !view.beside.is_empty() { p.small { (beside(c, view)) } }
            }
            section.sheet { (faces(c, view)) (boxes(c, leaf)) }
            div.row { button type="submit" #save { (save) } }
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
/// The smallest lie on top, so that each can be reached.
fn easel(c: &Ctx, leaf: &Leaf<'_>) -> Markup {
    let view = leaf.view;
    let (width, height) = (leaf.size.width, leaf.size.height);
    let mut marks: Vec<&ReviewMark> = leaf.marks().collect();
    let size = |mark: &ReviewMark| mark.mark.area().map_or(0.0, |area| area.size());
    marks.sort_by(|one, two| size(two).total_cmp(&size(one)));
    let told = c.f(w::MARKS_DRAWN, &[("n", &marks.len())]);
    html! {
        div.easel {
            img src=(leaf.address("/picture")) width=(width) height=(height) alt=(c.t(w::ALT));
            svg #marks viewBox={ "0 0 " (width) " " (height) } preserveAspectRatio="none"
                data-width=(width) data-height=(height) role="img" aria-label=(told) {
                @for mark in marks {
                    @let said = format!("{} {}", mark.number, said(c, &mark.mark));
                    g class=(class(mark, view)) data-mark=(mark.number) data-said=(said) {
                        title { (said) }
                        @for place in &mark.mark.places { polygon points=(points(place)) {} }
                    }
                }
                g #drawn {
                    @for [left, top, width, height] in leaf.drawn() {
                        rect x=(left) y=(top) width=(width) height=(height) {}
                    }
                }
            }
            // What the list says aloud as well.
            p.said #label hidden aria-hidden="true" data-hidden=(c.t(w::MARK_HIDDEN)) data-kept=(c.t(w::MARK_KEPT)) {}
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

fn marks(c: &Ctx, leaf: &Leaf<'_>) -> Markup {
    let view = leaf.view;
    let mut table = Table::new(c.t(w::MARKS), c.t(w::MARKS_NONE))
        .column(c.t(w::COL_NUMBER), Set::Number)
        .column(c.t(w::MARK_WHAT), Set::Text)
        .column(c.t(w::MARK_SURE), Set::Tight)
        .column(c.t(w::MARK_KEEP), Set::Text);
    for mark in leaf.marks() {
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

fn boxes(c: &Ctx, leaf: &Leaf<'_>) -> Markup {
    let drawn = leaf.drawn().iter().copied().map(Some);
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
    let here = posted.form.get("page").parse().unwrap_or(1);
    let taken = match part(&posted.form) {
        Ok((part, to)) => {
            let service = desk.state.service();
            let caller = desk.caller();
            service
                .decide_review_page(&caller, &asked, part)
                .map(|()| to)
                .map_err(ApiError::from)
        }
        Err(error) => Err(error),
    };
    match taken {
        Ok(1) => Ok(go(&format!("/redact/{id}"))),
        Ok(page) => Ok(go(&format!("/redact/{id}?page={page}"))),
        Err(error) if error.code() == "not_found" => Err(error),
        Err(error) => {
            let status = error.status();
            let note = refusal(&desk.c, error)?;
            Ok((status, page(desk, id, here, Some(&note)).await?).into_response())
        }
    }
}

/// What a form says of its page, and the page to go to; a box whose fields are all empty is none.
fn part(form: &Pairs) -> Result<(ReviewPart, u32), ApiError> {
    let wrong = || ApiError::malformed("a box needs four whole numbers: left, top, width, height");
    let missing = || ApiError::malformed("the form has a field that is missing or does not fit");
    // A picture is its own page, also in forms that name none.
    let number = |name: &str, without: u32| match form.some(name) {
        Some(text) => text.parse().map_err(|_| missing()),
        None => Ok(without),
    };
    let page = number("page", 1)?;
    let to = number("go", page)?;
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
    let released = released
        .iter()
        .map(|text| text.parse().map_err(|_| missing()));
    let part = ReviewPart {
        page,
        released: released.collect::<Result<_, _>>()?,
        drawn,
        coarsen: form.get("faces") == "coarsen",
        // Whoever goes to a page has not finished.
        paint: form.some("go").is_none(),
    };
    Ok((part, to))
}

async fn picture(desk: Desk, Path(id): Path<String>, Query(at): Query<At>) -> Answer {
    let page = at.page.unwrap_or(1);
    let shown = desk
        .ask(move |service, caller| service.review_shown(caller, &id, page))
        .await?;
    Ok(([(header::CONTENT_TYPE, "image/jpeg")], shown.to_vec()).into_response())
}

async fn copy(desk: Desk, Path(id): Path<String>, Query(at): Query<At>) -> Answer {
    let page = at.page.unwrap_or(1);
    let file = desk
        .ask(
            move |service, caller| match service.review(caller, &id, true)?.paged {
                true => service.review_copy_page(caller, &id, page),
                false => service.review_copy(caller, &id),
            },
        )
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
    fn a_form_says_what_was_decided_of_its_page() {
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
        let (given, to) = part(&given).unwrap();
        assert_eq!(given.drawn, [[1, 2, 3, 4]]);
        assert_eq!(given.released, [2, 7].into());
        assert!(given.coarsen && given.paint);
        assert_eq!((given.page, to), (1, 1));
        let (empty, _) = part(&form(&[])).unwrap();
        assert!(empty.released.is_empty() && empty.drawn.is_empty() && !empty.coarsen);
        // Going on keeps, and paints nothing.
        let (kept, to) = part(&form(&[("page", "3"), ("go", "4")])).unwrap();
        assert_eq!((kept.page, to, kept.paint), (3, 4, false));
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
            form(&[("page", "x")]),
            form(&[("go", "-1")]),
        ] {
            assert!(part(&given).is_err());
        }
    }
}
