"""The `jacobian_sparsity` of a `tesseract_api.py`."""

from __future__ import annotations

from collections.abc import Mapping

from runtime_core.contracts import Binding
from runtime_core.errors import InvalidTesseract, did_you_mean
from runtime_core.paths import InvalidPath
from runtime_core.schemas import DifferentiableArrays
from tesseract_runtime_finite_differences.sparsity import PATTERNS, Sparsity, is_pattern

NAME = "jacobian_sparsity"


def declared_sparsity(binding: Binding) -> Sparsity | None:
    """Return the sparsity that a file declares, if it does.

    Raises `InvalidTesseract` for a value or a pattern of another form, or for an unknown path.
    """
    declared = getattr(binding.api.module, NAME, None)
    if declared is None:
        return None
    if not isinstance(declared, Mapping) or not all(
        isinstance(row, Mapping) for row in declared.values()
    ):
        raise InvalidTesseract(
            f"{NAME} of {binding.api.path.name} is {declared!r:.60}: expected "
            '{output: {input: pattern}}, as in {"y": {"x": "banded:1"}}.'
        )
    schemas = binding.schemas
    for output, row in declared.items():
        _refuse_unknown(output, schemas.differentiable_outputs, binding)
        for path, pattern in row.items():
            _refuse_unknown(path, schemas.differentiable_inputs, binding)
            if not is_pattern(pattern):
                raise InvalidTesseract(
                    f"{NAME} of {binding.api.path.name} for {output!r} by {path!r} is "
                    f"{pattern!r:.60}: {PATTERNS}."
                )
    return declared


def _refuse_unknown(path: str, arrays: DifferentiableArrays, binding: Binding) -> None:
    try:
        known = arrays.declared(path) is not None
    except InvalidPath:
        known = False
    if not known:
        raise InvalidTesseract(
            f"{NAME} of {binding.api.path.name} names {path!r}, which is not the path of a "
            f"differentiable array.{did_you_mean(path, arrays.templates)}"
        )
