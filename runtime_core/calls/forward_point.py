"""The inputs of the running call, at which it keeps what it has solved or finds it again."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import FunctionType, ModuleType
from typing import Any

from runtime_core.calls.content import Content
from runtime_core.calls.forward_states import ForwardStates

_MOST_OBJECTS = 100_000  # that are looked at to estimate the memory of a value


@dataclass(kw_only=True, slots=True)
class KeptState:
    """The value that a call has kept, with the shapes of differentiable outputs, if known."""

    value: object
    shapes: Mapping[str, tuple[int, ...]] | None = None


@dataclass(kw_only=True, slots=True)
class ForwardPoint:
    """The inputs of the running call, with their content from before the author's code ran.

    A state is found by the `caller` alone whose call has kept it: a fast answer would tell others
    what has been computed.
    """

    states: ForwardStates[KeptState]
    caller: str | None
    inputs: object
    content: Content | None
    state: KeptState | None = None  # that this call has kept

    def keep(self, value: object, size: int | None) -> bool:
        """Keep a value for these inputs; `size` is its number of bytes, if it is known."""
        if self.content is None:
            return False
        if size is None:
            size = memory_of(value)
        self.state = KeptState(value=value)
        key = (self.caller, self.content)
        return self.states.put(key, self.state, size + self.content.size)

    def kept(self, inputs: object) -> Any:
        """Return the value that was kept for some inputs, or `None`, and count it."""
        content = self.content if inputs is self.inputs else Content.of(inputs)
        found = None if content is None else self.states.find((self.caller, content))
        return None if found is None else found.value

    def shapes(self) -> Mapping[str, tuple[int, ...]] | None:
        """Return the shapes of differentiable outputs, if a state was kept with them."""
        found = None if self.content is None else self.states.peek((self.caller, self.content))
        return None if found is None else found.shapes


def forward_point(
    payload: object, states: ForwardStates[KeptState] | None, caller: str | None
) -> ForwardPoint | None:
    """Return the point of a validated payload, if it has inputs."""
    inputs = getattr(payload, "inputs", None)
    if inputs is None or states is None:
        return None
    return ForwardPoint(states=states, caller=caller, inputs=inputs, content=Content.of(inputs))


def memory_of(value: object) -> int:
    """Estimate the bytes of a value: its arrays, and the objects that it refers to.

    >>> import numpy as np
    >>> memory_of({"factors": [np.zeros(1000), np.zeros(1000)]}) > 16_000
    True
    """
    total, seen, waiting = 0, set[int](), [value]
    while waiting and len(seen) < _MOST_OBJECTS:
        item = waiting.pop()
        if id(item) in seen or isinstance(item, type | ModuleType):
            continue
        seen.add(id(item))
        size = getattr(item, "nbytes", None)
        if isinstance(size, int):  # an array, of any package
            total += size
        else:
            total += sys.getsizeof(item, 0)
            waiting.extend(_referents(item))
    return total


def _referents(item: object) -> Iterator[object]:
    """Yield what an object refers to; of a function what it has captured, not its module."""
    if not isinstance(item, FunctionType):
        yield from gc.get_referents(item)
        return
    yield from item.__closure__ or ()
    yield from item.__defaults__ or ()
