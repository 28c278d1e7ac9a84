"""The suites find what is wrong with a plugin: each flaw here fails the test that is about it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from tests.testing.conftest import Suite

HEADER = """
import zlib
import numpy as np
import pybase64
from runtime_core.arrays.json_encoding import JsonArrayCodec
from runtime_core.documents.json_format import JsonDocumentCodec
from runtime_core.contracts import ArrayEncoding, Compressor, Format
from runtime_core.hookspecs import hookimpl

def schema(name):
    properties = {"buffer": {}, "encoding": {"const": name}}
    required = ["buffer", "encoding"]
    return {"title": name, "properties": properties, "required": required}
"""

ENCODINGS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "ReadOnly": (
            "flat = np.frombuffer(plain, spec.dtype)\nreturn flat.reshape(spec.shape)",
            "test_arrays_belong_to_their_reader",
        ),
        "Shared": (
            "if spec.shape != (3, 4): return decoded(plain, spec)\n"
            "return SHARED.setdefault('array', decoded(plain, spec))",
            "test_arrays_belong_to_their_reader",
        ),
        "Fortran": (
            "return decoded(plain, spec).copy(order='F')",
            "test_arrays_belong_to_their_reader",
        ),
        "Generous": (
            "size = np.prod(spec.shape, dtype=int) * spec.dtype.itemsize\n"
            "return decoded(plain[:size], spec)",
            "test_other_shapes_are_refused",
        ),
        "Transposed": (
            "return decoded(plain, spec).T.reshape(spec.shape).copy()",
            "test_layout_in_memory_does_not_matter",
        ),
        "Promoted": (
            "return np.atleast_1d(decoded(plain, spec))",
            "test_array_comes_back",
        ),
    }
)
"""The body of `decode` in encodings of base64, and the test that finds what is wrong with it."""

FORMATS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "Tolerant": (
            "import json\nreturn json.JSONDecoder().raw_decode(bytes(body).decode())[0]",
            "test_trailing_bytes_are_refused",
        ),
        "Silent": (
            "try: return super().loads(body, limits)\nexcept ValueError: return {'inputs': {}}",
            "test_noise_is_refused",
        ),
        "Speechless": (
            "try: return super().loads(body, limits)\n"
            "except ValueError: raise KeyError('x') from None",
            "test_truncated_documents_are_refused",
        ),
        "Untidy": (
            "tree = super().loads(body, limits)\ntree['inputs'].pop('text', None)\nreturn tree",
            "test_texts_come_back",
        ),
        "Unlimited": (
            "import json\nreturn json.loads(bytes(body))",
            "test_bombs_take_no_memory",
        ),
    }
)
"""The body of `loads` in formats of JSON, and the test that finds what is wrong with it."""

COMPRESSORS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "Unbounded": (
            "plain = zlib.decompress(data)\n"
            "if len(plain) != len(into): raise ValueError('not the size')\n"
            "into[:] = plain",
            "test_bombs_take_no_memory",
        ),
        "Short": (
            "plain = zlib.decompressobj().decompress(data, len(into) + 1)[:len(into)]\n"
            "into[:len(plain)] = plain",
            "test_another_size_is_refused",
        ),
        "Unchecked": (
            "stream = zlib.decompressobj()\n"
            "plain = stream.decompress(data, len(into) + 1)\n"
            "if len(plain) != len(into): raise ValueError('not the size')\n"
            "into[:] = plain",
            "test_noise_is_refused",
        ),
        "Unwritten": (
            "stream = zlib.decompressobj()\n"
            "plain = stream.decompress(data, len(into) + 1)\n"
            "if len(plain) != len(into) or not stream.eof: raise ValueError('not the size')\n"
            "into[:] = plain if spec.dtype.itemsize == 1 else plain[::-1]",
            "test_the_name_in_documents_is_enough_to_read",
        ),
        "Trailing": (
            "stream = zlib.decompressobj()\n"
            "plain = stream.decompress(data, len(into) + 1)\n"
            "if len(plain) != len(into) or not stream.eof: raise ValueError('not the size')\n"
            "into[:] = plain",
            "test_trailing_bytes_are_refused",
        ),
    }
)
"""The body of `decompress` in compressors of zlib, and the test that finds what is wrong."""

ENCODING = """
SHARED = {{}}

def decoded(plain, spec):
    return np.frombuffer(bytearray(plain), spec.dtype).reshape(spec.shape)

class {name}:
    def encode(self, array, scope):
        return {{"buffer": pybase64.b64encode(array.tobytes())}}

    def decode(self, data, spec, scope):
        plain = pybase64.b64decode(data["buffer"], validate=True)
{body}
"""

FORMAT = """
class {name}(JsonDocumentCodec):
    def loads(self, body, limits):
{body}
"""

COMPRESSOR = """
class {name}:
    def compress(self, data):
        return zlib.compress(data)

    def decompress(self, data, into, spec):
{body}
"""

HOOKS = {
    "encoding": """
@hookimpl
def encodings():
    for codec in ({names}):
        name = codec.__name__
        yield ArrayEncoding(name=name, summary="", data_schema=schema(name), load=codec)
""",
    "format": """
@hookimpl
def formats():
    for codec in ({names}):
        name = codec.__name__
        yield Format(
            name=name, summary="", media_types=(), suffixes=(), array_encoding="base64", load=codec
        )
""",
    "compressor": """
@hookimpl
def compressors():
    for codec in ({names}):
        yield Compressor(name=codec.__name__, summary="", load=codec)
""",
}


def undetected(
    suite: Suite, base: str, noun: str, template: str, flaws: Mapping[str, tuple[str, str]]
) -> list[str]:
    """Return the flaws that no test has found which is about them."""
    names = "".join(f"{name}, " for name in flaws)
    classes = "".join(
        template.format(name=name, body=_indented(body)) for name, (body, _) in flaws.items()
    )
    tests = "".join(f"class Test{name}({base}):\n    {noun} = {name!r}\n\n" for name in flaws)
    outcomes = suite(
        f"from runtime_core.testing import {base}\n\n{tests}",
        chosen=" or ".join(f"(Test{name} and {test})" for name, (_, test) in flaws.items()),
        plugin=HEADER + classes + HOOKS[noun].format(names=names),
    )
    failed = {name for name, outcome in outcomes.items() if outcome == "FAILED"}
    expected = {name: f"Test{name}::{test}" for name, (_, test) in flaws.items()}
    return [name for name, test in expected.items() if not any(f.startswith(test) for f in failed)]


def _indented(body: str) -> str:
    return "".join(f"        {line}\n" for line in body.splitlines())


def test_flaws_of_encodings_are_found(suite: Suite) -> None:
    """Arrays that are not their reader's own, or not what was written, fail the suite."""
    assert undetected(suite, "ArrayEncodingConformance", "encoding", ENCODING, ENCODINGS) == []


def test_flaws_of_formats_are_found(suite: Suite) -> None:
    """Formats that take noise for documents, lose something or say nothing fail the suite."""
    assert undetected(suite, "FormatConformance", "format", FORMAT, FORMATS) == []


def test_flaws_of_compressors_are_found(suite: Suite) -> None:
    """Compressors that unpack too much or take anything for compressed bytes fail the suite."""
    assert undetected(suite, "CompressorConformance", "compressor", COMPRESSOR, COMPRESSORS) == []
