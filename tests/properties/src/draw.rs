//! Where generated things come from: a tape of numbers that proptest shrinks, or a seed.
//!
//! Every choice takes one number, and 0 is always the simplest choice, so that a shrunk tape is a
//! simple case and an exhausted one ends soon.

#[derive(Clone, Debug)]
pub enum Draw<'t> {
    Tape(std::slice::Iter<'t, u32>),
    Seed(u64),
}

impl<'t> Draw<'t> {
    pub fn from_tape(tape: &'t [u32]) -> Self {
        Draw::Tape(tape.iter())
    }

    pub fn from_seed(seed: u64) -> Self {
        Draw::Seed(seed)
    }

    /// The next number.
    pub fn number(&mut self) -> u32 {
        match self {
            Draw::Tape(tape) => tape.next().copied().unwrap_or(0),
            // SplitMix64 (Steele, Lea, Flood 2014), upper half.
            Draw::Seed(state) => {
                *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mut mixed = *state;
                mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
                ((mixed ^ mixed >> 31) >> 32) as u32
            }
        }
    }

    /// One of `0..n`.
    pub fn below(&mut self, n: usize) -> usize {
        self.number() as usize % n
    }

    /// True in so many of a hundred cases; never at the end of a tape.
    pub fn chance(&mut self, percent: u32) -> bool {
        self.number() % 100 >= 100 - percent
    }

    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }

    /// One of the list, by value.
    pub fn choose<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }

    /// Some of the list, in any order, now and then one twice.
    pub fn some<'a, T>(&mut self, list: &'a [T], at_most: usize) -> Vec<&'a T> {
        let n = self.below(at_most + 1);
        (0..n).map(|_| self.pick(list)).collect()
    }

    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for index in 1..list.len() {
            let other = index - self.below(index + 1);
            list.swap(index, other);
        }
    }
}
