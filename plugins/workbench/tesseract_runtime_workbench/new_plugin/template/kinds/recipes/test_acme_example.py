"""Tests of the recipe."""

import json
from collections.abc import Callable

from runtime_core import Runtime
from runtime_core.catalog import Catalog


def test_new_tesseract_computes(catalog: Catalog, runtime: Callable[..., Runtime]) -> None:
    """The files of the recipe are a Tesseract and a payload for it."""
    files = catalog.recipes.find("acme-example").files()
    result = runtime(files["tesseract_api.py"]).call("apply", json.loads(files["inputs.json"]))
    assert result.model_dump()["y"].tolist() == [2.0, 3.0]
