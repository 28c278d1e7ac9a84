"""The contracts between the core and its plugins.

A hook takes nothing and returns *declarations*: frozen dataclasses with a `name`, a one-line
`summary` and exactly one callable that yields the behaviour when it is first needed. Nothing
here imports more than the standard library, so that registering a plugin costs nothing.
"""

from runtime_core.contracts.availability import Unavailable
from runtime_core.contracts.calls import Buffer, Call, Fault, Reply, Wire
from runtime_core.contracts.commands import Command, CommandContext
from runtime_core.contracts.compressors import CompressionCodec, Compressor
from runtime_core.contracts.deferred import Deferred, deferred, imported
from runtime_core.contracts.encodings import (
    ArrayCodec,
    ArrayEncoding,
    ArraySpec,
    EncodedArray,
    EncodedData,
)
from runtime_core.contracts.endpoints import Binding, BoundEndpoint, Endpoint
from runtime_core.contracts.executors import Evaluations, ExecutorProvider
from runtime_core.contracts.formats import DocumentCodec, Format, ReadingLimits
from runtime_core.contracts.gradients import GradientBackend
from runtime_core.contracts.recipes import Recipe
from runtime_core.contracts.runs import (
    Artifact,
    KeepingRunHandle,
    Metric,
    Parameter,
    Record,
    RunHandle,
    RunSink,
    RunStatus,
)
from runtime_core.contracts.scope import CallScope
from runtime_core.contracts.server import (
    Layer,
    Place,
    ServeOptions,
    ServerContext,
    ServerExtension,
    ServerParts,
)
from runtime_core.contracts.settings import Settings

__all__ = [
    "ArrayCodec",
    "ArrayEncoding",
    "ArraySpec",
    "Artifact",
    "Binding",
    "BoundEndpoint",
    "Buffer",
    "Call",
    "CallScope",
    "Command",
    "CommandContext",
    "CompressionCodec",
    "Compressor",
    "Deferred",
    "DocumentCodec",
    "EncodedArray",
    "EncodedData",
    "Endpoint",
    "Evaluations",
    "ExecutorProvider",
    "Fault",
    "Format",
    "GradientBackend",
    "KeepingRunHandle",
    "Layer",
    "Metric",
    "Parameter",
    "Place",
    "ReadingLimits",
    "Recipe",
    "Record",
    "Reply",
    "RunHandle",
    "RunSink",
    "RunStatus",
    "ServeOptions",
    "ServerContext",
    "ServerExtension",
    "ServerParts",
    "Settings",
    "Unavailable",
    "Wire",
    "deferred",
    "imported",
]
