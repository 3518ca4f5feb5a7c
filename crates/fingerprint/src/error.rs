//! What can be wrong with a call to this room.
//!
//! Messages name the parameter and its bound, never a value that came from a row.

/// Why a mark, a reading or a score could not be computed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FingerprintError {
    /// The bound on accusing an innocent must lie strictly between zero and one.
    #[error("epsilon must lie between 0 and 1, both excluded")]
    Epsilon,
    /// An e-value must be a number at least zero, and finite.
    #[error("an e-value must be finite and at least zero")]
    EValue,
    /// Weights of an average must be at least zero and add up to one.
    #[error("weights must be at least zero and add up to one")]
    Weights,
    /// An e-value of one nature was read where the other was expected.
    #[error("expected {expected} evidence")]
    Nature {
        /// The nature that was expected.
        expected: &'static str,
    },
    /// A decoy's propensity must lie strictly between zero and one, at a resolution of 2⁻³².
    #[error("a propensity must lie between 0 and 1, both excluded")]
    Propensity,
    /// A reader's coin for a decoy was listed twice.
    #[error("a decoy's coin is listed twice")]
    CoinTwice,
    /// No issued copy was given, so nothing can be traced.
    #[error("no issued copy to examine")]
    NoCopies,
    /// More rows were counted in a part than in its whole.
    #[error("{part} exceeds {whole}")]
    Counts {
        /// The part.
        part: &'static str,
        /// The whole it must not exceed.
        whole: &'static str,
    },
    /// A share such as a leaked fraction must lie above zero and at most at one.
    #[error("{name} must lie above 0 and at most at 1")]
    Share {
        /// The parameter.
        name: &'static str,
    },
    /// The decoder's hypotheses reach this many colluders.
    #[error("colluders must number between 1 and {most}")]
    Colluders {
        /// The largest number the decoder considers.
        most: usize,
    },
    /// A picture's brightness does not fill its width and height with finite numbers.
    #[error("a plane needs width × height finite values, at least one")]
    Plane,
    /// A picture has more pixels than the caller allows.
    #[error("a picture may have {most} pixels at most")]
    PictureTooLarge {
        /// The limit.
        most: usize,
    },
    /// A picture is too small to hold a tile, or too large to be looked at.
    #[error("a picture to look at needs {least} pixels a side and at most {most} in all")]
    LookSize {
        /// The least side, in pixels.
        least: usize,
        /// The most pixels.
        most: usize,
    },
}
