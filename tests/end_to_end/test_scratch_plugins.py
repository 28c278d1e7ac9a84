"""Plugins of third parties work like our own: on the command line, over HTTP and in Python."""

from __future__ import annotations

import base64
import hmac
import json
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runtime_core.testing import Served
from tests.conftest import DOUBLE
from tests.end_to_end.conftest import Environment, Write
from tests.patience import wait_until

PROVIDED = {
    "acme": "encodings: acme",
    "arrow": "formats: arrow",
    "by_hand": "gradient backends: by-hand",
    "greet": "commands: greet\n  settings: greet",
    "hessian": "endpoints: hessian_vector_product",
    "memory_sink": "run sinks: memory",
    "note": "recipes: note",
    "shuffled": "compressors: shuffled\n  encodings: hex\n  formats: signed\n  settings: shuffled",
    "threads": "executors: threads",
    "version_header": "server extensions: version-header",
    "zstd": "compressors: zstd",
    "zstd_like": "compressors: zlib",
}
"""What each plugin says that it provides."""

ECHO = """
from pydantic import BaseModel
from runtime_core import Array, Float64

class InputSchema(BaseModel):
    x: Array[(None,), Float64]
    note: str = ""

class OutputSchema(BaseModel):
    inputs: InputSchema

def apply(inputs: InputSchema) -> OutputSchema:
    return OutputSchema(inputs=inputs)
"""
"""A Tesseract whose results are payloads, so that what one call wrote another can read."""

CUBE = """
from pydantic import BaseModel
from runtime_core import Array, Differentiable, Float64

class InputSchema(BaseModel):
    x: Differentiable[Array[(None,), Float64]]

class OutputSchema(BaseModel):
    y: Differentiable[Float64]

def apply(inputs: InputSchema) -> OutputSchema:
    return OutputSchema(y=(inputs.x**3).sum())

def derivative(x):
    return 3 * x**2

def hessian_vector_product(inputs, hvp_inputs, hvp_outputs, tangent_vector):
    \"\"\"Return 6 x v.\"\"\"
    return {"y": {"x": 6 * inputs.x * tangent_vector["x"]}}
"""
"""A Tesseract with first and second derivatives."""

ARROW = "application/vnd.apache.arrow.stream"
PAYLOAD = '{"inputs": {"x": [1.0, 2.5], "note": "é"}}'
HESSIAN = json.dumps(
    {
        "inputs": {"x": [1.0, 2.0]},
        "hvp_inputs": ["x"],
        "hvp_outputs": ["y"],
        "tangent_vector": {"x": [1.0, 10.0]},
    }
)


@pytest.fixture(scope="module", autouse=True)
def all_plugins(prepared_environment: Environment) -> Iterator[None]:
    """Have all the plugins installed in this module."""
    with prepared_environment.installed(*PROVIDED):
        yield


@pytest.fixture
def echo(environment: Environment, tesseract: Write) -> Iterator[Served]:
    """Serve `ECHO`."""
    with environment.serving("--api-path", str(tesseract(ECHO))) as service:
        yield service


def result(environment: Environment, *arguments: str) -> Any:
    """Return the result of a command that succeeds, which is JSON."""
    done = environment.runtime(*arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def refusal(environment: Environment, *arguments: str) -> str:
    """Return the message of a command that refuses its arguments."""
    done = environment.runtime(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.parametrize("name", PROVIDED)
def test_plugins_lists_what_is_provided(environment: Environment, name: str) -> None:
    """`plugins` names each plugin, its distribution and what it provides."""
    plugin = name.replace("_", "-")
    text = environment.runtime("plugins").stdout
    assert f"{plugin} (tesseract-runtime-{plugin} 0.1.0): loaded\n  {PROVIDED[name]}\n" in text


@pytest.mark.parametrize("name", PROVIDED)
def test_plugins_show_tells_where_a_plugin_is(environment: Environment, name: str) -> None:
    """`plugins show` takes the name of a plugin or of its distribution, and tells its module."""
    plugin = name.replace("_", "-")
    shown = environment.runtime("plugins", "show", plugin).stdout
    assert f"  entry point: tesseract_runtime_{name}\n" in shown
    assert "  loaded in: " in shown
    by_distribution = environment.runtime("plugins", "show", f"tesseract-runtime-{plugin}").stdout
    assert by_distribution.splitlines()[:2] == shown.splitlines()[:2]


def test_plugins_lists_as_json(environment: Environment) -> None:
    """`plugins list --json` gives the same as data, with the summary of each name."""
    listing = result(environment, "plugins", "list", "--json")
    facts = {plugin["name"]: plugin for plugin in listing["plugins"]}
    assert set(facts) == {"core", *(name.replace("_", "-") for name in PROVIDED)}
    assert {plugin["status"] for plugin in facts.values()} == {"loaded"}
    assert facts["arrow"]["provides"] == {
        "formats": [{"name": "arrow", "summary": "Apache Arrow with arrays as columns."}]
    }
    assert listing["problems"] == []


def test_server_lists_plugins(echo: Served) -> None:
    """`GET /plugins` gives what `plugins list --json` gives."""
    names = {plugin["name"] for plugin in echo.ask("/plugins").json()["plugins"]}
    assert {"arrow", "hessian", "version-header"} <= names


def test_format_is_a_choice_of_the_command_line(environment: Environment, tesseract: Write) -> None:
    """The help of an endpoint names the formats of plugins."""
    text = environment.runtime("--api-path", str(tesseract()), "apply", "--help").stdout
    assert "json|json+base64|arrow" in text


def test_format_is_in_openapi(environment: Environment, tesseract: Write) -> None:
    """The OpenAPI document names the formats of plugins and their media types."""
    document = result(environment, "--api-path", str(tesseract()), "openapi-schema")
    assert document["x-supported-output-formats"] == ["json", "json+base64", "arrow", "signed"]
    operation = document["paths"]["/apply"]["post"]
    assert ARROW in operation["requestBody"]["content"]
    assert ARROW in operation["responses"]["200"]["content"]


@pytest.mark.parametrize("x", [[1.0, 2.5], [], ["NaN", "-Infinity"]])
def test_format_writes_files_and_reads_them(
    environment: Environment, tesseract: Write, x: list[Any]
) -> None:
    """A result in the format of a plugin is named by its suffix, and read by it as a payload."""
    apply = ["--api-path", str(tesseract(ECHO)), "apply"]
    payload = json.dumps({"inputs": {"x": x, "note": "é"}})
    written = environment.runtime(*apply, payload, "-f", "arrow", "-o", "out")
    assert (written.returncode, written.stdout) == (0, "")
    assert [path.name for path in environment.folder.glob("out/results*")] == ["results.arrows"]
    assert result(environment, *apply, "@out/results.arrows") == result(
        environment, *apply, payload
    )


def test_format_writes_to_stdout(environment: Environment, tesseract: Write) -> None:
    """Without a folder, the bytes of a document and nothing else go to stdout."""
    apply = ["--api-path", str(tesseract(ECHO)), "apply"]
    with (environment.folder / "result.arrows").open("wb") as file:
        environment.runtime(*apply, PAYLOAD, "-f", "arrow", stdout=file, check=True)
    assert result(environment, *apply, "@result.arrows")["inputs"]["note"] == "é"


def test_server_speaks_the_format(echo: Served) -> None:
    """The media type of a plugin's format works as `Accept` and as `Content-Type`."""
    written = echo.ask("/apply", PAYLOAD, accept=ARROW)
    assert (written.status, written.headers["content-type"]) == (200, ARROW)
    read = echo.ask("/apply", written.body, content_type=ARROW, accept="application/json")
    assert read.json()["inputs"]["x"]["data"] == {"buffer": [1.0, 2.5], "encoding": "json"}
    assert read.json()["inputs"]["note"] == "é"


@pytest.mark.parametrize("body", [b"", b"no arrow at all", b"\xff\xff\xff\xff\x10\0\0\0"])
def test_broken_document_is_refused(
    environment: Environment, tesseract: Write, body: bytes
) -> None:
    """Bytes that do not follow the format of a plugin are the caller's mistake."""
    (environment.folder / "broken.arrows").write_bytes(body)
    message = refusal(environment, "--api-path", str(tesseract()), "apply", "@broken.arrows")
    assert message.startswith("Error: The payload is not valid arrow: ")


def test_server_refuses_broken_document(echo: Served) -> None:
    """Bytes that do not follow the format of a plugin are a 422."""
    answer = echo.ask("/apply", b"no arrow at all", content_type=ARROW)
    assert answer.status == 422
    assert answer.json()["detail"][0]["loc"] == ["body"]


def test_uninstalled_format_is_unknown(environment: Environment, tesseract: Write) -> None:
    """Once a plugin is gone, what it gave is refused with what there is."""
    api = str(tesseract())
    (environment.folder / "x.arrows").write_bytes(b"")
    with environment.without("arrow"):
        message = refusal(environment, "--api-path", api, "apply", "-f", "arrow", PAYLOAD)
        assert message == "Error: Unknown format 'arrow'. Available: json, json+base64, signed.\n"
        message = refusal(environment, "--api-path", api, "apply", "@x.arrows")
        assert message.startswith("Error: The payload is not valid json: ")
        assert "arrow" not in environment.runtime("plugins").stdout


def test_disabled_format_says_so(environment: Environment, tesseract: Write) -> None:
    """What a disabled plugin would give is refused with its name."""
    message = refusal(
        environment,
        *("--no-plugin", "arrow", "--api-path", str(tesseract())),
        *("apply", "-f", "arrow", PAYLOAD),
    )
    assert message == (
        "Error: Format 'arrow' may come from tesseract-runtime-arrow 0.1.0, which is disabled:\n"
        "  --no-plugin or TESSERACT_DISABLE_PLUGINS names it. "
        "See: tesseract-runtime plugins show arrow\n"
    )


def test_array_encoding_works_in_plain_code(environment: Environment) -> None:
    """Models write and read the array encoding of a plugin with no runtime around them."""
    printed = environment.python("""
import json
import numpy as np
from pydantic import BaseModel
from runtime_core import Array, Int16

class Model(BaseModel):
    x: Array[(None, 2), Int16]

text = Model(x=[[1, 2], [3, -4]]).model_dump_json(context={"array_encoding": "acme"})
read = Model.model_validate_json(text).x
assert read.flags.writeable and read.flags.owndata
print(text)
print(read.tolist(), Model.model_validate(json.loads(text)).x.tolist())
""")
    document, lists = printed.splitlines()
    assert json.loads(document)["x"]["data"] == {
        "buffer": base64.b85encode(b"\1\0\2\0\3\0\xfc\xff").decode(),
        "encoding": "acme",
    }
    assert lists == "[[1, 2], [3, -4]] [[1, 2], [3, -4]]"


def acme(x: list[float], shape: list[int]) -> str:
    """Return a payload whose array is in the encoding `acme`."""
    text = base64.b85encode(struct.pack(f"<{len(x)}d", *x)).decode()
    data = {"buffer": text, "encoding": "acme"}
    return json.dumps({"inputs": {"x": {"shape": shape, "dtype": "float64", "data": data}}})


def test_array_encoding_is_read_from_payloads(environment: Environment, tesseract: Write) -> None:
    """A payload may hold arrays in the encoding of a plugin."""
    answer = result(
        environment, "--api-path", str(tesseract()), "apply", acme([1.0, 2.5], shape=[2])
    )
    assert answer["y"]["data"]["buffer"] == [2.0, 5.0]


def test_wrong_array_in_the_encoding_is_refused(environment: Environment, tesseract: Write) -> None:
    """What the codec of a plugin refuses is told with the path to the array."""
    message = refusal(
        environment, "--api-path", str(tesseract()), "apply", acme([1.0, 2.5], shape=[3])
    )
    assert "inputs.x: Failed to decode array buffer (acme encoding): " in message


def test_array_encoding_is_in_openapi(environment: Environment, tesseract: Write) -> None:
    """The schema that a plugin gives for its `data` is a component."""
    document = result(environment, "--api-path", str(tesseract()), "openapi-schema")
    components = document["components"]["schemas"]
    assert components["AcmeArrayData"]["properties"]["encoding"]["const"] == "acme"
    mapping = components["Apply_InputSchema"]["properties"]["x"]["properties"]["data"][
        "discriminator"
    ]["mapping"]
    assert mapping["acme"] == "#/components/schemas/AcmeArrayData"


def test_endpoint_is_a_command(environment: Environment, tesseract: Write) -> None:
    """The endpoint of a plugin is a command with dashes in its name."""
    api = str(tesseract(CUBE))
    answer = result(environment, "--api-path", api, "hessian-vector-product", HESSIAN)
    assert answer["y"]["x"]["data"]["buffer"] == [6.0, 120.0]


def test_help_describes_the_endpoint(environment: Environment, tesseract: Write) -> None:
    """The help of a plugin's endpoint shows the fields of its payload."""
    api = str(tesseract(CUBE))
    text = environment.runtime("--api-path", api, "hessian-vector-product", "--help").stdout
    assert "Multiply a Hessian with a vector." in text
    assert "Return 6 x v." in text
    assert "tangent_vector: dict[str, Array[..., float64]]" in text
    assert "hessian-vector-product" in environment.runtime("--help").stdout


def test_endpoint_is_a_route(environment: Environment, tesseract: Write) -> None:
    """The endpoint of a plugin is a POST that speaks every format and has a run id."""
    with environment.serving("--api-path", str(tesseract(CUBE))) as service:
        answer = service.ask("/hessian_vector_product", HESSIAN)
        assert answer.json()["y"]["x"]["data"]["buffer"] == [6.0, 120.0]
        assert answer.headers["tesseract-run-id"]
        assert service.ask("/hessian_vector_product", HESSIAN, accept=ARROW).status == 200
        assert service.ask("/hessian_vector_product").status == 405


def test_endpoint_is_in_openapi(environment: Environment, tesseract: Write) -> None:
    """The models of a plugin's endpoint are components under their class names."""
    document = result(environment, "--api-path", str(tesseract(CUBE)), "openapi-schema")
    components = document["components"]["schemas"]
    assert {"HVPInputSchema", "HVP_InputSchema", "HVPOutputSchema"} <= set(components)
    operation = document["paths"]["/hessian_vector_product"]["post"]
    assert operation["requestBody"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/HVPInputSchema"
    }
    assert components["HVPInputSchema"]["additionalProperties"] is False


def test_endpoint_validates_its_payload(environment: Environment, tesseract: Write) -> None:
    """All faults of a payload of a plugin's endpoint are told with their paths."""
    payload = '{"inputs": {"x": [[1.0]]}, "hvp_inputs": ["x"], "extra": 1}'
    message = refusal(
        environment, "--api-path", str(tesseract(CUBE)), "hessian-vector-product", payload
    )
    assert message == (
        "Error: The payload of hessian_vector_product is not valid:\n"
        "  inputs.x: Array has wrong number of dimensions: got 2D, expected 1D\n"
        "  hvp_outputs: Field required (--of PATH)\n"
        "  tangent_vector: Field required "
        '(without --inputs: {"inputs": ..., "tangent_vector": {PATH: ...}})\n'
        "  extra: Extra inputs are not permitted\n"
    )


def test_result_that_does_not_fit_is_the_authors_fault(
    environment: Environment, tesseract: Write
) -> None:
    """What the check of a plugin's endpoint refuses is a failure of the Tesseract."""
    done = environment.runtime(
        *("--api-path", str(tesseract(CUBE)), "hessian-vector-product"),
        HESSIAN.replace('["y"]', '["z"]'),
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "Error: hessian_vector_product must return {'z': ['x']}, not {'y': ['x']}.\n"
    )


def test_endpoint_that_a_file_lacks_is_explained(
    environment: Environment, tesseract: Write
) -> None:
    """A file that does not have what a plugin's endpoint needs is served without it."""
    api = str(tesseract(DOUBLE))
    reason = "tesseract_api.py does not define a function 'hessian_vector_product'."
    text = environment.runtime("--api-path", api, "check").stdout
    assert f"  hessian_vector_product: not served: {reason}\n" in text
    assert reason in refusal(environment, "--api-path", api, "hessian-vector-product", HESSIAN)
    with environment.serving("--api-path", api) as service:
        answer = service.ask("/hessian_vector_product", HESSIAN)
        assert answer.status == 404
        assert reason in answer.json()["detail"]


def test_compressor_compresses_base64(environment: Environment, tesseract: Write) -> None:
    """Arrays are compressed by the compressor of a plugin, and read again."""
    apply = ["--api-path", str(tesseract(ECHO)), "--compression", "zlib", "apply"]
    answer = result(environment, *apply, PAYLOAD, "-f", "json+base64")
    data = answer["inputs"]["x"]["data"]
    assert (data["encoding"], data["compression"]) == ("base64", "zlib")
    assert len(zlib.decompress(base64.b64decode(data["buffer"]))) == 16
    again = result(environment, *apply, json.dumps(answer))
    assert again["inputs"]["x"]["data"]["buffer"] == [1.0, 2.5]


def test_server_offers_the_compressor(echo: Served) -> None:
    """A client asks for compression by the compressor of a plugin with `Accept`."""
    supported = echo.ask("/openapi.json").json()["x-supported-compressions"]
    assert supported == ["none", "shuffled", "zstd", "zlib"]
    answer = echo.ask("/apply", PAYLOAD, accept="application/json+base64;compression=zlib")
    assert answer.json()["inputs"]["x"]["data"]["compression"] == "zlib"
    assert echo.ask("/apply", PAYLOAD, accept="application/json;compression=zst").status == 406


def test_compressor_has_options_and_settings(environment: Environment, tesseract: Write) -> None:
    """It packs by the shape and data type of an array, on the command line and over HTTP."""
    numbers = ",".join(str(n / 1000) for n in range(4000))
    payload = f'{{"inputs": {{"x": [{numbers}]}}}}'
    api = ["--api-path", str(tesseract(ECHO))]
    sizes = {}
    for name in ("zlib", "shuffled", "shuffled:width=1,level=9"):
        options = ["--compression", name, "-f", "json+base64"]
        answer = result(environment, *api, "apply", payload, *options)
        data = answer["inputs"]["x"]["data"]
        sizes[data["compression"]] = len(data["buffer"])
    assert [*sizes] == ["zlib", "shuffled:width=0", "shuffled:width=1"]
    assert sizes["shuffled:width=0"] < 0.6 * min(sizes["zlib"], sizes["shuffled:width=1"])
    again = result(environment, *api, "apply", json.dumps(answer))
    assert again["inputs"]["x"]["data"]["buffer"][:2] == [0.0, 0.001]


def test_signed_documents_are_read_with_the_same_key(
    environment: Environment, tesseract: Write, tmp_path: Path
) -> None:
    """A secret in a file and a list in a variable reach the codec of a server and its workers."""
    (tmp_path / "key").write_text("hush\n")
    variables = {
        "TESSERACT_SHUFFLED_SIGNATURE_KEY_FILE": str(tmp_path / "key"),
        "TESSERACT_SHUFFLED_ISSUERS": "acme,other",
    }
    api = ("--api-path", str(tesseract(ECHO)))
    with environment.serving(*api, variables=variables) as service:
        accept = "application/signed; issuer=acme; encoding=hex"
        answer = service.ask("/apply", PAYLOAD, accept=accept)
        assert answer.headers["content-type"] == "application/signed; encoding=hex"
        signature, _, document = answer.body.partition(b"\n")
        assert signature.decode() == hmac.new(b"hushacme", document, "sha256").hexdigest()
        kind = "application/signed; issuer=acme"
        assert service.ask("/apply", answer.body, content_type=kind).status == 200
        assert service.ask("/apply", answer.body, content_type="application/signed").status == 422
        assert service.ask("/apply", answer.body, content_type=f"{kind}s").status == 415
        assert "hush" not in service.log.read_text()


def test_unknown_compressor_is_refused(environment: Environment, tesseract: Write) -> None:
    """A misspelled compressor is refused with the one that is meant."""
    message = refusal(
        environment, "--api-path", str(tesseract()), "--compression", "zlbi", "apply", PAYLOAD
    )
    assert message == (
        "Error: Unknown compression 'zlbi'. Did you mean 'zlib'? Available: shuffled, zlib, zstd.\n"
    )


def compressed(data: bytes, shape: list[int]) -> str:
    """Return a payload whose array claims to be compressed by zlib."""
    text = base64.b64encode(data).decode()
    leaf = {"buffer": text, "encoding": "base64", "compression": "zlib"}
    return json.dumps({"inputs": {"x": {"shape": shape, "dtype": "float64", "data": leaf}}})


@pytest.mark.parametrize(
    "data", [zlib.compress(bytes(2**26)), zlib.compress(bytes(8)), b"not zlib"]
)
def test_wrong_compressed_bytes_are_refused(echo: Served, data: bytes) -> None:
    """Bytes that unpack to more or less than the array, or not at all, are a 422."""
    answer = echo.ask("/apply", compressed(data, shape=[2]))
    assert answer.status == 422
    [detail] = answer.json()["detail"]
    assert detail["loc"] == ["body", "inputs", "x"]
    assert detail["msg"].startswith("Failed to decode array buffer (base64 encoding): ")


def test_bomb_takes_no_memory(environment: Environment) -> None:
    """Decompression takes about the memory of the array, whatever the bytes would unpack to."""
    peak = environment.python("""
import tracemalloc, zlib
from runtime_core import load_catalog

codec = load_catalog().compressors.find("zlib").load()
bomb = memoryview(zlib.compress(bytes(2**26)))
tracemalloc.start()
try:
    codec.decompress(bomb, memoryview(bytearray(16)))
except ValueError:
    print(tracemalloc.get_traced_memory()[1])
""")
    assert int(peak) < 2**20


@pytest.mark.parametrize(
    ("arguments", "variables", "greeting"),
    [
        ([], {}, "Hello you!"),
        ([], {"TESSERACT_GREET_NAME": "Ada"}, "Hello Ada!"),
        (
            [],
            {"TESSERACT_GREET_NAME": "Ada", "TESSERACT_RUNTIME_GREET_NAME": "Bob"},
            "Hello Bob!",
        ),
        (["--greet-name", "Cleo"], {"TESSERACT_RUNTIME_GREET_NAME": "Bob"}, "Hello Cleo!"),
        (["--greet-name=Cleo", "--greet-times", "2"], {}, "Hello Cleo!\nHello Cleo!"),
    ],
)
def test_settings_come_from_flags_and_environment(
    environment: Environment, arguments: list[str], variables: dict[str, str], greeting: str
) -> None:
    """A flag is stronger than a variable with the long prefix, and that than the short one."""
    done = environment.runtime(*arguments, "greet", variables=variables)
    assert (done.stdout, done.stderr) == (f"{greeting}\n", "")


def test_command_has_options(environment: Environment) -> None:
    """The parameters of a plugin's command are its options, also in the environment."""
    assert environment.runtime("greet", "--mark", "?").stdout == "Hello you?\n"
    variables = {"TESSERACT_RUNTIME_GREET_MARK": "."}
    assert environment.runtime("greet", variables=variables).stdout == "Hello you.\n"


def test_wrong_setting_is_refused(environment: Environment) -> None:
    """A setting that its model refuses is told with the flag or variable it came from."""
    message = refusal(environment, "--greet-times", "0", "greet")
    assert message == ("Error: --greet-times='0': Input should be greater than or equal to 1\n")
    done = environment.runtime("greet", variables={"TESSERACT_GREET_TIMES": "often"})
    assert done.returncode == 2
    assert done.stderr.startswith("Error: TESSERACT_GREET_TIMES='often': ")


def test_settings_are_in_the_help(environment: Environment) -> None:
    """The help lists the command of a plugin, and with `--help-all` its settings."""
    assert "Greet a person." in environment.runtime("--help").stdout
    text = environment.runtime("--help-all").stdout
    assert "--greet-name TEXT" in text
    assert "Who is greeted. [default: you]" in text
    assert "Greet a person." in text


def test_setting_follows_the_command(environment: Environment) -> None:
    """A setting is taken after the command too."""
    assert environment.runtime("greet", "--greet-name", "Cleo").stdout == "Hello Cleo!\n"


def test_uninstalled_settings_are_unknown(environment: Environment) -> None:
    """Once a plugin is gone, its flags and commands are unknown, and its variables ignored."""
    with environment.without("greet"):
        assert "No such option" in refusal(environment, "--greet-name", "Cleo", "plugins")
        assert "No such command 'greet'" in refusal(environment, "greet")
        done = environment.runtime("plugins", variables={"TESSERACT_GREET_TIMES": "often"})
        assert done.returncode == 0


def test_server_extension_adds_a_layer(environment: Environment, tesseract: Write) -> None:
    """A layer at the edge labels every answer, also those of unknown routes."""
    with environment.serving("--api-path", str(tesseract()), "--version", "1.2") as service:
        for path in ("/health", "/no-such-route", "/docs"):
            assert service.ask(path).headers["tesseract-version"] == "1.2"


def test_server_extension_adds_a_route_and_observes(echo: Served) -> None:
    """A route is served, and the observer of the same extension has seen each computed call."""
    for payload in (PAYLOAD, PAYLOAD, "{}"):
        echo.ask("/apply", payload)
    echo.ask("/health")
    seen = {"version": "unknown", "calls": {"apply": 3}}
    wait_until(lambda: echo.ask("/version").json() == seen)  # observers have threads of their own


def test_server_extension_changes_openapi(echo: Served) -> None:
    """What an extension makes of the OpenAPI document is served."""
    document = echo.ask("/openapi.json").json()
    assert document["x-version-header"] == "Tesseract-Version"
    assert "/apply" in document["paths"]


def test_server_extension_lives_with_the_server(environment: Environment, tesseract: Write) -> None:
    """The life of an extension begins before the first request and ends with the server."""
    with environment.serving("--api-path", str(tesseract()), "--version", "1.2") as service:
        service.ask("/health")
        assert "Version 1.2 starts." in service.log.read_text()
        assert "stops" not in service.log.read_text()
    assert "Version 1.2 stops." in service.log.read_text()


def test_server_leaves_out_disabled_plugins(environment: Environment, tesseract: Write) -> None:
    """A disabled plugin is neither in the server nor in its worker."""
    disabled = "version-header,tesseract-runtime-hessian"
    variables = {"TESSERACT_DISABLE_PLUGINS": disabled}
    with environment.serving("--api-path", str(tesseract(CUBE)), variables=variables) as service:
        assert "tesseract-version" not in service.ask("/health").headers
        assert service.ask("/hessian_vector_product", HESSIAN).status == 404
        statuses = {p["name"]: p["status"] for p in service.ask("/plugins").json()["plugins"]}
        assert (statuses["hessian"], statuses["arrow"]) == ("disabled", "loaded")


def test_run_sink_keeps_records(environment: Environment) -> None:
    """The sink of a plugin gets records in order and the status of the run."""
    printed = environment.python("""
from runtime_core import load_catalog
from runtime_core.config import resolve
from runtime_core.contracts import Metric, Parameter
from runtime_core.contracts import Run
from tesseract_runtime_memory_sink import RUNS

catalog = load_catalog()
sink = catalog.run_sinks.find("memory")
run = Run(id="one", endpoint="apply")
handle = sink.open(run=run, target="memory://", config=resolve(catalog, flags={}, environment={}))
handle.write([Parameter(key="a", value=1), Metric(key="b", value=2.0, step=0, timestamp=0.0)])
handle.close("FINISHED")
print([getattr(record, "key", record) for record in RUNS["one"]])
""")
    assert printed == "['a', 'b', 'FINISHED']"


def test_executor_computes(environment: Environment) -> None:
    """The executor of a plugin is opened for a target and computes what is submitted."""
    printed = environment.python("""
from runtime_core import load_catalog
from runtime_core.config import resolve

catalog = load_catalog()
config = resolve(catalog, flags={}, environment={})
with catalog.executors.find("threads").open(target="threads://2", config=config) as executor:
    print([executor.submit(pow, 2, n).result() for n in range(4)])
""")
    assert printed == "[1, 2, 4, 8]"


def test_gradient_backend_provides_a_function(environment: Environment, tesseract: Write) -> None:
    """The backend of a plugin makes a function with the signature that an author would write."""
    api = str(tesseract(CUBE))
    printed = environment.python(f"""
from runtime_core import load_catalog
from runtime_core.config import resolve
from runtime_core.runtime import local_runtime

catalog = load_catalog()
runtime = local_runtime(catalog, resolve(catalog, flags={{"api_path": {api!r}}}, environment={{}}))
provide = catalog.gradient_backends.find("by-hand").provide
inputs = runtime.api.input_schema(x=[1.0, 2.0])
jacobian = provide(endpoint="jacobian", binding=runtime)
print(jacobian(inputs=inputs, jac_inputs={{"x"}}, jac_outputs={{"y"}})["y"]["x"].tolist())
print(provide(endpoint="abstract_eval", binding=runtime).reason)
""")
    assert printed == "[3.0, 12.0]\nby-hand computes jacobian, not abstract_eval."


def test_recipe_has_files(environment: Environment) -> None:
    """The recipe of a plugin gives the text of each file by its path."""
    printed = environment.python("""
from runtime_core import load_catalog

print(sorted(load_catalog().recipes.find("note").files()))
""")
    assert printed == "['README.md', 'notes/idea.md']"


@pytest.mark.parametrize("heavy", ["numpy", "pyarrow", "starlette"])
def test_registration_imports_nothing_heavy(environment: Environment, heavy: str) -> None:
    """Plugins that name their behaviour instead of importing it cost a start nothing."""
    printed = environment.python(f"""
import sys
from runtime_core import load_catalog

load_catalog()
print({heavy!r} in sys.modules)
""")
    assert printed == "False"


def test_wheel_has_everything(environment: Environment, tesseract: Write) -> None:
    """A wheel holds what the runtime needs: its files are all it has here."""
    where = environment.python("import runtime_core; print(runtime_core.__file__)")
    assert Path(where).is_relative_to(environment.programs.parent)
    assert result(environment, "--api-path", str(tesseract()), "health") == {"status": "ok"}
