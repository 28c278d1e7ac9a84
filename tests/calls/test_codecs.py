"""Codecs of plugins: what they are loaded with, their options, and the forms of documents."""

from __future__ import annotations

import hmac
import importlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runtime_core import Runtime, Wire
from runtime_core.calls.codecs import Codecs
from runtime_core.catalog import Catalog
from runtime_core.config import resolve
from runtime_core.contracts import ArraySpec, BoundCompressor, Call, Compressor, Fault, Format
from runtime_core.documents.wire import configured_wire
from runtime_core.errors import InvalidOption, PluginFailed, TesseractRuntimeError
from runtime_core.runtime import local_runtime
from runtime_core.server.negotiation import Negotiation, NotAcceptable, UnsupportedMediaType
from tests.conftest import DOUBLE, REPOSITORY
from tests.plugins.faulty_plugin import with_plugins

SCRATCH = REPOSITORY / "tests/end_to_end/scratch/shuffled"

SMOOTH = np.linspace(0, 1, 125_000)
SPEC = ArraySpec(shape=SMOOTH.shape, dtype=SMOOTH.dtype)


@pytest.fixture(scope="module")
def shuffled() -> Iterator[Any]:
    """Return the package of the scratch plugin."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(SCRATCH)
        yield importlib.import_module("tesseract_runtime_shuffled")


@pytest.fixture
def plugged(catalog: Catalog, shuffled: Any) -> Catalog:
    """Return the catalog with the scratch plugin."""
    hooks = ("settings", "compressors", "formats", "encodings")
    return with_plugins(catalog, {hook: [*getattr(shuffled, hook)()] for hook in hooks})


@pytest.fixture
def open_(plugged: Catalog, tesseract: Callable[..., Path]) -> Callable[..., Runtime]:
    """Return a function that makes a runtime with the scratch plugin, from flags."""
    api_path = str(tesseract(DOUBLE))

    def make(**flags: Any) -> Runtime:
        config = resolve(plugged, flags={"api_path": api_path, **flags}, environment={})
        return local_runtime(plugged, config)

    return make


def compressor(catalog: Catalog, text: str, **flags: Any) -> BoundCompressor:
    """Return a compressor with options, as a call has it."""
    return Codecs(catalog, resolve(catalog, flags=flags, environment={})).compressor(text)


def answer(made: Runtime, body: bytes, wire: Wire, **form: str) -> bytes | Fault:
    """Return the result of apply, or its fault."""
    form = {"body_format": "json", **form}
    call = Call(endpoint="apply", run_id="r", body=body, output=wire, **form)  # type: ignore[arg-type]  # of texts
    reply = made.invoke(call)
    return reply.fault or b"".join(reply.body)


PLAIN = b'{"inputs":{"x":[1.0,2.0]}}'


@pytest.mark.parametrize(
    ("text", "name", "most"),
    [
        ("shuffled", "shuffled:width=0", 60_000),
        ("shuffled:level=9", "shuffled:width=0", 56_000),
        ("shuffled:width=8", "shuffled:width=8", 60_000),
        ("shuffled:width=1", "shuffled:width=1", 800_000),
    ],
)
def test_compressors_get_the_spec_and_options(
    text: str, name: str, most: int, plugged: Catalog
) -> None:
    """Shuffled by the size of an element, 1 MB of smooth numbers takes 55 kB and not 743 kB.

    The name in documents has the options that reading needs.
    """
    made = compressor(plugged, text)
    packed = made.compress(SMOOTH.data.cast("B"), SPEC)
    assert (made.name, most * 0.9 < len(packed) < most) == (name, True)
    room = bytearray(SMOOTH.nbytes)
    compressor(plugged, name).decompress(memoryview(packed), memoryview(room), SPEC)
    assert room == SMOOTH.tobytes()


def test_documents_have_the_options_for_reading(open_: Callable[..., Runtime]) -> None:
    """What one call has written with options, a call without them reads."""
    body = json.dumps({"inputs": {"x": SMOOTH[:100].tolist()}}).encode()
    wire = Wire(format="json+base64", compression="shuffled:width=4,level=1")
    written = answer(open_(), body, wire)
    assert isinstance(written, bytes)
    document = json.loads(written)["y"]
    assert document["data"]["compression"] == "shuffled:width=4"
    again = answer(open_(), json.dumps({"inputs": {"x": document}}).encode(), Wire(format="json"))
    assert isinstance(again, bytes)
    np.testing.assert_array_equal(json.loads(again)["y"]["data"]["buffer"], 4 * SMOOTH[:100])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("shuffled:lvl=3", "has no option 'lvl'. Did you mean 'level'? Available: level, width."),
        ("shuffled:level=high", "level='high': Input should be a valid integer"),
        ("shuffled:level=10", "level='10': Input should be less than or equal to 9"),
        ("lz4:level=3", "Compression 'lz4' has no option 'level'. Available: none."),
        ("shufled:level=3", "Unknown compression 'shufled'. Did you mean 'shuffled'?"),
    ],
)
def test_wrong_options_are_refused_before_a_result_is_computed(
    text: str, problem: str, plugged: Catalog, open_: Callable[..., Runtime]
) -> None:
    """The command line, HTTP and documents name the option, and what there is."""
    with pytest.raises(TesseractRuntimeError) as raised:
        configured_wire(plugged, open_(compression=text).config)
    assert problem in str(raised.value)
    negotiation = Negotiation(plugged, open_().config)
    with pytest.raises(NotAcceptable) as refused:
        negotiation.output(f'application/json+base64; compression="{text}"')
    assert problem in str(refused.value)
    data = {"buffer": "AAAA", "encoding": "base64", "compression": text}
    body = {"inputs": {"x": {"shape": [1], "dtype": "float64", "data": data}}}
    fault = answer(open_(), json.dumps(body).encode(), Wire(format="json"))
    assert isinstance(fault, Fault)
    assert problem in fault.message


def test_an_option_without_default_is_a_fault_of_the_plugin(catalog: Catalog) -> None:
    """The plugin, the method and the option are named."""

    class Codec:
        def compress(self, data: memoryview, *, level: int) -> bytes:
            return bytes(data)

        def decompress(self, data: memoryview, into: memoryview) -> None:
            into[:] = data

    declared = Compressor(name="acme", summary="", load=Codec)
    with pytest.raises(PluginFailed, match="whose compress has the option 'level' without default"):
        compressor(with_plugins(catalog, {"compressors": [declared]}), "acme")


@pytest.fixture
def key(tmp_path: Path) -> str:
    """Return the path of a file with the key of signatures."""
    path = tmp_path / "key"
    path.write_text("secret\n")
    return str(path)


def test_codecs_are_loaded_with_settings_and_parameters(
    open_: Callable[..., Runtime], key: str
) -> None:
    """A format has the settings of its plugin and the parameter of the media type."""
    made = open_(shuffled_issuers="acme", shuffled_signature_key_file=key)
    signed = answer(made, PLAIN, Wire(format="signed", parameters="issuer=acme"))
    assert isinstance(signed, bytes)
    signature, _, text = signed.partition(b"\n")
    assert signature.decode() == hmac.new(b"secretacme", text, "sha256").hexdigest()
    codec = made.scope().codecs.format("signed", "issuer=acme")
    assert codec is made.scope().codecs.format("signed", "issuer=acme")
    body = b"".join(codec.dumps(json.loads(PLAIN)))
    form = {"body_format": "signed", "body_parameters": "issuer=acme"}
    assert isinstance(answer(made, body, Wire(format="json"), **form), bytes)
    fault = answer(made, body, Wire(format="json"), body_format="signed")
    assert isinstance(fault, Fault)
    assert fault.message == "The payload is not valid signed: the signature is wrong"


def test_context_has_the_limits_and_only_own_settings(catalog: Catalog) -> None:
    """Settings of other plugins are not in it."""
    contexts = []

    def load(context: Any) -> Any:
        contexts.append(context)
        raise ValueError("not today")

    declared = Format(
        name="acme", summary="", media_types=(), suffixes=(), array_encoding="json", load=load
    )
    plugged = with_plugins(catalog, {"formats": [declared]})
    flags = {"max_json_items": 7, "memory_limit": 1000}
    codecs = Codecs(plugged, resolve(plugged, flags=flags, environment={}))
    with pytest.raises(InvalidOption, match="Format 'acme' does not take 'a=b': not today"):
        codecs.format("acme", "a=b")
    (context,) = contexts
    assert (context.settings, context.parameters) == ({}, {"a": "b"})
    assert (context.limits.items, context.limits.memory) == (7, 1000)


@pytest.fixture
def negotiation(plugged: Catalog) -> Negotiation:
    """Return the negotiation of a service whose arrays are hexadecimal by default."""
    flags = {"array_encoding": "hex", "shuffled_issuers": ["acme"]}
    return Negotiation(plugged, resolve(plugged, flags=flags, environment={}))


@pytest.mark.parametrize(
    ("accept", "wire"),
    [
        ("*/*", Wire(format="json", array_encoding="hex")),
        ("application/json+base64", Wire(format="json+base64")),
        ("application/json; encoding=base64", Wire(format="json", array_encoding="base64")),
        ("application/json; encoding=JSON", Wire(format="json", array_encoding="json")),
        ("*/*; encoding=base64", Wire(format="json", array_encoding="base64")),
        (
            'application/json; compression="shuffled:level=1,width=8";q=0.5, text/html',
            Wire(format="json", array_encoding="hex", compression="shuffled:level=1,width=8"),
        ),
        (
            "application/signed; issuer=acme; unheard=of",
            Wire(format="signed", array_encoding="hex", parameters="issuer=acme"),
        ),
        ("application/msgpack", Wire(format="msgpack")),
    ],
)
def test_accept_chooses_encoding_and_parameters(
    accept: str, wire: Wire, negotiation: Negotiation
) -> None:
    """The configured encoding is that of formats that take any, unless a range names another."""
    assert negotiation.output(accept) == wire


@pytest.mark.parametrize(
    ("media_type", "problem"),
    [
        (
            "application/json+base64; encoding=hex",
            "Format 'json+base64' writes arrays as base64, not as hex. Leave the array encoding "
            "out, or choose one of the formats that take any: json, signed.",
        ),
        ("application/json; encoding=hx", "Unknown array encoding 'hx'. Did you mean 'hex'?"),
        ("application/json; encoding=raw", "Array encoding 'raw' is binary and cannot be written"),
        ("application/signed; issuer=you", "Format 'signed' does not take 'issuer=you': you is"),
    ],
)
def test_what_a_media_type_cannot_have_is_named(
    media_type: str, problem: str, negotiation: Negotiation
) -> None:
    """An answer is a 406 and a body a 415, with both names."""
    with pytest.raises(NotAcceptable) as refused:
        negotiation.output(media_type)
    assert problem in str(refused.value)
    with pytest.raises(UnsupportedMediaType) as unsupported:
        negotiation.input(media_type)
    assert problem in str(unsupported.value)


def test_body_may_name_its_encoding(negotiation: Negotiation) -> None:
    """Each array names its own encoding; that of the media type is only checked."""
    assert negotiation.input("application/json; encoding=hex; charset=utf-8") == ("json", "")
    assert negotiation.input("application/signed;issuer=acme") == ("signed", "issuer=acme")


def test_codecs_outlive_a_call(open_: Callable[..., Runtime], tmp_path: Path) -> None:
    """Calls with their own output path load no codec again."""
    made = open_()
    workspace = made.scope().workspace
    assert workspace.placed(str(tmp_path)).codecs is workspace.codecs
