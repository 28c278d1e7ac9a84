"""Products of a Jacobian and a vector, by the function of an author."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from runtime_core.errors import GradientFailed
from runtime_core.gradients.results import ResultCheck
from runtime_core.gradients.signatures import SIGNATURES
from runtime_core.gradients.vectors import Vector


def checked_product(
    function: Callable[..., object], endpoint: str, fields: Mapping[str, Any]
) -> Vector:
    """Return copies of the arrays that a function of products returns, which it may reuse.

    Raises `GradientFailed` if they do not have exactly the keys that `fields` ask for.
    """
    keys = [*fields[SIGNATURES[endpoint].result_keys[0]]]  # which the function may change
    check = ResultCheck(subject=getattr(function, "__name__", endpoint), error=GradientFailed)
    found = check.mapping(function(**fields), keys)
    return {path: np.array(check.of(path).numbers(found[path])) for path in sorted(found)}
