//! JSON and XML as tables: what repeats is a record, what hangs below it are its cells.
//!
//! Both are trees of names, lists and texts ([`Event`]). A first pass learns the tree's shape
//! (`shape`); then each table is read in a pass of its own, so that tables come whole, one after
//! another, each under all columns it ever has, and nothing is held but one record.
//! Objects without a list around them are one record. Where texts of a chat are records
//! (Telegram's `messages`), they come as text, a message after another.

pub(crate) mod json;
mod shape;
pub(crate) mod xml;

use std::collections::VecDeque;

use liuhen_document::{ProblemCode, Text};

use self::shape::{Place, Plan, Shape};
use crate::raw::RawRow;
use crate::unpack::{Flow, Step};
use crate::{Limits, ReadError};

/// Elements within elements, objects within objects.
const DEPTH: usize = 256;

/// A piece of a tree.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A named thing begins; whether it is one of a list.
    Open(String, bool),
    /// Text of the thing that began last.
    Text(String),
    /// The thing that began last ends.
    Close,
}

/// A tree as it is read.
pub(crate) trait Events: Send {
    /// The next piece, or nothing more.
    fn next(&mut self) -> Result<Option<Event>, ReadError>;
}

/// Opens the tree from its beginning.
type Opens = Box<dyn Fn() -> Box<dyn Events> + Send>;

/// The tables of a tree.
pub(crate) struct Trees {
    open: Opens,
    max_cell: usize,
    max_row: usize,
    max_columns: usize,
    plans: Option<VecDeque<Plan>>,
    pass: Option<Pass>,
    ready: VecDeque<Step>,
    failure: Option<ReadError>,
}

/// One table being read.
struct Pass {
    events: Box<dyn Events>,
    plan: Plan,
    /// The places of the things that are open.
    open: Vec<Option<Place>>,
    record: Option<Record>,
    number: u64,
}

/// A record being gathered.
#[derive(Default)]
struct Record {
    /// How many things were open when it began.
    depth: usize,
    cells: Vec<String>,
    bytes: usize,
    problem: Option<ProblemCode>,
}

impl Trees {
    pub(crate) fn new(open: Opens, limits: &Limits) -> Self {
        Self {
            open,
            max_cell: limits.max_cell_bytes,
            max_row: limits.max_row_bytes,
            max_columns: limits.max_columns,
            plans: None,
            pass: None,
            ready: VecDeque::new(),
            failure: None,
        }
    }

    /// Learns the shape; what is damaged is read up to there.
    fn learn(&mut self) -> VecDeque<Plan> {
        let mut shape = Shape::new(self.max_columns);
        let mut events = (self.open)();
        loop {
            match events.next() {
                Ok(Some(event)) => shape.take(&event),
                Ok(None) => break,
                Err(error) => {
                    self.failure = Some(error);
                    break;
                }
            }
        }
        let (plans, whole) = shape.plans();
        if !whole && self.failure.is_none() {
            let limit = self.max_columns;
            self.failure = Some(ReadError::TooManyColumns { limit });
        }
        plans.into()
    }

    fn begin(&mut self, plan: Plan) {
        self.ready.push_back(match &plan.chat {
            true => Step::Section(plan.name.clone()),
            false => Step::Table {
                name: Some(plan.name.clone()).filter(|name| !name.is_empty()),
                columns: (!plan.positional).then(|| plan.columns.clone()),
                placed: true,
            },
        });
        let mut pass = Pass {
            events: (self.open)(),
            number: u64::from(!plan.positional),
            plan,
            open: Vec::new(),
            record: None,
        };
        if pass.plan.record.is_root() {
            pass.record = Some(pass.fresh());
        }
        self.pass = Some(pass);
    }

    /// Takes one event of the table under way.
    fn advance(&mut self) {
        let Some(pass) = &mut self.pass else { return };
        match pass.events.next() {
            Ok(Some(event)) => {
                let (cell, row) = (self.max_cell, self.max_row);
                self.ready.extend(pass.take(event, cell, row));
            }
            // The first pass has told of a failure already.
            Ok(None) | Err(_) => {
                let last = pass.record.take();
                let step = last.and_then(|record| pass.told(record));
                self.ready.extend(step);
                self.pass = None;
            }
        }
    }
}

impl Pass {
    fn fresh(&self) -> Record {
        Record {
            depth: self.open.len(),
            cells: vec![String::new(); self.plan.columns.len()],
            ..Record::default()
        }
    }

    fn take(&mut self, event: Event, max_cell: usize, max_row: usize) -> Option<Step> {
        match event {
            Event::Open(name, _) => {
                let above = self.open.last().copied().unwrap_or(Some(Place::ROOT));
                let place = above.and_then(|above| self.plan.child(above, &name));
                if place == Some(self.plan.record) {
                    let mut record = self.fresh();
                    if self.plan.keyed
                        && let Some(cell) = record.cells.first_mut()
                    {
                        *cell = name;
                    }
                    self.record = Some(record);
                } else if self.plan.positional
                    && let Some(record) = &mut self.record
                {
                    record.cells.push(String::new());
                }
                self.open.push(place);
                None
            }
            Event::Text(text) => {
                let place = self.open.last().copied().flatten();
                if let (Some(record), Some(place)) = (&mut self.record, place) {
                    let column = match self.plan.positional {
                        true => record.cells.len().checked_sub(1),
                        false => self.plan.column(place),
                    };
                    if let Some(column) = column {
                        record.add(column, &text, max_cell, max_row);
                    }
                }
                None
            }
            Event::Close => {
                self.open.pop();
                let ended = self
                    .record
                    .take_if(|record| record.depth == self.open.len())?;
                // The root's record ends with the file.
                if self.plan.record.is_root() {
                    self.record = Some(ended);
                    return None;
                }
                self.told(ended)
            }
        }
    }

    /// A record as a row, or as a message.
    fn told(&mut self, record: Record) -> Option<Step> {
        self.number += 1;
        let number = self.number;
        if let Some(reason) = record.problem {
            return Some(Step::Spoiled(number, reason));
        }
        if self.plan.chat {
            return self.plan.message(&record.cells).map(Step::Text);
        }
        // What was cut off before it said anything is no row.
        if record.cells.iter().all(String::is_empty) {
            return None;
        }
        let cells = record.cells.into_iter().map(Text::from).collect();
        Some(Step::Row(RawRow { number, cells }))
    }
}

impl Record {
    fn add(&mut self, column: usize, text: &str, max_cell: usize, max_row: usize) {
        self.bytes += text.len() + 1;
        let Some(cell) = self.cells.get_mut(column) else {
            return;
        };
        let reason = if self.bytes > max_row {
            Some(ProblemCode::RowTooLong)
        } else if cell.len() + text.len() > max_cell {
            Some(ProblemCode::CellTooLong)
        } else {
            text.contains('\0').then_some(ProblemCode::NulByte)
        };
        if self.problem.is_some() || reason.is_some() {
            self.problem = self.problem.or(reason);
            self.cells.iter_mut().for_each(String::clear);
            return;
        }
        if !cell.is_empty() {
            cell.push(' ');
        }
        cell.push_str(text);
    }
}

impl Flow for Trees {
    fn step(&mut self) -> Result<Option<Step>, ReadError> {
        if self.plans.is_none() {
            self.plans = Some(self.learn());
        }
        loop {
            if let Some(step) = self.ready.pop_front() {
                return Ok(Some(step));
            }
            if self.pass.is_some() {
                self.advance();
                continue;
            }
            match self.plans.as_mut().and_then(VecDeque::pop_front) {
                Some(plan) => self.begin(plan),
                None => return self.failure.take().map_or(Ok(None), Err),
            }
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Tables as lines: name, columns, rows.
    pub(crate) fn told(flow: &mut dyn Flow) -> Vec<String> {
        let mut seen = Vec::new();
        loop {
            match flow.step() {
                Ok(Some(Step::Table { name, columns, .. })) => {
                    let columns = columns.map_or("?".to_owned(), |columns| columns.join("|"));
                    seen.push(format!("[{}] {columns}", name.unwrap_or_default()));
                }
                Ok(Some(Step::Row(row))) => {
                    let cells: Vec<&str> = row.cells.iter().map(Text::as_str).collect();
                    seen.push(format!("{}: {}", row.number, cells.join("|")));
                }
                Ok(Some(Step::Text(text))) => seen.push(text),
                Ok(Some(Step::Section(name))) => seen.push(format!("<{name}>")),
                Ok(Some(Step::Spoiled(number, reason))) => {
                    seen.push(format!("{number}: {reason:?}"));
                }
                Ok(None) => return seen,
                Err(error) => {
                    seen.push(error.to_string());
                    return seen;
                }
            }
        }
    }
}
