"""Short ways to make and read the contract's values."""

import json as _json
from typing import Any, Callable, Mapping

from . import contract
from .contract import Answer, Context, Draft, Event, Exchange, Message, Reply, Request
from .faults import Fault, auth, misconfigured, permanent, rate_limited, retry
from .text import trim


def config(ctx: Context) -> Any:
    """The channel's configuration. Read once for each batch."""
    if not hasattr(ctx, "_read"):
        ctx._read = _parse(ctx.config, lambda why: misconfigured(f"failed to read the configuration: {why}"))  # type: ignore[attr-defined]
    return ctx._read  # type: ignore[attr-defined]


def header(of: Message | Answer, name: str) -> str | None:
    """The first header of that name (lower case)."""
    return next((value for key, value in of.headers if key == name), None)


def text(of: Message | Answer | Request) -> str:
    """The body as text. Bytes that are no UTF-8 become U+FFFD."""
    return of.body.decode("utf-8", "replace")


def json(message: Message) -> Any:
    """The body as JSON; a fault says where it is not."""
    return _parse(message.body, _not_json)


def exact_json(message: Message) -> Any:
    """The same with every number as its own text: nothing of an amount or a long id is lost."""
    return _parse(message.body, _not_json, parse_int=str, parse_float=str)


def data(event: Event) -> Any:
    """The canonical body."""
    return _parse(event.data, lambda why: permanent(f"failed to read the event's body: {why}"))


def answer_json(answer: Answer) -> Any:
    """The body as JSON, or None if it is something else."""
    try:
        return _json.loads(answer.body.decode("utf-8"))
    except ValueError:
        return None


def state(told: Exchange | Reply) -> Any:
    """What the call, or the poll's question, was given as its state."""
    return _json.loads(told.state) if told.state else None


def is_success(answer: Answer) -> bool:
    return 200 <= answer.status < 300


def fault(answer: Answer, message: str) -> Fault:
    """What the status alone says by HTTP's own rules (RFC 9110, and RFC 6585 for 429). A vendor may mean something else."""
    after_ms = retry_after_ms(answer)
    match answer.status:
        case 401 | 403:
            return auth(message)
        case 429:
            return rate_limited(message, after_ms=after_ms)
        case 404 | 405 | 410:
            return misconfigured(message)
        case status if status in (408, 409, 423, 425) or status >= 500:
            return retry(message) if after_ms is None else rate_limited(message, after_ms=after_ms)
        case _:
            return permanent(message)


def retry_after_ms(answer: Answer) -> int | None:
    """`Retry-After` in seconds (RFC 9110, 10.2.3). The host turns its date form into seconds before it gets here."""
    seconds = trim(header(answer, "retry-after") or "").removeprefix("+")
    if not (seconds.isascii() and seconds.isdigit()) or len(seconds) > 16:
        return None
    return int(seconds) * 1000


def draft(
    kind: str,
    data: Mapping[str, Any],
    *,
    key: str | None = None,
    subject: str | None = None,
    time: str | None = None,
    ordering_key: str | None = None,
    attributes: Mapping[str, str] | None = None,
) -> Draft:
    """An event of that kind with that body."""
    return Draft(key, kind, subject, time, ordering_key, list((attributes or {}).items()), _bytes(data))


def known(**fields: Any) -> dict[str, Any]:
    """Leaves out what is not known: None, empty text, an empty list or dictionary."""
    return {name: value for name, value in fields.items() if value is not None and value not in ("", [], {}, ())}


def json_request(method: str, target: str, body: Any, headers: Mapping[str, str] | None = None) -> Request:
    """A request with a JSON body."""
    return Request(
        method, target, [("content-type", "application/json"), *(headers or {}).items()], _bytes(body)
    )


class Plan(contract.PlanValue):
    """Requests, and deliveries that are settled at once. Every delivery is in exactly one of them."""

    def __init__(self) -> None:
        super().__init__([], [])

    def call(self, request: Request, covers: list[int], state: Any = None) -> None:
        """A request for these deliveries, by their places. `state`, any JSON, comes back with the answer: see `state()`."""
        self.calls.append(contract.Call(request, covers, _stored(state)))

    def settle(self, delivery: int, outcome: contract.Outcome) -> None:
        self.settled.append(contract.Settlement(delivery, outcome))

    @classmethod
    def settle_all(cls, count: int, outcome: contract.Outcome) -> "Plan":
        """The same outcome for the first `count` deliveries: for an answer that speaks for all of its call."""
        plan = cls()
        for place in range(count):
            plan.settle(place, outcome)
        return plan


def ask(request: Request, state: Any = None) -> contract.Step:
    """Of a poll: this is what to ask. `state`, any JSON, comes back with the reply: see `state()`."""
    return contract.Step_Ask(contract.Question(request, _stored(state)))


def page(
    events: list[Draft], *, cursor: bytes, more: bool = False, wait_ms: int | None = None
) -> contract.Step:
    """Of a poll: this is what it says. `wait_ms` leaves the other side alone for so long."""
    return contract.Step_Page(contract.Page(events, cursor, more, wait_ms))


def _not_json(why: str) -> Fault:
    return permanent(f"failed to read the body as JSON: {why}")


def _parse(text: bytes, fault: Callable[[str], Fault], **numbers: Any) -> Any:
    try:
        return _json.loads(text.decode("utf-8"), parse_constant=_no_number, **numbers)
    except _json.JSONDecodeError as error:
        raise fault(f"not JSON at line {error.lineno} column {error.colno}") from None
    except ValueError:
        raise fault("not JSON") from None


def _no_number(name: str) -> None:
    # Python reads NaN and Infinity, which are not JSON.
    raise ValueError(name)


def _stored(state: Any) -> bytes:
    return b"" if state is None else _bytes(state)


def _bytes(value: Any) -> bytes:
    return _json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8")
