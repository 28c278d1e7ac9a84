"""What strangers, wrong keys and hostile texts cannot do."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import EVERY_FIELD, EXAMPLES, Serve, Visits
from tests.server.conftest import serving

POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "connect-src 'self'; frame-ancestors 'none'"
)

HOSTILE = '''
from typing import Any
from pydantic import BaseModel, Field, create_model
from tesseract_core.runtime import Array, Float64

EVIL = "<img src=x onerror='document.title=1'><script>document.title=2</script>"

class InputSchema(create_model("Fields", **{"n" * 1_000_000: (float, 1.0)})):
    """<script>document.title = 3</script>"""
    __proto__: int = 1
    evil: str = Field(default=EVIL, description=EVIL, title=EVIL, json_schema_extra={"unit": EVIL})
    choice: dict[str, float] = {EVIL: 1.0}

class OutputSchema(BaseModel):
    evil: str = Field(description=EVIL)
    named: dict[str, Array[(None,), Float64]]

def apply(inputs: InputSchema) -> OutputSchema:
    """<script>document.title = 4</script>"""
    if inputs.evil == "raise":
        raise ValueError(EVIL * 10_000)
    named = {EVIL: [1.0, 2.0], "__proto__": [1.0, 2.0], "m" * 1_000_000: [1.0]}
    return OutputSchema(evil=inputs.evil, named=named)
'''


def test_key_is_asked_for_and_sent_as_a_header(serve: Serve, visit: Visits) -> None:
    """A wrong key is refused; the right one is in no URL and in no storage."""
    page = visit(serve(EXAMPLES / "epidemic", "--api-key=s3cret")).page
    key = page.get_by_label("API key")
    key.fill("wrong")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("alert")).to_have_text("The service does not take this key.")
    key.fill("s3cret")
    with page.expect_request("**/openapi.json") as asked:
        page.get_by_role("button", name="Continue").click()
    assert asked.value.headers["authorization"] == "Bearer s3cret"
    page.get_by_role("button", name="Run").click()
    expect(page.locator(".status")).to_contain_text("Computed")
    kept = page.evaluate("JSON.stringify([localStorage, sessionStorage, document.cookie])")
    assert "s3cret" not in page.url + kept
    page.reload()
    expect(page.get_by_label("API key")).to_be_visible()


def test_hostile_texts_are_texts(
    tesseract: Callable[..., Path], visit: Visits, tmp_path: Path
) -> None:
    """Markup and names of a megabyte, in schemas, results and errors, are shortened texts."""
    path = tesseract(textwrap.dedent(HOSTILE))
    with serving(path, f"--output-path={tmp_path}", options=["--in-process"]) as served:
        page = visit(f"http://127.0.0.1:{served.port}/")
        page.run()
        expect(page.result("evil").locator("output")).to_contain_text("<script>")
        expect(page.page.locator("[data-result^='named.']")).to_have_count(3)
        page.page.get_by_role("link", name="About").click()
        page.fill("raise", "evil")
        page.run("Failed")
        expect(page.page.locator(".error")).to_contain_text("<img src=x")
        assert page.page.title() == "Tesseract"
        assert page.page.locator("img, main script").count() == 0
        assert len(page.page.content()) < 200_000
        assert page.page.evaluate("document.documentElement.scrollWidth") <= 1280


def test_policy_forbids_all_other_places(serve: Serve, chromium: Browser) -> None:
    """The page and its files are served with the policy; scripts of other places are not run."""
    with chromium.new_context() as context:
        page = context.new_page()
        answer = page.goto(serve(EVERY_FIELD))
        assert answer is not None
        assert answer.headers["content-security-policy"] == POLICY
        page.set_default_timeout(5000)
        outcome = page.evaluate(
            """() => new Promise(resolve => {
                const tell = event => resolve(event.effectiveDirective);
                document.addEventListener("securitypolicyviolation", tell);
                const script = document.createElement("script");
                script.textContent = "document.title = 'run'";
                document.body.append(script);
            })"""
        )
        assert outcome == "script-src-elem"
        assert page.title() != "run"


@pytest.mark.parametrize("path", ["", "apply", "openapi.json"])
def test_pages_of_other_sites_get_nothing(path: str, serve: Serve, chromium: Browser) -> None:
    """A page of another site can neither frame the page nor call the service."""
    url = serve(EVERY_FIELD)
    with chromium.new_context() as context:
        page = context.new_page()
        page.route("http://evil.example/", lambda route: route.fulfill(body="<p>evil</p>"))
        page.goto("http://evil.example/")
        outcome = page.evaluate(
            """url => fetch(url, {method: url.endsWith("apply") ? "POST" : "GET"})
                .then(() => "read", () => "refused")""",
            url + path,
        )
        assert outcome == "refused"
        frame = page.evaluate(
            """url => new Promise(resolve => {
                const frame = document.createElement("iframe");
                frame.onload = () => resolve(frame.contentDocument ? "framed" : "refused");
                frame.src = url;
                document.body.append(frame);
            })""",
            url + path,
        )
        assert frame == "refused"
