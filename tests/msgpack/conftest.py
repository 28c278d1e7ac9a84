"""A Tesseract whose results are payloads, called in msgpack."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgpack
import pytest

from runtime_core.catalog import Catalog
from runtime_core.testing import Echo, made_echo


@pytest.fixture
def echo(catalog: Catalog, tmp_path: Path) -> Echo:
    """Return the Tesseract."""
    folder = tmp_path / "echo"
    folder.mkdir()
    return made_echo(catalog, "msgpack", folder)


def payload(**inputs: Any) -> bytes:
    """Return a document of inputs, as the package msgpack writes it."""
    packed: bytes = msgpack.packb({"inputs": inputs})
    return packed
