//! What was acknowledged is there after `kill -9`, and the store opens without repair.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use crate::writing::{Answered, Task, child, write_if_child};

#[test]
fn what_was_acknowledged_survives_a_kill() {
    write_if_child();
    let directory = tempfile::tempdir().unwrap();
    let mut answered = Answered::default();
    // Killed early, and after the log has been copied and started over.
    for more in [1, 40, 1_200, 6_000, 9] {
        run_and_kill(directory.path(), &mut answered, more);
        answered.check(directory.path()).unwrap();
    }
}

fn run_and_kill(directory: &Path, answered: &mut Answered, more: usize) {
    let mut child = child("crash::what_was_acknowledged_survives_a_kill", directory, &Task::default())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let enough = answered.count() + more;
    while answered.count() < enough {
        answered.hear(&lines.next().expect("the child writes until it is killed").unwrap());
    }
    child.kill().unwrap();
    lines.for_each(|line| answered.hear(&line.unwrap()));
    child.wait().unwrap();
}
