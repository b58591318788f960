//! Counts what a lookup does, so that a test can say that it does not grow; outside of tests, nothing.

#[cfg(test)]
std::thread_local! {
    static TAKEN: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// Something was hashed, or a text looked at.
#[inline(always)]
pub(crate) fn step() {
    #[cfg(test)]
    TAKEN.set(TAKEN.get() + 1);
}

/// The steps that this thread has taken.
#[cfg(test)]
pub(crate) fn taken() -> u64 {
    TAKEN.get()
}
