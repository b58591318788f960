//! The cell's own source with a lock and references that ThreadSanitizer sees, for `make tsan`.
//!
//! ThreadSanitizer knows only what was compiled with it. The standard library of a toolchain was not:
//! it takes a contended lock in code of its own, and ends an `Arc` behind a fence, which
//! ThreadSanitizer does not understand. Both look like races. The parts here are made of atomics
//! alone, and compiled with the test; cell and policies are the crate's.

#![allow(missing_docs, clippy::unwrap_used, reason = "a test suite has no public face")]

mod replacing;

#[allow(dead_code, unreachable_pub, reason = "the claims use part of it")]
#[path = "../src/cell.rs"]
mod cell;

mod policy {
    pub(crate) use corsac::Policy;
}

mod parts {
    pub(crate) use crate::cell::{PolicyCell, PolicyReader};
    pub(crate) use crate::sync::Arc;
}

mod sync {
    use std::cell::UnsafeCell;
    use std::fmt;
    use std::ops::{Deref, DerefMut};
    use std::ptr::NonNull;
    use std::sync::LockResult;
    use std::sync::atomic::AtomicUsize;
    pub(crate) use std::sync::atomic::{AtomicU64, Ordering};

    pub(crate) struct Arc<T>(NonNull<Counted<T>>);

    struct Counted<T> {
        references: AtomicUsize,
        value: T,
    }

    // SAFETY: references give shared access to the value from any thread, and the last one drops it
    // in its own.
    unsafe impl<T: Send + Sync> Send for Arc<T> {}
    // SAFETY: as above, since a shared reference can be cloned.
    unsafe impl<T: Send + Sync> Sync for Arc<T> {}

    impl<T> From<T> for Arc<T> {
        fn from(value: T) -> Self {
            Arc(NonNull::from(Box::leak(Box::new(Counted { references: AtomicUsize::new(1), value }))))
        }
    }

    impl<T> Arc<T> {
        fn counted(&self) -> &Counted<T> {
            // SAFETY: it lives for as long as there is a reference, such as this one.
            unsafe { self.0.as_ref() }
        }
    }

    impl<T> Deref for Arc<T> {
        type Target = T;

        fn deref(&self) -> &T {
            &self.counted().value
        }
    }

    impl<T> Clone for Arc<T> {
        fn clone(&self) -> Self {
            self.counted().references.fetch_add(1, Ordering::Relaxed);
            Arc(self.0)
        }
    }

    impl<T> Drop for Arc<T> {
        fn drop(&mut self) {
            if self.counted().references.fetch_sub(1, Ordering::AcqRel) == 1 {
                // SAFETY: it came from a box, and nobody else has a reference any more.
                drop(unsafe { Box::from_raw(self.0.as_ptr()) });
            }
        }
    }

    impl<T: fmt::Debug> fmt::Debug for Arc<T> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            (**self).fmt(f)
        }
    }

    /// A lock that spins: how many read, or [`WRITING`].
    pub(crate) struct RwLock<T> {
        readers: AtomicUsize,
        value: UnsafeCell<T>,
    }

    const WRITING: usize = usize::MAX;

    // SAFETY: readers share the value, a writer has it alone.
    unsafe impl<T: Send + Sync> Sync for RwLock<T> {}

    impl<T> RwLock<T> {
        pub(crate) fn new(value: T) -> Self {
            RwLock { readers: AtomicUsize::new(0), value: UnsafeCell::new(value) }
        }

        fn change(&self, change: impl Fn(usize) -> Option<usize>) {
            while self.readers.fetch_update(Ordering::Acquire, Ordering::Relaxed, &change).is_err() {
                std::thread::yield_now();
            }
        }

        pub(crate) fn read(&self) -> LockResult<Reading<'_, T>> {
            self.change(|readers| (readers != WRITING).then(|| readers + 1));
            Ok(Reading(self))
        }

        pub(crate) fn write(&self) -> LockResult<Writing<'_, T>> {
            self.change(|readers| (readers == 0).then_some(WRITING));
            Ok(Writing(self))
        }
    }

    pub(crate) struct Reading<'l, T>(&'l RwLock<T>);

    impl<T> Deref for Reading<'_, T> {
        type Target = T;

        fn deref(&self) -> &T {
            // SAFETY: nobody writes before this is dropped.
            unsafe { &*self.0.value.get() }
        }
    }

    impl<T> Drop for Reading<'_, T> {
        fn drop(&mut self) {
            self.0.readers.fetch_sub(1, Ordering::Release);
        }
    }

    pub(crate) struct Writing<'l, T>(&'l RwLock<T>);

    impl<T> Deref for Writing<'_, T> {
        type Target = T;

        fn deref(&self) -> &T {
            // SAFETY: nobody else reads or writes before this is dropped.
            unsafe { &*self.0.value.get() }
        }
    }

    impl<T> DerefMut for Writing<'_, T> {
        fn deref_mut(&mut self) -> &mut T {
            // SAFETY: nobody else reads or writes before this is dropped.
            unsafe { &mut *self.0.value.get() }
        }
    }

    impl<T> Drop for Writing<'_, T> {
        fn drop(&mut self) {
            self.0.readers.store(0, Ordering::Release);
        }
    }
}
