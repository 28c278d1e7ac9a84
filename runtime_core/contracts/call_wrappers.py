"""Wrappers of calls: code of plugins around the calls of endpoints, where they are computed."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from runtime_core.contracts.calls import Buffer, Call


class WrappedCall(Protocol):
    """A call that a wrapper answers, itself or by `answer`.

    What is read here raises what the call would raise: `InvalidPayload` and others.
    """

    @property
    def call(self) -> Call:
        """The call as it came."""

    @property
    def payload(self) -> Any:
        """The validated payload."""

    @property
    def address(self) -> str | None:
        """The digest of everything that the result depends on, as of `Runtime.call_address`."""

    @property
    def has_files(self) -> bool:
        """Whether the call has logged, or written to the folder of its run."""

    @property
    def headers(self) -> MutableMapping[str, str]:
        """Further headers of the answer over HTTP, as in `Reply`."""

    def begin(self, stage: str) -> None:
        """Begin a stage in the timings of the call."""

    def answer(self) -> Sequence[Buffer]:
        """Compute the call, once, and return its result as a document."""


@dataclass(frozen=True, kw_only=True)
class CallWrapper:
    """Declares a wrapper of the calls with documents, from the command line, HTTP and executors.

    `wrap(endpoint, output, binding)` is called once for an endpoint and a `Wire` of its results. It
    returns a function that answers these calls, or `None` to leave them alone, which costs them
    nothing. Of several wrappers, the first by name is outermost.

    A wrapper refuses a call with `InvalidPayload`, which is a 422 or exit code 2: a list of faults,
    each with a `type`, its `loc` in the payload and a `msg`. A wrapper whose `wrap` fails is left
    out with a warning, and the calls that it would refuse are computed; with `--strict-plugins`
    they fail. After any other fault of the returned function the call fails too.
    """

    name: str
    summary: str
    wrap: Callable[..., Callable[[WrappedCall], Sequence[Buffer]] | None]
