"""A browser, servers that the tests share, and pages that watch what they ask and report."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from tests.conftest import REPOSITORY
from tests.patience import patient
from tests.programs import needs_program
from tests.server.conftest import Served, serving

EXAMPLES = REPOSITORY / "docs" / "examples"
EVERY_FIELD = Path(__file__).with_name("every_field")

OPTIONS = [
    "--no-sandbox",  # containers have no user namespaces
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDE, PHONE = (1280, 900), (390, 844)

expect.set_options(timeout=1000 * patient(30))

Serve = Callable[..., str]
"""Serves the Tesseract of a folder and returns the URL."""


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Return a function that serves a folder; tests share the server of one set of options."""
    output = tmp_path_factory.mktemp("runs")
    with ExitStack() as stack:

        @cache
        def start(folder: Path, *options: str) -> Served:
            path = folder / "tesseract_api.py"
            arguments = ["--in-process", *options]
            return stack.enter_context(serving(path, f"--output-path={output}", options=arguments))

        yield lambda *arguments: f"http://127.0.0.1:{start(*arguments).port}/"


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Start Debian's Chromium with a new profile."""
    path = needs_program("chromium", package="chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=OPTIONS)
        yield browser
        browser.close()


@dataclass
class Visit:
    """A page of a model in a context of its own, with what it has asked for and reported."""

    page: Page
    requests: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def field(self, *names: str) -> Locator:
        """Return the field of a name, inside fields of the names before it."""
        place = self.page.locator("#form")
        for name in names:
            place = place.locator(f'[data-field="{name}"]')
        return place.first

    def fill(self, value: str, *names: str) -> None:
        """Type into a field."""
        self.field(*names).locator("input:not([type=file]), textarea").first.fill(value)

    def choose(self, endpoint: str) -> None:
        """Choose an endpoint."""
        self.page.get_by_label("Endpoint").select_option(endpoint)

    def run(self, outcome: str = "Computed") -> None:
        """Run the model and wait for the answer."""
        status = self.page.locator(".status")
        before = status.text_content()
        self.page.get_by_role("button", name="Run").click()
        expect(status).not_to_have_text(before or "")
        expect(status).to_have_text(re.compile(outcome))

    def result(self, path: str) -> Locator:
        """Return the card of a value in the result."""
        return self.page.locator(f'[data-result="{path}"]')

    def drawn(self, path: str) -> Locator:
        """Return the card of an array, once its picture is drawn."""
        card = self.result(path)
        expect(card).to_have_attribute("data-drawn", re.compile(r"\d+"))
        return card

    def plot(self, path: str, number: int = 0) -> list[dict[str, Any]]:
        """Return the traces of a picture as plotly.js has them."""
        traces: list[dict[str, Any]] = (
            self.drawn(path)
            .locator(".plot")
            .nth(number)
            .evaluate(
                "div => div.data.map(trace => ({type: trace.type, x: [...trace.x], "
                "y: [...(trace.y ?? [])], z: trace.z?.map?.(row => row.length ? [...row] : row)}))"
            )
        )
        return traces


Visits = Callable[..., Visit]


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Visits]:
    """Return a function that opens the page of a server; nothing may go wrong on any of them.

    Errors on the console, violations of the policy and requests to other places are failures.
    """
    visits: list[Visit] = []
    with ExitStack() as stack:

        def open_page(url: str, size: tuple[int, int] = WIDE, **options: Any) -> Visit:
            viewport = {"width": size[0], "height": size[1]}
            context = chromium.new_context(viewport=viewport, **options)  # type: ignore[arg-type]
            stack.callback(context.close)
            visited = Visit(page=context.new_page())
            visits.append(visited)
            page = visited.page
            context.on("request", lambda request: visited.requests.append(request.url))
            page.on("pageerror", lambda error: visited.faults.append(str(error)))
            page.on("console", lambda message: visited.faults.extend(_faults(message)))
            page.goto(url)
            return visited

        yield open_page
        for visited in visits:
            hosts = {urlsplit(url).hostname for url in visited.requests if "://" in url}
            assert hosts <= {"127.0.0.1"}
            assert visited.faults == []


def _faults(message: Any) -> Iterator[str]:
    # The browser itself reports each refused call, which the page explains.
    is_refusal = "the server responded with a status of" in message.text
    if message.type == "error" and not is_refusal:
        yield message.text
