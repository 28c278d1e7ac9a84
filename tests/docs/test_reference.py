"""The reference is generated from docstrings and signatures, and is up to date."""

from __future__ import annotations

import re

import pytest

from runtime_core import contracts
from tests.conftest import REPOSITORY
from tests.scripts import module_of

HOOKS = REPOSITORY / "docs" / "hooks"


def test_reference_is_up_to_date() -> None:
    """A changed docstring needs one run of the script."""
    pytest.importorskip("griffe")
    reference = module_of(REPOSITORY / "tools/reference.py")
    for path, text in reference.generated(REPOSITORY).items():
        assert path.read_text(encoding="utf-8") == text, "Run: python tools/reference.py"


def test_each_contract_is_on_one_page() -> None:
    """The pages of hooks have all contracts, which the public API is made of."""
    text = "".join(path.read_text(encoding="utf-8") for path in HOOKS.glob("*.md"))
    sections = re.findall(r"^## `(\w+)`", text, re.MULTILINE)
    for_checkers = {"Record", "Buffer", "EncodedData"}
    assert sorted(sections) == sorted({*contracts.__all__} - for_checkers)
