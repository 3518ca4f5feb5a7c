//! Text, tables, locators and findings upon them.
//!
//! What any input becomes: rows of [`Text`] with a [`Locator`] for each place,
//! and [`Finding`]s that hold a kind, a [`Span`] and their [`Evidence`], never
//! the text itself.
//!
//! ```
//! use liuhen_document::{Header, MemoryTable, Row, TableSource, Text};
//!
//! let header = Header(vec!["姓名".into(), "手机号".into()]);
//! let row = Row { number: 2, cells: vec![Text::from("某人"), Text::from("无")] };
//! assert_eq!(format!("{:?}", row.cells[0]), "Text(2 chars)");
//!
//! let mut table = MemoryTable::new(header, vec![row]);
//! assert_eq!(table.next_row().unwrap().unwrap().number, 2);
//! assert!(table.next_row().is_none());
//! ```
//!
//! Bytes become rows in `reading`; findings are made by `detect`.

mod evidence;
mod finding;
mod locator;
mod problem;
mod table;
mod text;

pub use evidence::Evidence;
pub use finding::{Finding, Span};
pub use locator::Locator;
pub use problem::{ProblemCode, RowProblem};
pub use table::{Header, MemoryTable, Row, TableSource};
pub use text::Text;
