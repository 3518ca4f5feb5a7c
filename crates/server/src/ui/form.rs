//! Form controls: a label, a hint that belongs to it, and the control, wired by ids.
//!
//! Every form posts and works without a script; the token against forged requests comes from [`csrf`].

use maud::{Markup, Render, html};

use super::Ctx;
use crate::auth::CSRF_FIELD;

/// The hidden field with the session's token. It stands first, so that an upload can be refused before its bytes arrive.
pub(crate) fn csrf(c: &Ctx) -> Markup {
    html! { input type="hidden" name=(CSRF_FIELD) value=(c.csrf); }
}

/// A one-line control.
pub(crate) struct Input<'a> {
    name: &'a str,
    label: &'a str,
    kind: &'a str,
    value: &'a str,
    hint: Option<&'a str>,
    autocomplete: &'a str,
    required: bool,
    class: Option<&'a str>,
    pattern: Option<&'a str>,
    inputmode: Option<&'a str>,
    accept: Option<&'a str>,
    minlength: Option<usize>,
}

impl<'a> Input<'a> {
    /// A text field; personal data is typed into many of them, so browsers are told not to remember it.
    pub(crate) fn text(name: &'a str, label: &'a str) -> Self {
        Self {
            name,
            label,
            kind: "text",
            value: "",
            hint: None,
            autocomplete: "off",
            required: false,
            class: None,
            pattern: None,
            inputmode: None,
            accept: None,
            minlength: None,
        }
    }

    /// A password field; `autocomplete` is `current-password` or `new-password`.
    pub(crate) fn password(name: &'a str, label: &'a str, autocomplete: &'a str) -> Self {
        Self {
            kind: "password",
            autocomplete,
            required: true,
            ..Self::text(name, label)
        }
    }

    /// A code of digits, set large.
    pub(crate) fn code(name: &'a str, label: &'a str, pattern: &'a str) -> Self {
        Self {
            autocomplete: "one-time-code",
            required: true,
            class: Some("digits"),
            pattern: Some(pattern),
            inputmode: Some("numeric"),
            ..Self::text(name, label)
        }
    }

    /// A file to send.
    pub(crate) fn file(name: &'a str, label: &'a str, accept: &'a str) -> Self {
        Self {
            kind: "file",
            required: true,
            accept: Some(accept),
            ..Self::text(name, label)
        }
    }

    /// Another type of `<input>`.
    pub(crate) fn kind(self, kind: &'a str) -> Self {
        Self { kind, ..self }
    }

    /// What stands in it already.
    pub(crate) fn value(self, value: &'a str) -> Self {
        Self { value, ..self }
    }

    /// A sentence of help under the control.
    pub(crate) fn hint(self, hint: &'a str) -> Self {
        Self {
            hint: Some(hint),
            ..self
        }
    }

    /// May not stay empty.
    pub(crate) fn required(self) -> Self {
        Self {
            required: true,
            ..self
        }
    }

    /// What a browser may fill in.
    pub(crate) fn autocomplete(self, autocomplete: &'a str) -> Self {
        Self {
            autocomplete,
            ..self
        }
    }

    /// What the browser lets pass; the server checks again.
    pub(crate) fn pattern(self, pattern: &'a str) -> Self {
        Self {
            pattern: Some(pattern),
            ..self
        }
    }

    /// The shortest text accepted, in characters.
    pub(crate) fn at_least(self, minlength: usize) -> Self {
        Self {
            minlength: Some(minlength),
            ..self
        }
    }
}

impl Render for Input<'_> {
    fn render(&self) -> Markup {
        let id = format!("f-{}", self.name);
        let hint = self.hint.map(|_| format!("{id}-hint"));
        let value = (!self.value.is_empty()).then_some(self.value);
        html! {
            div.field {
                label for=(id) { (self.label) }
                input id=(id) name=(self.name) type=(self.kind) value=[value] required[self.required]
                    autocomplete=(self.autocomplete) spellcheck="false" class=[self.class] pattern=[self.pattern]
                    inputmode=[self.inputmode] accept=[self.accept] minlength=[self.minlength] aria-describedby=[&hint];
                @if let (Some(hint), Some(text)) = (&hint, self.hint) { span.hint id=(hint) { (text) } }
            }
        }
    }
}

/// A choice of one from a list.
pub(crate) struct Select<'a> {
    name: &'a str,
    label: &'a str,
    options: &'a [(String, String)],
    chosen: &'a str,
    hint: Option<&'a str>,
    bare: bool,
}

impl<'a> Select<'a> {
    /// A list of (value, text).
    pub(crate) fn new(name: &'a str, label: &'a str, options: &'a [(String, String)]) -> Self {
        Self {
            name,
            label,
            options,
            chosen: "",
            hint: None,
            bare: false,
        }
    }

    /// The value chosen already.
    pub(crate) fn chosen(self, chosen: &'a str) -> Self {
        Self { chosen, ..self }
    }

    /// A sentence of help.
    pub(crate) fn hint(self, hint: &'a str) -> Self {
        Self {
            hint: Some(hint),
            ..self
        }
    }

    /// Inside a table: the label is for screen readers only.
    pub(crate) fn bare(self) -> Self {
        Self { bare: true, ..self }
    }

    fn control(&self, id: &str, hint: Option<&str>, label: Option<&str>) -> Markup {
        html! {
            select id=(id) name=(self.name) aria-describedby=[hint] aria-label=[label] {
                @for (value, text) in self.options {
                    option value=(value) selected[value == self.chosen] { (text) }
                }
            }
        }
    }
}

impl Render for Select<'_> {
    fn render(&self) -> Markup {
        let id = format!("f-{}", self.name);
        if self.bare {
            return self.control(&id, None, Some(self.label));
        }
        let hint = self.hint.map(|_| format!("{id}-hint"));
        html! {
            div.field {
                label for=(id) { (self.label) }
                (self.control(&id, hint.as_deref(), None))
                @if let (Some(hint), Some(text)) = (&hint, self.hint) { span.hint id=(hint) { (text) } }
            }
        }
    }
}

/// Several choices under one heading: (value, text, whether ticked).
pub(crate) fn checks(
    name: &str,
    legend: &str,
    hint: Option<&str>,
    options: &[(String, String, bool)],
) -> Markup {
    boxes("checkbox", name, legend, hint, options)
}

/// One choice under one heading, all visible.
pub(crate) fn radios(
    name: &str,
    legend: &str,
    hint: Option<&str>,
    options: &[(String, String, bool)],
) -> Markup {
    boxes("radio", name, legend, hint, options)
}

fn boxes(
    kind: &str,
    name: &str,
    legend: &str,
    hint: Option<&str>,
    options: &[(String, String, bool)],
) -> Markup {
    html! {
        fieldset {
            legend { (legend) }
            @if let Some(hint) = hint { span.hint { (hint) } }
            div.checks {
                @for (value, text, on) in options {
                    label.check { input type=(kind) name=(name) value=(value) checked[*on]; span { (text) } }
                }
            }
        }
    }
}

/// One tick with its text.
pub(crate) fn tick(name: &str, text: &str, on: bool) -> Markup {
    html! { label.check { input type="checkbox" name=(name) value="yes" checked[on]; span { (text) } } }
}

/// A larger text.
pub(crate) fn area(name: &str, label: &str, value: &str, hint: Option<&str>, code: bool) -> Markup {
    let id = format!("f-{name}");
    let hint_id = hint.map(|_| format!("{id}-hint"));
    html! {
        div.field {
            label for=(id) { (label) }
            @if let (Some(hint_id), Some(text)) = (&hint_id, hint) { span.hint id=(hint_id) { (text) } }
            // The line break is eaten by the parser; without it a text's own first line break would be.
            textarea id=(id) name=(name) class=[code.then_some("code")] spellcheck="false" aria-describedby=[&hint_id] { "\n" (value) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_and_hints_belong_to_their_control() {
        let page = Input::text("who", "Name")
            .hint("as on the card")
            .value("\"><b>")
            .required()
            .render()
            .into_string();
        assert!(page.contains("<label for=\"f-who\">Name</label>"), "{page}");
        assert!(page.contains("aria-describedby=\"f-who-hint\""), "{page}");
        assert!(page.contains("id=\"f-who-hint\""), "{page}");
        assert!(page.contains("value=\"&quot;&gt;&lt;b&gt;\""), "{page}");
        assert!(page.contains(" required"), "{page}");
    }

    #[test]
    fn a_list_keeps_the_choice() {
        let options = [
            ("a".to_owned(), "A".to_owned()),
            ("b".to_owned(), "B".to_owned()),
        ];
        let page = Select::new("x", "X", &options)
            .chosen("b")
            .render()
            .into_string();
        assert!(
            page.contains("<option value=\"b\" selected>B</option>"),
            "{page}"
        );
        assert!(!page.contains("value=\"a\" selected"), "{page}");
    }

    #[test]
    fn text_areas_keep_their_first_line_break_and_are_escaped() {
        let page = area("p", "Policy", "\n</textarea><script>", None, true).into_string();
        assert!(
            page.contains(">\n\n&lt;/textarea&gt;&lt;script&gt;</textarea>"),
            "{page}"
        );
    }
}
