"""The form: a field of every kind, arrays from files, faults at their places."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import EVERY_FIELD, Serve, Visit, Visits


@pytest.fixture
def page(serve: Serve, visit: Visits) -> Visit:
    """Open the page of a Tesseract with every kind of field."""
    return visit(serve(EVERY_FIELD))


def received(page: Visit) -> Any:
    """Return the inputs as `apply` has received them."""
    return json.loads(page.result("inputs").locator("output").inner_text())


def select(page: Visit, label: str, *names: str) -> None:
    """Choose an option of a field, or the kind of a union."""
    page.field(*names).locator("select").first.select_option(label=label)


def test_defaults_and_examples_are_filled_in(page: Visit) -> None:
    """Examples of the schema are filled in, and defaults beside them, exactly."""
    expect(page.field("vector").locator("textarea")).to_have_value("1, 2, 3")
    page.run()
    got = received(page)
    assert got["whole_array"]["data"]["buffer"] == [2**53 + 1]
    assert (got["solid"], got["either"]) == ({"kind": "ball", "radius": 1.0}, 1)
    assert (got["colour"], got["mode"], got["names"]) == ("red", "a", ["a"])
    assert (got["table"], got["maybe"], got["tree"], got["other"]) == ({"k": 1.0}, None, None, None)


def test_examples_of_an_endpoint_are_offered(page: Visit) -> None:
    """Each endpoint has the examples of `/openapi.json`; one that is chosen fills in the form."""
    offered = page.page.get_by_label("Fill in")
    page.choose("vector_jacobian_product")
    page.fill("", "vector")
    offered.select_option(label="example")
    expect(page.field("vector").locator("textarea")).to_have_value("1, 2, 3")
    expect(offered.locator(":checked")).to_have_text("example")
    page.run()
    page.drawn("vector")
    page.choose("abstract_eval")
    expect(offered).to_have_count(0)


def test_every_kind_of_field_is_sent(page: Visit) -> None:
    """Each kind of field sends what is typed or chosen."""
    page.fill("5", "whole")
    page.field("flag").locator("input").check()
    select(page, "blue", "colour")
    select(page, "1", "mode")
    page.fill("a 'b' <i>", "word")
    select(page, "number", "maybe")
    page.field("maybe", "maybe").locator("input").fill("-1e-3")
    select(page, "float64 (2)", "maybe_array")
    page.field("maybe_array", "maybe_array").locator("textarea").fill("1; 2")
    select(page, "box", "solid")
    page.fill("2.5", "solid", "sides", "0")
    page.fill("7", "solid", "sides", "1")
    select(page, "text", "either")
    page.field("either", "either").locator("input").fill("12")
    page.page.get_by_role("button", name="Add to names").click()
    page.fill("b", "names", "names 1")
    page.field("names").get_by_role("button", name="Remove").first.click()
    page.page.get_by_role("button", name="Add to table").click()
    page.field("table").get_by_label("Key of table").last.fill("a.b")
    page.field("table").locator(".item").last.locator("input").last.fill("-2.5e1")
    page.page.get_by_role("button", name="Add to balls").click()
    page.fill("3", "balls", "radius")
    page.page.get_by_role("button", name="Add to parts").click()
    page.field("parts").get_by_label("Key of parts").fill("p")
    page.field("parts").locator("textarea").fill("1 2\n3")
    page.fill('{"a": [1, null]}', "tree")
    page.run()
    got = received(page)
    assert (got["whole"], got["flag"]["data"]["buffer"]) == (5, True)
    assert (got["colour"], got["mode"], got["word"]) == ("blue", 1, "a 'b' <i>")
    assert (got["maybe"], got["maybe_array"]["data"]["buffer"]) == (-1e-3, [1, 2])
    assert (got["solid"], got["either"]) == ({"kind": "box", "sides": [2.5, 7]}, "12")
    assert (got["names"], got["table"]) == (["b"], {"k": 1.0, "a.b": -25.0})
    assert got["balls"] == [{"kind": "ball", "radius": 3.0}]
    assert got["parts"]["p"]["data"]["buffer"] == [1, 2, 3]
    assert got["tree"] == {"a": [1, None]}


def test_faults_stand_at_their_fields(page: Visit) -> None:
    """The reasons of a refusal are shown at the fields, and the first one gets the focus."""
    page.fill("99", "whole")
    page.fill("x1", "scalar")
    page.fill("-1", "solid", "radius")
    page.fill("1 2\n3 4", "matrix")
    page.run("Failed")
    for names, reason in {
        ("whole",): "less than or equal to 10",
        ("scalar",): "non-numeric",
        ("solid", "radius"): "greater than 0",
        ("matrix",): "(2, 2)",
    }.items():
        expect(page.field(*names).locator(".fault").first).to_contain_text(reason)
    expect(page.page.locator(".error")).to_contain_text("4 values are refused")
    expect(page.field("matrix").locator("textarea")).to_be_focused()
    page.fill("1", "whole")
    expect(page.field("whole").locator(".fault")).to_be_empty()


def test_what_cannot_be_sent_is_told_at_once(page: Visit) -> None:
    """A text that is not JSON, and rows that differ in length, are faults before a call."""
    page.fill("{", "tree")
    page.page.get_by_role("button", name="Run").click()
    expect(page.field("tree").locator(".fault")).to_contain_text("Not JSON")
    page.fill("", "tree")
    page.fill("[[1, 2, 3], [4]]", "matrix")
    page.page.get_by_role("button", name="Run").click()
    expect(page.field("matrix").locator(".fault")).to_contain_text("differ in length")
    assert not any(url.endswith("/apply") for url in page.requests)


def test_failure_of_the_model_is_shown(page: Visit) -> None:
    """The exception of `apply` and the id of its run are shown."""
    page.fill("boom", "word")
    page.run("Failed")
    expect(page.page.locator(".error")).to_contain_text("ValueError: the word is boom")
    expect(page.page.locator(".error")).to_contain_text("The log of run")


FILES: dict[str, tuple[str, Any, str]] = {
    "npy of floats": ("a.npy", np.array([[1.5, 2, 3]]), "float64 (1, 3)"),
    "npy of integers": ("a.npy", np.arange(9, dtype="i2").reshape(3, 3), "float64 (3, 3)"),
    "large npy": ("a.npy", np.ones((1000, 3)), "float64 (1000, 3), 1 to 1"),
    "csv with names": ("a.csv", b"x,y,z\n1,2,3\n4,5,NaN\n", "float64 (2, 3)"),
    "json": ("a.json", b"[[1, 2, 3]]", "float64 (1, 3)"),
    "json document": (
        "a.json",
        b'{"shape": [1, 3], "dtype": "float64", '
        b'"data": {"buffer": [[1, 2, 3]], "encoding": "json"}}',
        "float64 (1, 3)",
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_arrays_come_from_files(name: str, page: Visit, tmp_path: Path) -> None:
    """A file that is chosen fills in an array, which comes back with the same values."""
    file, content, facts = FILES[name]
    path = tmp_path / file
    path.write_bytes(content) if isinstance(content, bytes) else np.save(path, content)
    page.field("matrix").locator("input[type=file]").set_input_files(path)
    expect(page.field("matrix").locator(".facts")).to_contain_text(facts)
    page.run()
    with page.page.expect_download() as download:
        page.result("matrix").get_by_role("button", name=".npy").click()
    back = np.load(download.value.path())
    expected = content if isinstance(content, np.ndarray) else np.array([[1, 2, 3]])
    assert np.array_equal(back[: len(expected)], expected)


def test_files_can_be_dropped(page: Visit) -> None:
    """A file that is dropped on a field is read; one that cannot be read is a fault there."""
    drop = """(field, [name, text]) => {
        const data = new DataTransfer();
        data.items.add(new File([text], name));
        const target = field.querySelector("textarea");
        const options = {dataTransfer: data, bubbles: true, cancelable: true};
        target.dispatchEvent(new DragEvent("drop", options));
    }"""
    page.field("vector").evaluate(drop, ["v.csv", "4\n5\n6\n"])
    expect(page.field("vector").locator("textarea")).to_have_value("4, 5, 6")
    page.field("vector").evaluate(drop, ["v.csv", "4\nfive\n"])
    expect(page.field("vector").locator(".fault")).to_have_text("'five' is not a number.")
    page.field("vector").evaluate(drop, ["v.npy", "no numpy"])
    expect(page.field("vector").locator(".fault")).to_contain_text("numpy.ascontiguousarray")


def test_arrays_are_generated(page: Visit) -> None:
    """Evenly spaced values, in the shape of another field, fill in an array."""
    vector = page.field("vector")
    vector.get_by_text("Generate").click()
    vector.get_by_label("to", exact=True).fill("10")
    vector.get_by_label("Shape of another field").focus()
    vector.get_by_label("Shape of another field").select_option(label="whole_array")
    vector.get_by_label("Shape", exact=True).fill("1000")
    vector.get_by_role("button", name="Fill").click()
    expect(vector.locator(".facts")).to_have_text("float64 (1000), 0 to 10")
    page.run()
    (trace,) = page.plot("vector")
    assert (len(trace["y"]), trace["y"][-1]) == (1000, 20)
    vector.get_by_role("button", name="Clear").click()
    expect(vector.locator("textarea")).to_be_visible()
