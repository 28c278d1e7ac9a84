"""Derivatives of functions of any nested schema, with static leaves anywhere between the arrays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from pydantic import BaseModel, create_model

from runtime_core import Array, Differentiable, Float32, Float64, Int32
from runtime_core.paths import get, parse
from tesseract_runtime_jax import jax_apply, jax_jacobian, jax_jvp, jax_vjp, set_jax_vjp_cache_size
from tests.jax_recipes.conftest import same_bits
from tests.jax_recipes.plain_jax import PlainJax

Typed = tuple[Any, Any, list[str]]
"""An annotation, a value of it, and the paths of its differentiable arrays below it."""

ARRAY: Any = Array  # expressions, not annotations
DIFFERENTIABLE: Any = Differentiable

NAMES = st.sampled_from(["a", "b", "c", "d_e", "root", "shape"])
KEYS = st.sampled_from(["x", "y.z", "{", "0", ""])


def _array(annotation: Any, dtype: Any) -> st.SearchStrategy[Typed]:
    arrays = npst.arrays(
        dtype,
        npst.array_shapes(min_dims=1, max_dims=2, max_side=3),
        elements=st.floats(0.5, 2.0, width=32),
    )
    return arrays.map(lambda array: (annotation, array, [""]))


FLOATING = st.one_of(
    _array(DIFFERENTIABLE[ARRAY[..., Float64]], np.float64),
    _array(DIFFERENTIABLE[ARRAY[..., Float32]], np.float32),
    st.floats(0.5, 2.0).map(lambda x: (DIFFERENTIABLE[Float64], np.float64(x), [""])),
)
STATIC = st.one_of(
    st.text(max_size=3).map(lambda x: (str, x, [])),
    st.integers(-2, 3).map(lambda x: (int, x, [])),
    st.booleans().map(lambda x: (bool, x, [])),
    st.floats(-1, 1).map(lambda x: (float, x, [])),
    st.none().map(lambda x: (str | None, x, [])),
    st.integers(0, 3).map(lambda x: (ARRAY[(None,), Int32], np.arange(x, dtype="int32"), [])),
)


def _list(items: list[Typed]) -> Typed:
    paths = [f"[{i}].{path}" for i, item in enumerate(items) for path in item[2]]
    annotations = tuple(annotation for annotation, _, _ in items)
    return tuple[annotations], tuple(value for _, value, _ in items), paths  # type: ignore[valid-type]  # made here


def _dict(items: dict[str, Typed]) -> Typed:
    paths = [
        "{" + key.replace("{", "\\{") + "}." + path
        for key, item in items.items()
        for path in item[2]
    ]
    return dict[str, Any], {key: value for key, (_, value, _) in items.items()}, paths


def _model(fields: dict[str, Typed]) -> Typed:
    paths = [f"{name}.{path}" for name, field in fields.items() for path in field[2]]
    types: dict[str, Any] = {name: (field[0], ...) for name, field in fields.items()}
    schema = create_model("Nested", **types)
    value = schema.model_validate({name: field[1] for name, field in fields.items()})
    return schema, value, paths


def _nested(children: st.SearchStrategy[Typed]) -> st.SearchStrategy[Typed]:
    return st.one_of(
        st.lists(children, min_size=1, max_size=3).map(_list),
        st.dictionaries(KEYS, children, min_size=1, max_size=2).map(_dict),
        st.dictionaries(NAMES, children, min_size=1, max_size=3).map(_model),
    )


FIELDS = st.recursive(st.one_of(FLOATING, STATIC), _nested, max_leaves=6)
INPUTS = (
    st.dictionaries(NAMES, FIELDS, min_size=1, max_size=3)
    .map(_model)
    .filter(lambda typed: bool(typed[2]))
)


def _leaves(tree: Any) -> Iterator[Any]:
    if isinstance(tree, dict):
        for key in sorted(tree):
            yield from _leaves(tree[key])
    elif isinstance(tree, list | tuple):
        for child in tree:
            yield from _leaves(child)
    else:
        yield tree


def apply_jit(inputs: Any) -> dict[str, Any]:
    """Weight each array by the static leaves before it."""
    total: Any = 0.0
    weight: Any = 1.0
    each = []
    for leaf in _leaves(inputs):
        if not hasattr(leaf, "dtype"):
            weight = weight * 0.5 + len(repr(leaf)) + (type(leaf) is bool)
        elif jnp.issubdtype(leaf.dtype, jnp.integer):
            weight = weight + jnp.sum(leaf)
        else:
            each.append(jnp.sin(weight * leaf) * leaf)
            total = total + jnp.sum(each[-1] ** 2).astype("float64")
    return {"total": total, "each": each, "static": weight, "nothing": None}


@given(typed=INPUTS, data=st.data())
@settings(max_examples=12, deadline=None)
def test_nested_schemas_with_static_leaves(typed: Typed, data: st.DataObject) -> None:
    """Jacobian, JVP and VJP at any paths equal those of compiled JAX, bit by bit."""
    inputs: BaseModel = typed[1]
    every = [path.rstrip(".") for path in typed[2]]
    by = data.draw(st.lists(st.sampled_from(every), min_size=1, unique=True))
    of = data.draw(st.sampled_from([["total"], ["each.[0]"], ["each.[0]", "total"]]))
    plain = PlainJax(apply_jit, inputs.model_dump(), by, of)
    arrays, asked, outputs = plain.arrays, plain.asked, plain.outputs
    cotangents = {path: np.asarray(array) + 1 for path, array in outputs.items()}
    assert same_bits(
        jax_jacobian(apply_jit, inputs, set(by), set(of)), jax.jit(plain.jacobian)(arrays, asked)
    )
    assert same_bits(
        jax_jvp(apply_jit, inputs, set(by), set(of), asked),
        jax.jit(plain.jvp)(arrays, asked, asked),
    )
    assert same_bits(
        jax_vjp(apply_jit, inputs, set(by), set(of), cotangents),
        jax.jit(plain.vjp)(arrays, asked, cotangents),
    )


@given(typed=INPUTS)
@settings(max_examples=8, deadline=None)
def test_kept_linearizations_of_nested_schemas(typed: Typed) -> None:
    """With the VJP cache the outputs are the same, and so are the cotangents."""
    inputs: BaseModel = typed[1]
    by = {path.rstrip(".") for path in typed[2]}
    without = jax_vjp(apply_jit, inputs, by, {"total"}, {"total": np.float64(1.0)})
    set_jax_vjp_cache_size(1)
    outputs = jax_apply(apply_jit, inputs)
    found = jax_vjp(apply_jit, inputs, by, {"total"}, {"total": np.float64(1.0)})
    set_jax_vjp_cache_size(0)
    assert get(outputs, parse("nothing")) is None
    np.testing.assert_allclose(outputs["total"], jax_apply(apply_jit, inputs)["total"], rtol=1e-6)
    for path, expected in without.items():
        np.testing.assert_allclose(found[path], expected, rtol=1e-5, atol=1e-5)
