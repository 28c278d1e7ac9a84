"""The gradient toolkit: signatures, endpoints, evaluations near a point, vectors and batches.

The names are imported when they are first used: the signatures alone do not load numpy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_core.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from runtime_core.gradients.batches import MOST_VECTORS, each_of, stack, takes_batch
    from runtime_core.gradients.endpoint import bind_gradient
    from runtime_core.gradients.evaluations import (
        Point,
        SerialEvaluations,
        attempt_in_order,
        evaluate_all,
        in_order,
    )
    from runtime_core.gradients.products import checked_product
    from runtime_core.gradients.required_memory import require_memory
    from runtime_core.gradients.results import ResultCheck, argument_check, expected_shapes
    from runtime_core.gradients.signatures import (
        BATCH,
        HVP,
        JACOBIAN,
        JVP,
        SIGNATURES,
        VJP,
        GradientSignature,
    )
    from runtime_core.gradients.vector_fields import cotangent_field, tangent_field
    from runtime_core.gradients.vectors import (
        Vector,
        bytes_of,
        join,
        machine_epsilon,
        one_hot,
        one_hots,
        shapes_of,
        size_of,
        split,
        to_double,
        vector_at,
        zeros,
    )

__all__ = [
    "BATCH", "HVP", "JACOBIAN", "JVP", "MOST_VECTORS", "SIGNATURES", "VJP", "GradientSignature",
    "Point", "ResultCheck", "SerialEvaluations", "Vector", "argument_check", "attempt_in_order",
    "bind_gradient", "bytes_of", "checked_product", "cotangent_field", "each_of", "evaluate_all",
    "expected_shapes", "in_order", "join", "machine_epsilon", "one_hot", "one_hots",
    "require_memory", "shapes_of", "size_of", "split", "stack", "takes_batch", "tangent_field",
    "to_double", "vector_at", "zeros",
]  # fmt: skip

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        ".signatures": [
            "BATCH", "HVP", "JACOBIAN", "JVP", "SIGNATURES", "VJP", "GradientSignature",
        ],
        ".batches": ["MOST_VECTORS", "each_of", "stack", "takes_batch"],
        ".endpoint": ["bind_gradient"],
        ".evaluations": [
            "Point", "SerialEvaluations", "attempt_in_order", "evaluate_all", "in_order",
        ],
        ".products": ["checked_product"],
        ".required_memory": ["require_memory"],
        ".results": ["ResultCheck", "argument_check", "expected_shapes"],
        ".vector_fields": ["cotangent_field", "tangent_field"],
        ".vectors": [
            "Vector", "bytes_of", "join", "machine_epsilon", "one_hot", "one_hots", "shapes_of",
            "size_of", "split", "to_double", "vector_at", "zeros",
        ],
    },
)  # fmt: skip
