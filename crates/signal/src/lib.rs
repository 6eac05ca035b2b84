//! Samples to findings: real-time cardiotocogram analysis.
