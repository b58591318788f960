//! Nothing: this package exists for its one dependency.
