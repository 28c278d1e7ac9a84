"""Memoisation where users meet it: over HTTP and on the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import DOUBLE, Cli
from tests.server.conftest import serving

if TYPE_CHECKING:
    from tests.server.conftest import Answer, Served

SOURCE = DOUBLE.replace("def apply", "deterministic = True\n\ndef apply")
KEYS = ("--api-key=one", "--api-key=two")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Return a server with two keys that keeps results."""
    path = tmp_path_factory.mktemp("memo") / "tesseract_api.py"
    path.write_text(SOURCE)
    with serving(path, "--memo", "results", options=KEYS) as served:
        yield served


def applied(served: Served, x: float, key: str = "one", **headers: str) -> Answer:
    """Apply the Tesseract."""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    payload = f'{{"inputs": {{"x": [{x}]}}}}'
    authorization = {"Authorization": f"Bearer {key}"}
    return served.request("POST", "/apply", payload, {**authorization, **fields})


def test_answer_says_that_it_was_kept(served: Served) -> None:
    """A hit is in a header and in the access log, and is the same document."""
    first, second, other = (applied(served, 1.0, key) for key in ("one", "one", "two"))
    marks = [answer.headers["tesseract-memo"] for answer in (first, second, other)]
    assert marks == ["miss", "hit", "miss"]
    assert first.body == second.body
    run_id = second.headers["tesseract-run-id"]
    line = served.log.wait_for(rf"POST /apply 200 run_id={run_id} .*")[0]
    assert "memo=" in line
    assert "compute=" not in line


def test_answer_that_the_client_has_is_not_sent(served: Served) -> None:
    """A tag of the address makes a 304 of the answer, for the same inputs and form alone."""
    tag = applied(served, 2.0).headers["etag"]
    answers = [applied(served, x, If_None_Match=tag) for x in (2.0, 3.0)]
    assert [answer.status for answer in answers] == [304, 200]
    assert answers[0].body == b""
    assert answers[0].headers["etag"] == tag
    assert applied(served, 2.0, If_None_Match=tag, Accept="application/json+base64").status == 200


def test_command_finds_a_result(cli_here: Cli, tesseract: Callable[..., Path]) -> None:
    """The same command computes once, and prints the same result twice."""
    path = tesseract(SOURCE.replace("    return", "    print('computed')\n    return"))
    command = ["--api-path", str(path), "--memo", "results", "apply", '{"inputs": {"x": [1.0]}}']
    first, second = cli_here(*command), cli_here(*command)
    assert second.stdout.startswith('{"y":')
    assert second.stdout in first.stdout
    assert ["computed" in f"{done.stdout}{done.stderr}" for done in (first, second)] == [
        True,
        False,
    ]
