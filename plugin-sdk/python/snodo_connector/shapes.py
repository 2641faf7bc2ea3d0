"""The contract's values as they look in Python: what componentize-py makes of `wit/v1/connector.wit`.

In a component its own generated classes stand in their place; outside of one these do, so that a connector can be tested, and
checked for types, by any Python. Kebab-case becomes snake_case; `list<u8>` is bytes, `option<T>` is T or None, a variant is one
class per case, a result within a list is `Ok(value)` or `Err(value)`.
"""

from dataclasses import dataclass
from typing import Generic, TypeVar, Union

T = TypeVar("T")


@dataclass
class Ok(Generic[T]):
    value: T


@dataclass(frozen=True)
class Err(Generic[T], Exception):
    value: T


@dataclass
class Context:
    """What every call is told. Read `config` with `config(ctx)`."""

    channel: str
    config: bytes
    now: int
    """Milliseconds since 1970-01-01T00:00:00Z. The only clock there is."""


@dataclass
class Message:
    """Something a touchpoint sent, as it came. `received_at` is in milliseconds since the epoch."""

    id: str
    received_at: int
    headers: list[tuple[str, str]]
    name: str
    body: bytes


@dataclass
class Draft:
    """An event as a source tells it. Made by `draft()`."""

    key: str | None
    kind: str
    subject: str | None
    time: str | None
    ordering_key: str | None
    attributes: list[tuple[str, str]]
    data: bytes


@dataclass
class Event:
    """A canonical event. Read its body with `data(event)`."""

    id: str
    kind: str
    source: str
    subject: str | None
    time: str
    dataschema: str
    ordering_key: str
    attributes: list[tuple[str, str]]
    data: bytes


@dataclass
class Delivery:
    """One event on its way to one destination. `attempt` is 1 for the first."""

    idempotency_key: str
    attempt: int
    customer: str | None
    event: Event


@dataclass
class Request:
    """What should be sent. A header's value may hold `{{secret:NAME}}`, and so may the target behind its host."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes


@dataclass
class Answer:
    """What was answered."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


@dataclass
class Problem:
    """What was wrong and what to do about it. No personal data, no secret. `at` is a JSON Pointer."""

    message: str
    at: str | None


@dataclass
class Wait:
    after_ms: int | None
    bucket: str | None
    problem: Problem


@dataclass
class Fault_Retry:
    value: Problem


@dataclass
class Fault_RateLimited:
    value: Wait


@dataclass
class Fault_Auth:
    value: Problem


@dataclass
class Fault_Permanent:
    value: Problem


@dataclass
class Fault_Misconfigured:
    value: Problem


FaultValue = Union[Fault_Retry, Fault_RateLimited, Fault_Auth, Fault_Permanent, Fault_Misconfigured]


@dataclass
class Outcome_Accepted:
    value: str | None


@dataclass
class Outcome_Duplicate:
    pass


@dataclass
class Outcome_Ignored:
    value: Problem


@dataclass
class Outcome_Failed:
    value: FaultValue


Outcome = Union[Outcome_Accepted, Outcome_Duplicate, Outcome_Ignored, Outcome_Failed]


@dataclass
class Question:
    """What a poll asks. Made by `ask()`."""

    request: Request
    state: bytes


@dataclass
class Reply:
    """What came back to a question. Read `state` with `state(reply)`."""

    state: bytes
    answer: Answer


@dataclass
class Page:
    events: list[Draft]
    cursor: bytes
    more: bool
    wait_ms: int | None


@dataclass
class Step_Ask:
    value: Question


@dataclass
class Step_Page:
    value: Page


Step = Union[Step_Ask, Step_Page]


@dataclass
class Call:
    request: Request
    covers: list[int]
    state: bytes


@dataclass
class Settlement:
    delivery: int
    outcome: Outcome


@dataclass
class PlanValue:
    calls: list[Call]
    settled: list[Settlement]


@dataclass
class Exchange:
    """A call that was sent, with what came back. Read `state` with `state(exchange)`."""

    deliveries: list[Delivery]
    state: bytes
    answer: Answer
