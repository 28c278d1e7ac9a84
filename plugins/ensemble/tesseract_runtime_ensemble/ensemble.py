"""An ensemble: many evaluations of one endpoint, which are made one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """A payload: a document with changes at some paths; `inputs` are what its row says of it."""

    body: bytes
    body_format: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Ensemble:
    """The evaluations of an endpoint; `facts` are what makes them the same when it is resumed.

    `evaluations` yields those whose index is wanted, in ascending order.
    """

    endpoint: str
    number: int
    facts: Mapping[str, Any]
    evaluations: Callable[[Callable[[int], bool]], Iterator[tuple[int, Evaluation]]]
