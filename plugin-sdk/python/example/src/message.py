"""An event as the text of a Slack message."""

from typing import Any

import snodo_connector as snodo

TEXT_MAX = 3000
"""A notification, not a document."""


def message(event: snodo.Event, settings: dict[str, Any]) -> dict[str, Any]:
    head = f"*{escaped(settings.get('title', event.kind))}*"
    about = " · ".join(escaped(part) for part in (event.subject, event.time) if part)
    body = snodo.data(event)
    fields = ((label, at(body, pointer)) for label, pointer in settings.get("fields", {}).items())
    lines = [f"{escaped(label)}: {escaped(shown(value))}" for label, value in fields if value is not None]
    return {"text": cut("\n".join([head, about, *lines]))}


def at(value: Any, pointer: str) -> Any:
    """What a JSON Pointer (RFC 6901) leads to, or None."""
    for step in pointer.split("/")[1:]:
        step = step.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(shown(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{name} {shown(item)}" for name, item in value.items())
    return str(value)


def escaped(text: str) -> str:
    """These three characters, and no others: https://api.slack.com/docs/message-formatting"""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def cut(text: str) -> str:
    return text if len(text) <= TEXT_MAX else text[: TEXT_MAX - 1] + "…"
