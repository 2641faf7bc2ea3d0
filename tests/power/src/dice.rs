//! Chance that can be repeated.

/// Xorshift: the same run for the same seed.
pub struct Dice(u64);

impl Dice {
    /// Near seeds lead to runs that have nothing in common.
    pub const fn new(seed: u64) -> Self {
        Self(seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number from 0 up to, and without, `end`.
    pub const fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 11) % end as u64) as usize
    }

    /// True so often in a hundred.
    pub const fn percent(&mut self, likely: usize) -> bool {
        self.below(100) < likely
    }
}
