"""The connector's voice in the hub's log. Outside of a component it speaks on standard error."""

import sys
from typing import Literal

Level = Literal["debug", "info", "warn", "error"]

try:
    from wit_world.imports import log as _hub  # type: ignore[import-not-found]
except ImportError:
    _hub = None


def log(level: Level, message: str) -> None:
    """One line for the people who run the hub. Never personal data: the hub cannot tell."""
    if _hub is None:
        print(f"{level}: {message}", file=sys.stderr)
    else:
        _hub.log(_hub.Level[level.upper()], message)
