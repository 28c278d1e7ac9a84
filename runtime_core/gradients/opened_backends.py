"""The gradient backends of one Tesseract: their functions, bodies and states."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from runtime_core.catalog import Catalog
from runtime_core.contracts import Binding, GradientBackend, Unavailable
from runtime_core.errors import PluginFailed
from runtime_core.plugins.declarations import BackendState


@dataclass(frozen=True, kw_only=True)
class Served:
    """A function that computes an endpoint, and the backend that it comes from.

    `body` is the name of the function of the file that the backend differentiates, if it is one of
    the backend's bodies.
    """

    backend: str
    function: Callable[..., Any]
    body: str | None = None


class OpenedBackends:
    """Opens backends when they are first asked for a function, and closes them at the end."""

    def __init__(self, *, binding: Binding, catalog: Catalog) -> None:
        self._binding = binding
        self._catalog = catalog
        self._states: dict[str, Any] = {}
        self._closing = ExitStack()

    def provided(self, name: str, endpoint: str) -> Served | Unavailable:
        """Return the function of a backend for an endpoint, or the reason why it has none."""
        backend = self._catalog.gradient_backends.find(name)
        body = self._body(backend)
        if isinstance(body, Unavailable):
            return body
        facts = {
            "binding": self._binding,
            "body": None if body is None else getattr(self._binding.api.module, body),
            "settings": self._settings(name),
        }
        try:
            state = self._state(backend, facts)
            answer = backend.provide(endpoint=endpoint, state=state, **facts)
        except PluginFailed as fault:
            return Unavailable(self._catalog.faults.tolerate(fault))
        if isinstance(answer, Unavailable):
            return answer
        return Served(backend=name, function=answer, body=body)

    def close(self) -> None:
        """Close the states, the last one first; failures are noted."""
        self._states.clear()
        self._closing.close()

    def _state(self, backend: GradientBackend, facts: Mapping[str, Any]) -> Any:
        if backend.open is not None and backend.name not in self._states:
            opened: BackendState = backend.open(**facts)
            self._states[backend.name] = opened.value
            self._closing.callback(self._close, opened)
        return self._states.get(backend.name)

    def _close(self, opened: BackendState) -> None:
        try:
            if opened.close is not None:
                opened.close()
        except PluginFailed as fault:
            self._catalog.faults.tolerate(fault)

    def _body(self, backend: GradientBackend) -> str | Unavailable | None:
        """Return the name of the first body that the file defines; `None` if none is needed."""
        missing = None
        for name in backend.bodies:
            function = self._binding.api.function(name)
            if not isinstance(function, Unavailable):
                return name
            missing = missing or function
        return missing

    def _settings(self, name: str) -> dict[str, Any]:
        entry = self._catalog.gradient_backends.entries[name]
        return {
            section: self._binding.config.section(section)
            for section in self._catalog.sections_of(entry)
        }
