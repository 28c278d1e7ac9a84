"""How long the page of a model stands still while it shows a large answer."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec

from benchmarks.environments import Environments
from benchmarks.processes import printed
from benchmarks.servers import served
from benchmarks.study import OURS, Goal, Row, Study, Turn

_PROGRAM = """
import json, re, sys
from playwright.sync_api import expect, sync_playwright

WATCH = '''() => {
    window.tasks = [0];
    const keep = list => window.tasks.push(...list.getEntries().map(task => task.duration));
    new PerformanceObserver(keep).observe({type: "longtask"});
}'''

def show(page, count):
    card = page.locator("[data-result=values]")
    before = card.get_attribute("data-drawn") if card.count() else None
    page.get_by_label("count", exact=True).fill(str(count))
    page.get_by_role("button", name="Run").click()
    another = re.compile(rf"^(?!{before}$)\\d+$")
    expect(card).to_have_attribute("data-drawn", another, timeout=60_000)

with sync_playwright() as playwright:
    options = ["--no-sandbox", "--disable-gpu"]
    page = playwright.chromium.launch(executable_path=sys.argv[1], args=options).new_page()
    page.goto(sys.argv[2])
    show(page, 1000)
    page.evaluate(WATCH)
    show(page, 10_000_000)
    print(json.dumps(max(page.evaluate("window.tasks"))))
"""

_TASK = "longest task of the page, for 10 million float64"


@contextmanager
def _sides(environments: Environments) -> Iterator[Mapping[str, Turn]]:
    chromium = shutil.which("chromium")
    if chromium is None or find_spec("playwright") is None:
        yield {}
        return
    with served(environments.ours, "wave") as server:
        url = f"http://127.0.0.1:{server.port}/"
        yield {OURS: partial(_shown, environments, chromium, url)}


def _shown(environments: Environments, chromium: str, url: str) -> Mapping[str, float]:
    return {_TASK: printed(environments.ours, _PROGRAM, chromium, url)}


WEB = Study(
    name="The page of a model",
    about="The page shows an answer of 10 million float64 in headless Chromium, which must be "
    "installed. A task is a time for which the page answers nothing; one under 50 ms counts as 0.",
    rows=[Row(name=_TASK, unit="ms", goals=[Goal(bound=200)])],
    sides=_sides,
    turns=5,
)
