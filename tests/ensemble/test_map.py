"""The command `map`."""

from __future__ import annotations

from pathlib import Path

from tests.conftest import Cli
from tests.ensemble.conftest import rows_of


def test_any_endpoint_is_computed_for_each_line(ensemble: Cli, tmp_path: Path) -> None:
    """Rows have the line of their payload, and the result of the endpoint."""
    (tmp_path / "in.jsonl").write_text('{"inputs": {"beta": 2}}\n\n{"inputs": {"bta": 1}}\n')
    absent = ensemble("map", "jacobian", "in.jsonl", "-o", "o.jsonl")
    assert absent.returncode == 2
    assert "Endpoint 'jacobian' is not available" in absent.stderr
    done = ensemble("map", "apply", "in.jsonl", "-o", "o.jsonl")
    assert done.returncode == 1
    first, second = rows_of(tmp_path / "o.jsonl")
    assert (first["inputs"], first["outputs"]["parts"]) == ({"line": 1}, {"a": 2.0})
    assert (second["inputs"], second["status"]) == ({"line": 3}, "failed")
    assert "Did you mean 'beta'?" in second["error"]


def test_broken_lines_are_refused_before_anything_is_computed(
    ensemble: Cli, tmp_path: Path
) -> None:
    """No table is written."""
    (tmp_path / "in.jsonl").write_text('{"inputs": {}}\n{"inputs": {"be')
    done = ensemble("map", "apply", "in.jsonl", "-o", "o.jsonl")
    assert done.returncode == 2
    assert "  line 2: EOF while parsing a string at character 15\n" in done.stderr
    assert not (tmp_path / "o.jsonl").exists()


def test_other_payloads_are_not_resumed(ensemble: Cli, tmp_path: Path) -> None:
    """Their number and their content count."""
    lines = tmp_path / "in.jsonl"
    lines.write_text('{"inputs": {"beta": 1}}\n')
    ensemble("map", "apply", "in.jsonl", "-o", "o.jsonl")
    lines.write_text('{"inputs": {"beta": 1}}\n{"inputs": {"beta": 2}}\n')
    done = ensemble("map", "apply", "in.jsonl", "-o", "o.jsonl", "--resume")
    assert done.returncode == 2
    assert "  payloads: 1 before, 2 now\n" in done.stderr


def test_an_unknown_endpoint_has_a_suggestion(ensemble: Cli) -> None:
    """It is found before the payloads are read."""
    done = ensemble("map", "aply", "in.jsonl", "-o", "o.jsonl")
    assert done.returncode == 2
    assert "Did you mean 'apply'?" in done.stderr
