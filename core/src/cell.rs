//! A policy that can be replaced while any number of threads use it.

use std::fmt;
use std::ops::Deref;
use std::sync::PoisonError;

use crate::policy::Policy;
use crate::sync::{Arc, AtomicU64, Ordering, RwLock};

/// A policy that can be replaced while any number of threads use it.
///
/// A cell holds built policies only, so a configuration that is wrong cannot get in: build first,
/// and [`store`](PolicyCell::store) what was built.
///
/// Every policy of a cell has a *generation*: the first is 1, and each stored one has the next
/// number. No number is used twice, so equal generations of one cell mean the same policy.
///
/// # Threads and costs
/// Everything takes `&self` and may be called by any number of threads at once. [`load`](PolicyCell::load)
/// takes a read lock for as long as it takes to count a reference; `store` takes the write lock
/// for as long as it takes to exchange one. Policies are built, and end, outside the lock.
/// [`generation`](PolicyCell::generation) is one atomic load: a thread that keeps what it loaded,
/// as a [`PolicyReader`] does, pays nothing else while nothing changes. No state is kept per thread.
///
/// A replaced policy lives until the last reference to it ends, so decisions that are under way
/// finish by the policy they began with. A panic elsewhere, even in the middle of a call, never
/// makes a later call fail.
///
/// # Examples
/// ```
/// use corsac::{Policy, PolicyCell, Request};
///
/// let cell = PolicyCell::new(Policy::from_json(r#"{"allow_origins": ["https://app.example.com"]}"#)?);
///
/// // In every thread:
/// let mut request = Request::new("GET");
/// request.header("Origin", "https://app.example.com");
/// assert!(cell.load().evaluate(&request).allowed());
///
/// // When the configuration has changed: a document with problems leaves the policy as it is.
/// for text in [r#"{"allow_origins": ["https://app.example.com/"]}"#, r#"{"allow_origins": []}"#] {
///     match Policy::from_json(text) {
///         Ok(policy) => _ = cell.store(policy),
///         Err(problems) => eprintln!("the policy stays as it is: {problems}"),
///     }
/// }
/// assert_eq!(cell.generation(), 1);
/// assert!(cell.load().evaluate(&request).allowed());
/// # Ok::<(), corsac::BuildError>(())
/// ```
///
/// `P` is what the cell holds: a [`Policy`], or what an embedder made of one.
pub struct PolicyCell<P = Policy> {
    current: RwLock<Current<P>>,
    /// The generation of `current`, to be read without the lock. Written with the lock held.
    generation: AtomicU64,
}

/// A policy and its generation. One lock holds both, so that they belong together.
struct Current<P> {
    policy: Arc<P>,
    generation: u64,
}

/// The generation of the policy that a cell is made with.
const FIRST: u64 = 1;

impl PolicyCell {
    /// A cell with its first policy: a [`Policy`], or an [`Arc`] of one.
    #[must_use]
    pub fn new(policy: impl Into<Arc<Policy>>) -> Self {
        PolicyCell::holding(policy.into())
    }
}

impl<P> PolicyCell<P> {
    /// A cell of something else than a [`Policy`], such as one together with what was prepared from it.
    #[must_use]
    pub fn holding(policy: Arc<P>) -> Self {
        PolicyCell {
            current: RwLock::new(Current { policy, generation: FIRST }),
            generation: AtomicU64::new(FIRST),
        }
    }

    /// The policy as it is now. Keep it for one request, or for as long as you like: it does not change.
    #[must_use]
    pub fn load(&self) -> Arc<P> {
        self.load_with_generation().0
    }

    /// The policy as it is now, with its generation.
    ///
    /// Whoever keeps both need not load again before [`PolicyCell::generation`] is another number.
    #[must_use]
    pub fn load_with_generation(&self) -> (Arc<P>, u64) {
        // Nothing that could panic runs with the lock held, so a poisoned lock guards what a good one does.
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        (Arc::clone(&current.policy), current.generation)
    }

    /// Replaces the policy, and tells the generation of the new one.
    ///
    /// Loads that begin after this ended give the new policy or a later one. Of two threads that
    /// store at once, the one that is told the greater number was second.
    pub fn store(&self, policy: impl Into<Arc<P>>) -> u64 {
        let policy = policy.into();
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let generation = current.generation + 1;
        let replaced = std::mem::replace(&mut *current, Current { policy, generation });
        // With the lock held: numbers appear in order, and who sees one and loads gets its policy or
        // a later one. Release, so that it is seen together with whatever was done before this call.
        self.generation.store(generation, Ordering::Release);
        drop(current);
        // Only now, without the lock: if this was the last reference, freeing takes a while.
        drop(replaced);
        generation
    }

    /// The generation of the policy as it is now: one atomic load, with acquire ordering.
    #[must_use]
    #[inline]
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }
}

impl<P: fmt::Debug> fmt::Debug for PolicyCell<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (policy, generation) = self.load_with_generation();
        f.debug_struct("PolicyCell").field("policy", &policy).field("generation", &generation).finish()
    }
}

/// One thread's view of a [`PolicyCell`]: costs one atomic load while nothing changes.
///
/// `C` is what leads to the cell: a `&PolicyCell`, or an `Arc<PolicyCell>` for a thread that outlives
/// its maker. Each thread, or task, has a reader of its own.
///
/// A reader keeps the policy that it saw last alive until it looks again, or is dropped.
///
/// # Examples
/// ```
/// use std::sync::Arc;
/// use corsac::{Policy, PolicyCell, PolicyReader, Request};
///
/// let policy = |origin| Policy::builder().allow_origin(origin).build();
/// let cell = Arc::new(PolicyCell::new(policy("https://old.example")?));
/// let mut reader = PolicyReader::new(Arc::clone(&cell));
///
/// let mut request = Request::new("GET");
/// request.header("Origin", "https://new.example");
/// assert!(!reader.policy().evaluate(&request).allowed());
/// cell.store(policy("https://new.example")?);
/// assert!(reader.policy().evaluate(&request).allowed());
/// # Ok::<(), corsac::BuildError>(())
/// ```
#[derive(Clone, Debug)]
pub struct PolicyReader<C> {
    cell: C,
    policy: Arc<Policy>,
    generation: u64,
}

impl<C: Deref<Target = PolicyCell>> PolicyReader<C> {
    /// A reader that has loaded the policy as it is now.
    #[must_use]
    pub fn new(cell: C) -> Self {
        let (policy, generation) = cell.load_with_generation();
        PolicyReader { cell, policy, generation }
    }

    /// The policy as it is now: one atomic load, and [`PolicyCell::load`] if it was replaced since
    /// the last call.
    #[must_use]
    #[inline]
    pub fn policy(&mut self) -> &Arc<Policy> {
        if self.cell.generation() != self.generation {
            self.reload();
        }
        &self.policy
    }

    #[cold]
    fn reload(&mut self) {
        (self.policy, self.generation) = self.cell.load_with_generation();
    }

    /// The generation of the policy that [`PolicyReader::policy`] gave last.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }
}
