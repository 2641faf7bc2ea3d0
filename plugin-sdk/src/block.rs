//! Copying and comparing bytes, in place of the compiler's own functions. The pieces of JSON are short, and for those the
//! compiler's are loops, and the instructions that wasm has for it are calls out of the sandbox: each costs more than the copy.
//! Here short pieces take a few wide loads and stores, and long ones the instruction.

use core::arch::wasm32::{i8x16_bitmask, i8x16_ne, v128, v128_load, v128_store};

/// From here on the instruction is quicker.
const LONG: usize = 64;

/// # Safety
/// As of C's `memcpy`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
    // SAFETY: the caller's promise; `copy` allows for more than it asks.
    unsafe { copy(to, from, count) }
}

/// # Safety
/// As of C's `memmove`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
    // SAFETY: the caller's promise.
    unsafe { copy(to, from, count) }
}

/// Everything is loaded before anything is stored, so the two may overlap. First and last part overlap where the count is no
/// power of two.
#[inline(always)]
unsafe fn copy(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
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
            4..8 => ends::<u32>(to, from, count),
            8..16 => ends::<u64>(to, from, count),
            16..=32 => {
                let (first, last) = (load(from), load(from.add(count - 16)));
                store(to, first);
                store(to.add(count - 16), last);
            }
            33..=LONG => {
                let (first, second) = (load(from), load(from.add(16)));
                let (third, last) = (load(from.add(count - 32)), load(from.add(count - 16)));
                store(to, first);
                store(to.add(16), second);
                store(to.add(count - 32), third);
                store(to.add(count - 16), last);
            }
            _ => instruction(to, from, count),
        }
    }
    to
}

#[inline(always)]
unsafe fn ends<T: Copy>(to: *mut u8, from: *const u8, count: usize) {
    let back = count - size_of::<T>();
    // SAFETY: `count` is at least the size of the part.
    unsafe {
        let (first, last) = (from.cast::<T>().read_unaligned(), from.add(back).cast::<T>().read_unaligned());
        to.cast::<T>().write_unaligned(first);
        to.add(back).cast::<T>().write_unaligned(last);
    }
}

#[inline(always)]
unsafe fn load(at: *const u8) -> v128 {
    // SAFETY: the caller's; a load of wasm needs no alignment.
    unsafe { v128_load(at.cast()) }
}

#[inline(always)]
unsafe fn store(at: *mut u8, part: v128) {
    // SAFETY: as of `load`.
    unsafe { v128_store(at.cast(), part) }
}

/// `memory.copy`, which allows for overlap.
#[inline(never)]
#[target_feature(enable = "bulk-memory")]
unsafe fn instruction(to: *mut u8, from: *const u8, count: usize) {
    // SAFETY: the caller's.
    unsafe { core::ptr::copy(from, to, count) }
}

/// # Safety
/// As of C's `memcmp`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memcmp(one: *const u8, other: *const u8, count: usize) -> i32 {
    let mut at = 0;
    // SAFETY: each load lies within `count` bytes.
    unsafe {
        while at + 16 <= count {
            let differ = i8x16_bitmask(i8x16_ne(load(one.add(at)), load(other.add(at))));
            if differ != 0 {
                at += differ.trailing_zeros() as usize;
                return i32::from(*one.add(at)) - i32::from(*other.add(at));
            }
            at += 16;
        }
        while at + 8 <= count {
            let (left, right) = (eight(one.add(at)), eight(other.add(at)));
            if left != right {
                return if left.swap_bytes() < right.swap_bytes() { -1 } else { 1 };
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

/// # Safety
/// As of BSD's `bcmp`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bcmp(one: *const u8, other: *const u8, count: usize) -> i32 {
    // SAFETY: each load lies within `count` bytes; the last one overlaps the one before.
    unsafe {
        match count {
            0 => 0,
            1..4 => i32::from(
                (*one ^ *other)
                    | (*one.add(count / 2) ^ *other.add(count / 2))
                    | (*one.add(count - 1) ^ *other.add(count - 1)),
            ),
            4..8 => i32::from(
                (four(one) ^ four(other)) | (four(one.add(count - 4)) ^ four(other.add(count - 4))) != 0,
            ),
            8..=16 => i32::from(
                (eight(one) ^ eight(other)) | (eight(one.add(count - 8)) ^ eight(other.add(count - 8))) != 0,
            ),
            _ => memcmp(one, other, count),
        }
    }
}

#[inline(always)]
unsafe fn four(at: *const u8) -> u32 {
    // SAFETY: the caller's.
    unsafe { at.cast::<u32>().read_unaligned() }
}

#[inline(always)]
unsafe fn eight(at: *const u8) -> u64 {
    // SAFETY: the caller's.
    unsafe { at.cast::<u64>().read_unaligned() }
}
