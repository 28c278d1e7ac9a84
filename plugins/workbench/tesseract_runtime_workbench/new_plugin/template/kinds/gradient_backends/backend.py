"""The gradient backend: products of Jacobians and tangents by central differences."""

from collections.abc import Callable, Collection
from typing import Any

from runtime_core.contracts import Binding, Unavailable
from runtime_core.gradients import Vector, vector_at

STEP = 1e-6


def provide(endpoint: str, binding: Binding) -> Callable[..., Vector] | Unavailable:
    """Return the function of an endpoint, with the signature of an author's."""
    if endpoint != "jacobian_vector_product":
        return Unavailable("acme-example computes jacobian_vector_product only.")

    def jacobian_vector_product(
        inputs: Any,
        jvp_inputs: Collection[str],
        jvp_outputs: Collection[str],
        tangent_vector: Vector,
    ) -> Vector:
        point = vector_at(inputs, jvp_inputs)
        after, before = (
            {path: array + step * tangent_vector[path] for path, array in point.items()}
            for step in (STEP, -STEP)
        )
        with binding.evaluations(inputs) as evaluations:
            pending = [evaluations.submit(each, jvp_outputs) for each in (after, before)]
            upper, lower = (future.result() for future in pending)
        return {path: (upper[path] - lower[path]) / (2 * STEP) for path in jvp_outputs}

    return jacobian_vector_product
