"""The gradient backend: every gradient of a file that defines nothing but `apply_jit`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from runtime_core import Call, Fault, Runtime, Wire
from runtime_core.contracts import Unavailable
from runtime_core.errors import FaultKind
from runtime_core.gradients.opened_backends import OpenedBackends
from tesseract_runtime_jax import jax_vjp_cache_info, set_jax_vjp_cache_size
from tesseract_runtime_jax.compiled_cache import COMPILED
from tests.builtin.conftest import ask, invoke
from tests.conftest import DOUBLE, Cli
from tests.jax_recipes.conftest import compute_in

Make = Callable[..., Runtime]

SOURCE = """
import jax
import jax.numpy as jnp
from pydantic import BaseModel, RootModel
from runtime_core import Array, Complex128, Differentiable, Float32, Float64, Int32

TRACED = []

class Model(BaseModel):
    weights: Differentiable[Array[(None, None), Float64]]
    names: list[str] = ["a"]

class InputSchema(BaseModel):
    model: Model
    x: Differentiable[Array[(None,), Float64]]
    rounds: int = 1
    n: Array[(None,), Int32] = [0]

class OutputSchema(BaseModel):
    y: Differentiable[Array[(None,), Float64]]
    single: Differentiable[Array[(), Float32]]
    names: list[str]

def apply_jit(inputs):
    TRACED.append(inputs)
    y = inputs["x"]
    for _ in range(inputs["rounds"]):
        y = jnp.tanh(inputs["model"]["weights"] @ y)
    return {
        "y": y,
        "single": jnp.sum(y).astype("float32"),
        "names": inputs["model"]["names"],
    }

def apply(inputs: InputSchema) -> OutputSchema:
    return OutputSchema(**apply_jit(inputs.model_dump()))
"""

INPUTS = {"model": {"weights": [[1.0, 2.0], [0.5, -1.0]]}, "x": [0.1, 0.2]}


def made(runtime: Make, source: str = SOURCE, **flags: Any) -> Runtime:
    """Return a runtime that takes every gradient from JAX."""
    return runtime(source, **{"gradient_backend": "jax", **flags})


def called(made: Runtime, endpoint: str, **payload: Any) -> Any:
    """Return the answer of an endpoint, in Python."""
    result: Any = made.call(endpoint, {"inputs": INPUTS, **payload})
    return result.root


def fault(made: Runtime, endpoint: str, **payload: Any) -> Fault:
    """Return the fault of a call that must fail."""
    call = Call(
        endpoint=endpoint,
        run_id="descent-3",
        body=json.dumps({"inputs": INPUTS, **payload}).encode(),
        body_format="json",
        output=Wire(format="json"),
    )
    found = made.invoke(call).fault
    assert found is not None
    return found


def differences(made: Runtime) -> Any:
    """Return the derivative of y by x, of central differences."""

    def y(x: Any) -> Any:
        result: Any = made.call("apply", {"inputs": {**INPUTS, "x": x}})
        return result.root.y

    steps = 1e-6 * np.eye(2)
    return np.transpose([(y(INPUTS["x"] + step) - y(INPUTS["x"] - step)) / 2e-6 for step in steps])


def test_jacobian_agrees_with_differences(runtime: Make) -> None:
    """The Jacobian of JAX is that of apply."""
    tesseract = made(runtime)
    blocks = called(tesseract, "jacobian", jac_inputs=["x", "model.weights"], jac_outputs=["y"])
    np.testing.assert_allclose(blocks["y"]["x"], differences(tesseract), rtol=1e-8)
    assert blocks["y"]["model.weights"].shape == (2, 2, 2)


def test_products_agree_with_the_jacobian(runtime: Make) -> None:
    """JVP and VJP are the Jacobian times a vector, from either side."""
    tesseract = made(runtime)
    jacobian = called(tesseract, "jacobian", jac_inputs=["x"], jac_outputs=["y"])["y"]["x"]
    jvp = called(
        tesseract,
        "jacobian_vector_product",
        jvp_inputs=["x"],
        jvp_outputs=["y"],
        tangent_vector={"x": [1.0, -2.0]},
    )
    np.testing.assert_allclose(jvp["y"], jacobian @ [1.0, -2.0])
    vjp = called(
        tesseract,
        "vector_jacobian_product",
        vjp_inputs=["x"],
        vjp_outputs=["y"],
        cotangent_vector={"y": [1.0, -2.0]},
    )
    np.testing.assert_allclose(vjp["x"], [1.0, -2.0] @ jacobian)


def test_abstract_eval_is_served_too(runtime: Make) -> None:
    """Shapes and data types of the outputs come without computing them."""
    result: Any = made(runtime).call(
        "abstract_eval",
        {
            "inputs": {
                "model": {"weights": {"shape": [5, 5], "dtype": "float64"}},
                "x": {"shape": [5], "dtype": "float64"},
            }
        },
    )
    assert result.model_dump() == {
        "y": {"shape": (5,), "dtype": "float64"},
        "single": {"shape": (), "dtype": "float32"},
        "names": ["a"],
    }


@pytest.mark.parametrize("bits", [64, 32])
@pytest.mark.filterwarnings("ignore:.*JAX computes in 32")
def test_results_have_the_declared_data_types(bits: int, runtime: Make) -> None:
    """Whatever JAX computes in, a derivative is in the type of the schema."""
    compute_in(bits)
    tesseract = made(runtime)
    inputs = tesseract.api.input_schema.model_validate(INPUTS)
    of = {"y", "single"}
    function: Any = tesseract.function("jacobian")
    blocks = function(inputs=inputs, jac_inputs={"x"}, jac_outputs=of)
    assert {path: row["x"].dtype.name for path, row in blocks.items()} == {
        "y": "float64",
        "single": "float32",
    }
    function = tesseract.function("jacobian_vector_product")
    tangents = function(
        inputs=inputs, jvp_inputs={"x"}, jvp_outputs=of, tangent_vector={"x": np.ones(2)}
    )
    assert {path: array.dtype.name for path, array in tangents.items()} == {
        "y": "float64",
        "single": "float32",
    }
    function = tesseract.function("vector_jacobian_product")
    cotangents = {"y": np.ones(2), "single": np.float32(1)}
    found = function(inputs=inputs, vjp_inputs={"x"}, vjp_outputs=of, cotangent_vector=cotangents)
    assert {path: array.dtype.name for path, array in found.items()} == {"x": "float64"}


RESIZED = """
import jax
import jax.numpy as jnp
from pydantic import BaseModel
from runtime_core import Array, Differentiable, Float64

class InputSchema(BaseModel):
    x: Differentiable[Array[(None,), Float64]]
    size: int

class OutputSchema(BaseModel):
    y: Differentiable[Array[(None,), Float64]]

def apply_jit(inputs):
    return {"y": jnp.resize(eightfold(inputs["x"]), inputs["size"])}

def apply(inputs):
    return apply_jit(inputs.model_dump())
"""

FORWARD_ONLY = (
    RESIZED
    + """
def eightfold(x):
    stop = jnp.where(x[0] > 0, 3, 4)
    double = lambda state: (state[0] + 1, 2 * state[1])
    return jax.lax.while_loop(lambda state: state[0] < stop, double, (0, x))[1]
"""
)

REVERSE_ONLY = (
    RESIZED
    + """
@jax.custom_vjp
def eightfold(x):
    return 8 * x

eightfold.defvjp(lambda x: (8 * x, None), lambda _, g: (8 * g,))
"""
)


@pytest.mark.parametrize(
    ("source", "inputs", "outputs"),
    [(FORWARD_ONLY, 2, 3), (FORWARD_ONLY, 3, 3), (REVERSE_ONLY, 3, 2)],
)
def test_jacobian_takes_the_cheaper_side(
    source: str, inputs: int, outputs: int, runtime: Make
) -> None:
    """It goes forward, unless the outputs have fewer elements; each file has one way only."""
    payload = {
        "inputs": {"x": [1.0] * inputs, "size": outputs},
        "jac_inputs": ["x"],
        "jac_outputs": ["y"],
    }
    found: Any = made(runtime, source).call("jacobian", payload)
    expected = 8 * np.resize(np.eye(inputs), (outputs, inputs))
    np.testing.assert_array_equal(found.root["y"]["x"], expected)


@pytest.mark.parametrize(
    ("source", "inputs", "outputs", "message"),
    [
        (FORWARD_ONLY, 3, 2, "ValueError: Reverse-mode differentiation does not work"),
        (REVERSE_ONLY, 2, 3, "TypeError: can't apply forward-mode auto"),
    ],
)
def test_what_jax_cannot_differentiate_is_told(
    source: str, inputs: int, outputs: int, message: str, runtime: Make
) -> None:
    """The error of JAX is that of the Tesseract, with its type and text."""
    wrong = fault(
        made(runtime, source),
        "jacobian",
        inputs={"x": [1.0] * inputs, "size": outputs},
        jac_inputs=["x"],
        jac_outputs=["y"],
    )
    assert wrong.kind is FaultKind.TESSERACT_FAILED
    assert message in wrong.message


def test_errors_of_the_file_are_its_own(runtime: Make) -> None:
    """An exception of apply_jit is reported like that of the author's own jacobian."""
    tesseract = made(
        runtime, SOURCE.replace("    y = ", "    raise ZeroDivisionError('no')\n    y = ")
    )
    wrong = fault(tesseract, "jacobian", jac_inputs=["x"], jac_outputs=["y"])
    assert wrong.kind is FaultKind.TESSERACT_FAILED
    assert "ZeroDivisionError: no" in wrong.message
    assert "in apply_jit" in wrong.trace
    with pytest.raises(ZeroDivisionError):
        called(tesseract, "jacobian", jac_inputs=["x"], jac_outputs=["y"])


def test_exits_of_the_file_end_nothing(runtime: Make) -> None:
    """A file that exits while it is traced fails like any other."""
    tesseract = made(runtime, SOURCE.replace("    y = ", "    raise SystemExit(3)\n    y = "))
    wrong = fault(tesseract, "jacobian", jac_inputs=["x"], jac_outputs=["y"])
    assert "SystemExit: 3" in wrong.message


def test_paths_that_apply_jit_does_not_return_are_told(runtime: Make) -> None:
    """An output that the schema has and the function has not is named."""
    tesseract = made(runtime, SOURCE.replace('"single":', '"other":'))
    wrong = fault(tesseract, "jacobian", jac_inputs=["x"], jac_outputs=["single"])
    assert wrong.message == "apply_jit returned no array at 'single'."


def test_a_file_without_apply_jit_is_not_served(runtime: Make) -> None:
    """The reason names the missing function; JAX is not imported."""
    tesseract = made(runtime, DOUBLE)
    for endpoint in ("jacobian", "jacobian_vector_product", "vector_jacobian_product"):
        answer = tesseract.function(endpoint)
        assert isinstance(answer, Unavailable)
        assert "tesseract_api.py does not define a function 'apply_jit'." in answer.reason


def test_other_endpoints_are_not_served(runtime: Make) -> None:
    """A gradient that another plugin adds is none of JAX's."""
    tesseract = runtime(SOURCE)
    opened = OpenedBackends(binding=tesseract, catalog=tesseract.catalog)
    assert opened.provided("jax", "third_derivative") == Unavailable(
        "it computes nothing but abstract_eval, hessian_vector_product, jacobian, "
        "jacobian_vector_product, vector_jacobian_product."
    )


def test_auto_takes_jax_before_differences(runtime: Make) -> None:
    """Exact gradients rank before approximate ones."""
    tesseract = runtime(SOURCE, gradient_backend="auto")
    served = tesseract.gradients.serving("jacobian")
    assert not isinstance(served, Unavailable)
    assert served.backend == "jax"


def test_nothing_is_traced_twice(runtime: Make) -> None:
    """Another call with the same shapes uses the compiled function."""
    tesseract = made(runtime)
    for scale in (1.0, 2.0, 3.0):
        called(
            tesseract,
            "vector_jacobian_product",
            vjp_inputs=["x"],
            vjp_outputs=["y"],
            cotangent_vector={"y": [scale, 1.0]},
        )
    products = len(tesseract.api.module.TRACED)
    called(
        tesseract,
        "vector_jacobian_product",
        vjp_inputs=["x"],
        vjp_outputs=["y"],
        cotangent_vector={"y": [4.0, 1.0]},
    )
    assert len(tesseract.api.module.TRACED) == products


def test_the_backend_finds_what_jax_apply_has_left(runtime: Make) -> None:
    """A file whose apply is `jax_apply` has the VJP cache with this backend too."""
    tesseract = made(
        runtime,
        SOURCE.replace(
            "**apply_jit(inputs.model_dump())", "**jax_apply(apply_jit, inputs)"
        ).replace("import jax\n", "import jax\nfrom tesseract_runtime_jax import jax_apply\n", 1),
    )
    set_jax_vjp_cache_size(1)
    assert invoke(tesseract, "apply", {"inputs": INPUTS}).forward == "kept"
    gradient = ask("vector_jacobian_product", INPUTS, vector={"y": [1.0, 1.0]})
    assert invoke(tesseract, "vector_jacobian_product", gradient).forward == "hit"
    assert jax_vjp_cache_info().hits == 1


def test_the_command_line_serves_it(cli: Cli, tesseract: Callable[..., Any]) -> None:
    """`--gradient-backend jax` is all that a file with apply_jit needs."""
    payload: Mapping[str, Any] = {"inputs": INPUTS, "jac_inputs": ["x"], "jac_outputs": ["y"]}
    ended = cli(
        "--api-path",
        str(tesseract(SOURCE)),
        "--gradient-backend",
        "jax",
        "jacobian",
        json.dumps(payload),
        environment={"JAX_ENABLE_X64": "1"},
    )
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["y"]["x"]["shape"] == [2, 2]
    assert ended.stderr == ""


def test_teardown_drops_what_was_compiled(runtime: Make) -> None:
    """The functions of a file that is closed are not kept; those of others are."""
    kept, closed = made(runtime), made(runtime)
    asked = {"vjp_inputs": ["x"], "vjp_outputs": ["y"], "cotangent_vector": {"y": [1.0, 1.0]}}
    called(kept, "vector_jacobian_product", **asked)
    others = len(COMPILED)
    with closed.set_up():
        called(closed, "vector_jacobian_product", **asked)
        assert len(COMPILED) > others
    assert len(COMPILED) == others
