"""Short forms of payloads: the inputs alone, and the paths of a gradient as options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Annotated, Any

import typer

from runtime_core.calls.codecs import Codecs
from runtime_core.cli.context import CommandContext
from runtime_core.contracts import Fault
from runtime_core.documents.document import Reader
from runtime_core.errors import FaultKind, fault_lines
from runtime_core.gradients.signatures import HVP, SIGNATURES, GradientSignature

OnlyInputs = Annotated[
    bool, typer.Option("--inputs", help="Take the payload as the value of `inputs`.")
]
WithRespectTo = Annotated[
    list[str] | None,
    typer.Option(
        "--wrt",
        metavar="PATH",
        help="An input to differentiate with respect to; may be repeated.",
        show_default=False,
    ),
]
OutputsOf = Annotated[
    list[str] | None,
    typer.Option(
        "--of",
        metavar="PATH",
        help="An output to differentiate; may be repeated.",
        show_default=False,
    ),
]

WITH_PATHS: Mapping[str, GradientSignature] = MappingProxyType({**SIGNATURES, HVP.endpoint: HVP})
"""The endpoints whose payloads have such paths."""


def completed(
    given: tuple[bytes, str],
    context: CommandContext,
    endpoint: str,
    *,
    only_inputs: bool,
    wrt: Sequence[str] | None,
    of: Sequence[str] | None,
) -> tuple[bytes, str]:
    """Return a payload and its format, with what the options say."""
    members: dict[str, Sequence[str]] = {}
    if (wrt or of) and endpoint not in WITH_PATHS:
        raise typer.BadParameter(f"{endpoint} has no paths: leave out --wrt and --of.")
    if wrt:
        members[WITH_PATHS[endpoint].input_paths] = wrt
    if of:
        members[WITH_PATHS[endpoint].output_paths] = of
    if not only_inputs and not members:
        return given
    body, name = given
    codecs = Codecs(context.catalog, context.config)
    tree: Any = Reader(codecs, name)(body)
    payload = {"inputs": tree} if only_inputs else tree
    if not isinstance(payload, dict):
        raise typer.BadParameter("The payload must be an object with the key 'inputs'.")
    for member in members.keys() & payload.keys():
        raise typer.BadParameter(f"The payload has {member!r} already: leave out --wrt or --of.")
    return b"".join(codecs.format(name).dumps({**payload, **members})), name


def with_options(fault: Fault, endpoint: str) -> Fault:
    """Return a fault that tells how to give the members which a payload lacks."""
    signature = WITH_PATHS.get(endpoint)
    if signature is None or fault.kind is not FaultKind.INVALID_PAYLOAD:
        return fault
    hints = {signature.input_paths: "--wrt PATH", signature.output_paths: "--of PATH"}
    for name in signature.vectors:
        hints[name] = f'without --inputs: {{"inputs": ..., "{name}": {{PATH: ...}}}}'
    details = [_with_option(detail, hints) for detail in fault.details]
    return replace(fault, details=details, message=fault_lines(details))


def _with_option(detail: Mapping[str, Any], hints: Mapping[str, str]) -> Mapping[str, Any]:
    hint = hints.get(".".join(map(str, detail["loc"])))
    if detail["type"] != "missing" or hint is None:
        return detail
    return {**detail, "msg": f"{detail['msg']} ({hint})"}
