//! How a batch becomes several requests, and what each is called. Pure arithmetic over places.

use std::ops::Range;

use snodo_connector::Delivery;

/// A refused array of 100 is sent again as ten of ten, then as singles: two more rounds find every event at fault.
pub const PARTS: usize = 10;

/// Neighbouring places, at most `size_max` in each part.
pub fn parts(count: usize, size_max: usize) -> impl Iterator<Item = Range<usize>> {
    let size = size_max.max(1);
    (0..count).step_by(size).map(move |start| start..count.min(start + size))
}

pub fn places(part: Range<usize>) -> Vec<u32> {
    part.map(|place| u32::try_from(place).expect("a batch is bounded far below u32")).collect()
}

/// The `webhook-id` of an array: the same events in the same order have the same id, others have another. A receiver that
/// drops an id it knows must not lose an event that only now shares a request with its old neighbours.
pub fn id(deliveries: &[Delivery]) -> String {
    if let [only] = deliveries {
        return only.idempotency_key.clone();
    }
    // FNV-1a, 128 bit (Fowler, Noll, Vo; RFC 9923). A NUL ends each key, so that "a","bc" is not "ab","c".
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let keys = deliveries.iter().flat_map(|delivery| delivery.idempotency_key.bytes().chain([0]));
    let hash = keys.fold(OFFSET, |hash, byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME));
    format!("batch_{hash:032x}")
}
