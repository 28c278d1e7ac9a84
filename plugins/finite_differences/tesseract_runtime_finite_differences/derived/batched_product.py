"""Products of the author's file that multiply a batch of vectors with the executor."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from runtime_core.calls import current_scope
from runtime_core.contracts import Binding, Unavailable
from runtime_core.errors import GradientFailed
from runtime_core.gradients import (
    GradientSignature,
    ResultCheck,
    Vector,
    each_of,
    in_order,
    stack,
    takes_batch,
)
from runtime_core.paths import Field, Key, render


def spread(binding: Binding, signature: GradientSignature) -> Callable[..., Any] | Unavailable:
    """Return the function of a product, which takes a batch: one call for each of its vectors."""
    function = binding.api.function(signature.endpoint)
    if isinstance(function, Unavailable) or takes_batch(function):
        return function
    check = ResultCheck(subject=signature.endpoint, error=GradientFailed)

    def product(batch: int | None = None, **fields: Any) -> Any:
        if batch is None:
            return function(**fields)
        return stack(_products(binding, signature, fields, batch), batch, check)

    product.__name__ = signature.endpoint
    return product


def _products(
    binding: Binding, signature: GradientSignature, fields: Mapping[str, Any], batch: int
) -> Iterator[Vector]:
    [name] = signature.vectors
    vectors = each_of([fields[name]], batch)
    point = {**fields, name: dict.fromkeys(fields[name])}
    outputs = {render([Key(path)]): path for path in fields[signature.result_keys[0]]}
    changes = (
        {render([Field(name), Key(path)]): array for path, array in vector.items()}
        for [vector] in vectors
    )
    with binding.evaluations(point, signature.endpoint) as evaluations:
        futures = in_order(evaluations, ((None, each) for each in changes), list(outputs))
        steps = current_scope().progress.track(futures, f"calls of {signature.endpoint}", batch)
        for _, future in steps:
            yield {outputs[path]: array for path, array in future.result().items()}
