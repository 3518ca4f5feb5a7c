//! Strings in binary data.
