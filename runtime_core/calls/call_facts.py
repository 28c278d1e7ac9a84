"""The facts of the running call that the function of an endpoint may ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from runtime_core.calls.scope import Scope, current
from runtime_core.plugins.keyword_call import facts_named

Answer = Callable[..., object]


def with_facts(answer: Answer) -> Callable[[Any], object]:
    """Return the function of an endpoint as one of the payload alone."""
    named = facts_named(answer)
    if not named:
        return answer

    def answered(payload: Any) -> object:
        here = current()
        return answer(payload, **{name: _FACTS[name](here) for name in named})

    return answered


def _run_id(here: Scope) -> str:
    assert here.run is not None  # an endpoint is computed in a call
    return here.run.id


_FACTS: Mapping[str, Callable[[Scope], Any]] = MappingProxyType(
    {
        "run_id": _run_id,
        "deadline": lambda here: here.deadline,
        "metadata": lambda here: here.metadata,
    }
)
