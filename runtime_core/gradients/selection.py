"""The selection of a gradient backend for each endpoint of a Tesseract.

The options of the runtime override `gradient_backend` in the author's file; the default is
`native`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from runtime_core.catalog import Catalog
from runtime_core.config import EVERY_ENDPOINT, BackendChoice, parse_backend_choice
from runtime_core.contracts import Binding, Unavailable
from runtime_core.errors import (
    InvalidOption,
    InvalidTesseract,
    TesseractRuntimeError,
    UnknownName,
)
from runtime_core.gradients.opened_backends import OpenedBackends, Served

NATIVE = "native"
"""The backend of the author's own functions."""

AUTO = "auto"
"""The choice of the first backend by rank that can compute an endpoint."""


def nothing_differentiable(binding: Binding) -> str | None:
    """Return the reason why a Tesseract has no gradients at all, if there is one."""
    schemas = binding.schemas
    for arrays in (schemas.differentiable_inputs, schemas.differentiable_outputs):
        if not arrays.by_template:
            name = arrays.schema.__name__
            return f"{name} has nothing differentiable: mark an array as Differentiable[...]."
    return None


class GradientBackends:
    """Selects the function of each endpoint of one Tesseract."""

    def __init__(self, *, binding: Binding, catalog: Catalog) -> None:
        self._binding = binding
        self._catalog = catalog
        self._opened = OpenedBackends(binding=binding, catalog=catalog)
        self._serving: dict[str, Served | Unavailable] = {}

    def serving(self, endpoint: str) -> Served | Unavailable:
        """Return the function that computes an endpoint, or the reason why there is none.

        Raises `UnknownName` for an unknown choice, `InvalidOption` if the backend chosen for this
        endpoint by name cannot compute it, and `InvalidTesseract` for either in the author's file.
        """
        if endpoint not in self._serving:
            self._serving[endpoint] = self._found(endpoint)
        return self._serving[endpoint]

    @property
    def required(self) -> Sequence[str]:
        """The gradients that the file has a function for, or whose backend is chosen."""
        chosen = {**self._file, **self._options}
        every = chosen.get(EVERY_ENDPOINT, NATIVE) != NATIVE
        names = filter(self._is_gradient, self._catalog.endpoints.names)
        own = self._binding.api.function
        return [n for n in names if every or n in chosen or not isinstance(own(n), Unavailable)]

    @property
    def used(self) -> Mapping[str, Served]:
        """The selected functions by endpoint; those of the file only if they are gradients."""
        return {
            endpoint: served
            for endpoint, served in self._serving.items()
            if isinstance(served, Served)
            and (served.backend != NATIVE or self._is_gradient(endpoint))
        }

    def close(self) -> None:
        """Close the backends; they are opened again when they are asked again."""
        self._serving.clear()
        self._opened.close()

    def _found(self, endpoint: str) -> Served | Unavailable:
        for choice, error in ((self._options, InvalidOption), (self._file, InvalidTesseract)):
            if endpoint in choice:
                return self._required(choice[endpoint], endpoint, error)
            if EVERY_ENDPOINT in choice:
                return self._optional(choice[EVERY_ENDPOINT], endpoint)
        return self._optional(NATIVE, endpoint)

    def _required(self, backend: str, endpoint: str, error: type[TesseractRuntimeError]) -> Served:
        found = self._preferred(backend, endpoint)
        if isinstance(found, Unavailable):
            file = f"gradient_backend of {self._binding.api.path.name}: "
            place = file if error is InvalidTesseract else ""
            raise error(f"{place}{endpoint} cannot be served as chosen. {found.reason}")
        return found

    def _optional(self, backend: str, endpoint: str) -> Served | Unavailable:
        if self._is_gradient(endpoint):
            return self._preferred(backend, endpoint)
        own = self._opened.provided(NATIVE, endpoint)
        if isinstance(own, Served):
            return own
        for found in (self._preferred(backend, endpoint), self._first(endpoint)):
            if isinstance(found, Served):
                return found
        return own

    def _preferred(self, backend: str, endpoint: str) -> Served | Unavailable:
        nothing = nothing_differentiable(self._binding) if self._is_gradient(endpoint) else None
        if nothing is not None:
            if isinstance(self._opened.provided(NATIVE, endpoint), Served):
                raise InvalidTesseract(f"There is a function {endpoint!r}, but {nothing}")
            return Unavailable(nothing)
        if backend == AUTO:
            return self._first(endpoint)
        found = self._opened.provided(backend, endpoint)
        if isinstance(found, Served):
            return found
        others = self._others(backend)
        if backend == NATIVE:
            return Unavailable(found.reason + others)
        return Unavailable(f"Gradient backend {backend!r} cannot: {found.reason}{others}")

    def _first(self, endpoint: str) -> Served | Unavailable:
        """Return the function of the first backend by rank, or the reasons of all."""
        ranked = [b for b in self._catalog.gradient_backends if b.auto_rank is not None]
        reasons = []
        for backend in sorted(
            ranked, key=lambda b: (endpoint in b.approximates, b.auto_rank, b.name)
        ):
            found = self._opened.provided(backend.name, endpoint)
            if isinstance(found, Served):
                return found
            reasons.append(f"{backend.name}: {found.reason}")
        return Unavailable("No gradient backend can. " + " ".join(reasons))

    def _others(self, backend: str) -> str:
        """Return a sentence that lists the other choices, if there are any."""
        names = sorted(set(self._catalog.gradient_backends.names) - {backend})
        choices = ", ".join([AUTO, *names])
        return f" Others can be chosen with --gradient-backend: {choices}." if names else ""

    def _is_gradient(self, endpoint: str) -> bool:
        entry = self._catalog.endpoints.entries.get(endpoint)
        return entry is not None and entry.value.gradient

    @cached_property
    def _options(self) -> BackendChoice:
        choice = self._binding.config.gradient_backend
        self._refuse_unknown(choice)
        return choice

    @cached_property
    def _file(self) -> BackendChoice:
        api = self._binding.api
        value = getattr(api.module, "gradient_backend", None)
        if value is None:
            return {}
        try:
            choice = parse_backend_choice(value)
            self._refuse_unknown(choice)
        except (ValueError, UnknownName) as error:
            raise InvalidTesseract(f"gradient_backend of {api.path.name}: {error}") from None
        return choice

    def _refuse_unknown(self, choice: BackendChoice) -> None:
        for endpoint, backend in choice.items():
            if endpoint != EVERY_ENDPOINT:
                self._catalog.endpoints.find(endpoint)
            if backend != AUTO:
                self._catalog.gradient_backends.find(backend, also=[AUTO])
