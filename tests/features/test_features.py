"""Everything that public files of Tesseracts use works, and gives the right values."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.conftest import Cli
from tests.features.conftest import PROCESSES, Request
from tests.features.corpus import FOLDER, Case, cases, features, is_runnable

FAILING = {
    "neighbours: apply": "child processes do not find neighbours",
    "not_finite: apply": "NaN is null in untyped places",
    "returned_values: untyped numpy": "numpy integers in untyped places are refused",
}
"""What does not work yet, by the name of a Tesseract or of one case of it."""


def each_case() -> Iterator[object]:
    """Yield every case beside the Tesseract whose server answers it."""
    for feature in features():
        for case in cases(feature):
            needed = pytest.mark.skipif(not is_runnable(case), reason=f"needs {case.needs}")
            yield pytest.param(
                feature, case, id=case.id, marks=[needed, *marks_of(case.id, feature)]
            )


def marks_of(*names: str) -> Iterator[pytest.MarkDecorator]:
    """Yield the mark of what does not work yet."""
    for name in {*names} & FAILING.keys():
        yield pytest.mark.xfail(reason=FAILING[name], strict=False)


@pytest.mark.parametrize(("server", "case"), [*each_case()], indirect=["server"], scope="module")
def test_case_is_answered_over_http(server: Request, case: Case) -> None:
    """A server gives the expected answer to each payload, and the expected refusal."""
    case.check(*server("POST", f"/{case.endpoint}", case.payload))


EACH_FEATURE = [pytest.param(name, marks=[*marks_of(name)]) for name in features()]


@pytest.mark.parametrize("feature", EACH_FEATURE)
def test_file_passes_check(feature: str, cli: Cli, cli_here: Cli) -> None:
    """The command `check` finds nothing wrong with a file that runs."""
    run = cli if feature in PROCESSES else cli_here
    checked = run("check", environment=environment_of(feature))
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("feature", EACH_FEATURE)
def test_openapi_schema_names_the_endpoints_of_the_cases(
    feature: str, cli: Cli, cli_here: Cli
) -> None:
    """The command `openapi-schema` describes every endpoint that the cases call."""
    run = cli if feature in PROCESSES else cli_here
    printed = run("openapi-schema", environment=environment_of(feature))
    assert printed.returncode == 0, printed.stderr
    paths = json.loads(printed.stdout)["paths"]
    assert {f"/{case.endpoint}" for case in cases(feature)} <= paths.keys()


def environment_of(feature: str) -> dict[str, str]:
    """Return the variables that name the file of a Tesseract and its input files."""
    folder = FOLDER / feature
    return {
        "TESSERACT_API_PATH": str(folder / "tesseract_api.py"),
        "TESSERACT_INPUT_PATH": str(folder / "files"),
    }
