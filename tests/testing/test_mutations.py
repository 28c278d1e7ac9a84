"""Damaged documents of all formats: `pytest tests/testing/test_mutations.py --mutations 100000`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from runtime_core.catalog import Catalog
from runtime_core.testing import documents_to_damage, made_echo, survive_edits, survive_exchanges
from runtime_core.testing.memory import SLACK, resident_peak

FORMATS = ("json", "json+base64", "json+binref", "msgpack")


@pytest.mark.timeout(3600)  # for as many as the option may ask for
@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("survive", [survive_edits, survive_exchanges])
def test_damaged_documents_have_a_value_or_a_clear_error(
    catalog: Catalog, tmp_path: Path, mutations: int, name: str, survive: Callable[..., int]
) -> None:
    """Whatever is done to a document, it is read or clearly refused, in little memory.

    Half of the documents are compressed, where the encoding of the format has compressions.
    """
    echo = made_echo(catalog, name, tmp_path)
    originals = [*documents_to_damage(echo), *documents_to_damage(echo, compression="lz4")]
    alive: list[int] = []
    damage = partial(survive, echo, originals, count=mutations)
    assert resident_peak(lambda: alive.append(damage())) < SLACK
    assert 0 < alive[0] < mutations
