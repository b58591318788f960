//! Every engine against the vectors in `tests/vectors`.
