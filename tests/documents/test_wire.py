"""The wire of a document: what is refused before a result is computed, and what is written."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from runtime_core import Call, Runtime, Wire
from runtime_core.catalog import Catalog
from runtime_core.config import resolve
from runtime_core.contracts import Reply
from runtime_core.documents.wire import (
    configured_wire,
    format_of_media_type,
    format_of_suffix,
    require_folder,
    writable,
)
from runtime_core.errors import InvalidOption, UnknownName
from tests.conftest import DOUBLE


def invoke(made: Runtime, wire: Wire) -> Reply:
    """Return the reply to a call of apply."""
    body = b'{"inputs":{"x":[1.0]}}'
    return made.invoke(
        Call(endpoint="apply", run_id="r", body=body, body_format="json", output=wire)
    )


def test_array_encoding_may_differ_from_the_format(runtime: Callable[..., Runtime]) -> None:
    """A wire may name any encoding that its format can carry."""
    reply = invoke(runtime(DOUBLE), Wire(format="json", array_encoding="base64"))
    data = json.loads(b"".join(reply.body))["y"]["data"]
    assert data == {"buffer": "AAAAAAAAAEA=", "encoding": "base64"}


@pytest.mark.parametrize(
    ("wire", "message"),
    [
        (Wire(format="jsn"), "Unknown format 'jsn'. Did you mean 'json'?"),
        (Wire(format="json", array_encoding="base46"), "Unknown array encoding 'base46'."),
        (Wire(format="json", compression="rar"), "Unknown compression 'rar'."),
        (Wire(format="jsn", compression="rar"), "Unknown format 'jsn'. Did you mean 'json'?"),
        (
            Wire(format="json", array_encoding="raw"),
            "Array encoding 'raw' is binary and cannot be written as json.",
        ),
        (
            Wire(format="json+base64", array_encoding="json"),
            "Format 'json+base64' writes arrays as base64, not as json. Leave the array encoding "
            "out, or choose one of the formats that take any: json.",
        ),
        (Wire(format="json+binref"), "Format 'json+binref' writes files: name a folder"),
        (
            Wire(format="json", array_encoding="binref"),
            "Array encoding 'binref' writes files: name a",
        ),
    ],
    ids=str,
)
def test_what_cannot_be_written_is_refused_before_it_is_computed(
    wire: Wire, message: str, runtime: Callable[..., Runtime]
) -> None:
    """The fault names what is wrong, and not what `apply` would raise."""
    fault = invoke(runtime(DOUBLE.replace("2 * inputs.x", "1 / 0")), wire).fault
    assert fault is not None
    assert fault.message.startswith(message)


def test_files_need_a_folder(catalog: Catalog) -> None:
    """With a folder for its files a wire can be written."""
    wire = Wire(format="json+binref", compression="lz4")
    format_, encoding = writable(wire, catalog)
    assert (format_.name, encoding.name) == ("json+binref", "binref")
    require_folder(format_, encoding, "results")
    with pytest.raises(InvalidOption):
        require_folder(format_, encoding, None)


def test_wire_of_the_configuration(catalog: Catalog) -> None:
    """Without a format of its own a result has that of the configuration, and its compression."""
    flags = {"output_format": "json+base64", "compression": "lz4"}
    config = resolve(catalog, flags=flags, environment={})
    assert configured_wire(catalog, config) == Wire(format="json+base64", compression="lz4")
    assert configured_wire(catalog, config, "json").format == "json"
    with pytest.raises(UnknownName):
        configured_wire(catalog, config, "jsn")


@pytest.mark.parametrize(
    ("content_type", "name"),
    [
        ("application/json", "json"),
        ("Application/JSON+Base64; charset=utf-8", "json+base64"),
        ("application/x-msgpack", "msgpack"),
        ("text/html", None),
        ("", None),
    ],
)
def test_format_of_a_media_type(content_type: str, name: str | None, catalog: Catalog) -> None:
    """Case and parameters of a media type make no difference."""
    found = format_of_media_type(catalog, content_type)
    assert (found and found.name) == name


def test_format_of_a_suffix(catalog: Catalog) -> None:
    """The first format whose files end so is found."""
    found = [format_of_suffix(catalog, suffix) for suffix in (".json", ".msgpack", ".txt")]
    assert [format_ and format_.name for format_ in found] == ["json", "msgpack", None]
