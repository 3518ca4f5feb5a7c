//! The shape of a tree: which things repeat, and which names stand below them.
//!
//! A thing that repeats and has things below it is a record, the tree itself is one too. Many
//! things of different names and one shape are a dictionary, whose names are values: they become
//! the first column. Memory is bounded by the number of names that are told apart.

use std::collections::HashMap;

use super::Event;

/// Names told apart in one tree.
const MOST: usize = 1 << 14;
/// Tables of one tree; each costs a reading of it.
const TABLES: usize = 64;
/// Names below one thing that make it a dictionary whatever they hold.
const MANY: usize = 512;
/// Things below one thing that make it a dictionary when all of them have things below them.
const SOME: usize = 8;

/// A name at its place in the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place(usize);

impl Place {
    pub(super) const ROOT: Self = Self(0);

    pub(super) fn is_root(self) -> bool {
        self == Self::ROOT
    }
}

#[derive(Debug, Clone, Default)]
struct Node {
    name: String,
    below: Vec<usize>,
    names: HashMap<String, usize>,
    /// Where the things of a dictionary are brought together.
    star: Option<usize>,
    /// It occurred twice below one thing, or in a list.
    listed: bool,
    texts: bool,
    /// The occurrence of the thing above in which it was met last.
    last_in: u64,
}

impl Node {
    fn is_attribute(&self) -> bool {
        self.name.starts_with('@')
    }
}

/// A table to be read.
#[derive(Debug)]
pub(super) struct Plan {
    /// The way to its records.
    pub(super) name: String,
    pub(super) columns: Vec<String>,
    /// What a record is.
    pub(super) record: Place,
    /// The first column holds the names of the records themselves.
    pub(super) keyed: bool,
    /// Records are lists of cells.
    pub(super) positional: bool,
    /// Records are messages of a chat.
    pub(super) chat: bool,
    column_of: HashMap<usize, usize>,
    nodes: std::sync::Arc<Vec<Node>>,
}

impl Plan {
    pub(super) fn child(&self, above: Place, name: &str) -> Option<Place> {
        below(&self.nodes, above.0, name).map(Place)
    }

    pub(super) fn column(&self, place: Place) -> Option<usize> {
        self.column_of.get(&place.0).copied()
    }

    /// A message as a line: when, who, what, then whatever else is known of people.
    pub(super) fn message(&self, cells: &[String]) -> Option<String> {
        let of = |name: &str| {
            let at = self.columns.iter().position(|column| column == name);
            at.and_then(|at| cells.get(at)).map_or("", String::as_str)
        };
        let who = [of("from"), of("actor")].concat();
        let account = [of("from_id"), of("actor_id")].concat();
        let mut line = format!("{} {who} {account}: {}", of("date"), of("text"));
        for other in [
            "phone_number",
            "first_name",
            "last_name",
            "contact_vcard",
            "address",
            "title",
        ] {
            let value = of(other);
            if !value.is_empty() {
                line.push(' ');
                line.push_str(value);
            }
        }
        let said = line.trim_matches([' ', ':']);
        (!said.is_empty()).then(|| format!("{said}\n"))
    }
}

fn below(nodes: &[Node], above: usize, name: &str) -> Option<usize> {
    let node = nodes.get(above)?;
    node.star.or_else(|| node.names.get(name).copied())
}

/// A shape being learned.
pub(super) struct Shape {
    nodes: Vec<Node>,
    /// What is open: the place, where it has one, and the number of the occurrence.
    open: Vec<(Option<usize>, u64)>,
    met: u64,
    cut: bool,
    max_columns: usize,
}

impl Shape {
    pub(super) fn new(max_columns: usize) -> Self {
        Self {
            nodes: vec![Node::default()],
            open: vec![(Some(0), 0)],
            met: 0,
            cut: false,
            max_columns,
        }
    }

    pub(super) fn take(&mut self, event: &Event) {
        match event {
            Event::Open(name, listed) => {
                let (above, occurrence) = self.open.last().copied().unwrap_or((Some(0), 0));
                self.met += 1;
                let place = above.and_then(|above| self.enter(above, name));
                if let Some(node) = place.and_then(|place| self.nodes.get_mut(place)) {
                    node.listed |= *listed || node.last_in == occurrence + 1;
                    node.last_in = occurrence + 1;
                }
                self.open.push((place, self.met));
            }
            Event::Text(text) => {
                let place = self.open.last().and_then(|(place, _)| *place);
                if let Some(node) = place.and_then(|place| self.nodes.get_mut(place)) {
                    node.texts |= !text.trim().is_empty();
                }
            }
            Event::Close => {
                if self.open.len() > 1 {
                    self.open.pop();
                }
            }
        }
    }

    fn enter(&mut self, above: usize, name: &str) -> Option<usize> {
        if let Some(known) = below(&self.nodes, above, name) {
            return Some(known);
        }
        if self.nodes.get(above)?.below.len() >= MANY {
            return Some(self.gather(above));
        }
        if self.nodes.len() >= MOST {
            self.cut = true;
            return None;
        }
        Some(self.add(above, name))
    }

    fn add(&mut self, above: usize, name: &str) -> usize {
        let place = self.nodes.len();
        self.nodes.push(Node {
            name: name.to_owned(),
            ..Node::default()
        });
        if let Some(node) = self.nodes.get_mut(above) {
            node.below.push(place);
            node.names.insert(name.to_owned(), place);
        }
        place
    }

    /// Makes a dictionary of a thing: all below it becomes one.
    fn gather(&mut self, above: usize) -> usize {
        let all = self.nodes.get_mut(above).map(|node| {
            node.names.clear();
            std::mem::take(&mut node.below)
        });
        let star = self.nodes.len();
        self.nodes.push(Node {
            listed: true,
            ..Node::default()
        });
        for one in all.unwrap_or_default() {
            self.merge(one, star);
        }
        if let Some(node) = self.nodes.get_mut(above) {
            node.below = vec![star];
            node.star = Some(star);
        }
        star
    }

    /// Puts what is below one thing below another; depth is that of the tree, which is bounded.
    fn merge(&mut self, from: usize, to: usize) {
        let Some(source) = self.nodes.get(from).cloned() else {
            return;
        };
        if let Some(node) = self.nodes.get_mut(to) {
            node.texts |= source.texts;
        }
        for child in source.below {
            let Some((name, listed)) = self.nodes.get(child).map(|n| (n.name.clone(), n.listed))
            else {
                continue;
            };
            let known = below(&self.nodes, to, &name);
            let place = known.unwrap_or_else(|| self.add(to, &name));
            if let Some(node) = self.nodes.get_mut(place) {
                node.listed |= listed;
            }
            self.merge(child, place);
        }
    }

    /// The tables, in the order in which their records were first met, the tree's own first; and
    /// whether nothing had to be left out.
    pub(super) fn plans(mut self) -> (Vec<Plan>, bool) {
        self.dictionaries(0, true);
        let nodes = std::sync::Arc::new(self.nodes);
        let mut plans = Vec::new();
        let mut whole = !self.cut;
        let mut todo = vec![(0, String::new(), false)];
        while let Some((place, way, keyed)) = todo.pop() {
            if plans.len() >= TABLES {
                whole = false;
                break;
            }
            let mut found = Found::default();
            if keyed {
                found.columns.push(("key".to_owned(), "key".to_owned()));
            }
            found.record(&nodes, place, place == 0);
            if found.columns.len() > self.max_columns {
                found.columns.truncate(self.max_columns);
                whole = false;
            }
            let positional = is_positional(&nodes, place);
            let plan = Plan {
                columns: short(&found.columns),
                chat: is_chat(&nodes, place),
                name: way.clone(),
                record: Place(place),
                keyed,
                positional,
                column_of: found.column_of,
                nodes: std::sync::Arc::clone(&nodes),
            };
            let (chat, empty) = (plan.chat, plan.columns.len() == usize::from(keyed));
            if positional || !empty {
                plans.push(plan);
            }
            if chat || positional {
                continue;
            }
            for (inner, name, keyed) in found.records.into_iter().rev() {
                todo.push((inner, joined(&way, &name), keyed));
            }
        }
        (plans, whole)
    }

    /// Finds dictionaries by the likeness of what they hold. Below a list, three addresses of one
    /// person are not three records.
    fn dictionaries(&mut self, place: usize, alone: bool) {
        let Some(node) = self.nodes.get(place) else {
            return;
        };
        let (all, star) = (node.below.clone(), node.star.is_some());
        let names = |place: usize| -> Vec<String> {
            let below = self.nodes.get(place).map(|node| node.below.clone());
            let of = |place: usize| self.nodes.get(place).map(|node| node.name.clone());
            let mut names: Vec<String> = below
                .unwrap_or_default()
                .into_iter()
                .filter_map(of)
                .collect();
            names.sort_unstable();
            names
        };
        let listed = |place: &usize| self.nodes.get(*place).is_some_and(|node| node.listed);
        let objects: Vec<usize> = all
            .iter()
            .copied()
            .filter(|one| !listed(one) && !names(*one).is_empty())
            .collect();
        let alike = objects.len() >= 2
            && objects.windows(2).all(|two| names(two[0]) == names(two[1]))
            && objects.first().is_some_and(|one| names(*one).len() >= 2);
        let only = objects.len() == all.len();
        let all = if !star && (only && objects.len() >= SOME || only && alone && alike) {
            vec![self.gather(place)]
        } else {
            all
        };
        for one in all {
            let alone = alone && !self.nodes.get(one).is_some_and(|node| node.listed);
            self.dictionaries(one, alone);
        }
    }
}

fn joined(way: &str, name: &str) -> String {
    match (way, name) {
        ("", name) => name.to_owned(),
        (way, "") => way.to_owned(),
        (way, name) => format!("{way}.{name}"),
    }
}

/// Columns by the last step of their way, where that is clear.
fn short(columns: &[(String, String)]) -> Vec<String> {
    let mut met: HashMap<&str, usize> = HashMap::new();
    for (_, last) in columns {
        *met.entry(last).or_default() += 1;
    }
    let name = |(way, last): &(String, String)| match met.get(last.as_str()) {
        Some(1) if !last.is_empty() => last.clone(),
        _ => way.clone(),
    };
    columns.iter().map(name).collect()
}

/// Lists of texts: the cells of a row, by their order.
fn is_positional(nodes: &[Node], place: usize) -> bool {
    let only = nodes.get(place).filter(|node| !node.texts && place > 0);
    let only = only.and_then(|node| match node.below[..] {
        [one] if node.star.is_none() => nodes.get(one),
        _ => None,
    });
    only.is_some_and(|only| only.name == "[]" && only.listed && only.texts && only.below.is_empty())
}

fn is_chat(nodes: &[Node], place: usize) -> bool {
    let Some(node) = nodes.get(place) else {
        return false;
    };
    let has = |name: &str| node.names.contains_key(name);
    node.name == "messages" && has("date") && has("text") && (has("from") || has("actor"))
}

/// The columns of a record, and the records below it.
#[derive(Default)]
struct Found {
    /// Way and last step.
    columns: Vec<(String, String)>,
    column_of: HashMap<usize, usize>,
    records: Vec<(usize, String, bool)>,
}

impl Found {
    fn record(&mut self, nodes: &[Node], place: usize, alone: bool) {
        let Some(node) = nodes.get(place) else { return };
        if node.texts || node.below.is_empty() && place > 0 {
            self.column(nodes, place, "", false);
        }
        let chat = is_chat(nodes, place);
        if !is_positional(nodes, place) {
            self.below(nodes, place, "", alone, chat);
        }
    }

    fn below(&mut self, nodes: &[Node], place: usize, way: &str, alone: bool, chat: bool) {
        let Some(node) = nodes.get(place) else { return };
        for &one in &node.below {
            let Some(child) = nodes.get(one) else {
                continue;
            };
            let step = match child.name.as_str() {
                "$" => "",
                name => name.strip_prefix('@').unwrap_or(name),
            };
            let way = joined(way, step);
            let inner = child.below.iter().filter_map(|one| nodes.get(*one));
            let elements = inner.filter(|node| !node.is_attribute()).count();
            let star = node.star == Some(one);
            if chat && child.name == "text_entities" {
                continue;
            }
            if star && child.below.is_empty()
                || child.texts && elements > 0 && !child.is_attribute()
            {
                // Texts with things among them are one text; a dictionary of texts is a table.
                match star {
                    true => self.records.push((one, way, true)),
                    false => self.column(nodes, one, &way, true),
                }
            } else if child.listed && (!child.below.is_empty() || alone) && !chat {
                self.records.push((one, way, star));
            } else if child.below.is_empty() {
                self.column(nodes, one, &way, false);
            } else {
                if child.texts {
                    self.column(nodes, one, &way, false);
                }
                self.below(nodes, one, &way, alone, chat);
            }
        }
    }

    fn column(&mut self, nodes: &[Node], place: usize, way: &str, deep: bool) {
        let name = nodes.get(place).map_or("", |node| node.name.as_str());
        let last = name
            .strip_prefix('@')
            .unwrap_or(name)
            .replace(['$', '['], "")
            .replace(']', "");
        let way = if way.is_empty() {
            last.clone()
        } else {
            way.to_owned()
        };
        let at = self.columns.len();
        let last = if last.is_empty() {
            "value".to_owned()
        } else {
            last
        };
        self.columns.push((way, last));
        self.column_of.insert(place, at);
        if deep {
            let mut todo: Vec<usize> = nodes
                .get(place)
                .map(|n| n.below.clone())
                .unwrap_or_default();
            while let Some(one) = todo.pop() {
                if let Some(node) = nodes.get(one).filter(|node| node.name != "type") {
                    self.column_of.insert(one, at);
                    todo.extend(&node.below);
                }
            }
        }
    }
}
