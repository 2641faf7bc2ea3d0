//! The guest's allocator. JSON is thousands of small pieces that live for one call: a piece that is freed goes on a list of
//! its size, and the next of that size is taken from there. Large pieces are the standard library's business.
//!
//! For one thread only, which is what a component has. Small memory never goes back; the hub ends an instance that has grown.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::ptr::null_mut;

/// Sizes up to here go by steps, so that little is wasted on the many.
const STEPPED_MAX: usize = 1 << 10;
const STEP: usize = 16;
/// Sizes up to here double.
const SMALL_MAX: usize = 1 << 15;
const STEPPED_LISTS: usize = STEPPED_MAX / STEP;
const LISTS: usize = STEPPED_LISTS + (SMALL_MAX / STEPPED_MAX).ilog2() as usize;
/// What is asked of the standard library at a time, to cut small pieces from.
const CHUNK: usize = 1 << 16;

pub struct Memory(UnsafeCell<State>);

struct State {
    /// Freed pieces by size; each begins with the address of the next.
    free: [*mut u8; LISTS],
    /// What is left of the chunk.
    next: *mut u8,
    left: usize,
}

// SAFETY: a component has one thread.
#[cfg(target_family = "wasm")]
unsafe impl Sync for Memory {}

impl Memory {
    pub const fn new() -> Self {
        Self(UnsafeCell::new(State { free: [null_mut(); LISTS], next: null_mut(), left: 0 }))
    }
}

/// The list that serves such a piece, if one does.
const fn list(layout: &Layout) -> Option<usize> {
    if layout.align() > STEP || layout.size() > SMALL_MAX {
        None
    } else if layout.size() <= STEPPED_MAX {
        Some(layout.size().saturating_sub(1) / STEP)
    } else {
        Some(STEPPED_LISTS + ((layout.size() - 1) / STEPPED_MAX).ilog2() as usize)
    }
}

const fn size_of_list(list: usize) -> usize {
    if list < STEPPED_LISTS { (list + 1) * STEP } else { STEPPED_MAX << (list - STEPPED_LISTS + 1) }
}

// SAFETY: a piece has the size of its list, which is at least what was asked for, and lies in a chunk at a multiple of STEP.
// It is on a list or in use, never both. Larger pieces and larger alignments are the System's from beginning to end, because
// `list` depends on the layout alone.
unsafe impl GlobalAlloc for Memory {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: see above; the state is borrowed by one thread and not across a call back into here.
        unsafe {
            let Some(list) = list(&layout) else { return System.alloc(layout) };
            let state = &mut *self.0.get();
            let first = state.free[list];
            if first.is_null() {
                return state.cut(size_of_list(list));
            }
            state.free[list] = first.cast::<*mut u8>().read();
            first
        }
    }

    #[inline]
    unsafe fn dealloc(&self, piece: *mut u8, layout: Layout) {
        // SAFETY: as in `alloc`; every small piece has room for an address.
        unsafe {
            let Some(list) = list(&layout) else { return System.dealloc(piece, layout) };
            let state = &mut *self.0.get();
            piece.cast::<*mut u8>().write(state.free[list]);
            state.free[list] = piece;
        }
    }

    unsafe fn realloc(&self, piece: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller promises that `size`, rounded up, does not overflow.
        let wanted = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        // SAFETY: as in `alloc`; both pieces hold the bytes that are copied, and they do not overlap.
        unsafe {
            match (list(&layout), list(&wanted)) {
                (None, None) => System.realloc(piece, layout, size),
                (old, new) if old == new => piece,
                _ => {
                    let moved = self.alloc(wanted);
                    if !moved.is_null() {
                        moved.copy_from_nonoverlapping(piece, layout.size().min(size));
                        self.dealloc(piece, layout);
                    }
                    moved
                }
            }
        }
    }
}

impl State {
    /// A new piece, from the chunk or from a new one. What is left of the old one is less than a piece, and is let go.
    #[cold]
    unsafe fn cut(&mut self, size: usize) -> *mut u8 {
        if self.left < size {
            // SAFETY: the layout is not empty, and 16 is a power of two.
            let chunk = unsafe { System.alloc(Layout::from_size_align_unchecked(CHUNK, STEP)) };
            if chunk.is_null() {
                return chunk;
            }
            (self.next, self.left) = (chunk, CHUNK);
        }
        let piece = self.next;
        // SAFETY: `size` bytes are left of the chunk.
        self.next = unsafe { piece.add(size) };
        self.left -= size;
        piece
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_have_their_size_and_alignment_and_never_overlap() {
        let memory = Memory::new();
        let mut held: Vec<(*mut u8, Layout, u8)> = Vec::new();
        // Sizes around every border of a list, in an order that is mixed but always the same.
        let mut seed = 1_u64;
        for round in 0..20_000_u32 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let random = (seed >> 33) as usize;
            let mark = (round % 251) as u8;
            let size = (1 << (random % 17)) + (random >> 8) % 3;
            let layout = Layout::from_size_align(size, 1 << (random % 6)).unwrap();
            // SAFETY: each piece is written within its layout, and freed once with the layout it has.
            unsafe {
                if held.len() > 100 {
                    let (piece, layout, mark) = held.swap_remove(random % held.len());
                    assert!(
                        std::slice::from_raw_parts(piece, layout.size()).iter().all(|byte| *byte == mark)
                    );
                    if random.is_multiple_of(3) {
                        let moved = memory.realloc(piece, layout, size);
                        let kept = std::slice::from_raw_parts(moved, layout.size().min(size));
                        assert!(kept.iter().all(|byte| *byte == mark));
                        memory.dealloc(moved, Layout::from_size_align(size, layout.align()).unwrap());
                    } else {
                        memory.dealloc(piece, layout);
                    }
                }
                let piece = memory.alloc(layout);
                assert_eq!(piece as usize % layout.align(), 0);
                piece.write_bytes(mark, size);
                held.push((piece, layout, mark));
            }
        }
    }

    #[test]
    fn a_freed_piece_is_the_next_of_its_size() {
        let memory = Memory::new();
        for size in [1, 16, 17, 1_024, 1_025, 2_048, 2_049, SMALL_MAX] {
            let layout = Layout::from_size_align(size, 8).unwrap();
            assert!(size_of_list(list(&layout).unwrap()) >= size, "{size}");
            // SAFETY: the pieces are freed with the layout they were made with, and the last is kept.
            unsafe {
                let piece = memory.alloc(layout);
                memory.dealloc(piece, layout);
                assert_eq!(memory.alloc(layout), piece, "{size}");
            }
        }
    }
}
