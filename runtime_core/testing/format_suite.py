"""The fixtures of tests of a document format."""

from __future__ import annotations

from typing import ClassVar

import pytest

from runtime_core.catalog import Catalog
from runtime_core.testing.array_suite import ArraySuite, RoundTrip
from runtime_core.testing.echo import Echo, made_echo


class FormatSuite(ArraySuite):
    """Tests that arrays come back in documents of a format, compressed if `compressor` is set."""

    format: ClassVar[str]
    compressor: ClassVar[str | None] = None

    @pytest.fixture(scope="class")
    @classmethod
    def echo(cls, catalog: Catalog, tmp_path_factory: pytest.TempPathFactory) -> Echo:
        """Return an echo in the format."""
        return made_echo(catalog, cls.format, tmp_path_factory.mktemp("echo"))

    @pytest.fixture(scope="class")
    @classmethod
    def round_trip(cls, echo: Echo) -> RoundTrip:
        """Return a function that writes inputs to a document and reads them."""
        return lambda values: dict(echo.read(echo.write(values, compression=cls.compressor)))
