"""Each kind of client gives the same answers, bit by bit."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import BaseModel

from runtime_core import Array, Float64
from tesseract_runtime_client import Tesseract, TesseractFailed, ValidationError

Opened = Callable[[str, str | None], Tesseract]

X = np.array([1.5, -0.0, np.nan, np.inf, 5e-324])
FULL: dict[str, Any] = {
    "x": X,
    "scale": np.float32(0.1),
    "parts": [
        {"weight": np.float64(2.0), "offsets": {"a.b": np.zeros(0), "ä": [1, 2]}},
        {"weight": 1 / 3},
    ],
    "counts": np.array([[2**63 - 1, -(2**63)]]),
    "plain": 1e300,
    "note": "Grüße\n",
    "tree": {"a": [1, None, True, "x", 2**62, {"b": 0.1}]},
}

CALLS: dict[str, Callable[[Tesseract], Any]] = {
    "apply": lambda t: t.apply(FULL, run_id="one"),
    "apply to nothing": lambda t: t.apply({"x": np.zeros(0)}, run_id="one"),
    "apply to a list": lambda t: t.apply({"x": [1, 2]}, run_id="one"),
    "apply to other memory": lambda t: t.apply(
        {"x": np.arange(6.0)[::-2], "counts": np.asfortranarray(np.arange(4).reshape(2, 2))},
        run_id="one",
    ),
    "apply to another byte order": lambda t: t.apply({"x": np.arange(3).astype(">f4")}),
    "apply to large arrays": lambda t: [t.apply({"x": np.arange(300_000.0)}) for _ in range(2)],
    "jacobian": lambda t: t.jacobian(FULL, {"x", "scale"}, ["y", "total"]),
    "jacobian_vector_product": lambda t: t.jacobian_vector_product(
        FULL, ["x", "scale"], ["y"], {"x": X, "scale": np.float32(2)}
    ),
    "vector_jacobian_product": lambda t: t.vector_jacobian_product(
        {"x": [1, 2]}, ["scale"], ["total", "y"], {"total": 1.0, "y": np.ones(2)}
    ),
    "batch of tangents": lambda t: t.jacobian_vector_product(
        {"x": [1, 2]}, ["x"], ["y", "total"], {"x": np.eye(2)}, batch=2
    ),
    "batch of cotangents": lambda t: t.vector_jacobian_product(
        {"x": [1, 2]}, ["scale", "x"], ["total"], {"total": np.arange(3.0)}, batch=3
    ),
    "abstract_eval": lambda t: t.abstract_eval({**FULL, "parts": []}),
    "health": lambda t: t.health(),
    "input_schema": lambda t: t.input_schema,
    "output_schema": lambda t: t.output_schema,
    "openapi_schema": lambda t: t.openapi_schema,
    "available_endpoints": lambda t: t.available_endpoints,
    "refused": lambda t: t.apply({"x": [[1.0]], "more": 1, "plain": "ten"}, run_id="one"),
    "refused names": lambda t: t.jacobian(FULL, ["plain", "z"], "y", run_id="one"),
    "refused tangent": lambda t: t.jacobian_vector_product(
        {"x": [1, 2]}, ["x"], ["y"], {"x": np.ones(3)}, run_id="one"
    ),
    "refused run id": lambda t: t.apply({"x": X}, run_id="../../up"),
    "no payload": lambda t: t.apply({"x": np.array(["text"]), "note": object()}, run_id="one"),
    "failure": lambda t: t.apply({"x": X, "action": "fail"}, run_id="one"),
}


def outcome(call: Callable[[Tesseract], Any], tesseract: Tesseract) -> Any:
    """Return the result of a call, or the facts of its exception."""
    try:
        return plain(call(tesseract))
    except ValidationError as error:
        return "refused", error.errors(), str(error), error.run_id
    except TesseractFailed as error:
        text = re.sub(r"\(/\S*/", "(", str(error))  # only clients of this machine show the folder
        return "failed", text, error.status, error.run_id


def plain(tree: Any) -> Any:
    """Return a tree in which arrays are types and bytes, to be compared by bits."""
    if isinstance(tree, dict):
        return {key: plain(value) for key, value in tree.items() if key != "process"}
    if isinstance(tree, list):
        return [plain(item) for item in tree]
    if isinstance(tree, np.ndarray | np.generic):
        return type(tree), tree.dtype, tree.shape, tree.tobytes()
    return type(tree), repr(tree)


@pytest.mark.parametrize("encoding", [None, "msgpack", "json+base64", "json"])
@pytest.mark.parametrize("name", CALLS)
def test_kinds_do_not_differ(opened: Opened, name: str, encoding: str | None) -> None:
    """Results and errors are the same wherever the Tesseract runs, and however arrays travel."""
    expected = outcome(CALLS[name], opened("api", "msgpack"))
    assert outcome(CALLS[name], opened("worker", encoding)) == expected
    assert outcome(CALLS[name], opened("url", encoding)) == expected
    assert outcome(CALLS[name], opened("api", encoding)) == expected


def test_results_are_right(client: Tesseract) -> None:
    """Arrays come in shape and data type, numbers of rank 0 as numpy scalars."""
    result = client.apply(FULL)
    np.testing.assert_array_equal(result["y"], np.float32(0.1) * X)
    assert type(result["total"]) is np.float32
    assert (result["turned"].dtype, result["positive"].dtype) == (np.complex128, np.bool_)
    assert result["counts"].tolist() == [[0, 1]]
    assert result["parts"][0]["offsets"]["a.b"].shape == (0,)
    assert result["parts"][1] == {"weight": 1 / 3, "offsets": {}}
    assert (result["note"], result["tree"], result["plain"]) == ("Grüße\n", FULL["tree"], 1e300)


def test_inputs_stay_as_they_are(client: Tesseract) -> None:
    """What `apply` changes in place is not the caller's, and results share no memory with it."""
    x, counts = np.arange(3.0), np.arange(4)
    inputs = {"x": x, "counts": counts, "scale": 1.0, "parts": [{"offsets": {"a": x}}]}
    result = client.apply(inputs)
    client.jacobian(inputs, ["x"], ["y"])
    assert (x.tolist(), counts.tolist()) == ([0, 1, 2], [0, 1, 2, 3])
    arrays = [result["y"], result["counts"], result["parts"][0]["offsets"]["a"]]
    for array in arrays:
        assert not np.shares_memory(array, x)
        array[...] = 7
    assert x.tolist() == [0, 1, 2]


def test_frozen_arrays_are_inputs(client: Tesseract) -> None:
    """Read-only arrays can be sent."""
    x = np.arange(3.0)
    x.flags.writeable = False
    assert client.apply({"x": x})["y"].tolist() == [0, 1, 2]


def test_models_are_inputs(client: Tesseract) -> None:
    """A pydantic model with arrays serves as well as a dict, also inside of one."""

    class Part(BaseModel):
        offsets: dict[str, Array[(None,), Float64]]

    class Inputs(BaseModel):
        x: Array[(None,), Float64]
        parts: list[Part]

    part = Part(offsets={"a": [1.0]})
    inputs = Inputs(x=[2.0], parts=[part])
    for given in (inputs, {"x": [2.0], "parts": (part,)}):
        result = client.apply(given)
        assert (result["y"], result["parts"][0]["offsets"]["a"]) == ([2.0], [1.0])


def test_abstract_inputs_have_no_arrays(client: Tesseract) -> None:
    """Shapes and data types are asked by arrays or by what describes them."""
    described = {"shape": (3,), "dtype": "float64"}
    number = {"shape": [], "dtype": "float32"}
    counts = {"shape": [2], "dtype": "int64"}
    found = client.abstract_eval({"x": described, "scale": number, "counts": counts})
    assert found == client.abstract_eval(
        {"x": np.zeros(3), "scale": np.float32(1), "counts": np.zeros(2, int)}
    )
    assert found["y"] == {"shape": [3], "dtype": "float64"}


def test_failure_names_its_run(client: Tesseract, source: Path) -> None:
    """A failure is a `RuntimeError` with the author's words, the run and the author's lines."""
    with pytest.raises(RuntimeError) as raised:
        client.apply({"x": [1.0], "action": "fail"}, run_id="fit-7")
    assert isinstance(raised.value, TesseractFailed)
    place = rf"\(({source.parent}/)?{source.name}:\d+ in fail\)"
    text = rf"ArithmeticError: this cannot be computed {place} \(run fit-7\)"
    assert re.fullmatch(text, str(raised.value))
    assert (raised.value.status, raised.value.run_id) == (500, "fit-7")
    assert f'"{source}", line' in raised.value.trace
    assert raised.value.__notes__ == [raised.value.trace]


def test_run_has_an_id_by_itself(client: Tesseract) -> None:
    """Each call is a run of its own if it is not named."""
    ids = set()
    for _ in range(2):
        with pytest.raises(TesseractFailed) as raised:
            client.apply({"x": [1.0], "action": "fail"})
        ids.add(raised.value.run_id)
    assert len(ids) == 2


def test_refusal_is_like_that_of_pydantic(client: Tesseract) -> None:
    """What is wrong with a payload is a `ValueError` that lists all of it."""
    with pytest.raises(ValueError, match="Field required") as raised:
        client.apply({"plain": "ten"}, run_id="fit-7")
    assert isinstance(raised.value, ValidationError)
    assert raised.value.run_id == "fit-7"
    assert raised.value.error_count() == 2
    found = [(fault["type"], fault["loc"]) for fault in raised.value.errors()]
    assert found == [
        ("missing", ("body", "inputs", "x")),
        ("float_parsing", ("body", "inputs", "plain")),
    ]


def test_what_cannot_be_sent_is_named(client: Tesseract) -> None:
    """Everything in a payload that no document can hold is told with its place."""
    deep: list[Any] = []
    deep.append(deep)
    dates = np.array(["2020-01-01"], "datetime64[s]")
    inputs = {
        "x": np.array([object()]),
        "counts": dates,
        "parts": [{"weight": object()}],
        "tree": deep,
    }
    with pytest.raises(ValidationError) as raised:
        client.apply(inputs)
    found = [
        (".".join(map(str, fault["loc"][:5])), fault["msg"]) for fault in raised.value.errors()
    ]
    assert found == [
        ("body.inputs.x.0", "An object of type object cannot be part of a payload."),
        (
            "body.inputs.counts",
            "Could not parse value as a numeric array (contains non-numeric data)",
        ),
        ("body.inputs.parts.0.weight", "An object of type object cannot be part of a payload."),
        ("body.inputs.tree.0.0", "It is nested more than 200 deep."),
    ]


@pytest.mark.parametrize(
    "error",
    [
        ValidationError.of(
            [{"type": "missing", "loc": ["body", "x"], "msg": "Field required"}], "a"
        ),
        TesseractFailed("ValueError: no", 500, "a", "Traceback"),
    ],
)
def test_errors_reach_other_processes(error: ValidationError | TesseractFailed) -> None:
    """An exception that is pickled says the same in the end."""
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), vars(copy)) == (type(error), str(error), vars(error))


def test_closed_client_is_told(kinds: dict[str, Any], kind: str) -> None:
    """After the `with`, there is nothing to ask."""
    with kinds[kind]() as client:
        assert client.health() == {"status": "ok"}
    client.close()
    with pytest.raises(ConnectionError, match=r"The Tesseract at .* has been closed\."):
        client.apply({"x": [1.0]})
    with pytest.raises(ConnectionError, match="has been closed"):
        client.health()
