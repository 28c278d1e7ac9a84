"""Endpoints other than gradients, of the author and of plugins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from pydantic import RootModel

from runtime_core.catalog import Catalog
from runtime_core.config import resolve
from runtime_core.contracts import Binding, BoundEndpoint, Endpoint, GradientBackend, Unavailable
from runtime_core.description import describe
from runtime_core.runtime import local_runtime
from tests.builtin.conftest import GRADIENTS
from tests.conftest import DOUBLE
from tests.gradients.conftest import (
    Make,
    backend,
    reason,
    registered,
    serving_backend,
    with_backends,
)

Tesseract = Callable[..., Path]


ABSTRACT = "def abstract_eval(inputs):\n    return {'y': inputs.x}\n"


@pytest.mark.parametrize("choice", ["exact", "auto", "native"])
def test_other_functions_of_the_author_are_his_own(choice: str, made: Make) -> None:
    """A bare name selects a backend for gradients only."""
    able = backend("exact", 20, serves=(*GRADIENTS, "abstract_eval", "apply"))
    runtime = made(DOUBLE + ABSTRACT, able, gradient_backend=choice)
    assert serving_backend(runtime, "abstract_eval") == "native"
    assert serving_backend(runtime, "apply") == "native"


@pytest.mark.parametrize("choice", ["exact", "auto", "abstract_eval=exact"])
def test_a_backend_may_compute_what_the_author_did_not_write(choice: str, made: Make) -> None:
    """Shapes that no function of the file tells come from a backend that knows them."""
    able = backend("exact", 20, serves=("abstract_eval",))
    runtime = made(DOUBLE, able, gradient_backend=choice)
    assert serving_backend(runtime, "abstract_eval") == "exact"


def test_a_named_endpoint_is_no_longer_the_authors(made: Make) -> None:
    """A choice for a named endpoint is binding."""
    able = backend("exact", 20, serves=("abstract_eval",))
    runtime = made(DOUBLE + ABSTRACT, able, gradient_backend="abstract_eval=exact")
    assert serving_backend(runtime, "abstract_eval") == "exact"


@pytest.mark.parametrize("choice", ["exact", "auto"])
def test_what_nobody_computes_has_the_authors_reason(choice: str, made: Make) -> None:
    """The reason of other endpoints is the function that the file lacks."""
    runtime = made(DOUBLE, backend("exact", 20), gradient_backend=choice)
    assert reason(runtime, "abstract_eval") == (
        "tesseract_api.py does not define a function 'abstract_eval'."
    )


class Answer(RootModel[dict[str, Any]]):
    """Whatever the function of an endpoint returns."""


def bind_hessian(binding: Binding) -> BoundEndpoint | Unavailable:
    """Bind the function of a third party's endpoint."""
    function = binding.function("hessian")
    if isinstance(function, Unavailable):
        return function
    payload = binding.schemas.payload("HessianInputSchema", inputs="Hessian")
    return BoundEndpoint(
        payload=payload, result=Answer, answer=lambda payload: function(inputs=payload.inputs)
    )


@pytest.mark.parametrize("gradient", [True, False])
def test_endpoints_of_plugins_are_computed_by_backends(
    gradient: bool, catalog: Catalog, tesseract: Tesseract
) -> None:
    """An endpoint of one plugin may be computed by the backend of another."""

    def provide(endpoint: str, binding: Binding) -> Any:
        return lambda inputs: {"size": inputs.x.size} if endpoint == "hessian" else None

    exact = GradientBackend(name="exact", summary="For tests.", provide=provide)
    hessian = Endpoint(name="hessian", summary="For tests.", bind=bind_hessian, gradient=gradient)
    mine = with_backends(catalog, exact)
    added = registered(hessian, "endpoints")
    entries = MappingProxyType({**mine.endpoints.entries, "hessian": added})
    mine = replace(mine, endpoints=replace(mine.endpoints, entries=entries))
    flags = {"api_path": str(tesseract(DOUBLE)), "gradient_backend": "exact"}
    runtime = local_runtime(mine, resolve(mine, flags=flags, environment={}))
    assert runtime.call("hessian", {"inputs": {"x": [1, 2]}}).model_dump() == {"size": 2}
    backends = {endpoint.name: endpoint.backend for endpoint in describe(runtime).endpoints}
    assert backends["hessian"] == "exact"
