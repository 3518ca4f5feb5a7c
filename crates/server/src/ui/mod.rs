//! What pages share: layout, words in two languages, charts.
