//! Before an import starts: what each column was taken for, by which evidence, and the person's correction.

use axum::response::IntoResponse;
use liuhen_kinds::{Kind, Lang};
use liuhen_service::{
    CollectionView, ImportPlan, KindView, PlanColumn, Preview, PreviewColumn, SiteView,
};
use maud::{Markup, html};

use super::imports::ShowQuery;
use super::request::{Answer, Desk, Page, Pairs, Posted, go, refusal};
use crate::extract::Path;
use crate::ui::form::{Input, Select, csrf, tick};
use crate::ui::table::{Set, Table};
use crate::ui::words::{before as w, names as n};
use crate::ui::{Ctx, Note, layout, names};

/// What the page is made of.
struct Material {
    preview: Preview,
    kinds: Vec<KindView>,
    sites: Vec<SiteView>,
    collections: Vec<CollectionView>,
}

pub(super) async fn page(desk: &Desk, id: &str, query: &ShowQuery, note: Option<Note>) -> Page {
    let (id, sheet) = (
        id.to_owned(),
        query.sheet.clone().filter(|sheet| !sheet.is_empty()),
    );
    let header = query.header.as_deref().map(|answer| answer == "yes");
    let material = desk
        .ask(move |service, caller| {
            Ok(Material {
                preview: service.import_preview(caller, &id, sheet.as_deref(), header)?,
                kinds: service.kinds(),
                sites: service.sites()?,
                collections: service.collections(),
            })
        })
        .await?;
    let (c, preview) = (&desk.c, &material.preview);
    let body = html! {
        p.crumb { a href="/imports" { (c.t(w::IMPORTS)) } " / " (preview.file_name) }
        (reading(c, preview))
        (columns_form(c, &material))
        form.noprint method="post" action={ "/imports/" (preview.id) "/discard" } data-confirm=(c.t(w::DISCARD_SURE)) {
            (csrf(c))
            button.link type="submit" { (c.t(w::DISCARD)) }
        }
    };
    let lead = c.f(w::PREVIEW_LEAD, &[("n", &preview.rows_sampled)]);
    Ok(layout::page(
        c,
        c.t(w::PREVIEW),
        Some(&lead),
        note.as_ref(),
        &body,
    ))
}

/// How the file is read: format, sheet, header; changing it reads the file again.
fn reading(c: &Ctx, preview: &Preview) -> Markup {
    let sheets: Vec<(String, String)> = preview
        .sheets
        .iter()
        .map(|sheet| (sheet.clone(), sheet.clone()))
        .collect();
    let yes_no = [
        ("yes".to_owned(), c.t(n::YES).to_owned()),
        ("no".to_owned(), c.t(n::NO).to_owned()),
    ];
    html! {
        section.sheet {
            dl.facts {
                dt { (c.t(w::COL_FILE)) } dd { (preview.file_name) }
                dt { (c.t(w::FORMAT)) } dd { (preview.format) }
                dt { (c.t(w::SIZE)) } dd { (names::bytes(preview.size)) }
            }
            form method="get" action={ "/imports/" (preview.id) } {
                div.grid3 {
                    @if sheets.len() > 1 { (Select::new("sheet", c.t(w::SHEET), &sheets).chosen(preview.sheet.as_deref().unwrap_or_default())) }
                    (Select::new("header", c.t(w::HEADER), &yes_no).chosen(if preview.has_header { "yes" } else { "no" }))
                }
                button.plain.slim type="submit" { (c.t(w::READ_AGAIN)) }
            }
        }
    }
}

fn columns_form(c: &Ctx, material: &Material) -> Markup {
    let preview = &material.preview;
    let kinds = kind_options(c, &material.kinds);
    let mut table = Table::new(c.t(w::PREVIEW), "—")
        .column(c.t(w::COLUMN), Set::Text)
        .column(c.t(w::KIND), Set::Text)
        .column(c.t(w::FIELD), Set::Text)
        .column(c.t(w::EVIDENCE), Set::Text)
        .column(c.t(w::SAMPLES), Set::Text);
    for column in &preview.columns {
        table.row(column_row(c, column, &kinds));
    }
    let mut sites = vec![(String::new(), c.t(w::SITE_NONE).to_owned())];
    sites.extend(
        material
            .sites
            .iter()
            .map(|site| (site.id.clone(), site.name.clone())),
    );
    let collection = material
        .collections
        .first()
        .map_or("people", |collection| collection.name.as_str());
    html! {
        form method="post" action={ "/imports/" (preview.id) "/start" } {
            (csrf(c))
            input type="hidden" name="sheet" value=(preview.sheet.as_deref().unwrap_or_default());
            input type="hidden" name="header" value=(if preview.has_header { "yes" } else { "no" });
            section.sheet { h2 { (c.t(w::PREVIEW)) } (table) }
            section.sheet {
                h2 { (c.t(w::TARGET)) }
                div.grid2 {
                    (Input::text("collection", c.t(w::COLLECTION_NAME)).value(collection).hint(c.t(w::COLLECTION_HINT)).pattern("[a-z0-9_]+").required())
                    (Select::new("site", c.t(w::SITE), &sites))
                }
                button type="submit" { (c.t(w::START)) }
            }
        }
    }
}

fn kind_options(c: &Ctx, kinds: &[KindView]) -> Vec<(String, String)> {
    let mut options = vec![(String::new(), c.t(n::KIND_NONE).to_owned())];
    options.extend(kinds.iter().map(|kind| {
        (
            kind.name.name().to_owned(),
            c.either(&kind.label_zh, &kind.label_en).to_owned(),
        )
    }));
    options
}

fn column_row(c: &Ctx, column: &PreviewColumn, kinds: &[(String, String)]) -> Vec<Markup> {
    let i = column.index;
    let evidence = match c.lang {
        Lang::Zh => &column.evidence_zh,
        Lang::En => &column.evidence_en,
    };
    let (keep, kind, field) = (format!("keep{i}"), format!("kind{i}"), format!("field{i}"));
    let header = if column.header.is_empty() {
        format!("#{}", i + 1)
    } else {
        column.header.clone()
    };
    // Two digits are all that a guess deserves; the cast is of a share between 0 and 1.
    let sure = format!("{:.0}", column.confidence * 100.0);
    vec![
        html! { div.stack { strong { (header) } input type="hidden" name="column" value=(i); (tick(&keep, c.t(w::KEEP), true)) } },
        html! {
            div.stack {
                (Select::new(&kind, c.t(w::KIND), kinds).chosen(column.kind.map_or("", Kind::name)).bare())
                @if column.kind.is_some() { span.muted.small { (c.f(w::SURE, &[("n", &sure)])) } }
            }
        },
        html! { input type="text" name=(field) value=(column.field) aria-label=(c.t(w::FIELD)) autocomplete="off" spellcheck="false"; },
        html! {
            @if evidence.is_empty() { span.muted { (c.t(w::NO_EVIDENCE)) } }
            @for line in evidence { div.small { (line) } }
        },
        html! { @for sample in column.samples.iter().take(3) { div.small.mono { (sample) } } },
    ]
}

pub(super) async fn start(Path(id): Path<String>, posted: Posted) -> Answer {
    let plan = plan(&posted.form);
    let query = ShowQuery {
        sheet: plan.sheet.clone(),
        header: Some(posted.form.get("header").to_owned()),
        ..ShowQuery::default()
    };
    let service = std::sync::Arc::clone(posted.desk.state.service());
    let started = service.import_start(&posted.desk.caller(), &id, plan).await;
    match started {
        Ok(()) => Ok(go(&format!("/imports/{id}"))),
        Err(error) => {
            let note = refusal(&posted.desk.c, error.into())?;
            Ok(page(&posted.desk, &id, &query, Some(note))
                .await?
                .into_response())
        }
    }
}

fn plan(form: &Pairs) -> ImportPlan {
    let indexes = form.all("column");
    let columns = indexes
        .iter()
        .filter_map(|index| index.parse().ok())
        .map(|index: usize| PlanColumn {
            index,
            field: form.get(&format!("field{index}")).to_owned(),
            kind: form
                .some(&format!("kind{index}"))
                .and_then(|name| Kind::parse(name).ok()),
            keep: form.ticked(&format!("keep{index}")),
        });
    ImportPlan {
        collection: form.get("collection").to_owned(),
        site: form.some("site").map(str::to_owned),
        sheet: form.some("sheet").map(str::to_owned),
        has_header: form.get("header") == "yes",
        columns: columns.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_becomes_a_plan() {
        let row = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let form = Pairs(vec![
            row("collection", "patients"),
            row("header", "yes"),
            row("column", "0"),
            row("kind0", "mobile"),
            row("field0", "mobile"),
            row("keep0", "yes"),
            row("column", "1"),
            row("kind1", ""),
            row("field1", "note"),
            row("column", "no number"),
        ]);
        let plan = plan(&form);
        assert_eq!(
            (plan.collection.as_str(), plan.has_header, plan.site),
            ("patients", true, None)
        );
        let seen: Vec<_> = plan
            .columns
            .iter()
            .map(|c| (c.index, c.field.as_str(), c.kind.map(Kind::name), c.keep))
            .collect();
        assert_eq!(
            seen,
            [
                (0, "mobile", Some("mobile"), true),
                (1, "note", None, false)
            ]
        );
    }
}
