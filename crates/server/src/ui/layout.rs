//! The frame of every page: head, bar, the three phases at the side, main, foot.
//!
//! One order everywhere (skip link, bar, navigation, main), so that keyboards and screen readers find the same way on each page.

use liuhen_service::Role;
use maud::{DOCTYPE, Markup, Render, html};

use super::i18n::{Phrase, tag};
use super::words::shell as w;
use super::{Ctx, assets, chart, form};
use crate::Lang;

/// htmx without inline styles, without eval, and only towards this server.
const HTMX: &str = r#"{"includeIndicatorStyles":false,"allowEval":false,"selfRequestsOnly":true,"historyCacheSize":0,"refreshOnHistoryMiss":true}"#;

/// How good or bad a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Done.
    Good,
    /// Failed.
    Bad,
}

/// A message at the top of a page, announced to screen readers.
#[derive(Debug, Clone)]
pub(crate) struct Note {
    tone: Tone,
    head: String,
    lines: Vec<String>,
}

impl Note {
    fn new(tone: Tone, head: impl Into<String>) -> Self {
        Self {
            tone,
            head: head.into(),
            lines: Vec::new(),
        }
    }

    /// Something was done.
    pub(crate) fn good(head: impl Into<String>) -> Self {
        Self::new(Tone::Good, head)
    }

    /// Something failed.
    pub(crate) fn bad(head: impl Into<String>) -> Self {
        Self::new(Tone::Bad, head)
    }

    /// Adds a sentence.
    pub(crate) fn line(mut self, line: impl Into<String>) -> Self {
        self.lines.push(line.into());
        self
    }
}

impl Render for Note {
    fn render(&self) -> Markup {
        let class = match self.tone {
            Tone::Good => "note ok",
            Tone::Bad => "note bad",
        };
        let role = if self.tone == Tone::Bad {
            "alert"
        } else {
            "status"
        };
        html! {
            div class=(class) role=(role) {
                strong { (self.head) }
                @if let [line] = self.lines.as_slice() { p { (line) } }
                @else if !self.lines.is_empty() { ul { @for line in &self.lines { li { (line) } } } }
            }
        }
    }
}

/// A page of the console: title, what it is for, and its content.
pub(crate) fn page(
    c: &Ctx,
    title: &str,
    lead: Option<&str>,
    note: Option<&Note>,
    body: &Markup,
) -> Markup {
    document(
        c,
        title,
        true,
        &html! {
            (bar(c))
            div.frame {
                nav.side aria-label=(c.t(w::NAVIGATION)) { (phases(c)) }
                main id="main" tabindex="-1" {
                    div.top { h1 { (title) } @if let Some(lead) = lead { p { (lead) } } }
                    @if let Some(note) = note { (note) }
                    (body)
                }
            }
            (foot(c))
        },
    )
}

/// A page with nothing beside it: sign-in, errors, the portal. `width` is a class of the style sheet.
pub(crate) fn alone(c: &Ctx, title: &str, width: &str, body: &Markup) -> Markup {
    document(
        c,
        title,
        false,
        &html! {
            (bar(c))
            main id="main" tabindex="-1" class=(width) {
                div.top { h1 { (title) } }
                (body)
            }
            (foot(c))
        },
    )
}

fn document(c: &Ctx, title: &str, htmx: bool, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(tag(c.lang)) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · " (c.t(w::BRAND_TITLE)) }
                link rel="stylesheet" href=(assets::href("liuhen.css"));
                link rel="icon" href="data:,";
                @if htmx {
                    meta name="htmx-config" content=(HTMX);
                    script src=(assets::href("htmx.min.js")) defer {}
                }
                script src=(assets::href("console.js")) defer {}
            }
            body class=[c.staff.is_some().then_some("watched")] {
                a.skip href="#main" { (c.t(w::SKIP)) }
                (body)
            }
        }
    }
}

fn bar(c: &Ctx) -> Markup {
    html! {
        header.bar {
            a.brand href=(if c.staff.is_some() { "/" } else { "#main" }) { (chart::mark()) span { (c.t(w::BRAND)) } small { (c.t(w::TAGLINE)) } }
            @if let Some(staff) = &c.staff { span.who { (staff.display) } }
            (language(c))
            @if c.staff.is_some() {
                form action="/logout" method="post" { (form::csrf(c)) button.link type="submit" { (c.t(w::SIGN_OUT)) } }
                details.menu { summary { (c.t(w::MENU)) } nav aria-label=(c.t(w::NAVIGATION)) { (phases(c)) } }
            }
        }
    }
}

fn language(c: &Ctx) -> Markup {
    let other = match c.lang {
        Lang::Zh => ("en", Lang::En),
        Lang::En => ("zh", Lang::Zh),
    };
    let href = format!("/lang/{}?back={}", other.0, quote(&c.back));
    html! { a.lang href=(href) lang=(tag(other.1)) hreflang=(tag(other.1)) { (c.t(w::LANG_OTHER)) } }
}

fn foot(c: &Ctx) -> Markup {
    html! { footer.foot { span { (c.t(w::FOOT_TIME)) } @if c.staff.is_some() { span { (c.t(w::FOOT_TRACE)) } } } }
}

struct Place {
    href: &'static str,
    name: Phrase,
    /// Who finds something to do there; empty for everybody.
    roles: &'static [Role],
}

/// Those whom the service shows the trace.
const WATCHERS: &[Role] = &[Role::Admin, Role::Investigator, Role::Approver];

const BEFORE: [Place; 4] = [
    Place {
        href: "/imports",
        name: w::NAV_IMPORTS,
        roles: &[Role::Importer],
    },
    Place {
        href: "/purposes",
        name: w::NAV_PURPOSES,
        roles: &[],
    },
    Place {
        href: "/policies",
        name: w::NAV_POLICIES,
        roles: &[],
    },
    Place {
        href: "/sites",
        name: w::NAV_SITES,
        roles: &[],
    },
];

const DURING: [Place; 7] = [
    Place {
        href: "/trace",
        name: w::NAV_TRACE,
        roles: WATCHERS,
    },
    Place {
        href: "/look",
        name: w::NAV_LOOK,
        roles: &[Role::Reader],
    },
    Place {
        href: "/readers",
        name: w::NAV_READERS,
        roles: WATCHERS,
    },
    Place {
        href: "/exports",
        name: w::NAV_EXPORTS,
        roles: &[Role::Exporter, Role::Approver],
    },
    Place {
        href: "/pictures",
        name: w::NAV_PICTURES,
        roles: &[Role::Exporter, Role::Importer],
    },
    Place {
        href: "/redact",
        name: w::NAV_REDACT,
        roles: &[],
    },
    Place {
        href: "/faces",
        name: w::NAV_FACES,
        roles: &[],
    },
];

const AFTER: [Place; 3] = [
    Place {
        href: "/leaks",
        name: w::NAV_LEAKS,
        roles: &[Role::Investigator],
    },
    Place {
        href: "/sightings",
        name: w::NAV_SIGHTINGS,
        roles: &[Role::Investigator],
    },
    Place {
        href: "/desk",
        name: w::NAV_DESK,
        roles: &[Role::Desk],
    },
];

const MANAGE: [Place; 1] = [Place {
    href: "/admin",
    name: w::NAV_ADMIN,
    roles: &[Role::Admin],
}];

fn phases(c: &Ctx) -> Markup {
    let path = c.back.split('?').next().unwrap_or("/");
    let groups: [(Phrase, &[Place]); 4] = [
        (w::BEFORE, &BEFORE),
        (w::DURING, &DURING),
        (w::AFTER, &AFTER),
        (w::MANAGE, &MANAGE),
    ];
    html! {
        ul.phases {
            li class=[(path == "/").then_some("here")] {
                a.home href="/" aria-current=[(path == "/").then_some("page")] { (c.t(w::NAV_HOME)) }
            }
            @for (name, places) in groups {
                @let open: Vec<&Place> = places.iter().filter(|place| place.roles.is_empty() || c.has(place.roles)).collect();
                @if !open.is_empty() {
                    li class=[open.iter().any(|place| is_here(path, place.href)).then_some("here")] {
                        h2 { (c.t(name)) }
                        ul { @for place in open {
                            li { a href=(place.href) aria-current=[is_here(path, place.href).then_some("page")] { (c.t(place.name)) } }
                        } }
                    }
                }
            }
        }
    }
}

fn is_here(path: &str, href: &str) -> bool {
    path.strip_prefix(href)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Text as part of an address: everything but letters, digits and `-._~/` is percent-encoded.
pub(crate) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            quoted.push(char::from(byte));
        } else {
            quoted.push_str(&format!("%{byte:02X}"));
        }
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_hold_nothing_inline() {
        let c = Ctx::stranger(Lang::Zh, "/login");
        let page = alone(&c, "<script>alert(1)</script>", "narrow", &html! {}).into_string();
        assert!(
            !page.contains("<script>") && !page.contains("style=") && !page.contains("onclick"),
            "{page}"
        );
        assert!(page.contains("<html lang=\"zh-CN\">") && page.contains("href=\"#main\""));
    }

    #[test]
    fn the_place_one_is_at_is_marked() {
        for (path, href, expected) in [
            ("/imports", "/imports", true),
            ("/imports/i_1", "/imports", true),
            ("/importsx", "/imports", false),
        ] {
            assert_eq!(is_here(path, href), expected, "{path}");
        }
    }

    #[test]
    fn hostile_ways_back_stay_text() {
        let c = Ctx::stranger(Lang::En, "/x?a=\"><script>&back=//evil");
        let link = language(&c).into_string();
        assert!(
            link.contains("back=/x%3Fa%3D%22%3E%3Cscript%3E%26back%3D//evil"),
            "{link}"
        );
    }
}
