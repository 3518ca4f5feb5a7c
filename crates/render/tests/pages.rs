//! Pages that `paper` writes, painted again.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test")]

use std::io::Write as _;

use liuhen_paper::{Block, Paper, Report};
use liuhen_picture::Font;
use liuhen_render::{Pages, RenderError};
