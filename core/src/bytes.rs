//! Comparing short byte strings without a call: names and origins are mostly shorter than 33 bytes, and for
//! those a call of `memcmp` costs more than the comparison.

/// Whether `a` and `b` are equal.
#[inline]
pub(crate) fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    // The first and the last bytes of a power of two overlap in the middle, and so cover everything.
    match a.len() {
        17..=32 => ends_same::<16>(a, b),
        8..=16 => ends_same::<8>(a, b),
        4..=7 => ends_same::<4>(a, b),
        2..=3 => ends_same::<2>(a, b),
        0..=1 => a.first() == b.first(),
        _ => a == b,
    }
}

#[inline(always)]
fn ends_same<const N: usize>(a: &[u8], b: &[u8]) -> bool {
    a.first_chunk::<N>() == b.first_chunk::<N>() && a.last_chunk::<N>() == b.last_chunk::<N>()
}

#[cfg(test)]
mod tests {
    use super::same;

    #[test]
    fn it_is_equality() {
        let text: Vec<u8> = (0..70).collect();
        for len in 0..=text.len() {
            assert!(same(&text[..len], &text.clone()[..len]));
            for other in 0..=text.len() {
                assert_eq!(same(&text[..len], &text[..other]), len == other);
            }
            for at in 0..len {
                let mut changed = text.clone();
                changed[at] ^= 0x80;
                assert!(!same(&text[..len], &changed[..len]), "byte {at} of {len}");
            }
        }
    }
}
