"""The examples of the documentation: filled in, computed, and shown."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import EXAMPLES, PHONE, WIDE, Serve, Visits
from tests.conftest import REPOSITORY


def test_mauna_loa_shows_lines_and_a_number(serve: Serve, visit: Visits) -> None:
    """The vectors are lines with the right values; the root mean square is a number."""
    page = visit(serve(EXAMPLES / "mauna_loa"))
    expect(page.field("trend").locator("textarea")).to_have_value("337.616, 1.3344, 0.01181")
    page.run()
    (trace,) = page.plot("residuals")
    assert (trace["type"], len(trace["y"])) == ("scatter", 521)
    rmse = float(page.result("rmse").locator("output").inner_text())
    assert rmse == pytest.approx(float(np.sqrt(np.mean(np.square(trace["y"])))))
    assert rmse == pytest.approx(0.755122146)


def test_heat_conduction_shows_slices(serve: Serve, visit: Visits) -> None:
    """The temperatures of each experiment are a heat map; a jacobian is one too."""
    page = visit(serve(EXAMPLES / "heat_conduction"))
    page.run()
    (first,) = page.plot("temperature")
    assert first["type"] == "heatmap"
    assert max(map(max, first["z"])) == first["z"][0][0]
    drawn = page.result("temperature")
    drawn.get_by_role("slider", name="Slice of temperature").fill("1")
    expect(drawn).to_contain_text("slice 1 of 2")
    expect(drawn.locator(".plot")).to_have_attribute(
        "aria-label", re.compile("heat of temperature")
    )
    page.choose("jacobian")
    page.run()
    (block,) = page.plot("temperature.conductivity")
    assert np.shape(block["z"]) == (2 * 3 * 3, 3 * 3)
    page.choose("abstract_eval")
    page.run()
    expect(page.result("temperature.shape")).to_contain_text("[2, 3, 3]")


def test_cantilever_calls_another_service(serve: Serve, visit: Visits) -> None:
    """A path is refused at its field; the URL of a service is taken."""
    box = serve(EXAMPLES / "cantilever" / "box")
    page = visit(serve(EXAMPLES / "cantilever", f"--allow-url-prefix={box}"))
    page.run("Failed")
    expect(page.field("section")).to_contain_text(re.compile("not opened|url"))
    page.field("section", "type").locator("select").select_option(label="url")
    page.fill(box, "section", "ref")
    page.run()
    (trace,) = page.plot("deflection")
    assert len(trace["y"]) == 4
    assert sorted(trace["y"]) == trace["y"]
    assert float(page.result("mass").locator("output").inner_text()) == pytest.approx(2.7486)


def test_epidemic_follows_the_slider(serve: Serve, visit: Visits) -> None:
    """The live slider computes again while it moves; earlier answers stay behind the newest."""
    page = visit(serve(EXAMPLES / "epidemic"))
    page.run()
    before = page.plot("curve")[-1]["y"]
    page.fill("0.5", "infected")
    page.fill("0.6", "immune")
    page.run("Failed")
    expect(page.page.locator(".error")).to_contain_text("add up to more than 1")
    page.fill("0.001", "infected")
    page.fill("0", "immune")
    page.page.get_by_role("button", name="Slide contact_rate").click()
    slider = page.page.get_by_role("slider", name="contact_rate, live")
    calls = len(page.requests)
    for _ in range(3):
        slider.press("ArrowRight")
    expect(page.result("curve")).to_contain_text("201")
    expect(page.field("contact_rate").locator("input").first).not_to_have_value("0.4")
    expect(page.result("peak").locator(".note").last).to_contain_text("before")
    traces = page.plot("curve")
    assert traces[0]["y"] == before
    assert max(traces[-1]["y"]) > max(before)
    assert any(url.endswith("/apply") for url in page.requests[calls:])


def test_state_outlives_a_reload(serve: Serve, visit: Visits) -> None:
    """What is filled in is in the fragment of the URL, and so is the endpoint."""
    page = visit(serve(EXAMPLES / "mauna_loa"))
    page.fill("1, 2, 3", "trend")
    expect(page.page).to_have_url(re.compile("1%2C%202%2C%203"))
    page.page.reload()
    expect(page.field("trend").locator("textarea")).to_have_value("1, 2, 3")


def test_text_of_a_call_is_the_call(serve: Serve, visit: Visits) -> None:
    """The call is shown as JSON, for curl and in Python."""
    page = visit(serve(EXAMPLES / "epidemic"))
    page.page.get_by_text("This call as text").click()
    text, language = page.page.locator("pre"), page.page.get_by_label("Language")
    expect(text).to_contain_text('"contact_rate": 0.4')
    assert json.loads(text.inner_text())["inputs"]["days"] == 200
    language.select_option(label="curl")
    expect(text).to_contain_text(re.compile(r"^curl --json '\{.*' 'http://127.0.0.1:\d+/apply'$"))
    language.select_option(label="Python")
    expect(text).to_contain_text("tesseract.apply(")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, PHONE])
def test_page_fits_screens(
    size: tuple[int, int], scheme: str, serve: Serve, visit: Visits, tmp_path: Path
) -> None:
    """Nothing is wider than a phone; the theme is that of the system until another is chosen."""
    page = visit(serve(EXAMPLES / "mauna_loa"), size, color_scheme=scheme)
    page.run()
    page.drawn("modelled")
    page.page.mouse.move(0, 0)
    picture = page.page.screenshot(path=tmp_path / "page.png")
    if (size, scheme) == (WIDE, "light") and "UPDATE_PICTURES" in os.environ:
        (REPOSITORY / "docs" / "web.png").write_bytes(picture)
    assert (REPOSITORY / "docs" / "web.png").stat().st_size < 150_000
    assert page.page.evaluate("document.documentElement.scrollWidth") <= size[0]
    background = page.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(20, 23, 28)") == (scheme == "dark")
    theme = page.page.get_by_role("button", name="Theme")
    theme.click()
    expect(theme).to_have_text("Theme: light")
    expect(page.page.locator("body")).to_have_css("background-color", "rgb(246, 247, 249)")
