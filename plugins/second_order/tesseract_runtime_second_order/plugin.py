"""The hooks of this plugin."""

from __future__ import annotations

from collections.abc import Iterable

from runtime_core.contracts import Endpoint, lazy_call
from runtime_core.hookspecs import hookimpl


@hookimpl
def endpoints() -> Iterable[Endpoint]:
    """Provide the product of the Hessian with a tangent."""
    yield Endpoint(
        name="hessian_vector_product",
        summary="Compute the Hessian vector product of the Tesseract at the input data.",
        bind=lazy_call("tesseract_runtime_second_order.endpoint:bind"),
        gradient=True,
    )
