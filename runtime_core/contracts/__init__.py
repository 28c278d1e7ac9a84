"""The contracts between the core and its plugins.

A hook returns *declarations*: frozen dataclasses with a `name`, a one-line `summary` and callables
that load the implementation when it is first needed. Only the standard library is imported here,
and each name at its first use, so that registering a plugin is cheap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_core.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from runtime_core.contracts.call_wrappers import CallWrapper, WrappedCall
    from runtime_core.contracts.calls import Buffer, Call, CurrentCall, Fault, Reply, Wire
    from runtime_core.contracts.clusters import ClusterTarget, cluster_target, require_listener
    from runtime_core.contracts.codecs import CodecContext, ReadingLimits
    from runtime_core.contracts.commands import Command
    from runtime_core.contracts.compressors import BoundCompressor, CompressionCodec, Compressor
    from runtime_core.contracts.descriptions import Description, EndpointDescription, TesseractFacts
    from runtime_core.contracts.encodings import (
        ArrayCodec,
        ArrayEncoding,
        ArraySpec,
        EncodedArray,
        EncodedData,
    )
    from runtime_core.contracts.endpoints import (
        Binding,
        BoundEndpoint,
        Endpoint,
        Traced,
    )
    from runtime_core.contracts.executors import (
        Calls,
        Evaluations,
        ExecutorProvider,
        SharingExecutor,
    )
    from runtime_core.contracts.formats import DocumentCodec, Format, InvalidSyntax
    from runtime_core.contracts.gradients import GradientBackend
    from runtime_core.contracts.lazy_import import LazyCall, lazy_call, lazy_object
    from runtime_core.contracts.recipes import Recipe
    from runtime_core.contracts.runs import (
        Artifact,
        Metric,
        Parameter,
        Record,
        Run,
        RunHandle,
        RunSink,
        RunStatus,
    )
    from runtime_core.contracts.scope import CallScope
    from runtime_core.contracts.server import (
        AnsweredRequest,
        Handling,
        Layer,
        Place,
        RequestHead,
        RunningCall,
        ServerContext,
        ServerExtension,
        ServerLoad,
        ServerParts,
    )
    from runtime_core.contracts.settings import Settings
    from runtime_core.contracts.unavailable import Unavailable

__all__ = [
    "ArrayCodec",
    "ArrayEncoding",
    "ArraySpec",
    "Artifact",
    "Binding",
    "BoundCompressor",
    "BoundEndpoint",
    "Buffer",
    "Call",
    "CallWrapper",
    "Calls",
    "CallScope",
    "ClusterTarget",
    "CodecContext",
    "Command",
    "CompressionCodec",
    "Compressor",
    "CurrentCall",
    "Description",
    "DocumentCodec",
    "EncodedArray",
    "EncodedData",
    "Endpoint",
    "EndpointDescription",
    "Evaluations",
    "ExecutorProvider",
    "Fault",
    "Format",
    "GradientBackend",
    "InvalidSyntax",
    "AnsweredRequest",
    "Handling",
    "Layer",
    "RequestHead",
    "LazyCall",
    "Metric",
    "Parameter",
    "Place",
    "ReadingLimits",
    "Recipe",
    "Record",
    "Reply",
    "Run",
    "RunHandle",
    "RunSink",
    "RunStatus",
    "RunningCall",
    "ServerContext",
    "ServerExtension",
    "ServerLoad",
    "ServerParts",
    "Settings",
    "SharingExecutor",
    "TesseractFacts",
    "Traced",
    "Unavailable",
    "Wire",
    "WrappedCall",
    "cluster_target",
    "lazy_call",
    "lazy_object",
    "require_listener",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        ".call_wrappers": ["CallWrapper", "WrappedCall"],
        ".calls": ["Buffer", "Call", "CurrentCall", "Fault", "Reply", "Wire"],
        ".clusters": ["ClusterTarget", "cluster_target", "require_listener"],
        ".codecs": ["CodecContext", "ReadingLimits"],
        ".commands": ["Command"],
        ".compressors": ["BoundCompressor", "CompressionCodec", "Compressor"],
        ".descriptions": ["Description", "EndpointDescription", "TesseractFacts"],
        ".encodings": ["ArrayCodec", "ArrayEncoding", "ArraySpec", "EncodedArray", "EncodedData"],
        ".endpoints": ["Binding", "BoundEndpoint", "Endpoint", "Traced"],
        ".executors": ["Calls", "Evaluations", "ExecutorProvider", "SharingExecutor"],
        ".formats": ["DocumentCodec", "Format", "InvalidSyntax"],
        ".gradients": ["GradientBackend"],
        ".lazy_import": ["LazyCall", "lazy_call", "lazy_object"],
        ".recipes": ["Recipe"],
        ".runs": [
            "Artifact",
            "Metric",
            "Parameter",
            "Record",
            "Run",
            "RunHandle",
            "RunSink",
            "RunStatus",
        ],
        ".scope": ["CallScope"],
        ".server": [
            "AnsweredRequest",
            "Handling",
            "Layer",
            "Place",
            "RequestHead",
            "RunningCall",
            "ServerContext",
            "ServerExtension",
            "ServerLoad",
            "ServerParts",
        ],
        ".settings": ["Settings"],
        ".unavailable": ["Unavailable"],
    },
)
