"""The backend `derived`: what it serves for a file, and at what cost."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from runtime_core import Runtime
from runtime_core.contracts import Unavailable
from runtime_core.errors import FaultKind
from tests.builtin.conftest import (
    GRADIENTS,
    HEADER,
    JACOBIAN,
    JVP,
    VJP,
    Make,
    answer,
    ask,
    fault,
    numbers,
    seen,
    times_applied,
)

LINEAR = (
    HEADER
    + """
class InputSchema(BaseModel):
    x: Differentiable[Array[(None,), Float32]]
    s: Differentiable[Float64]

class OutputSchema(BaseModel):
    y: Differentiable[Array[(None,), Float64]]

ROWS = np.array([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]])

def apply(inputs):
    APPLIED.append(inputs)
    return {"y": ROWS @ inputs.x + inputs.s}
"""
)
"""Two outputs that are linear in three inputs and one more."""

OWN = {
    JACOBIAN: """
def jacobian(inputs, jac_inputs, jac_outputs):
    SEEN.append("jacobian")
    blocks = {"x": ROWS, "s": np.ones(2)}
    return {"y": {path: blocks[path] for path in jac_inputs}}
""",
    JVP: """
def jacobian_vector_product(inputs, jvp_inputs, jvp_outputs, tangent_vector):
    SEEN.append("jvp")
    zeros = {"x": np.zeros(3), "s": 0.0}
    tangent = {**zeros, **tangent_vector}
    return {"y": ROWS @ tangent["x"] + tangent["s"]}
""",
    VJP: """
def vector_jacobian_product(inputs, vjp_inputs, vjp_outputs, cotangent_vector):
    SEEN.append("vjp")
    cotangent = cotangent_vector["y"]
    return {path: cotangent @ {"x": ROWS, "s": np.ones(2)}[path] for path in vjp_inputs}
""",
}
"""The author's functions for it."""

INPUTS = {"x": [1.0, 2.0, 3.0], "s": 4.0}

QUESTIONS = {
    JACOBIAN: ask(JACOBIAN, INPUTS, by="xs"),
    JVP: ask(JVP, INPUTS, by="xs", vector={"x": [1.0, 0.0, 2.0], "s": -1.0}),
    VJP: ask(VJP, INPUTS, by="xs", vector={"y": [1.0, -1.0]}),
}


def derived(runtime: Make, *own: str, **flags: Any) -> Runtime:
    """Load the linear Tesseract with some gradients of its own."""
    source = LINEAR + "".join(OWN[name] for name in own)
    return runtime(source, **{"gradient_backend": "derived", **flags})


@pytest.mark.parametrize(
    ("endpoint", "own"),
    [
        (JACOBIAN, [JVP]),
        (JACOBIAN, [VJP]),
        (JACOBIAN, [JVP, VJP]),
        (JVP, [JACOBIAN]),
        (VJP, [JACOBIAN]),
    ],
)
def test_what_is_derived_is_what_an_author_would_write(
    endpoint: str, own: list[str], runtime: Make
) -> None:
    """The result is the same document as that of a function in the file."""
    native = derived(runtime, endpoint, gradient_backend="native")
    expected = answer(native, endpoint, QUESTIONS[endpoint])
    assert answer(derived(runtime, *own), endpoint, QUESTIONS[endpoint]) == expected


def test_a_jacobian_of_columns_takes_a_jvp_for_each_input_element(runtime: Make) -> None:
    """Nothing is evaluated."""
    made = derived(runtime, JVP)
    answer(made, JACOBIAN, QUESTIONS[JACOBIAN])
    assert (seen(made), times_applied(made)) == (["jvp"] * 4, 0)


def test_a_jacobian_of_rows_takes_a_vjp_for_each_output_element(runtime: Make) -> None:
    """One evaluation counts them."""
    made = derived(runtime, VJP)
    answer(made, JACOBIAN, QUESTIONS[JACOBIAN])
    assert (seen(made), times_applied(made)) == (["vjp"] * 2, 1)


@pytest.mark.parametrize(("by", "calls"), [("xs", ["vjp"] * 2), ("x", ["vjp"] * 2), ("s", ["jvp"])])
def test_the_fewer_products_are_taken(by: str, calls: list[str], runtime: Make) -> None:
    """If the file has both, the numbers of elements decide, which takes one evaluation."""
    made = derived(runtime, JVP, VJP)
    answer(made, JACOBIAN, ask(JACOBIAN, INPUTS, by=by))
    assert (seen(made), times_applied(made)) == (calls, 1)


def test_cotangents_are_those_of_the_served_outputs(runtime: Make) -> None:
    """Shapes and data types follow the schema, whatever kind of array `apply` returns."""
    made = runtime(
        HEADER
        + """
class InputSchema(BaseModel):
    x: Differentiable[Array[(None,), Float64]]

class OutputSchema(BaseModel):
    y: Differentiable[Array[(3,), Float32]]

def apply(inputs):
    return {"y": [1]}

def vector_jacobian_product(inputs, vjp_inputs, vjp_outputs, cotangent_vector):
    SEEN.append(cotangent_vector["y"])
    return {"x": cotangent_vector["y"].sum(keepdims=True)}
""",
        gradient_backend="derived",
    )
    result = answer(made, JACOBIAN, ask(JACOBIAN, {"x": [1.0]}))
    assert numbers(result) == {"y": {"x": [[1.0], [1.0], [1.0]]}}
    assert [(v.dtype.name, v.tolist()) for v in seen(made)] == [
        ("float32", row) for row in np.eye(3).tolist()
    ]


@pytest.mark.parametrize(
    ("endpoint", "own", "reason"),
    [
        (
            JACOBIAN,
            [],
            "it needs a jacobian_vector_product or vector_jacobian_product in tesseract_api.py.",
        ),
        (JVP, [VJP], "it needs a jacobian in tesseract_api.py."),
        (VJP, [JVP], "it needs a jacobian in tesseract_api.py."),
        (
            "abstract_eval",
            [],
            "it derives nothing but hessian_vector_product, jacobian, jacobian_vector_product, "
            "vector_jacobian_product.",
        ),
    ],
)
def test_a_file_that_lacks_too_much_is_told_what(
    endpoint: str, own: list[str], reason: str, runtime: Make
) -> None:
    """An endpoint that cannot be derived is absent, with the reason."""
    made = derived(runtime, *own)
    [backend] = [b for b in made.catalog.gradient_backends if b.name == "derived"]
    assert backend.provide(endpoint=endpoint, binding=made) == Unavailable(reason)


@pytest.mark.parametrize("own", [*GRADIENTS, None])
def test_auto_takes_what_the_author_wrote_first(own: str | None, runtime: Make) -> None:
    """A gradient of the file is not derived, even if it could be."""
    names = [own] if own else list(GRADIENTS)
    made = derived(runtime, *names, gradient_backend="auto")
    short = {JACOBIAN: "jacobian", JVP: "jvp", VJP: "vjp"}
    for name in names:
        answer(made, name, QUESTIONS[name])
    assert seen(made) == [short[name] for name in names]


def test_auto_derives_what_is_missing(runtime: Make) -> None:
    """With one function in the file `auto` serves what can be derived from it."""
    made = derived(runtime, JVP, gradient_backend="auto")
    assert numbers(answer(made, JACOBIAN, QUESTIONS[JACOBIAN]))["y"]["s"] == [1.0, 1.0]


def test_each_function_says_what_it_computes(runtime: Make) -> None:
    """The documentation of an endpoint describes the computation."""
    columns = derived(runtime, JVP).bound(JACOBIAN).doc
    rows = derived(runtime, VJP).bound(JACOBIAN).doc
    fewer = derived(runtime, JVP, VJP).bound(JACOBIAN).doc
    assert columns.startswith("Compute the Jacobian column by column")
    assert rows.startswith("Compute the Jacobian row by row")
    assert fewer.startswith("Compute the Jacobian by columns or rows, whichever there are fewer")
    full = derived(runtime, JACOBIAN)
    assert full.bound(JVP).doc == "Multiply the whole Jacobian by the tangent."
    assert full.bound(VJP).doc == "Multiply the cotangent by the whole Jacobian."


def test_an_exception_of_the_author_stays_the_authors(runtime: Make) -> None:
    """Type and text are the message, as if the endpoint were the author's own."""
    source = LINEAR + (
        "def jacobian_vector_product(**named):\n    raise ArithmeticError('singular')\n"
    )
    made = runtime(source, gradient_backend="derived")
    failed = fault(made, JACOBIAN, QUESTIONS[JACOBIAN])
    assert failed.kind is FaultKind.TESSERACT_FAILED
    assert failed.message.startswith(f"ArithmeticError: singular ({made.api.path}:")


def test_a_wrong_product_of_the_author_is_told(runtime: Make) -> None:
    """A result that does not fit is a failure of the Tesseract that names its function."""
    source = LINEAR + "def jacobian_vector_product(**named):\n    return {'z': 1.0}\n"
    made = runtime(source, gradient_backend="derived")
    failed = fault(made, JACOBIAN, QUESTIONS[JACOBIAN])
    assert (failed.kind, failed.message) == (
        FaultKind.TESSERACT_FAILED,
        "jacobian_vector_product returned a dict with the keys z, expected y.",
    )


def test_registering_loads_nothing() -> None:
    """The module of the entry point imports neither numpy nor pydantic."""
    script = (
        "import json, sys\n"
        "import tesseract_runtime_finite_differences.plugin as plugin\n"
        "list(plugin.gradient_backends())\n"
        "print(json.dumps([n for n in ('numpy', 'pydantic') if n in sys.modules]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == []


def test_the_public_names_are_the_functions() -> None:
    """All listed names can be imported, and no others."""
    import tesseract_runtime_finite_differences as package

    assert [name for name in package.__all__ if callable(getattr(package, name))] == [
        "finite_difference_jacobian",
        "finite_difference_jvp",
        "finite_difference_vjp",
        "jacobian_from_jvp",
        "jacobian_from_vjp",
        "jvp_from_jacobian",
        "vjp_from_jacobian",
    ]
    with pytest.raises(AttributeError, match="no attribute 'jacobian_from_hvp'"):
        _ = package.jacobian_from_hvp
