"""What a connector in Python is written with: one class per role, and short ways to make and read the contract's values.

    import snodo_connector as snodo

    class Bell(snodo.Source):
        def decode(self, ctx, message):
            rung = snodo.json(message)
            return [snodo.draft("iot.alert.raised", rung)]

    source = Bell()

A connector is a set of pure functions: it has no clock, no network, no files and no state between calls. It is also an ordinary
module that any Python from 3.11 can test. The contract itself is `wit/v1/connector.wit`.
"""

from . import binary, contact, locale, money, name, time, url
from .contact import email, phone
from .contract import (
    Answer,
    Call,
    Context,
    Delivery,
    Draft,
    Event,
    Exchange,
    Message,
    Page,
    Question,
    Reply,
    Request,
    Settlement,
)
from .faults import (
    Fault,
    accepted,
    auth,
    duplicate,
    failed,
    ignored,
    misconfigured,
    permanent,
    rate_limited,
    retry,
)
from .money import Money, decimal
from .name import Name
from .roles import Destination, Poll, Source, Transform
from .shapes import Outcome, Step
from .text import filled, pointer, pointer_step, trim, truncate
from .values import (
    Plan,
    answer_json,
    ask,
    config,
    data,
    draft,
    exact_json,
    fault,
    header,
    is_success,
    json,
    json_request,
    known,
    page,
    retry_after_ms,
    state,
    text,
)
from .voice import Level, log

__all__ = [
    "Answer",
    "Call",
    "Context",
    "Delivery",
    "Destination",
    "Draft",
    "Event",
    "Exchange",
    "Fault",
    "Level",
    "Message",
    "Money",
    "Name",
    "Outcome",
    "Page",
    "Plan",
    "Poll",
    "Question",
    "Reply",
    "Request",
    "Settlement",
    "Source",
    "Step",
    "Transform",
    "accepted",
    "answer_json",
    "ask",
    "auth",
    "binary",
    "config",
    "contact",
    "data",
    "decimal",
    "draft",
    "duplicate",
    "email",
    "exact_json",
    "failed",
    "fault",
    "filled",
    "header",
    "ignored",
    "is_success",
    "json",
    "json_request",
    "known",
    "locale",
    "log",
    "misconfigured",
    "money",
    "name",
    "page",
    "permanent",
    "phone",
    "pointer",
    "pointer_step",
    "rate_limited",
    "retry",
    "retry_after_ms",
    "state",
    "text",
    "time",
    "trim",
    "truncate",
    "url",
]
