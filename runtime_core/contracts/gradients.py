"""Gradient backends, which compute endpoints that the author's file does not define."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from runtime_core.contracts.unavailable import Unavailable


@dataclass(frozen=True, kw_only=True)
class GradientBackend:
    """Declares a gradient backend.

    `provide(endpoint, binding, state, body, settings)`, with the name of an endpoint and a
    `Binding`, returns a function with the signature of an author's, or `Unavailable`.

    `open(binding, body, settings)` returns the `state` of the backend for one Tesseract. It is
    called before the first `provide`, and a method `close()` of the state, if there is one, at
    teardown.

    `bodies` are the names of functions that the backend can differentiate, as `apply_jit`: the
    first that the file defines is the `body`, and without one the backend is unavailable. Such a
    function takes and returns nested dicts and lists of arrays, as `inputs.model_dump()` has them.
    `settings` has the options of the plugin's own `Settings`, by section.

    `auto_rank` orders the backends of the choice `auto`: native is 0, derived 10, exact ones 10 to
    50, approximate ones 90; `None` excludes the backend. For the endpoints that it `approximates`
    it comes after all others.
    """

    name: str
    summary: str
    provide: Callable[..., Callable[..., Any] | Unavailable]
    open: Callable[..., Any] | None = None
    bodies: Sequence[str] = ()
    auto_rank: int | None = None
    approximates: Collection[str] = ()
