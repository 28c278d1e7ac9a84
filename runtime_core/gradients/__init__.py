"""The gradient toolkit: signatures, evaluations near a point, vectors and checks of results.

The names are imported when they are first used: the signatures alone do not load numpy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_core.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from runtime_core.gradients.evaluations import Point, SerialEvaluations, evaluate_in_order
    from runtime_core.gradients.required_memory import require_memory
    from runtime_core.gradients.results import ResultCheck, argument_check, expected_shapes
    from runtime_core.gradients.signatures import (
        JACOBIAN,
        JVP,
        SIGNATURES,
        VJP,
        GradientSignature,
    )
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
    "JACOBIAN", "JVP", "SIGNATURES", "VJP", "GradientSignature", "Point", "ResultCheck",
    "SerialEvaluations", "Vector", "argument_check", "bytes_of", "evaluate_in_order",
    "expected_shapes", "join", "machine_epsilon", "one_hot", "one_hots",
    "require_memory", "shapes_of", "size_of", "split", "to_double", "vector_at", "zeros",
]  # fmt: skip

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        ".signatures": ["JACOBIAN", "JVP", "SIGNATURES", "VJP", "GradientSignature"],
        ".evaluations": ["Point", "SerialEvaluations", "evaluate_in_order"],
        ".required_memory": ["require_memory"],
        ".results": ["ResultCheck", "argument_check", "expected_shapes"],
        ".vectors": [
            "Vector", "bytes_of", "join", "machine_epsilon", "one_hot", "one_hots", "shapes_of",
            "size_of", "split", "to_double", "vector_at", "zeros",
        ],
    },
)  # fmt: skip
