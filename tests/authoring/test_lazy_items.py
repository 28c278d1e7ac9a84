"""Sequences of files: each is read once, on use, with the rights of the call."""

from __future__ import annotations

import copy
import gc
import json
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
import pytest
from pydantic import BaseModel, SecretStr, TypeAdapter, ValidationError

from runtime_core import Array, Float64
from runtime_core.calls import scope
from runtime_core.errors import (
    FaultKind,
    InvalidItem,
    InvalidPayload,
    ValidationFaults,
)
from runtime_core.files import FileAccess
from tesseract_runtime_authoring import InputPath, LazySequence
from tests.authoring.conftest import (
    SERVINGS,
    Calling,
    Made,
    Point,
    answer,
    fault,
    invoke,
    read,
    refused,
    write_points,
)

POINTS = LazySequence[Point]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record the names of all files that are opened from now on."""
    names: list[str] = []
    plain = FileAccess.open

    def noted(self: FileAccess, name: str, **named: Any) -> Any:
        names.append(name)
        return plain(self, name, **named)

    monkeypatch.setattr(FileAccess, "open", noted)
    return names


@SERVINGS
def test_a_thousand_items_are_not_read_until_they_are_used(
    remote: bool, inputs: Path, calling: Calling, opened: list[str]
) -> None:
    """Validation lists the files; each is opened once, when its item is used."""
    write_points(inputs / "points", 1000)
    with calling(remote=remote):
        points = read(POINTS, "@points/*.json")
        assert len(points) == 1000
        assert opened == []
        assert points[7].x == points[7].x == points[-993].x == 7.0
        assert opened == ["points/0007.json"]
        assert [point.x for point in points] == list(range(1000))
        assert len(points[500:]) == 500
        assert points[500:][0].x == 500
    assert len(opened) == 1000


def test_apply_opens_only_what_it_uses(made: Made, inputs: Path, opened: list[str]) -> None:
    """Items that `apply` does not use are never read."""
    write_points(inputs / "points", 1000)
    source = MEAN.partition("    values =")[0]
    runtime = made(f"{source}    return OutputSchema(mean=inputs.points[3].x)\n")
    assert answer(runtime, {"points": "@points/*.json"})["mean"] == 3
    assert opened == ["points/0003.json"]


def test_items_are_in_the_order_of_their_names(inputs: Path, calling: Calling) -> None:
    """The order does not depend on the file system."""
    (inputs / "points").mkdir()
    for name in ("b", "a", "c.d", "a1"):
        (inputs / "points" / f"{name}.json").write_text('{"x": 1}')
    with calling() as entered:
        points = read(POINTS, "@points/*")
        names = ["a.json", "a1.json", "b.json", "c.d.json"]
        assert len(points) == len(names)
        assert entered.files.root == str(inputs)


def test_one_file_needs_no_star(inputs: Path, calling: Calling) -> None:
    """A plain file name is a glob with one match."""
    write_points(inputs / "points", 3)
    with calling():
        assert read(POINTS, "@points/0001.json") == [Point(x=1)]


def test_items_may_be_in_any_format(inputs: Path, calling: Calling) -> None:
    """The suffix says how a file is read; without a known one it is JSON."""
    folder = inputs / "points"
    folder.mkdir()
    (folder / "a.msgpack").write_bytes(msgpack.packb({"x": 1}))
    (folder / "b.json").write_text('{"x": 2}')
    (folder / "c").write_text('{"x": 3}')
    (folder / "d.point").write_text('{"x": "NaN"}')
    with calling():
        points = read(POINTS, "@points/*")
        assert [point.x for point in points[:3]] == [1, 2, 3]
        assert np.isnan(points[3].x)


class Field(BaseModel):
    """An item with an array."""

    values: Array[(None,), Float64]


def reference(buffer: str) -> str:
    """Return an item whose array of two numbers is in a separate file."""
    data = {"encoding": "binref", "buffer": buffer}
    return json.dumps({"values": {"shape": [2], "dtype": "float64", "data": data}})


@SERVINGS
@pytest.mark.parametrize("pattern", ["@fields/*.json", "@ABSOLUTE/fields/*.json"])
def test_binrefs_start_from_the_folder_of_the_item(
    pattern: str, remote: bool, inputs: Path, calling: Calling
) -> None:
    """Array references are relative to the file that contains them."""
    (inputs / "fields").mkdir()
    np.arange(4.0).tofile(inputs / "fields" / "data.bin")
    (inputs / "fields" / "a.json").write_text(reference("data.bin:16"))
    np.arange(2.0).tofile(inputs / "data.bin")
    (inputs / "fields" / "b.json").write_text(reference("../data.bin"))
    with calling(remote=remote):
        fields = read(LazySequence[Field], pattern.replace("ABSOLUTE", str(inputs)))
        assert [field.values.tolist() for field in fields] == [[2, 3], [0, 1]]
        assert fields[0].values.flags.writeable


def test_a_binref_does_not_lead_out(inputs: Path, calling: Calling) -> None:
    """References of an item are opened with the rights of the caller."""
    (inputs / "a.json").write_text(reference("../secret"))
    told = r"item 'a.json'.values: .* outside of the input"
    with calling(remote=True), pytest.raises(InvalidPayload, match=told):
        read(LazySequence[Field], "@a.json")[0]


def test_paths_inside_of_items_are_those_of_the_input_path(inputs: Path, calling: Calling) -> None:
    """An `InputPath` of an item is relative to the input path, as everywhere."""

    class Case(BaseModel):
        mesh: InputPath

    (inputs / "cases").mkdir()
    (inputs / "cases" / "a.json").write_text('{"mesh": "meshes/fine.msh"}')
    (inputs / "cases" / "b.json").write_text('{"mesh": "../secret"}')
    with calling():
        cases = read(LazySequence[Case], "@cases/*.json")
        assert cases[0].mesh == inputs / "meshes" / "fine.msh"
        with pytest.raises(InvalidPayload, match=r"item 'cases/b.json'.mesh: '../secret' lies out"):
            cases[1]


@SERVINGS
@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("{'x': 1}", InvalidItem, "item 'points/a.json': The file is not valid json: "),
        ("", InvalidItem, "item 'points/a.json': The file is not valid json: "),
        ('{"x": "a"}', InvalidPayload, "item 'points/a.json'.x: Input should be a valid number"),
        ("[1]", InvalidPayload, "item 'points/a.json': Input should be a valid dictionary"),
        (
            '{"weight": [1]}',
            InvalidItem,
            "item 'points/a.json'.x: Field required\nitem 'points/a.json'.weight: Input should be",
        ),
    ],
)
def test_a_wrong_item_names_the_file_and_the_path_inside(
    text: str,
    error: type[Exception],
    message: str,
    remote: bool,
    inputs: Path,
    calling: Calling,
) -> None:
    """All faults of an item are reported together, when it is used."""
    (inputs / "points").mkdir()
    (inputs / "points" / "a.json").write_text(text)
    with calling(remote=remote):
        points = read(POINTS, "@points/*.json")
        with pytest.raises(error) as caught:
            points[0]
    assert str(caught.value).startswith(message)
    assert isinstance(caught.value, ValidationError)
    copied = pickle.loads(pickle.dumps(caught.value))
    assert (str(copied), copied.errors()) == (str(caught.value), caught.value.errors())


class Login(BaseModel):
    """A user with a secret."""

    user: int
    password: SecretStr


@pytest.mark.parametrize("item", [Login, SecretStr])
def test_secrets_of_items_are_not_shown(inputs: Path, calling: Calling, item: Any) -> None:
    """Neither the fault of a file nor that of an item made in Python has the value of a secret."""
    text = '{"user": 1, "password": ["hunter2"]}' if item is Login else '["hunter2"]'
    (inputs / "a.json").write_text(text)
    with calling():
        sequence: Any = LazySequence[item]
        logins = read(sequence, "@a.json")
        made = read(sequence, LazySequence(["a"], lambda _: json.loads(text)))
        for items in (logins, made):
            with pytest.raises(ValidationFaults) as caught:
                items[0]
            error = caught.value
            assert "hunter2" not in f"{error} {error!r} {error.details} {error.errors()}"


def test_a_file_that_goes_away_is_named(inputs: Path, calling: Calling) -> None:
    """A file that disappears before its use is reported."""
    write_points(inputs / "points", 2)
    with calling():
        points = read(POINTS, "@points/*.json")
        (inputs / "points" / "0001.json").unlink()
        with pytest.raises(InvalidItem, match=r"'points/0001\.json': No such file"):
            points[1]


def test_a_link_that_is_exchanged_leads_nowhere(inputs: Path, calling: Calling) -> None:
    """The rights to a file are checked again when it is opened."""
    write_points(inputs / "points", 1)
    with calling(remote=True):
        points = read(POINTS, "@points/*.json")
        (inputs / "points" / "0000.json").unlink()
        (inputs / "points" / "0000.json").symlink_to("../../secret")
        with pytest.raises(InvalidItem, match="outside of the input path"):
            points[0]


def test_items_are_read_in_threads_and_after_the_call(inputs: Path, calling: Calling) -> None:
    """A sequence keeps the rights of its call, even in a thread without a scope."""
    write_points(inputs / "points", 8)
    with calling(remote=True):
        points = read(POINTS, "@points/*.json")
    with ThreadPoolExecutor(4) as pool:
        assert [p.x for p in pool.map(points.__getitem__, range(7))] == list(range(7))
    seen: list[float] = []
    thread = threading.Thread(target=lambda: seen.append(points[7].x))
    thread.start()
    thread.join()
    assert seen == [7]


def test_plain_python_reads_from_the_working_directory(
    inputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a runtime names are relative to the working directory at validation."""
    write_points(inputs / "points", 2)
    monkeypatch.chdir(inputs)
    points = TypeAdapter(POINTS).validate_python("@points/*.json")
    monkeypatch.chdir("/")
    assert points == [Point(x=0), Point(x=1)]
    assert scope.entered() is None


def test_a_copy_reads_nothing_again(inputs: Path, calling: Calling, opened: list[str]) -> None:
    """Copies of the inputs share files that are read, but no items."""
    write_points(inputs / "points", 3)
    with calling():
        points = read(POINTS, "@points/*.json")
        assert points.keys[0].endswith("points/0000.json")
        copies = [copy.deepcopy(points) for _ in range(5)]
        for copied in copies:
            copied[1].x += 10
        assert [copied[1].x for copied in copies] == [11] * 5
        assert points[1].x == 1
    assert len(opened) == 1


def test_another_process_gets_the_items(inputs: Path, calling: Calling) -> None:
    """A pickled sequence contains its items."""
    write_points(inputs / "points", 3)
    with calling():
        pickled = pickle.dumps(read(POINTS, "@points/*.json"))
    (inputs / "points" / "0000.json").unlink()
    assert [point.x for point in pickle.loads(pickled)] == [0, 1, 2]


def test_unread_items_take_no_memory_of_their_own(inputs: Path, calling: Calling) -> None:
    """Each item has one object, which is made when it is read."""
    # By the type: objects of other tests may be hostile, down to their `__class__`.
    write_points(inputs / "points", 1000)
    with calling():
        points = read(POINTS, "@points/*.json")
        gc.collect()
        assert not any(issubclass(type(thing), Point) for thing in gc.get_objects())
        assert points[0]
        assert sum(issubclass(type(thing), Point) for thing in gc.get_objects()) == 1


MEAN = """
from pydantic import BaseModel
from tesseract_core.runtime.experimental import LazySequence

class Point(BaseModel):
    x: float
    weight: float = 1.0

class InputSchema(BaseModel):
    points: LazySequence[Point]
    groups: dict[str, LazySequence[Point] | None] = {}

class OutputSchema(BaseModel):
    mean: float
    points: LazySequence[Point] = []

def apply(inputs: InputSchema) -> OutputSchema:
    values = [point.x for point in inputs.points]
    assert all(isinstance(point, Point) for point in inputs.points[:1])
    return OutputSchema(mean=sum(values) / len(values), points=inputs.points[:2])
"""


@SERVINGS
@pytest.mark.parametrize("points", ["@points/*.json", [{"x": 0}, {"x": 1}, {"x": 2}]])
def test_lists_and_globs_are_the_same_to_apply(
    points: Any, remote: bool, made: Made, inputs: Path
) -> None:
    """`apply` computes with a sequence, and may return one."""
    write_points(inputs / "points", 3)
    written = answer(made(MEAN, remote=remote), {"points": points, "groups": {"a": points}})
    expected = [{"x": 0.0, "weight": 1.0}, {"x": 1.0, "weight": 1.0}]
    assert written == {"mean": 1.0, "points": expected}


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("@none/*.json", "No file matches '@none/*.json' in the input path."),
        ("@../*.json", "'../*.json' is not opened: it lies outside of the input path."),
        ("@/etc/*", "'/etc/*' is not opened: it lies outside of the input path."),
        (
            "points/*.json",
            "Input should be a list, or '@' and a glob of files, not 'points/*.json'",
        ),
    ],
)
def test_a_wrong_glob_is_a_fault_of_the_payload(pattern: str, message: str, made: Made) -> None:
    """A glob without a match is reported at the location of the field."""
    reply = invoke(made(MEAN, remote=True), {"points": [], "groups": {"a": pattern}})
    assert reply.fault is not None
    assert reply.fault.kind is FaultKind.INVALID_PAYLOAD
    [detail] = reply.fault.details
    assert (detail["loc"], detail["msg"]) == (["inputs", "groups", "a"], message)


def test_a_server_without_an_input_path_reads_no_items(made: Made) -> None:
    """Lists work, and globs are refused."""
    runtime = made(MEAN, remote=True, input_path=None)
    assert answer(runtime, {"points": [{"x": 4}]})["mean"] == 4
    told = fault(runtime, {"points": "@points/*.json"})
    assert told.startswith("inputs.points: 'points/*.json' is not opened: this Tesseract opens no")


def test_a_wrong_item_is_named_by_apply(made: Made, inputs: Path) -> None:
    """The caller learns which file is wrong."""
    write_points(inputs / "points", 2)
    (inputs / "points" / "0001.json").write_text('{"x": []}')
    told = fault(made(MEAN, remote=True), {"points": "@points/*.json"})
    assert "item 'points/0001.json'.x: Input should be a valid number" in told


def test_unknown_keys_of_items_are_refused(made: Made, inputs: Path) -> None:
    """Items are validated alike, in the payload or in files."""
    write_points(inputs / "points", 1)
    (inputs / "points" / "0000.json").write_text('{"x": 1, "y": 2}')
    runtime = made(MEAN)
    in_file = fault(runtime, {"points": "@points/*.json"})
    in_payload = fault(runtime, {"points": [{"x": 1, "y": 2}]})
    assert "item 'points/0000.json'.y: Extra inputs are not permitted" in in_file
    assert "inputs.points.0.y: Extra inputs are not permitted" in in_payload


def test_a_wrong_item_that_is_only_returned_is_reported(made: Made, inputs: Path) -> None:
    """An error while a result is written is reported unchanged."""
    write_points(inputs / "points", 2)
    (inputs / "points" / "0001.json").write_text("{")
    source = MEAN.replace("[point.x for point in inputs.points]", "[inputs.points[0].x]")
    told = fault(made(source), {"points": "@points/*.json"})
    assert told.startswith("item 'points/0001.json': The file is not valid json: ")


DIFFERENTIABLE = """
import numpy as np
from pydantic import BaseModel
from tesseract_core.runtime import Array, Differentiable, Float64
from tesseract_core.runtime.experimental import LazySequence

class Part(BaseModel):
    x: Differentiable[Array[(None,), Float64]]

class InputSchema(BaseModel):
    parts: LazySequence[Part]

class OutputSchema(BaseModel):
    y: Differentiable[Array[(None,), Float64]]

def apply(inputs: InputSchema) -> OutputSchema:
    return OutputSchema(y=sum((n + 1) * part.x for n, part in enumerate(inputs.parts)))

def abstract_eval(abstract_inputs):
    return {"y": abstract_inputs.parts[0].x}

def jacobian(inputs, jac_inputs, jac_outputs):
    factors = {f"parts.[{n}].x": float(n + 1) for n in range(len(inputs.parts))}
    size = inputs.parts[0].x.size
    return {"y": {path: factors[path] * np.eye(size) for path in jac_inputs}}
"""


@pytest.mark.parametrize("backend", ["native", "finite-differences"])
@pytest.mark.parametrize("as_files", [True, False])
def test_items_can_be_differentiated(
    as_files: bool, backend: str, made: Made, inputs: Path
) -> None:
    """Gradient paths lead into items as into those of a list."""
    parts: Any = [{"x": [1.0]}, {"x": [2.0]}]
    if as_files:
        for number, part in enumerate(parts):
            (inputs / f"part{number}.json").write_text(json.dumps(part))
        parts = "@part*.json"
    runtime = made(DIFFERENTIABLE, gradient_backend=f"jacobian={backend}")
    asked = {"jac_inputs": ["parts.[1].x"], "jac_outputs": ["y"]}
    written = answer(runtime, {"parts": parts}, "jacobian", **asked)
    np.testing.assert_allclose(written["y"]["parts.[1].x"]["data"]["buffer"], [[2.0]], rtol=1e-6)
    wrong = fault(runtime, {"parts": parts}, "jacobian", **{**asked, "jac_inputs": ["parts.[2].x"]})
    assert "no array at 'parts.[2].x'. Valid: parts.[0].x, parts.[1].x." in wrong


def test_shapes_of_items_are_those_of_their_files(made: Made, inputs: Path) -> None:
    """Abstract evaluation reads the files too, with shapes instead of arrays."""
    array = {"shape": [3], "dtype": "float64", "data": {"encoding": "json", "buffer": [1, 2, 3]}}
    (inputs / "part.json").write_text(json.dumps({"x": array}))
    written = answer(made(DIFFERENTIABLE), {"parts": "@part.json"}, "abstract_eval")
    assert written == {"y": {"shape": [3], "dtype": "float64"}}


def test_a_sequence_is_not_opened_by_its_refusal(calling: Calling) -> None:
    """The value of a refused field is not quoted."""
    with calling():
        assert refused(POINTS, [{"x": []}])["loc"] == (0, "x")
