"""Gradient backends, which compute endpoints that the author's file does not define."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from runtime_core.contracts.unavailable import Unavailable


@dataclass(frozen=True, kw_only=True)
class GradientBackend:
    """Declares a gradient backend.

    `provide(endpoint, binding)`, with the name of an endpoint and a `Binding`, returns a function
    with the signature of an author's, or `Unavailable`. `auto_rank` orders the backends of the
    choice `auto`: native is 0, derived 10, exact ones 10 to 50, approximate ones 90; `None`
    excludes the backend. For the endpoints that it `approximates` it comes after all others.
    """

    name: str
    summary: str
    provide: Callable[..., Callable[..., Any] | Unavailable]
    auto_rank: int | None = None
    approximates: Collection[str] = ()
