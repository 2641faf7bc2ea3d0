//! Whose turn it is at a destination: which deliveries keep their order among each other, what one that cannot be sent does to
//! those behind it, and who goes first of those that need not wait for each other. Pure.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The deliveries of one destination that keep their order: those with one ordering key. Others never wait for them.
///
/// A digest of the key: two keys that share a lane, one in 2^63 pairs, keep an order that nobody asked for, and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Lane(pub i64);

impl Lane {
    pub fn of(ordering_key: &str) -> Self {
        let digest = blake3::hash(ordering_key.as_bytes());
        let (first, _) = digest.as_bytes().split_first_chunk().expect("a digest has 32 bytes");
        Self(i64::from_le_bytes(*first))
    }
}

/// What a delivery that is to be tried again does to those behind it in its lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Stuck {
    /// They wait for it.
    #[default]
    Block,
    /// It is tried again beside the lane, and they go on.
    Skip,
    /// They wait for it, until a newer one of its type comes by the same route: that goes in its place, and it is expired.
    Newest,
}

/// Who goes first at a destination, of those that need not wait for each other.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// What a person may demand by law: consent, access, erasure.
    Privacy,
    /// What somebody waits for.
    #[default]
    Service,
    /// What can wait: its purpose rests on consent or on a legitimate interest.
    Marketing,
    /// What is sent once more, for whatever reason it went out first.
    #[schemars(skip)]
    #[serde(skip_deserializing)]
    Replay,
}

impl Class {
    /// Those that go first, first.
    pub const ALL: [Self; 4] = [Self::Privacy, Self::Service, Self::Marketing, Self::Replay];
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lanes are stored: an upgrade must find the same ones.
    #[test]
    fn a_lane_is_the_same_for_ever() {
        assert_eq!(Lane::of(""), Lane(0xa6a1_f9f5_b949_13af_u64.cast_signed()));
        assert_ne!(Lane::of("customer-1"), Lane::of("customer-2"));
    }
}
