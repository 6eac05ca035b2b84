//! Synthetic cardiotocograms with known truth; readers for CSV and WFDB.
