"""The self-description of a server: the OpenAPI document, its page, and the plugins."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from openapi_spec_validator import validate

from runtime_core.catalog import Catalog
from runtime_core.config import resolve
from runtime_core.description.openapi import openapi_document
from runtime_core.runtime import local_runtime
from tests.conftest import DOUBLE, EXAMPLES, REPOSITORY, Cli

if TYPE_CHECKING:
    from tests.server.conftest import Serve, Served

MODELS = sorted(
    str(path.relative_to(REPOSITORY))
    for folder in (EXAMPLES, REPOSITORY / "tests" / "golden" / "models")
    for path in folder.glob("*/tesseract_api.py")
)


@pytest.mark.parametrize("model", MODELS)
def test_document_is_valid_openapi(catalog: Catalog, model: str) -> None:
    """The document of every model follows the specification; the examples in it are accepted."""
    path = REPOSITORY / model
    flags = {"api_path": str(path), "input_path": str(path.parent)}
    runtime = local_runtime(catalog, resolve(catalog, flags=flags, environment={}))
    document = json.loads(json.dumps(openapi_document(runtime), allow_nan=False))
    for name, operation in document["paths"].items():
        if "post" in operation:
            content = operation["post"]["requestBody"]["content"]["application/json"]
            for example in content["examples"].values():
                runtime.payload(name[1:], json.dumps(example["value"]).encode())
    schemas = document["components"]["schemas"]
    for schema in schemas.values():
        for field in schema.get("properties", {}).values():
            field.pop("default", None)  # as authors write them, not array documents
    validate(document)
    assert {
        "ApplyInputSchema",
        "ApplyOutputSchema",
        "Apply_InputSchema",
        "Apply_OutputSchema",
    } <= schemas.keys()
    for name in ("ApplyInputSchema", "ApplyOutputSchema"):
        assert {"differentiable_arrays", "field_order"} <= schemas[name].keys()


def test_document_is_served(double: Served, catalog: Catalog) -> None:
    """`GET /openapi.json` answers with a valid document."""
    answer = double.get("/openapi.json")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    document = answer.json()
    validate(document)
    assert {"/apply", "/health", "/input_schema", "/output_schema"} <= document["paths"].keys()
    assert document["x-supported-output-formats"] == list(catalog.formats.names)
    assert document["x-supported-compressions"] == ["none", *catalog.compressors.names]
    assert document["x-supported-gpu-transports"] == ["none"]


def test_document_tells_the_options(serve: Serve) -> None:
    """Name, version and description of the options are in the document."""
    served = serve(DOUBLE, "--name=Doubler", "--version=1.2", "--description", "Twice as much.")
    assert served.get("/openapi.json").json()["info"] == {
        "title": "Doubler",
        "version": "1.2",
        "description": "Twice as much.",
    }


def test_document_of_the_command_line_is_the_same(
    double: Served, cli: Cli, tesseract: Callable[..., Path]
) -> None:
    """`openapi-schema` prints what `/openapi.json` answers."""
    printed = cli("--api-path", str(tesseract()), "openapi-schema")
    assert json.loads(printed.stdout) == double.get("/openapi.json").json()


@pytest.mark.parametrize("command", ["input-schema", "output-schema"])
def test_schemas_of_the_command_line_are_the_same(
    double: Served, cli: Cli, tesseract: Callable[..., Path], command: str
) -> None:
    """The schema commands print what their endpoints answer."""
    printed = cli("--api-path", str(tesseract()), command)
    assert json.loads(printed.stdout) == double.get(f"/{command.replace('-', '_')}").json()


def test_page_works_without_internet(double: Served) -> None:
    """Everything that the page `/docs` loads comes from this server."""
    page = double.get("/docs")
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    text = page.body.decode()
    assert not re.findall(r"""(?:https?:)?//[\w.-]+""", text)
    assets = re.findall(r"""(?:src|href)=["']([^"']+)""", text)
    assert len(assets) >= 2
    for asset in assets:
        answer = double.get(asset)
        assert answer.status == 200
        assert answer.body
    assert "/openapi.json" in text
    assert '"defaultModelsExpandDepth": 0' in text
    assert "prefers-color-scheme: dark" in text


def test_endpoints_are_grouped(double: Served) -> None:
    """Each endpoint is in one of the groups of the page, which have descriptions."""
    document = double.get("/openapi.json").json()
    groups = [tag["name"] for tag in document["tags"]]
    assert groups == ["compute", "gradients", "description"]
    operations = [one for path in document["paths"].values() for one in path.values()]
    assert all(one["tags"][0] in groups for one in operations)


def test_plugins_are_listed(double: Served) -> None:
    """`GET /plugins` lists what is installed, with summaries and without tracebacks."""
    answer = double.get("/plugins")
    assert answer.status == 200
    listed = answer.json()
    core = next(plugin for plugin in listed["plugins"] if plugin["name"] == "core")
    assert (core["distribution"], core["status"]) == ("tesseract-runtime-core", "loaded")
    assert {"name": "json", "summary": "JSON with arrays as nested lists."} in core["provides"][
        "formats"
    ]
    assert listed["problems"] == []
    assert "apply" not in listed["unavailable_endpoints"]
    assert "jacobian" in listed["unavailable_endpoints"]
    assert listed["endpoint_backends"] == {}
    assert "trace" not in core


def test_backends_of_gradients_are_listed(serve: Serve) -> None:
    """`GET /plugins` names the backend of each gradient."""
    source = DOUBLE + "def jacobian(inputs, jac_inputs, jac_outputs): ...\n"
    flags = ("--gradient-backend", "vector_jacobian_product=finite-differences")
    listed = serve(source, *flags).get("/plugins").json()
    assert listed["endpoint_backends"] == {
        "jacobian": "native",
        "vector_jacobian_product": "finite-differences",
    }
    assert "jacobian_vector_product" in listed["unavailable_endpoints"]
