"""One class per role. A connector makes a subclass of those it plays, and names an instance: `destination = Slack()`.

The author writes what happens to one item; `…_exported` makes of it the class that the contract asks for, with one result per
item of a batch. A Fault that is raised becomes that item's fault; any other exception becomes `permanent`, with the exception's
words but none of the payload's.
"""

from abc import ABC, abstractmethod
from typing import Any, Callable, Iterable

from . import contract
from .contract import Context, Delivery, Draft, Err, Event, Exchange, Message, Ok, Reply
from .faults import Fault, permanent
from .quotes import without_payload
from .values import Plan


class Source(ABC):
    """Foreign messages in, events out."""

    @abstractmethod
    def decode(self, ctx: Context, message: Message) -> list[Draft]:
        """What one message says. A fault keeps the whole message in quarantine; its neighbours are not touched."""


class Poll(ABC):
    """A source that must be asked."""

    @abstractmethod
    def next(self, ctx: Context, cursor: bytes | None, reply: Reply | None) -> "contract.Step":
        """Without a reply: what to ask. With one: what it says, or what else to ask before that can be said."""


class Destination(ABC):
    """Events in, requests out; answers in, outcomes out."""

    @abstractmethod
    def encode(self, ctx: Context, deliveries: list[Delivery]) -> Plan:
        """Plans the whole batch: every delivery covered by exactly one call, or settled at once."""

    @abstractmethod
    def interpret(self, ctx: Context, exchange: Exchange) -> Plan:
        """What an answer means for the deliveries its call covered. Places count within the exchange."""


class Transform(ABC):
    """Events in, events out."""

    @abstractmethod
    def apply(self, ctx: Context, event: Event) -> list[Draft]:
        """Zero, one or more events in the place of one."""


def source_exported(role: Source) -> type:
    class Exported:
        def decode(self, ctx: Context, messages: list[Message]) -> list[Any]:
            return [
                _result(lambda: _drafts(role.decode(ctx, message)), lambda: [message.body, message.name])
                for message in messages
            ]

    return Exported


def poll_exported(role: Poll) -> type:
    class Exported:
        def next(self, ctx: Context, cursor: bytes | None, reply: Reply | None) -> Any:
            payload = lambda: [cursor, *([reply.state, reply.answer.body] if reply else [])]  # noqa: E731
            result = _result(lambda: _step(role.next(ctx, cursor, reply)), payload)
            # A result that is the whole answer of a call is returned or raised.
            if isinstance(result, Err):
                raise result
            return result.value

    return Exported


def destination_exported(role: Destination) -> type:
    class Exported:
        def encode(self, ctx: Context, deliveries: list[Delivery]) -> Any:
            return _encode(role, ctx, deliveries)

        def interpret(self, ctx: Context, exchanges: list[Exchange]) -> list[Plan]:
            return [_interpret(role, ctx, exchange) for exchange in exchanges]

    return Exported


def transform_exported(role: Transform) -> type:
    class Exported:
        def apply(self, ctx: Context, events: list[Event]) -> list[Any]:
            return [_result(lambda: _drafts(role.apply(ctx, event)), lambda: [event.data]) for event in events]

    return Exported


def _encode(role: Destination, ctx: Context, deliveries: list[Delivery]) -> Any:
    """A batch that raises is planned one by one, so that only the delivery at fault fails."""
    result = _result(lambda: role.encode(ctx, deliveries), lambda: _payload(deliveries))
    if isinstance(result, Ok):
        return result.value
    if len(deliveries) == 1:
        return Plan.settle_all(1, contract.Outcome_Failed(result.value))
    whole = Plan()
    for place, delivery in enumerate(deliveries):
        plan = _encode(role, ctx, [delivery])
        whole.calls += [contract.Call(call.request, [place], call.state) for call in plan.calls]
        for settlement in plan.settled:
            whole.settle(place, settlement.outcome)
    return whole


def _interpret(role: Destination, ctx: Context, exchange: Exchange) -> Any:
    payload = lambda: [exchange.answer.body, *_payload(exchange.deliveries)]  # noqa: E731
    result = _result(lambda: role.interpret(ctx, exchange), payload)
    if isinstance(result, Ok):
        return result.value
    return Plan.settle_all(len(exchange.deliveries), contract.Outcome_Failed(result.value))


def _drafts(found: list[Draft]) -> list[Draft]:
    if not isinstance(found, list):
        raise TypeError("what was returned is no list of drafts")
    for made in found:
        _check_texts(made)
    return found


def _step(step: Any) -> Any:
    if isinstance(step, contract.Step_Page):
        _drafts(step.value.events)
    return step


def _check_texts(made: Draft) -> None:
    """A number where the vendor's documentation has a text must not end the instance: what crosses over has to be text."""
    for name in ("kind", "key", "subject", "time", "ordering_key"):
        value = getattr(made, name)
        if not isinstance(value, str) and (name == "kind" or value is not None):
            raise permanent(f"{name} of an event is no text")


def _payload(deliveries: list[Delivery]) -> list[Any]:
    return [
        part
        for delivery in deliveries
        for part in (
            delivery.event.data,
            delivery.event.subject,
            delivery.event.ordering_key,
            delivery.customer,
        )
    ]


def _result(attempt: Callable[[], Any], payload: Callable[[], Iterable[bytes | str | None]]) -> Any:
    try:
        return Ok(attempt())
    except Fault as fault:
        return Err(fault.value)
    except Exception as error:
        told = without_payload(f"{type(error).__name__}: {error}", payload())
        return Err(permanent(told).value)
