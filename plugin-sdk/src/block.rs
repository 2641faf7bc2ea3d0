//! Copying and comparing bytes, in place of the compiler's own functions. The pieces of JSON are short, and for those the
//! compiler's are loops, and the instructions that wasm has for it are calls out of the sandbox: each costs more than the copy.
//! Here short pieces take a few wide loads and stores, and long ones the instruction.

use core::ptr;

#[cfg(target_family = "wasm")]
type Wide = core::arch::wasm32::v128;
#[cfg(not(target_family = "wasm"))]
type Wide = u128;

/// From here on the instruction is quicker.
const LONG: usize = 64;

/// Everything is loaded before anything is stored, so the two may overlap. First and last part overlap where the count is no
/// power of two.
///
/// # Safety
/// `count` bytes are read at `from` and written at `to`.
#[inline(always)]
unsafe fn copy(to: *mut u8, from: *const u8, count: usize) {
    // SAFETY: each load and store lies within `count` bytes.
    unsafe {
        match count {
            0 => {}
            1..4 => {
                let (first, middle, last) = (*from, *from.add(count / 2), *from.add(count - 1));
                *to = first;
                *to.add(count / 2) = middle;
                *to.add(count - 1) = last;
            }
            4..8 => copy_ends::<u32>(to, from, count),
            8..16 => copy_ends::<u64>(to, from, count),
            16..=32 => copy_ends::<Wide>(to, from, count),
            33..=LONG => {
                let (first, second) = (load::<Wide>(from), load::<Wide>(from.add(16)));
                let (third, last) = (load::<Wide>(from.add(count - 32)), load::<Wide>(from.add(count - 16)));
                store(to, first);
                store(to.add(16), second);
                store(to.add(count - 32), third);
                store(to.add(count - 16), last);
            }
            _ => instruction(to, from, count),
        }
    }
}

#[inline(always)]
unsafe fn copy_ends<T: Copy>(to: *mut u8, from: *const u8, count: usize) {
    let back = count - size_of::<T>();
    // SAFETY: `count` is at least the size of the part.
    unsafe {
        let (first, last) = (load::<T>(from), load::<T>(from.add(back)));
        store(to, first);
        store(to.add(back), last);
    }
}

#[inline(always)]
unsafe fn load<T: Copy>(at: *const u8) -> T {
    // SAFETY: the caller's.
    unsafe { at.cast::<T>().read_unaligned() }
}

#[inline(always)]
unsafe fn store<T: Copy>(at: *mut u8, part: T) {
    // SAFETY: the caller's.
    unsafe { at.cast::<T>().write_unaligned(part) }
}

/// `memory.copy`, which allows for overlap.
#[inline(never)]
#[cfg_attr(target_family = "wasm", target_feature(enable = "bulk-memory"))]
unsafe fn instruction(to: *mut u8, from: *const u8, count: usize) {
    // SAFETY: the caller's.
    unsafe { ptr::copy(from, to, count) }
}

/// Below, at or above 0, as the first byte that differs is smaller, none or larger.
///
/// # Safety
/// `count` bytes are read at each.
#[inline(always)]
unsafe fn compare(one: *const u8, other: *const u8, count: usize) -> i32 {
    let mut at = 0;
    // SAFETY: each load lies within `count` bytes.
    unsafe {
        while at + 8 <= count {
            let (left, right) = (load::<u64>(one.add(at)), load::<u64>(other.add(at)));
            if left != right {
                return if left.to_be() < right.to_be() { -1 } else { 1 };
            }
            at += 8;
        }
        while at < count {
            let (left, right) = (*one.add(at), *other.add(at));
            if left != right {
                return i32::from(left) - i32::from(right);
            }
            at += 1;
        }
    }
    0
}

/// 0 if they are the same.
///
/// # Safety
/// `count` bytes are read at each.
#[inline(always)]
unsafe fn differ(one: *const u8, other: *const u8, count: usize) -> i32 {
    // SAFETY: each load lies within `count` bytes; the last one overlaps the one before.
    unsafe {
        match count {
            0 => 0,
            1..4 => i32::from(
                (*one ^ *other)
                    | (*one.add(count / 2) ^ *other.add(count / 2))
                    | (*one.add(count - 1) ^ *other.add(count - 1)),
            ),
            4..8 => ends_differ::<u32>(one, other, count).into(),
            8..=16 => ends_differ::<u64>(one, other, count).into(),
            _ => compare(one, other, count),
        }
    }
}

#[inline(always)]
unsafe fn ends_differ<T: Copy + PartialEq>(one: *const u8, other: *const u8, count: usize) -> bool {
    let back = count - size_of::<T>();
    // SAFETY: `count` is at least the size of the part.
    unsafe { (load::<T>(one) != load::<T>(other)) | (load::<T>(one.add(back)) != load::<T>(other.add(back))) }
}

/// The names by which the compiler calls them.
#[cfg(target_family = "wasm")]
mod names {
    /// # Safety
    /// As of C's `memcpy`.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe { super::copy(to, from, count) };
        to
    }

    /// # Safety
    /// As of C's `memmove`.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe { super::copy(to, from, count) };
        to
    }

    /// # Safety
    /// As of C's `memcmp`.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn memcmp(one: *const u8, other: *const u8, count: usize) -> i32 {
        // SAFETY: the caller's promise.
        unsafe { super::compare(one, other, count) }
    }

    /// # Safety
    /// As of BSD's `bcmp`.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn bcmp(one: *const u8, other: *const u8, count: usize) -> i32 {
        // SAFETY: the caller's promise.
        unsafe { super::differ(one, other, count) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes() -> Vec<u8> {
        (0..400_u32).map(|n| (n * 167 % 251) as u8).collect()
    }

    #[test]
    fn copies_of_every_length_are_exact_wherever_they_lie() {
        for count in 0..140 {
            for (from, to) in
                [(100, 101), (101, 100), (100, 100), (100, 107), (107, 100), (100, 133), (133, 100), (0, 250)]
            {
                let (mut copied, mut expected) = (bytes(), bytes());
                expected.copy_within(from..from + count, to);
                let start = copied.as_mut_ptr();
                // SAFETY: both places lie within the bytes.
                unsafe { copy(start.add(to), start.add(from).cast_const(), count) };
                assert_eq!(copied, expected, "{count} bytes from {from} to {to}");
            }
        }
    }

    #[test]
    fn comparisons_of_every_length_find_every_difference() {
        for count in 0..70 {
            let one = bytes()[3..3 + count].to_vec();
            let said = |other: &[u8]| {
                // SAFETY: both have `count` bytes.
                unsafe {
                    (
                        compare(one.as_ptr(), other.as_ptr(), count),
                        differ(one.as_ptr(), other.as_ptr(), count),
                    )
                }
            };
            assert_eq!(said(&one), (0, 0), "{count} bytes");
            for at in 0..count {
                for change in [1, 0x7f, 0x80, 0xff] {
                    let mut other = one.clone();
                    other[at] ^= change;
                    let (order, differs) = said(&other);
                    assert_eq!(order.signum(), one.cmp(&other) as i32, "{count} bytes, {at}");
                    assert_ne!(differs, 0, "{count} bytes, {at}");
                }
            }
        }
    }
}
