"""Runtimes whose gradient backends are made for one test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from runtime_core import Runtime
from runtime_core.catalog import KINDS, Catalog, Registered
from runtime_core.config import resolve
from runtime_core.contracts import Binding, Description, GradientBackend, Unavailable
from runtime_core.description import describe
from runtime_core.errors import TesseractRuntimeError
from runtime_core.gradients.opened_backends import Served
from runtime_core.plugins.declarations import guarded
from runtime_core.runtime import local_runtime
from tests.builtin.conftest import JACOBIAN, JVP, VJP
from tests.conftest import DOUBLE

Tesseract = Callable[..., Path]
Make = Callable[..., Runtime]

OWN_JACOBIAN = "def jacobian(inputs, jac_inputs, jac_outputs):\n    return {'y': {'x': [[2.0]]}}\n"

NOTHING = """
from pydantic import BaseModel
class InputSchema(BaseModel):
    x: float
class OutputSchema(BaseModel):
    y: float
def apply(inputs):
    return OutputSchema(y=inputs.x)
"""
"""A Tesseract with nothing to differentiate."""


def registered(value: Any, hook: str = "gradient_backends") -> Registered[Any]:
    """Return a declaration of a plugin, guarded as when it is loaded."""
    entry = Registered(value=value, plugin="acme", distribution="acme-gradients", version="2.0")
    return guarded(entry, KINDS[hook])


def backend(
    name: str,
    rank: int | None = None,
    *,
    serves: tuple[str, ...] = (JACOBIAN, JVP, VJP),
    value: float = 0.0,
    error: Exception | None = None,
    asked: list[str] | None = None,
) -> GradientBackend:
    """Return a backend whose Jacobian is one number, or whose `provide` raises an error.

    It notes what it is asked for.
    """

    def provide(endpoint: str, binding: Binding) -> Any:
        if asked is not None:
            asked.append(endpoint)
        if error is not None:
            raise error
        if endpoint not in serves:
            return Unavailable(f"{name} does not do {endpoint}.")
        return lambda inputs, jac_inputs, jac_outputs: {"y": {"x": [[value]]}}

    return GradientBackend(name=name, summary="For tests.", provide=provide, auto_rank=rank)


@pytest.fixture
def made(catalog: Catalog, tesseract: Tesseract) -> Make:
    """Return a function that makes a runtime whose only backends are native and those given."""

    def make(source: str = DOUBLE, *backends: GradientBackend, **flags: Any) -> Runtime:
        return local_runtime(
            mine := with_backends(catalog, *backends),
            resolve(mine, flags={"api_path": str(tesseract(source)), **flags}, environment={}),
        )

    return make


def with_backends(catalog: Catalog, *backends: GradientBackend) -> Catalog:
    """Return a catalog whose only backends are native and those given."""
    registry = catalog.gradient_backends
    entries = {"native": registry.entries["native"]}
    entries |= {backend.name: registered(backend) for backend in backends}
    return replace(catalog, gradient_backends=replace(registry, entries=MappingProxyType(entries)))


def serving_backend(runtime: Runtime, endpoint: str) -> str | None:
    """Return the name of the backend that serves an endpoint, if there is one."""
    served = runtime.gradients.serving(endpoint)
    return served.backend if isinstance(served, Served) else None


def reason(runtime: Runtime, endpoint: str) -> str:
    """Return the reason why an endpoint is not served."""
    served = runtime.gradients.serving(endpoint)
    assert isinstance(served, Unavailable)
    return served.reason


def refusal(runtime: Runtime, kind: type[TesseractRuntimeError], exit_code: int) -> str:
    """Return the message of a Tesseract that is refused at start."""
    with pytest.raises(kind) as caught:
        describe(runtime)
    assert caught.value.kind.exit_code == exit_code
    return str(caught.value)


def served_by(description: Description) -> Mapping[str, str | None]:
    """Return the backends of the served endpoints."""
    return {endpoint.name: endpoint.backend for endpoint in description.endpoints}
