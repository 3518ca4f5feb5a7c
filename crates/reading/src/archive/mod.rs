//! Archives and packed files: each entry goes back to the walk as a file of its own.
//!
//! Nothing is written under a name out of an archive, so a name that climbs out of a folder is
//! only a name. Symbolic links and devices are told and not followed.

pub(crate) mod names;
pub(crate) mod packed;
pub(crate) mod rar;
pub(crate) mod sevenz;
pub(crate) mod tar;
pub(crate) mod zip;
