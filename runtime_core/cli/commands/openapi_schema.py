"""The command `openapi-schema`: the document of `/openapi.json`."""

from __future__ import annotations

import typer

from runtime_core.calls.codecs import Codecs
from runtime_core.cli.output import OutputFormat, OutputPath, deliver
from runtime_core.cli.standard_streams import claim_stdout
from runtime_core.description.openapi import openapi_document


def openapi_schema(
    context: typer.Context, output_path: OutputPath = None, output_format: OutputFormat = None
) -> None:
    """Write the OpenAPI document of the Tesseract."""
    format_ = context.obj.catalog.formats.find(output_format or context.obj.config.output_format)
    stdout = claim_stdout()
    document = openapi_document(context.obj.runtime())
    codec = Codecs(context.obj.catalog, context.obj.config).format(format_.name)
    deliver(context.obj, codec.dumps(document), format_.name, output_path, stdout=stdout)
