"""`keep` and `kept`: the forward solve once, and never the state of other inputs."""

from __future__ import annotations

import dataclasses
import gc
import json
import weakref
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from runtime_core import Call, Runtime, Wire
from runtime_core.calls.content import Content
from runtime_core.calls.forward_point import memory_of
from runtime_core.calls.forward_states import ForwardStates, is_wanted

Make = Callable[..., Runtime]

SOLVER = """
import numpy as np
from pydantic import BaseModel
from runtime_core import Array, Differentiable, Float64, keep, kept

class InputSchema(BaseModel):
    x: Differentiable[Array[(None,), Float64]]
    note: object = None

class OutputSchema(BaseModel):
    y: Differentiable[Array[(None,), Float64]]

class State:
    def __init__(self, x):
        self.slope = 2 * x

SOLVED = []

def apply(inputs):
    SOLVED.append(inputs.x.copy())
    y = inputs.x**2
    keep(State(inputs.x))
    inputs.x[...] = -1.0
    return {"y": y}

def vector_jacobian_product(inputs, vjp_inputs, vjp_outputs, cotangent_vector):
    state = kept(inputs)
    if state is None:
        SOLVED.append(inputs.x.copy())
        state = State(inputs.x)
    return {"x": cotangent_vector["y"] * state.slope}
"""
"""A Tesseract whose gradient needs the state that `apply` has found, and whose inputs change."""


APPLY, VJP = "apply", "vector_jacobian_product"
DERIVATIVE: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        APPLY: {},
        VJP: {
            "vjp_inputs": ["x"],
            "vjp_outputs": ["y"],
            "cotangent_vector": {"y": [1.0]},
        },
    }
)
"""What the payloads of endpoints have besides the inputs."""


def gradient(made: Runtime, x: Any, **inputs: Any) -> Any:
    """Return the gradient of the sum of the outputs."""
    payload = {
        "inputs": {"x": x, **inputs},
        "vjp_inputs": ["x"],
        "vjp_outputs": ["y"],
        "cotangent_vector": {"y": np.ones(np.shape(x))},
    }
    product: Any = made.call("vector_jacobian_product", payload)
    return product.root["x"]


def solved(made: Runtime) -> int:
    """Return the number of forward solves."""
    return len(made.api.module.SOLVED)


def test_the_gradient_uses_the_forward_solve_of_apply(runtime: Make) -> None:
    """It is computed once for `apply` and any number of gradients, whatever `apply` changes."""
    made = runtime(SOLVER)
    made.call("apply", {"inputs": {"x": [1.0, 3.0]}})
    for _ in range(2):
        np.testing.assert_array_equal(gradient(made, [1.0, 3.0]), [2.0, 6.0])
    assert solved(made) == 1
    assert (made.forward_states.counts.hits, made.forward_states.counts.misses) == (2, 0)


def test_a_state_is_not_found_by_another_caller(runtime: Make) -> None:
    """Whether a gradient is fast tells a caller only what it has computed itself."""
    made = runtime(SOLVER)
    outcomes = []
    for endpoint, caller in ((APPLY, "a"), (VJP, "a"), (VJP, "b"), (VJP, None), (VJP, "a")):
        body = json.dumps({"inputs": {"x": [2.0]}, **DERIVATIVE[endpoint]}).encode()
        call = Call(
            endpoint=endpoint,
            run_id="solve",
            body=body,
            body_format="json",
            output=Wire(format="json"),
            caller=caller,
        )
        outcomes.append(made.invoke(call).forward)
    assert outcomes == ["kept", "hit", "miss", "miss", "hit"]


def test_a_gradient_alone_costs_one_forward_solve(runtime: Make) -> None:
    """Where the runtime has to apply for the shape of an output, the gradient uses its state."""
    made = runtime(SOLVER)
    np.testing.assert_array_equal(gradient(made, [1.0, 3.0]), [2.0, 6.0])
    assert solved(made) == 1


def test_as_many_inputs_are_kept_as_the_option_says(runtime: Make) -> None:
    """The least recently used state makes room; without places nothing is kept."""
    for places, more in ((2, 1), (0, 2)):  # without places, the shape of the output is one more
        made = runtime(SOLVER, keep_forward=places)
        for number in range(3):
            made.call("apply", {"inputs": {"x": [float(number)]}})
        assert made.forward_states.counts.entries == places
        assert gradient(made, [0.0]) == 0.0
        assert solved(made) == 3 + more


def test_the_memory_of_states_is_bounded(runtime: Make) -> None:
    """A state that is larger than the bound is not kept, and others make room."""
    made = runtime(SOLVER, keep_forward=100, keep_forward_bytes=200_000)
    for number in range(10):
        made.call("apply", {"inputs": {"x": np.full(4000, float(number))}})  # twice 32 kB
    counts = made.forward_states.counts
    assert counts.entries == 3
    assert counts.size <= 200_000
    made.call("apply", {"inputs": {"x": np.zeros(40_000)}})
    assert made.forward_states.counts.refused == 1


def test_states_are_released_at_the_end(runtime: Make) -> None:
    """Before `teardown()` runs, no state is referred to any more."""
    made = runtime(
        SOLVER + "\ndef teardown():\n    LEFT.append(LAST[0]())\n\nLEFT, LAST = [], []\n"
    )
    with made.set_up():
        made.call("apply", {"inputs": {"x": [1.0]}})
        [(state, _)] = made.forward_states._kept.values()
        made.api.module.LAST.append(weakref.ref(state.value))
        del state
        gc.collect()
    assert made.api.module.LEFT == [None]


def test_evaluations_of_differences_keep_nothing(runtime: Make) -> None:
    """Their inputs are never asked for again, and would displace others."""
    made = runtime(SOLVER, gradient_backend="jacobian=finite-differences")
    made.call("apply", {"inputs": {"x": [1.0]}})
    payload = {"inputs": {"x": [1.0, 2.0]}, "jac_inputs": ["x"], "jac_outputs": ["y"]}
    made.call("jacobian", payload)
    assert solved(made) > 1
    assert made.forward_states.counts.entries == 1


def test_inputs_without_content_keep_nothing(runtime: Make) -> None:
    """An object that cannot be compared is not found again."""
    made = runtime(SOLVER)
    inputs = {"x": [1.0], "note": lambda: None}
    made.call("apply", {"inputs": inputs})
    assert made.forward_states.counts.entries == 0
    assert gradient(made, **inputs) == 2.0
    assert solved(made) == 2 + 1  # the shape of the output is not known either


def test_files_that_keep_nothing_do_not_pay(runtime: Make) -> None:
    """Their inputs are not hashed: the module of `keep` is not loaded."""
    runtime().call("apply", {"inputs": {"x": [1.0]}})
    assert not is_wanted()


def test_outside_of_calls_nothing_is_kept() -> None:
    """Functions of a file can be tested as they are."""
    from runtime_core import keep, kept  # later tests are without it

    keep(1)
    assert kept({"x": 1}) is None


class Part(BaseModel):
    """A model with the same fields as another one."""

    value: Any = 1.0


class OtherPart(BaseModel):
    """The other one."""

    value: Any = 1.0


SIMILAR = [
    *(np.array(value) for value in ([0.0], [-0.0], [1.0], [1], [True], [[1.0]])),
    np.float64(1.0),
    np.array([1.0], "float32"),
    np.arange(6.0).reshape(2, 3),
    np.arange(6.0).reshape(3, 2),
    np.arange(6.0).reshape(3, 2).T,
    *(1.0, 1, True, "1", b"1", None, float("nan"), [1.0], (1.0,), {"a": 1.0}, {"b": 1.0}),
    *(Part(), Part(value=2.0), OtherPart()),
]
"""Values of which some are equal in Python, all of them different for a model."""


def colliding(inputs: object) -> Content:
    """Return the content of inputs, with a digest that all have in common."""
    content = Content.of(inputs)
    assert content is not None
    return dataclasses.replace(content, digest=b"same")


@given(st.lists(st.sampled_from(range(len(SIMILAR))), min_size=100, max_size=100))
def test_colliding_digests_never_find_another_state(order: list[int]) -> None:
    """A hundred inputs in turn, all of one digest, find their own state or none."""
    states = ForwardStates[int](entries=4)
    for number in order:
        content = colliding({"x": SIMILAR[number]})
        assert states.find(content) in (None, number)
        states.put(content, number)
        assert states.peek(content) == number
    assert states.counts.entries <= 4


def test_equal_inputs_have_equal_contents() -> None:
    """Neither where an array lies nor which objects are the same makes a difference."""
    word = "".join(["a", "b"])
    pairs = [
        ([np.arange(4.0)[::2], "ab", "ab"], [np.array([0.0, 2.0]), "ab", word]),
        ({"x": [1.5, {"y": None}]}, {"x": [1.5, {"y": None}]}),
        (Part(value=np.ones(3)), Part(value=np.ones(3))),
    ]
    for one, other in pairs:
        assert Content.of(one) == Content.of(other)
        assert len({Content.of(one), Content.of(other)}) == 1


def test_memory_includes_what_functions_have_captured() -> None:
    """Arrays count wherever they are, and once."""
    array = np.zeros(10_000)
    values = [lambda: array, [array, array], {"a": Part(value=array)}, (array[:5], array)]
    for value in values:
        assert 80_000 <= memory_of(value) < 100_000


@pytest.mark.parametrize("size", [100, 10**6])
def test_size_of_a_state_can_be_given(runtime: Make, size: int) -> None:
    """Where the runtime sees less than a library holds, the author knows more."""
    source = SOLVER.replace("keep(State(inputs.x))", f"keep(State(inputs.x), size={size})")
    made = runtime(source, keep_forward_bytes=400)
    made.call("apply", {"inputs": {"x": [1.0]}})
    assert made.forward_states.counts.entries == (size == 100)
