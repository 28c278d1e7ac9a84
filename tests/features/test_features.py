"""Everything that public files of Tesseracts use works, and gives the right values."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.conftest import Cli
from tests.features.conftest import PROCESSES, Request
from tests.features.corpus import FOLDER, Case, cases, features, is_runnable


def each_case() -> Iterator[object]:
    """Yield every case beside the Tesseract whose server answers it."""
    for feature in features():
        for case in cases(feature):
            needed = pytest.mark.skipif(not is_runnable(case), reason=f"needs {case.needs}")
            yield pytest.param(feature, case, id=case.id, marks=needed)


def each_feature(parameters: int = 1) -> Iterator[object]:
    """Yield every Tesseract, once for each parameter; those without a case to run are skipped."""
    for feature in features():
        runs = any(map(is_runnable, cases(feature)))
        lacking = pytest.mark.skipif(not runs, reason=f"needs {cases(feature)[0].needs}")
        yield pytest.param(*[feature] * parameters, id=feature, marks=lacking)


@pytest.mark.parametrize(("server", "case"), [*each_case()], indirect=["server"], scope="module")
def test_case_is_answered_over_http(server: Request, case: Case) -> None:
    """A server gives the expected answer to each payload, and the expected refusal."""
    case.check(*server("POST", f"/{case.endpoint}", case.payload))


@pytest.mark.parametrize("feature", [*each_feature()])
def test_file_passes_check(feature: str, cli: Cli, cli_here: Cli) -> None:
    """The command `check` finds nothing wrong with a file that runs."""
    run = cli if feature in PROCESSES else cli_here
    checked = run("check", environment=environment_of(feature))
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize(
    ("server", "feature"), [*each_feature(2)], indirect=["server"], scope="module"
)
def test_document_names_the_endpoints_of_the_cases(server: Request, feature: str) -> None:
    """The OpenAPI document of a server describes every endpoint that the cases call."""
    status, body = server("GET", "/openapi.json")
    assert status == 200
    paths = json.loads(body)["paths"]
    assert {f"/{case.endpoint}" for case in cases(feature)} <= paths.keys()


ONE_OF_EACH = ["aliases", "arrays_in_files", "files", "neighbours", "own_gradients"]


@pytest.mark.parametrize("feature", ONE_OF_EACH)
def test_case_is_answered_on_the_command_line(feature: str, cli: Cli) -> None:
    """A command prints what a server answers."""
    case = cases(feature)[0]
    arguments = [case.endpoint.replace("_", "-"), json.dumps(case.payload)]
    done = cli(*arguments, environment=environment_of(feature))
    assert done.returncode == 0, done.stderr
    case.check(200, done.stdout.encode())


def environment_of(feature: str) -> dict[str, str]:
    """Return the variables that name the file of a Tesseract and its input files."""
    folder = FOLDER / feature
    return {
        "TESSERACT_API_PATH": str(folder / "tesseract_api.py"),
        "TESSERACT_INPUT_PATH": str(folder / "files"),
    }
