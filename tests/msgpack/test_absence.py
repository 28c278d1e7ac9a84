"""Without the plugin msgpack is unavailable everywhere, and every message has the remedy."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from runtime_core import load_catalog
from runtime_core.arrays.annotation import array_type
from runtime_core.calls.scope import Scope, Workspace, enter
from runtime_core.catalog import Catalog
from runtime_core.cli.payloads import format_of
from runtime_core.config import RuntimeConfig, resolve
from runtime_core.distributions import install_command
from runtime_core.errors import UnknownName
from runtime_core.files import FileAccess
from runtime_core.plugins import PluginSelection
from runtime_core.server.negotiation import Negotiation, UnsupportedMediaType
from tests.conftest import DOUBLE, Cli
from tests.msgpack.conftest import payload
from tests.server.conftest import Served, serving
from tests.testing.test_absence import without as catalog_without

INSTALL = re.escape(install_command("tesseract-runtime-msgpack"))


@pytest.fixture
def cli(cli_here: Cli) -> Cli:
    """Return the command line in this process: no rule of this module is about another."""
    return cli_here


@pytest.fixture(scope="module")
def without() -> Catalog:
    """Return the catalog with the plugin disabled."""
    return load_catalog(PluginSelection(disabled=frozenset({"msgpack"})))


@pytest.fixture(scope="module")
def not_installed() -> Catalog:
    """Return the catalog without the plugin."""
    return catalog_without("msgpack")


def test_files_of_the_format_are_not_read(without: Catalog, not_installed: Catalog) -> None:
    """`@file.msgpack` is refused with the missing plugin."""
    with pytest.raises(UnknownName, match="which is disabled"):
        format_of("payload.msgpack", without)
    with pytest.raises(UnknownName, match=INSTALL):
        format_of("payload.msgpack", not_installed)


def test_bodies_of_the_media_type_are_refused_with_a_hint(
    without: Catalog, not_installed: Catalog
) -> None:
    """A body of the format is refused with the missing plugin."""
    with pytest.raises(UnsupportedMediaType, match="which is disabled"):
        negotiation(without).input("application/msgpack")
    with pytest.raises(UnsupportedMediaType, match=INSTALL):
        negotiation(not_installed).input("application/msgpack")


def negotiation(catalog: Catalog) -> Negotiation:
    """Return the negotiation of a service with these plugins."""
    return Negotiation(catalog, resolve(catalog, flags={}, environment={}))


def test_the_raw_encoding_goes_with_it(without: Catalog, catalog: Catalog) -> None:
    """Schemas describe the encoding `raw` only where a format carries it."""
    assert data_schemas(catalog) - data_schemas(without) == {"RawArrayData"}


def data_schemas(catalog: Catalog) -> set[str]:
    """Return the names of the schemas of the data of an array."""
    workspace = Workspace(catalog=catalog, config=RuntimeConfig(), files=FileAccess(root=None))
    with enter(Scope(workspace=workspace)):
        adapter: TypeAdapter[Any] = TypeAdapter(array_type((), "int8", ()))
        return set(adapter.json_schema()["$defs"])


def test_files_are_explained_on_the_command_line(
    cli: Cli, tesseract: Callable[..., Path], tmp_path: Path
) -> None:
    """`@payload.msgpack` ends with 2 and one clear message, and is read where the plugin is."""
    (tmp_path / "payload.msgpack").write_bytes(payload(x=[1.0]))
    path = str(tesseract())
    there = cli("--api-path", path, "apply", "@payload.msgpack")
    assert json.loads(there.stdout)["y"]["data"]["buffer"] == [2.0]
    ended = cli("--no-plugin", "msgpack", "--api-path", path, "apply", "@payload.msgpack")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "which is disabled" in ended.stderr


def test_help_does_not_offer_it(cli: Cli, tesseract: Callable[..., Path]) -> None:
    """Help has the available formats only."""
    path = str(tesseract())
    assert "msgpack" in cli("plugins").stdout
    assert "formats: msgpack" not in cli("--no-plugin", "msgpack", "plugins").stdout
    assert "msgpack" not in cli("--no-plugin", "msgpack", "--api-path", path, "apply", "-h").stdout


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Return a server without the plugin."""
    path = tmp_path_factory.mktemp("without") / "tesseract_api.py"
    path.write_text(DOUBLE, encoding="utf-8")
    with serving(path, "--no-plugin", "msgpack") as server:
        yield server


def test_the_server_does_not_produce_it(served: Served) -> None:
    """`Accept: application/msgpack` is 406 with the available formats."""
    answer = served.apply({"x": [1.0]}, accept="application/msgpack")
    assert answer.status == 406
    detail: dict[str, Any] = answer.json()["detail"]
    assert "msgpack" not in detail["available_formats"]
    assert "json" in detail["available_formats"]


def test_the_server_does_not_read_it(served: Served) -> None:
    """`Content-Type: application/msgpack` is 415 with a hint."""
    headers = {"Content-Type": "application/msgpack"}
    answer = served.request("POST", "/apply", payload(x=[1.0]), headers)
    assert answer.status == 415
    assert "which is disabled" in answer.body.decode()


def test_the_server_does_not_describe_it(served: Served) -> None:
    """The OpenAPI document names the other formats and no encoding `raw`."""
    document = served.get("/openapi.json").json()
    assert "msgpack" not in document["x-supported-output-formats"]
    assert "json" in document["x-supported-output-formats"]
    assert "RawArrayData" not in json.dumps(document)


def test_a_server_with_it_describes_it(tesseract: Callable[..., Path]) -> None:
    """With the plugin the same document names the format and its encoding."""
    with serving(tesseract()) as server:
        document = server.get("/openapi.json").json()
        answer = server.apply({"x": [1.0]}, accept="application/msgpack")
    assert "msgpack" in document["x-supported-output-formats"]
    assert "RawArrayData" in json.dumps(document)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/msgpack")
