"""Why something did not work. The constructors make exceptions to raise; the case is the policy."""

from . import contract
from .contract import Problem, Wait


class Fault(Exception):
    """`value` is the contract's own form."""

    def __init__(self, value: "contract.FaultValue") -> None:
        problem = value.value.problem if isinstance(value, contract.Fault_RateLimited) else value.value
        super().__init__(problem.message)
        self.value = value


def retry(message: str, at: str | None = None) -> Fault:
    """It may work later: try again by the schedule."""
    return Fault(contract.Fault_Retry(Problem(message, at)))


def rate_limited(
    message: str, *, after_ms: int | None = None, bucket: str | None = None, at: str | None = None
) -> Fault:
    """The other side asks for patience: `after_ms` if it named a time, `bucket` if it named a quota."""
    return Fault(contract.Fault_RateLimited(Wait(after_ms, bucket, Problem(message, at))))


def auth(message: str, at: str | None = None) -> Fault:
    """The credential was refused."""
    return Fault(contract.Fault_Auth(Problem(message, at)))


def permanent(message: str, at: str | None = None) -> Fault:
    """It will never work. `at` is a JSON Pointer to the place at fault."""
    return Fault(contract.Fault_Permanent(Problem(message, at)))


def misconfigured(message: str, at: str | None = None) -> Fault:
    """It will not work until somebody changes the channel."""
    return Fault(contract.Fault_Misconfigured(Problem(message, at)))


def accepted(id: str | None = None) -> "contract.Outcome":
    """Taken; with the id the destination gave it, where it gave one."""
    return contract.Outcome_Accepted(id)


def duplicate() -> "contract.Outcome":
    """The destination already had it."""
    return contract.Outcome_Duplicate()


def ignored(message: str, at: str | None = None) -> "contract.Outcome":
    """There is nothing to do for it at the destination, and why."""
    return contract.Outcome_Ignored(Problem(message, at))


def failed(fault: Fault) -> "contract.Outcome":
    """Not taken, for this reason."""
    return contract.Outcome_Failed(fault.value)
