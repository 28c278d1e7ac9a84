"""The page for keyboards and screen readers."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import EVERY_FIELD, PHONE, WIDE, Serve, Visits


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, PHONE])
def test_everything_is_accessible(
    size: tuple[int, int], scheme: str, serve: Serve, visit: Visits
) -> None:
    """With every field, result and error, axe-core finds no fault, and nothing is too wide."""
    if "AXE" not in os.environ:
        reason = "AXE must name axe.min.js of the package axe-core of npm: nox -s browser gets it"
        (pytest.fail if "CI_PROGRAMS" in os.environ else pytest.skip)(reason)
    page = visit(serve(EVERY_FIELD), size, color_scheme=scheme, bypass_csp=True)
    page.run()
    page.drawn("spiral")
    page.page.get_by_role("link", name="About").click()
    expect(page.page.locator("#about")).to_contain_text("msgpack")
    page.page.get_by_text("This call as text").click()
    page.field("vector").get_by_text("Generate").click()
    page.page.get_by_role("button", name="Slide whole").click()
    page.drawn("matrix").get_by_text("Table").click()
    page.fill("99", "whole")
    page.run("Failed")
    assert page.page.evaluate("document.documentElement.scrollWidth") <= size[0]
    page.page.evaluate(Path(os.environ["AXE"]).read_text(encoding="utf-8"))
    found = page.page.evaluate("axe.run().then(({violations}) => violations)")
    serious = [
        (fault["id"], fault["nodes"][0]["html"][:200], fault["nodes"][0]["failureSummary"])
        for fault in found
        if fault["impact"] in {"serious", "critical"}
    ]
    assert serious == []


def test_page_is_usable_by_keyboard(serve: Serve, visit: Visits) -> None:
    """Tab reaches the form, and Enter in a field computes."""
    page = visit(serve(EVERY_FIELD))
    expect(page.page.get_by_label("Endpoint")).to_be_visible()
    page.page.keyboard.press("Tab")
    expect(page.page.get_by_role("link", name="About")).to_be_focused()
    page.page.keyboard.press("Tab")
    page.page.keyboard.press("Tab")
    expect(page.page.get_by_label("Endpoint")).to_be_focused()
    page.field("scalar").locator("input").first.press("Enter")
    expect(page.page.locator(".status")).to_contain_text("Computed")
