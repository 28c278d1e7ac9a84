"""Derivatives are those of JAX, to the last bit when it compiles the same."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest

from runtime_core.paths import get, parse
from tesseract_runtime_jax import jax_apply, jax_jacobian, jax_jvp, jax_vjp, set_jax_vjp_cache_size
from tests.jax_recipes.conftest import Inputs, same_bits
from tests.jax_recipes.functions import COMPLEX, REAL, Case
from tests.jax_recipes.plain_jax import PlainJax

ULPS = 8

every_case = pytest.mark.parametrize("case", [*REAL, COMPLEX], ids=lambda case: case.name)
every_real_case = pytest.mark.parametrize("case", REAL, ids=lambda case: case.name)
every_forward_case = pytest.mark.parametrize(
    "case", [case for case in (*REAL, COMPLEX) if case.forward], ids=lambda case: case.name
)


def plain_jax(case: Case) -> PlainJax:
    """Return the derivatives of a case in JAX alone."""
    return PlainJax(case.function, case.inputs, case.by, case.of)


def vectors(like: dict[str, Any]) -> dict[str, Any]:
    """Return a vector of the shapes and data types of some arrays."""
    random = np.random.default_rng(7)
    return {
        path: np.asarray(random.normal(size=np.shape(array)), np.asarray(array).dtype)
        for path, array in like.items()
    }


def within_ulps(found: Any, expected: Any) -> bool:
    """Check that arrays differ by no more than some ulps of the norm of the expected ones."""
    pairs = zip(*map(jax.tree_util.tree_leaves, (found, expected)), strict=True)
    return all(_within_ulps(np.asarray(one), np.asarray(other)) for one, other in pairs)


def _within_ulps(found: Any, expected: Any) -> bool:
    bound = ULPS * np.finfo(expected.dtype).eps * np.linalg.norm(expected.astype("complex128"))
    return bool(np.all(np.abs(found.astype("complex128") - expected) <= bound))


@every_real_case
def test_jacobian_is_that_of_compiled_jax(case: Case) -> None:
    """A Jacobian has the bits of `jax.jit(jax.jacrev(...))`."""
    plain = plain_jax(case)
    found = jax_jacobian(case.function, Inputs(**case.inputs), case.by, case.of)
    assert same_bits(found, jax.jit(plain.jacobian)(plain.arrays, plain.asked))
    assert within_ulps(found, plain.jacobian(plain.arrays, plain.asked))


@every_forward_case
def test_jvp_is_that_of_compiled_jax(case: Case) -> None:
    """A tangent has the bits of `jax.jit` around `jax.jvp`."""
    plain = plain_jax(case)
    tangents = vectors(plain.asked)
    found = jax_jvp(case.function, Inputs(**case.inputs), case.by, case.of, tangents)
    assert same_bits(found, jax.jit(plain.jvp)(plain.arrays, plain.asked, tangents))
    assert within_ulps(found, plain.jvp(plain.arrays, plain.asked, tangents))


@every_case
def test_vjp_is_that_of_compiled_jax(case: Case) -> None:
    """A cotangent has the bits of `jax.jit` around `jax.vjp`."""
    plain = plain_jax(case)
    cotangents = vectors(plain.outputs)
    found = jax_vjp(case.function, Inputs(**case.inputs), case.by, case.of, cotangents)
    assert same_bits(found, jax.jit(plain.vjp)(plain.arrays, plain.asked, cotangents))
    assert within_ulps(found, plain.vjp(plain.arrays, plain.asked, cotangents))


@every_case
def test_vjp_of_a_kept_linearization_is_as_exact(case: Case) -> None:
    """Skipping the forward pass changes nothing but, at most, the last bits."""
    plain = plain_jax(case)
    cotangents = vectors(plain.outputs)
    inputs = Inputs(**case.inputs)
    set_jax_vjp_cache_size(1)
    outputs = jax_apply(case.function, inputs)
    found = jax_vjp(case.function, inputs, case.by, case.of, cotangents)
    assert within_ulps(found, plain.vjp(plain.arrays, plain.asked, cotangents))
    for path, expected in plain.outputs.items():
        assert within_ulps(get(outputs, parse(path)), expected)


@every_case
def test_each_path_alone_is_as_in_all(case: Case) -> None:
    """A derivative does not depend on the other selected paths."""
    plain = plain_jax(case)
    cotangents = vectors(plain.outputs)
    inputs = Inputs(**case.inputs)
    whole = jax_vjp(case.function, inputs, case.by, case.of, cotangents)
    for path in case.by:
        alone = jax_vjp(case.function, inputs, {path}, set(case.of), cotangents)
        assert within_ulps(alone[path], whole[path])
