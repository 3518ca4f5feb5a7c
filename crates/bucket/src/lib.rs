//! The public part of a log, copied to an object store.
//!
//! The log's own directory stays the truth. A [`Publisher`] copies what anyone
//! may read (tiles, entry bundles, key, statements about changes of the key,
//! checkpoint) to where a web server or an S3-compatible store hands it out,
//! in the layout of C2SP tlog-tiles. The checkpoint comes last, so that
//! whatever a reader finds is complete, wherever the publisher is cut off.
//!
//! Leaves to others: making the log (`liuhen-tlog`), TLS (endpoints of stores
//! are plain HTTP, within the house or through a local forwarder), serving.
//!
//! ```
//! use std::sync::Arc;
//! use liuhen_bucket::{Publisher, object_store::memory::InMemory};
//! use liuhen_tlog::{Log, LogKey};
//!
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let dir = tempfile::tempdir()?;
//! Log::create(dir.path(), &LogKey::generate()?, "trace.example.cn/log")?;
//! let publisher = Publisher::new(Arc::new(InMemory::new()), "trace", dir.path());
//! let published = publisher.publish_once(&|_| {}).await?;
//! assert_eq!((published.size, published.uploaded), (0, 3)); // key, statements, checkpoint
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod target;

mod crypto;
mod error;
mod http;
mod plan;
mod publisher;
mod remote;
mod source;

pub use object_store;

pub use error::{PublishError, TargetError};
pub use publisher::{Progress, Published, Publisher};
pub use target::{Opened, Target};
