"""Gradient backends: who computes an endpoint that the author did not write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from runtime_core.contracts.endpoints import Binding
from runtime_core.contracts.unavailable import Unavailable


@dataclass(frozen=True, kw_only=True)
class GradientBackend:
    """Declares a gradient backend.

    `provide(endpoint name, binding)` returns a function with the signature that an author would
    have given it, or says why it cannot. `auto_rank` is its place when the choice is `auto`:
    native is 0, derived 10, exact ones 10 to 50, approximate ones 90; `None` keeps it out.
    """

    name: str
    summary: str
    provide: Callable[[str, Binding], Callable[..., Any] | Unavailable]
    auto_rank: int | None = None
