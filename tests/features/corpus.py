"""The Tesseracts of this folder, their cases, and the comparison of answers with what is expected.

Each folder holds a `tesseract_api.py` and its `cases.json`. A case is a payload and the whole
answer to it, in which an array is `{DTYPE: VALUES}`; or a status and an expression that the refusal
contains. `needs` is a package without which a case cannot run. This module imports no runtime: the tests of other runtimes read it too.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class Case:
    """A call of an endpoint of one Tesseract, and what must come of it."""

    feature: str
    name: str
    endpoint: str
    payload: Any
    answer: Any = None
    status: int = 200
    error: str = ""
    needs: str | None = None
    tolerance: float = 1e-6

    @property
    def id(self) -> str:
        """The name of the case among those of all Tesseracts."""
        return f"{self.feature}: {self.name}"

    def check(self, status: int, body: bytes) -> None:
        """Assert that an answer of a server in JSON is the expected one."""
        assert status == self.status, shortened(body)
        if self.status == 200:
            assert_same(compact(json.loads(body)), self.answer, self.tolerance, "answer")
        else:
            assert re.search(self.error, body.decode()), shortened(body)


def features() -> list[str]:
    """Return the names of all Tesseracts."""
    return sorted(path.parent.name for path in FOLDER.glob("*/cases.json"))


def cases(feature: str) -> list[Case]:
    """Return the cases of one Tesseract."""
    text = (FOLDER / feature / "cases.json").read_text(encoding="utf-8")
    return [Case(feature=feature, **fields) for fields in json.loads(text)]


def is_runnable(case: Case) -> bool:
    """Check that the package that a case needs is installed."""
    return case.needs is None or find_spec(case.needs) is not None


def compact(tree: Any) -> Any:
    """Return a document in which each array is `{DTYPE: VALUES}`."""
    if isinstance(tree, dict) and {"shape", "dtype", "data"} <= tree.keys():
        return {tree["dtype"]: values(tree)}
    if isinstance(tree, dict):
        return {key: compact(value) for key, value in tree.items()}
    return [compact(item) for item in tree] if isinstance(tree, list) else tree


def values(document: dict[str, Any]) -> Any:
    """Return the values of an array document as nested lists."""
    buffer = document["data"]["buffer"]
    if document["data"]["encoding"] == "base64":
        flat = np.frombuffer(base64.b64decode(buffer), document["dtype"])
    else:
        flat = np.array(buffer, dtype=object)
    return flat.reshape(document["shape"]).tolist()


def assert_same(actual: Any, expected: Any, tolerance: float, place: str) -> None:
    """Assert that two trees are the same, except for rounding."""
    if isinstance(expected, dict):
        assert isinstance(actual, dict), f"{place}: {actual!r} is not {expected!r}"
        assert actual.keys() == expected.keys(), f"{place}: {[*actual]} are not {[*expected]}"
        for key, value in expected.items():
            assert_same(actual[key], value, tolerance, f"{place}.{key}")
    elif isinstance(expected, list):
        assert isinstance(actual, list), f"{place}: {actual!r} is not {expected!r}"
        assert len(actual) == len(expected), f"{place}: {actual!r} is not {expected!r}"
        for index, (one, other) in enumerate(zip(actual, expected, strict=True)):
            assert_same(one, other, tolerance, f"{place}.[{index}]")
    else:
        assert type(actual) is type(expected), f"{place}: {actual!r} is not {expected!r}"
        assert is_near(actual, expected, tolerance), f"{place}: {actual!r} is not {expected!r}"


def is_near(actual: Any, expected: Any, tolerance: float) -> bool:
    """Check that two leaves are equal, or numbers that differ by rounding."""
    if isinstance(expected, float):
        return bool(np.isclose(actual, expected, rtol=tolerance, atol=tolerance, equal_nan=True))
    return bool(actual == expected)


def shortened(body: bytes) -> str:
    """Return the beginning of an answer."""
    return body[:2000].decode(errors="replace")
