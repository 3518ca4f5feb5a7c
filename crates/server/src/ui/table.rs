//! Tables that become cards on a phone: each cell carries its column's name, which the style sheet shows where columns no longer fit.

use maud::{Markup, Render, html};

/// How a column is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Set {
    /// Running text.
    Text,
    /// Figures, to the right.
    Number,
    /// Short text that must not break.
    Tight,
    /// Buttons, to the right, without a heading.
    Action,
}

impl Set {
    fn class(self) -> Option<&'static str> {
        match self {
            Self::Text => None,
            Self::Number => Some("num"),
            Self::Tight => Some("now"),
            Self::Action => Some("act"),
        }
    }
}

/// A table with a caption, headings and rows of cells.
pub(crate) struct Table<'a> {
    caption: &'a str,
    empty: &'a str,
    columns: Vec<(&'a str, Set)>,
    rows: Vec<Vec<Markup>>,
}

impl<'a> Table<'a> {
    /// An empty table; `caption` is read by screen readers and shown above, `empty` is said when there are no rows.
    pub(crate) fn new(caption: &'a str, empty: &'a str) -> Self {
        Self {
            caption,
            empty,
            columns: Vec::new(),
            rows: Vec::new(),
        }
    }

    /// Adds a column.
    pub(crate) fn column(mut self, label: &'a str, set: Set) -> Self {
        self.columns.push((label, set));
        self
    }

    /// Adds a row; cells beyond the columns are dropped.
    pub(crate) fn row(&mut self, cells: Vec<Markup>) {
        self.rows.push(cells);
    }
}

impl Render for Table<'_> {
    fn render(&self) -> Markup {
        if self.rows.is_empty() {
            return html! { p.empty { (self.empty) } };
        }
        html! {
            div.scroll {
                table.cards {
                    caption { (self.caption) }
                    thead { tr {
                        @for (label, set) in &self.columns {
                            th scope="col" class=[set.class()] {
                                @if *set == Set::Action { span.sr { (label) } } @else { (label) }
                            }
                        }
                    } }
                    tbody { @for row in &self.rows { tr {
                        @for ((label, set), cell) in self.columns.iter().zip(row) {
                            // On a phone the cell is a grid of label and content, so the content must be one element; an empty cell stays empty and is left out there.
                            td class=[set.class()] data-label=(label) { @if !cell.0.is_empty() { div { (cell) } } }
                        }
                    } } }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_cells_are_escaped() {
        let mut table = Table::new("<caption>", "none").column("\"onload=alert(1)", Set::Text);
        table.row(vec![html! { ("<script>alert(1)</script>'\"&") }]);
        let page = table.render().into_string();
        assert!(!page.contains("<script>"), "{page}");
        assert!(
            page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"),
            "{page}"
        );
        assert!(
            page.contains("data-label=\"&quot;onload=alert(1)\""),
            "{page}"
        );
    }

    #[test]
    fn says_when_there_is_nothing() {
        assert_eq!(
            Table::new("c", "nothing yet").render().into_string(),
            "<p class=\"empty\">nothing yet</p>"
        );
    }
}
