//! The only thing a guest can call: the log. Bounded in lines and length, and told with the channel's name.

use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, Lift, Linker, WasmStr};

use crate::instance::State;
use crate::limits::{LOG_LINE_BYTES_MAX, LOG_LINES_MAX};

#[derive(Clone, Copy, Debug, PartialEq, ComponentType, Lift)]
#[component(enum)]
#[repr(u8)]
#[expect(dead_code, reason = "its values are made by guests")]
pub enum Level {
    #[component(name = "debug")]
    Debug,
    #[component(name = "info")]
    Info,
    #[component(name = "warn")]
    Warn,
    #[component(name = "error")]
    Error,
}

/// What a guest has said during one call.
#[derive(Default)]
pub struct Said {
    lines: u32,
    dropped: u32,
    /// The last complaint: why it gave up, if it then does.
    pub last_error: Option<String>,
}

/// Defines the log under the exact name by which a component imports it.
pub fn define(linker: &mut Linker<State>, name: &str) -> wasmtime::Result<()> {
    linker.instance(name)?.func_wrap(
        "log",
        |mut store: StoreContextMut<'_, State>, (level, text): (Level, WasmStr)| {
            let said = &mut store.data_mut().said;
            if said.lines == LOG_LINES_MAX {
                said.dropped += 1;
                return Ok(());
            }
            said.lines += 1;
            let line = one_line(&text.to_str(&store)?);
            let state = store.data_mut();
            tell(level, &state.channel, &line);
            if level == Level::Error {
                state.said.last_error = Some(line);
            }
            Ok(())
        },
    )
}

impl Said {
    /// Call when the guest is back.
    pub fn finish(&mut self, channel: &str) {
        if self.dropped > 0 {
            tracing::warn!(
                channel,
                dropped = self.dropped,
                "the connector said more than {LOG_LINES_MAX} lines in one call"
            );
        }
    }
}

fn tell(level: Level, channel: &str, line: &str) {
    match level {
        Level::Debug => tracing::debug!(channel, "{line}"),
        Level::Info => tracing::info!(channel, "{line}"),
        Level::Warn => tracing::warn!(channel, "{line}"),
        Level::Error => tracing::error!(channel, "{line}"),
    }
}

/// A guest cannot begin a line of its own in the hub's log, nor colour it.
fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len().min(LOG_LINE_BYTES_MAX));
    for letter in text.chars() {
        if line.len() + letter.len_utf8() > LOG_LINE_BYTES_MAX {
            line.push('…');
            break;
        }
        line.push(if letter.is_control() { ' ' } else { letter });
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_line_and_not_too_long() {
        for (text, line) in [
            ("plain", "plain".to_owned()),
            ("a\nb\x1b[31m", "a b [31m".to_owned()),
            (&"ü".repeat(600), format!("{}…", "ü".repeat(512))),
        ] {
            assert_eq!(one_line(text), line);
        }
    }
}
