//! What only the vendor's own words can show: errors inside of a success, from the folder's cassette.

use super::{Check, Level, Trial};
use crate::folder::{CASSETTE, Recorded, Trouble};

pub const FAULT: &str = "error-as-success";

/// Tries each recorded answer; `attempt` counts its trials.
pub fn in_success(trial: &Trial<'_>, mut attempt: impl FnMut(&mut Check, &Recorded)) -> Check {
    let mut check = Check::new("errors in a success", Level::Gold);
    let cassette = &trial.folder.cassette;
    if let Some(why) = cassette.absent.get(&Trouble::ErrorInSuccess) {
        check.needless(why);
        return check;
    }
    for recorded in cassette.answer.iter().filter(|recorded| recorded.fault == Trouble::ErrorInSuccess) {
        attempt(&mut check, recorded);
    }
    if check.tried == 0 {
        check.find(
            "error-in-success-not-shown",
            CASSETTE,
            "record what the vendor answers when a success holds an error, or say under [absent] why it has none",
        );
    }
    check
}
