"""The readings of the Python SDK, each given what `readings.json` says. Run it with `python3 readings_test.py`."""

import inspect
import json
import unittest
from pathlib import Path
from typing import Any, Callable

import snodo_connector as snodo

READINGS: dict[str, list[list[Any]]] = json.loads((Path(__file__).parent.parent / "readings.json").read_text("utf-8"))
SUBJECTS = ("binary", "contact", "locale", "money", "name", "time", "url")


def reading(name: str) -> Callable[..., Any]:
    """Those on text have no module of that name: `text` is what reads a body."""
    subject, own = name.split(".")
    found: Callable[..., Any] = getattr(snodo if subject == "text" else getattr(snodo, subject), own)
    return found


def plain(value: Any) -> Any:
    """As JSON has it: bytes are numbers, tuples are lists."""
    if isinstance(value, (bytes, list, tuple)):
        return [plain(item) for item in value]
    return value


class Readings(unittest.TestCase):
    def test_what_is_given_is_read_as_the_file_says(self) -> None:
        for name, cases in READINGS.items():
            for *given, expected in cases:
                with self.subTest(reading=name, given=given):
                    self.assertEqual(plain(reading(name)(*given)), expected)

    def test_the_file_has_every_reading(self) -> None:
        for subject in SUBJECTS:
            module = getattr(snodo, subject)
            functions = inspect.getmembers(module, inspect.isfunction)
            own = {name for name, function in functions if function.__module__ == module.__name__ and name[0] != "_"}
            told = {name.split(".")[1] for name in READINGS if name.startswith(f"{subject}.")}
            self.assertEqual(own, told, subject)

    def test_what_is_no_text_cannot_be_read(self) -> None:
        for name, cases in READINGS.items():
            if not isinstance(cases[0][0], str) or all(case[-1] is not None for case in cases):
                continue
            odd: Any
            for odd in (None, {}, True):
                with self.subTest(reading=name, given=odd):
                    self.assertIsNone(reading(name)(odd, *cases[0][1:-1]))


if __name__ == "__main__":
    unittest.main()
