"""The original gives the expected answers to the cases of `tests/features`, or is known not to."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.features.corpus import FOLDER, Case, cases, features, is_runnable
from tests.interop.conftest import serving_original
from tests.patience import SECONDS

Post = Callable[[str, Any], requests.Response]

DIFFERENCES: dict[str, str] = {
    "aliases: apply": "its answers have the names of fields, where its own schema has the aliases",
    "aliases: names of fields where they are allowed": "the same",
    "computed: apply": "it refuses a computed field of the output schema as an extra one",
    "files: apply": "it looks for relative globs in the working directory",
    "forward": "it misses arrays of classes that are defined after those that name them",
    "generics: defaults": "it does not convert the default of an array",
    "habits: after an exit": "it runs `apply` in the event loop, where asyncio.run fails",
    "habits: exits": "its 500 does not say what failed",
    "habits: in a loop": "it runs `apply` in the event loop, where asyncio.run fails",
    "habits: raises": "its 500 does not say what failed",
    "logs: artifact of a folder": "it copies files only",
    "not_finite: apply": "it reads no NaN and writes null",
    "returned_arrays: masked": "it loses the mask",
    "returned_values: default": "it leaves out fields at their default where a dict is returned",
    "returned_values: untyped numpy": "it refuses numpy integers in untyped places",
}
"""What the original does otherwise, by the name of a Tesseract or of one case of it."""

HANGING: dict[str, str] = {
    "habits: in forked processes": "a pool of forked processes hangs in the threads of its server",
}
"""Cases that stop its server."""


def each_case() -> Iterator[Any]:
    """Yield every case beside the Tesseract whose server answers it."""
    for feature in features():
        for case in cases(feature):
            yield pytest.param(feature, case, id=case.id, marks=[*marks_of(case)])


def marks_of(case: Case) -> Iterator[pytest.MarkDecorator]:
    """Yield the marks of a case that cannot be run, or fails."""
    if not is_runnable(case):
        yield pytest.mark.skip(f"needs {case.needs}")
    if case.id in HANGING:
        yield pytest.mark.skip(HANGING[case.id])
    if reason := DIFFERENCES.get(case.id) or DIFFERENCES.get(case.feature):
        yield pytest.mark.xfail(reason=reason, strict=True)


@pytest.fixture(scope="module")
def original(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Post]:
    """Serve a Tesseract by the original, until the tests of the next one begin."""
    target = tmp_path_factory.mktemp("features")
    folder = Path(shutil.copytree(FOLDER / request.param, target / request.param))
    paths = {"output_path": target / "output", "input_path": folder / "files"}
    for path in paths.values():
        path.mkdir(exist_ok=True)
    with serving_original(folder, **paths) as url:

        def post(endpoint: str, payload: Any) -> requests.Response:
            body = json.dumps(payload)
            headers = {"Content-Type": "application/json"}
            # Each over a connection of its own: the original closes one that it answered 500 on,
            # at times after the next request was sent.
            return requests.post(f"{url}/{endpoint}", body, headers=headers, timeout=SECONDS)

        yield post


@pytest.mark.parametrize(
    ("original", "case"), [*each_case()], indirect=["original"], scope="module"
)
def test_original_answers_case_alike(original: Post, case: Case) -> None:
    """The answer that our tests expect is that of the original, where the original is right."""
    answer = original(case.endpoint, case.payload)
    case.check(answer.status_code, answer.content)
