"""What the page weighs, and how few points draw large answers."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from importlib.metadata import distribution
from importlib.resources import files
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.browser.conftest import EVERY_FIELD, EXAMPLES, Serve, Visits
from tests.server.conftest import serving

LARGE = """
import numpy as np
from pydantic import BaseModel
from tesseract_core.runtime import Array, Float64

class InputSchema(BaseModel):
    count: int = 10_000_000

class OutputSchema(BaseModel):
    values: Array[(None,), Float64]

def apply(inputs: InputSchema) -> OutputSchema:
    return OutputSchema(values=np.sin(np.arange(inputs.count) / 1e6))
"""


def test_first_view_is_small(serve: Serve, visit: Visits) -> None:
    """The first view takes less than 300 kB; the plot library is loaded after it."""
    page = visit("about:blank").page
    page.goto(serve(EXAMPLES / "mauna_loa"))
    page.locator("#form").wait_for()
    loaded = page.evaluate(
        "performance.getEntriesByType('resource').map(one => [one.name, one.transferSize])"
    )
    first = sum(size for name, size in loaded if "plotly" not in name)
    assert 10_000 < first < 300_000


def test_plot_library_is_that_of_the_distribution(serve: Serve) -> None:
    """plotly.js is sent as gzip, and may be kept for ever."""
    version = distribution("plotly").version
    with urlopen(serve(EVERY_FIELD) + f"web/plotly-{version}.min.js") as answer:
        assert "immutable" in answer.headers["Cache-Control"]
        content = gzip.decompress(answer.read())
    assert content[:300].decode().startswith("/**\n* plotly.js v")


def test_files_are_sent_once(serve: Serve) -> None:
    """A browser that has a file gets a 304."""
    url = serve(EVERY_FIELD) + "web/page.css"
    with urlopen(url) as answer:
        tag = answer.headers["ETag"]
    with pytest.raises(HTTPError, match="304"):
        urlopen(Request(url, headers={"If-None-Match": tag}))


def test_scripts_are_few() -> None:
    """All scripts together have at most 1,500 lines, without comments and blank ones."""
    folder = files("tesseract_runtime_web") / "static"
    scripts = [path.read_text("utf-8") for path in folder.iterdir() if path.name.endswith(".js")]
    lines = [line.strip() for text in scripts for line in text.splitlines()]
    assert sum(bool(line) and not line.startswith(("//", "/**")) for line in lines) <= 1500


def test_large_answer_is_drawn_by_few_points(
    tesseract: Callable[..., Path], visit: Visits, tmp_path: Path
) -> None:
    """10 million floats are drawn as a few thousand points; the benchmarks time it."""
    with serving(tesseract(LARGE), options=["--in-process"]) as served:
        page = visit(f"http://127.0.0.1:{served.port}/")
        page.fill("1000", "count")
        page.run()
        page.drawn("values")
        page.fill("10000000", "count")
        page.run()
        (*_, trace) = page.plot("values")
        assert 1000 < len(trace["y"]) < 10_000
