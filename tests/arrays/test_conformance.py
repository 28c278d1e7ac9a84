"""The JSON formats and encodings of the core do what all of their kind must do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from runtime_core.catalog import Catalog
from runtime_core.testing import (
    ArrayEncodingConformance,
    FormatConformance,
    made_echo,
    survive_edits,
    survive_exchanges,
)
from runtime_core.testing.memory import SLACK


class TestJson(FormatConformance):
    """The format json, whose numbers take more memory to read and to write."""

    format = "json"
    keeps_nan_payloads = False
    slack = SLACK


class TestBase64(FormatConformance):
    """The format json+base64."""

    format = "json+base64"


class TestJsonEncoding(ArrayEncodingConformance):
    """The encoding json."""

    encoding = "json"
    keeps_nan_payloads = False


class TestBase64Encoding(ArrayEncodingConformance):
    """The encoding base64."""

    encoding = "base64"


class TestRawEncoding(ArrayEncodingConformance):
    """The encoding raw, which is binary."""

    encoding = "raw"


@pytest.mark.parametrize("compression", [None, "lz4"])
@pytest.mark.parametrize("survive", [survive_edits, survive_exchanges])
def test_documents_of_long_texts_may_be_damaged(
    catalog: Catalog, tmp_path: Path, compression: str | None, survive: Callable[..., int]
) -> None:
    """Arrays whose text is too long to be parsed with the rest are as safe as others."""
    echo = made_echo(catalog, "json+base64", tmp_path)
    noise = np.random.default_rng(0).random(9000)
    named = {"buffer": {"values": noise, "note": '"buffer":"'}}
    inputs = {"float64": noise, "many": [noise, noise[:3]], "named": named, "text": "A" * 70_000}
    survive(echo, [echo.write(inputs, compression=compression)], count=200)
