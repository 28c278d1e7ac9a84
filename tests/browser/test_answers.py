"""Answers: pictures, tables, files, every endpoint, and what the page says about the model."""

from __future__ import annotations

import json

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import EVERY_FIELD, Serve, Visit, Visits


@pytest.fixture
def page(serve: Serve, visit: Visits) -> Visit:
    """Open the page of a Tesseract with every kind of field."""
    return visit(serve(EVERY_FIELD))


def test_each_shape_has_its_picture(page: Visit) -> None:
    """Vectors are lines, matrices heat maps, points curves; complex values have two pictures."""
    page.run()
    types = {name: page.plot(name)[0]["type"] for name in ("vector", "matrix", "curve", "spiral")}
    assert types == {
        "vector": "scatter",
        "matrix": "heatmap",
        "curve": "scatter",
        "spiral": "scatter3d",
    }
    (circle,) = page.plot("curve")
    assert np.allclose(np.hypot(circle["x"], circle["y"]), 1)
    assert page.plot("complex_array", 0)[0]["y"] == [5, 1]
    assert np.allclose(page.plot("complex_array", 1)[0]["y"], [np.arctan2(4, 3), np.pi / 2])
    expect(page.result("scalar")).to_contain_text("9km")
    expect(page.result("vector")).to_contain_text("Twice the positions.")
    expect(page.result("whole_array")).to_contain_text("[9007199254740993]")


def test_earlier_answers_stay_behind(page: Visit) -> None:
    """The last few answers are drawn behind the newest, unless that is switched off."""
    for value in range(1, 8):
        page.fill(f"{value}, {value}", "vector")
        page.run()
    traces = page.plot("vector")
    assert [trace["y"][0] for trace in traces] == [6, 8, 10, 12, 14]
    page.page.get_by_label("Show earlier answers too").uncheck()
    expect(page.result("vector").locator(".scatterlayer .trace")).to_have_count(1)


def test_values_stand_in_a_table(page: Visit) -> None:
    """A table shows the first values."""
    page.fill("\n".join(f"{row} 0 {row}" for row in range(250)), "matrix")
    page.run()
    card = page.drawn("matrix")
    card.get_by_text("Table").click()
    rows = card.locator("tbody tr")
    expect(rows).to_have_count(200)
    expect(rows.nth(3)).to_have_text("3303")
    expect(card).to_contain_text("The first values of 250")


@pytest.mark.parametrize("format_", ["csv", "json"])
def test_arrays_are_downloaded(format_: str, page: Visit) -> None:
    """A file of an array has its values."""
    page.run()
    with page.page.expect_download() as download:
        page.drawn("matrix").get_by_role("button", name=f".{format_}").click()
    text = download.value.path().read_text()
    assert download.value.suggested_filename == f"matrix.{format_}"
    rows = json.loads(text) if format_ == "json" else np.loadtxt(text.splitlines(), delimiter=",")
    assert np.array_equal(rows, [[1, 2, 3], [4, 5, 6]])


def test_every_endpoint_has_a_form(page: Visit) -> None:
    """Paths are picked, vectors follow them, and the results are right."""
    page.run()
    page.choose("jacobian")
    page.run()
    (block,) = page.plot("vector.vector")
    assert np.allclose(block["z"], 2 * np.eye(3))
    page.choose("jacobian_vector_product")
    expect(page.field("tangent_vector").locator("textarea").first).to_have_value("1, 1, 1")
    page.run()
    assert np.allclose(page.plot("vector")[0]["y"], [2, 2, 2])
    page.choose("vector_jacobian_product")
    page.page.get_by_role("checkbox", name="vector", exact=True).last.uncheck()
    page.page.get_by_role("checkbox", name="scalar", exact=True).last.check()
    page.field("cotangent_vector").locator("textarea").fill("2")
    page.run()
    assert np.allclose(page.plot("vector")[0]["y"], [3, 3, 3])


def test_page_tells_about_the_model(page: Visit) -> None:
    """Docstring, fields with units, plugins with versions and workers are in one place."""
    page.page.get_by_role("link", name="About").click()
    about = page.page.locator("#about")
    expect(about).to_contain_text("Everything that a form must know.")
    expect(about.get_by_role("row", name="vector float64 (n) m Positions.")).to_be_visible()
    expect(about.get_by_role("row", name="msgpack")).to_be_visible()
    expect(about).to_contain_text("of 1 workers compute")
