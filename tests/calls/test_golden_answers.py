"""Answers of calls of every kind, as they were when they were stored."""

from __future__ import annotations

import json
from pathlib import Path

from tests.calls.golden_calls import STORED, answers


def test_answers_have_not_changed(tmp_path: Path) -> None:
    """The bytes of each answer, and the kind and the places of each fault, are as stored."""
    stored = json.loads(STORED.read_text(encoding="utf-8"))
    found = dict(answers(tmp_path))
    assert {name: answer for name, answer in found.items() if stored.get(name) != answer} == {}
    assert stored.keys() == found.keys()
