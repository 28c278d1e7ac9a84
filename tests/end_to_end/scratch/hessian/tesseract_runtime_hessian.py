"""The endpoint `hessian_vector_product`, for files that define a function of that name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import RootModel, create_model

from runtime_core.contracts import Binding, BoundEndpoint, Endpoint, Unavailable
from runtime_core.errors import InvalidResult
from runtime_core.hookspecs import hookimpl


def bind(binding: Binding) -> BoundEndpoint | Unavailable:
    """Bind the file's `hessian_vector_product(inputs, hvp_inputs, hvp_outputs, tangent_vector)`."""
    function = binding.function("hessian_vector_product")
    if isinstance(function, Unavailable):
        return function
    from runtime_core import Array, Float64  # numpy, which only a file with arrays needs

    arrays: Any = dict[str, Array[..., Float64]]
    payload = binding.schemas.payload(
        "HVPInputSchema",
        inputs="HVP",
        hvp_inputs=(set[str], ...),
        hvp_outputs=(set[str], ...),
        tangent_vector=(arrays, ...),
    )
    result: Any = create_model("HVPOutputSchema", __base__=RootModel[dict[str, arrays]])
    return BoundEndpoint(
        payload=payload,
        result=result,
        answer=lambda asked: function(
            **{name: getattr(asked, name) for name in payload.model_fields}
        ),
        check=_check_keys,
        doc=function.__doc__ or "",
    )


def _check_keys(asked: Any, result: Any) -> None:
    wanted = {name: sorted(asked.hvp_inputs) for name in sorted(asked.hvp_outputs)}
    given = {name: sorted(products) for name, products in sorted(result.root.items())}
    if given != wanted:
        raise InvalidResult(f"hessian_vector_product must return {wanted}, not {given}.")


@hookimpl
def endpoints() -> Iterable[Endpoint]:
    """Provide Hessian-vector products."""
    yield Endpoint(
        name="hessian_vector_product", summary="Multiply a Hessian with a vector.", bind=bind
    )
