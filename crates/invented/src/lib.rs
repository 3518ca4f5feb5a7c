//! invented
