"""What the tests of a document format work with."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck

from runtime_core.catalog import Catalog
from runtime_core.plugins import PluginSelection, load_catalog
from runtime_core.testing.echo import Echo, made_echo
from runtime_core.testing.mutations import documents_to_damage
from runtime_core.testing.samples import bits

UNCHECKED = [
    HealthCheck.differing_executors,  # every subclass has a format of its own
    HealthCheck.too_slow,
]


class FormatSuite:
    """The format of some tests, and a Tesseract that speaks it."""

    format: ClassVar[str]
    keeps_nan_payloads: ClassVar[bool] = True
    buffers_have_ends: ClassVar[bool] = True
    slack: ClassVar[int] = 2**20
    mutations: ClassVar[int] = 300

    @pytest.fixture(scope="class")
    @classmethod
    def catalog(cls) -> Catalog:
        """Return everything that the installed plugins provide."""
        return load_catalog(PluginSelection())

    @pytest.fixture(scope="class")
    @classmethod
    def echo(cls, catalog: Catalog, tmp_path_factory: pytest.TempPathFactory) -> Echo:
        """Return a Tesseract whose results are payloads, in the format."""
        return made_echo(catalog, cls.format, tmp_path_factory.mktemp("echo"))

    @pytest.fixture(scope="class")
    @classmethod
    def originals(cls, echo: Echo) -> list[bytes]:
        """Return the documents to damage."""
        return documents_to_damage(echo)

    def same(self, left: Any, right: Any) -> bool:
        """Say whether two arrays are the same, bit by bit if the format promises that."""
        kept = self.keeps_nan_payloads
        return bits(left, nan_payloads=kept) == bits(right, nan_payloads=kept)
