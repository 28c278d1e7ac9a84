"""Memoisation: results that are kept and found again, and those that are not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fsspec import AbstractFileSystem

from runtime_core import Call, Reply, Runtime, Wire
from runtime_core.files import is_url
from tesseract_runtime_memo.kept_results import KeptResults

MODEL = """
from pathlib import Path
from pydantic import BaseModel, field_validator
from runtime_core import Array, Float64
from runtime_core.run_logs import log_metric, run_directory

deterministic = True
count = 0

def log():
    log_metric("loss", 1.0)

def write():
    (run_directory() / "mesh.txt").write_text("mesh")

def fail():
    raise ArithmeticError("no convergence")

ACTIONS = {"": lambda: print("solving"), "log": log, "write": write, "fail": fail}

class InputSchema(BaseModel):
    x: Array[(None,), Float64] = [1.0]
    action: str = ""

    @field_validator("action")
    @classmethod
    def known(cls, action):
        if action == "exit":
            raise SystemExit(3)
        return action

class OutputSchema(BaseModel):
    y: Array[(None,), Float64]
    count: int

def apply(inputs):
    global count
    count += 1
    ACTIONS[inputs.action]()
    return OutputSchema(y=2 * inputs.x, count=count)
"""

Make = Callable[..., Runtime]


@pytest.fixture
def make(runtime: Make, tmp_path: Path) -> Make:
    """Return a function that makes a runtime of `MODEL` which keeps results."""

    def made(source: str = MODEL, **flags: Any) -> Runtime:
        places = {"memo": str(tmp_path / "memo"), "output_path": str(tmp_path / "out")}
        return runtime(source, **{**places, **flags})

    return made


def call(runtime: Runtime, body: str = '{"inputs": {}}', **named: Any) -> Reply:
    """Call `apply` with a document."""
    facts = {"output": Wire(format="json"), **named}
    return runtime.invoke(
        Call(endpoint="apply", run_id="r", body=body.encode(), body_format="json", **facts)
    )


def document(reply: Reply) -> bytes:
    """Return the document of a reply."""
    assert reply.fault is None
    return b"".join(map(bytes, reply.body))


def memo(reply: Reply) -> str | None:
    """Return the mark of memoisation of a reply."""
    return reply.headers.get("Tesseract-Memo")


def test_result_is_found_again(make: Make) -> None:
    """A second process finds the result of the first, to the byte, and computes nothing."""
    first, second = call(make()), call(make())
    assert document(first) == document(second)
    assert [memo(first), memo(second)] == ["miss", "hit"]
    assert first.headers["ETag"] == second.headers["ETag"]
    assert "compute" in first.timings
    assert "compute" not in second.timings
    assert "memo" in second.timings


@pytest.mark.parametrize(
    "other",
    [
        {"body": '{"inputs": {"x": [2.0]}}'},
        {"output": Wire(format="json+base64")},
        {"caller": "ann"},
    ],
)
def test_other_call_is_computed(make: Make, other: dict[str, Any]) -> None:
    """Inputs, the form of the result and the key of the caller tell results apart."""
    runtime = make()
    assert [memo(call(runtime)), memo(call(runtime, **other))] == ["miss", "miss"]
    assert [memo(call(runtime)), memo(call(runtime, **other))] == ["hit", "hit"]


def test_equal_payloads_share_a_result(make: Make) -> None:
    """What counts is the validated payload, not its text."""
    runtime = make()
    replies = [call(runtime), call(runtime, '{"inputs": {"action": "", "x": [1]}}')]
    assert [memo(reply) for reply in replies] == ["miss", "hit"]


@pytest.mark.parametrize("action", ["log", "write", "fail"])
def test_call_that_does_more_is_computed_each_time(make: Make, action: str) -> None:
    """A result is not kept if the call has logged, written files or failed."""
    runtime = make()
    body = f'{{"inputs": {{"action": "{action}"}}}}'
    assert "hit" not in [memo(call(runtime, body)) for _ in range(2)]


@pytest.mark.parametrize(("action", "message"), [("fail", "no convergence"), ("exit", "3")])
def test_failure_is_that_of_the_author(make: Make, action: str, message: str) -> None:
    """The plugin is not to blame for what happens inside of it."""
    fault = call(make(), f'{{"inputs": {{"action": "{action}"}}}}').fault
    assert fault is not None
    assert message in fault.message
    assert "memo" not in fault.message
    refused = call(make(), '{"inputs": {"action": 1}}').fault
    assert refused is not None
    assert refused.kind.status == 422


def test_file_must_be_deterministic(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    """A file that does not say so is computed, with a warning, unless the user insists."""
    source = MODEL.replace("deterministic = True", "")
    runtime = make(source)
    assert [memo(call(runtime)) for _ in range(2)] == [None, None]
    assert "does not say `deterministic = True`" in caplog.text
    forced = make(source, memo_force=True)
    assert [memo(call(forced)) for _ in range(2)] == ["miss", "hit"]


def test_changed_file_is_computed(make: Make) -> None:
    """A result of another state of the file is never found."""
    call(make())
    assert memo(call(make(MODEL.replace("2 *", "3 *")))) == "miss"


def test_place_of_results_is_no_part_of_their_address(make: Make, tmp_path: Path) -> None:
    """Results can be moved and shared: the options of memoisation change none."""
    other = tmp_path / "other"
    call(make())
    (tmp_path / "memo").rename(other)
    assert memo(call(make(memo=str(other), memo_bytes=10_000_000))) == "hit"


def test_empty_place_keeps_nothing(make: Make) -> None:
    """An empty variable is not the working directory."""
    assert memo(call(make(memo=""))) is None


def test_broken_result_is_computed_again(make: Make, tmp_path: Path) -> None:
    """A file that was cut is not a result, and is replaced."""
    reply = call(make())
    [kept] = [path for path in (tmp_path / "memo").rglob("*") if path.is_file()]
    kept.write_bytes(kept.read_bytes()[:-1])
    assert [memo(call(make())), memo(call(make()))] == ["miss", "hit"]
    assert memo(reply) == "miss"


def test_results_may_be_at_a_url(make: Make, memory: AbstractFileSystem) -> None:
    """An object store keeps results as a folder does."""
    runtime = make(memo="memory://memo")
    assert [memo(call(runtime)) for _ in range(2)] == ["miss", "hit"]


@pytest.mark.parametrize("place", ["file", "n" * 300, "unknown://place"])
def test_place_that_fails_costs_no_result(
    make: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture, place: str
) -> None:
    """A place that cannot be written is reported once, and calls are computed."""
    (tmp_path / "file").touch()
    runtime = make(memo=place if is_url(place) else str(tmp_path / place))
    replies = [call(runtime) for _ in range(2)]
    assert [memo(reply) for reply in replies] == ["miss", "miss"]
    assert caplog.text.count("Results cannot be kept by --memo") == 1


@pytest.mark.parametrize("place", ["memory://kept", None])
def test_old_results_give_way(
    tmp_path: Path, memory: AbstractFileSystem, place: str | None
) -> None:
    """The bytes of all results are bounded: the oldest go, and what is too large never comes."""
    results = KeptResults(place or str(tmp_path), most_bytes=16 * 1000)
    keys = [f"a{number}" for number in range(4)]
    for key in keys:
        results.keep(key, [b"x" * 300])
    results.keep("a9", [b"x" * 1000])
    text = b"x" * 300
    assert [results.find(key) for key in (*keys, "a9")] == [None, text, text, text, None]
