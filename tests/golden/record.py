"""Record what tesseract-core 1.15.0 answers, as the facts that our own runtime is compared with.

Run it as ``python tests/golden/record.py`` in an environment that holds ``tesseract-core[runtime]==1.15.0``.
The models in ``models/`` and ``schemas/`` are ours; everything in ``documents/`` and ``sdk/``, each
``schemas/*.json`` and ``payloads.json`` is written anew.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import http.server
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from tesseract_core import Tesseract

GOLDEN = Path(__file__).resolve().parent
MODELS = GOLDEN / "models"
DOCUMENTS = GOLDEN / "documents"
SDK = GOLDEN / "sdk"
SCHEMAS = GOLDEN / "schemas"

NAMES = ("vectoradd", "nested", "dtypes", "complexes")

PAYLOAD_ENCODINGS: dict[str, dict[str, str]] = {
    "payload.json": {"array_encoding": "json"},
    "payload.base64.json": {"array_encoding": "base64"},
    "payload.lz4.json": {"array_encoding": "base64", "compression": "lz4"},
    "payload.binref.json": {"array_encoding": "binref"},
}
"""The validation context that writes each payload; binref adds its ``.bin`` file."""

OUTPUT_OPTIONS: dict[str, tuple[str, ...]] = {
    "apply.json": ("--output-format", "json"),
    "apply.base64.json": ("--output-format", "json+base64"),
    "apply.lz4.json": ("--output-format", "json+base64", "--compression", "lz4"),
    "apply.binref.json": ("--output-format", "json+binref"),
    "apply.binref.lz4.json": ("--output-format", "json+binref", "--compression", "lz4"),
}
"""The global options that ask for each form of the answer; 1.15.0 refuses ``msgpack`` here."""

VOLATILE_HEADERS = frozenset({"date", "host", "server", "connection"})
"""Headers that tell of the moment or of the transport, not of the contract."""

SECONDS_TO_START = 60.0
"""How long a server may take until it answers; a cold import of the original takes seconds."""


# --- the command line -------------------------------------------------------------------------------------------------


def environment(name: str) -> dict[str, str]:
    """The environment of a model's process, free of the caller's own Tesseract settings."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("TESSERACT")}
    api_path = MODELS / name / "tesseract_api.py"
    return clean | {"TESSERACT_API_PATH": str(api_path), "PYTHONDONTWRITEBYTECODE": "1"}


def executable() -> str:
    """The original's command, from the environment that runs this script."""
    return str(Path(sys.executable).with_name("tesseract-runtime"))


def command_output(name: str, *arguments: str, folder: Path) -> bytes:
    """What a command of the original writes to standard output."""
    completed = subprocess.run(
        [executable(), *arguments],
        env=environment(name),
        cwd=folder,
        capture_output=True,
        check=True,
    )
    return completed.stdout


def write_json(path: Path, value: object, *, indent: int | None) -> None:
    """Write a value as JSON; schemas go on one line, since indents double their size."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


# --- documents --------------------------------------------------------------------------------------------------------


def load_model(name: str) -> ModuleType:
    """The model's ``tesseract_api.py``, imported with the original's types."""
    path = MODELS / name / "tesseract_api.py"
    specification = importlib.util.spec_from_file_location(f"golden_{name}", path)
    if specification is None or specification.loader is None:
        raise ImportError(f"{path} cannot be loaded")
    module = importlib.util.module_from_spec(specification)
    sys.modules[module.__name__] = module
    specification.loader.exec_module(module)
    return module


def model_inputs(name: str) -> dict[str, Any]:
    """The inputs of a model as a hand would write them: bare lists and numbers where those are accepted."""
    inputs: dict[str, Any] = json.loads((MODELS / name / "inputs.json").read_text(encoding="utf-8"))
    return inputs


def write_payloads(name: str, folder: Path) -> None:
    """Write the same inputs bare and in each encoding, as the original's models dump them."""
    bare = model_inputs(name)
    (folder / "payload.bare.json").write_text(
        json.dumps({"inputs": bare}, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    inputs = load_model(name).InputSchema.model_validate(bare)
    for file_name, context in PAYLOAD_ENCODINGS.items():
        text = inputs.model_dump_json(context={**context, "base_dir": str(folder)})
        (folder / file_name).write_text(f'{{"inputs":{text}}}', encoding="utf-8")


def write_answers(name: str, folder: Path) -> None:
    """Write what ``apply`` answers to the payload, in every form that the command line offers."""
    payload = f"@{folder / 'payload.json'}"
    for file_name, options in OUTPUT_OPTIONS.items():
        with tempfile.TemporaryDirectory() as scratch:
            answer = command_output(
                name, *options, "--output-path", scratch, "apply", payload, folder=folder
            )
            (folder / file_name).write_bytes(answer)
            copy_binaries(Path(scratch), folder)


def copy_binaries(source: Path, target: Path) -> None:
    """Keep the ``.bin`` files of an answer beside it."""
    for path in source.glob("*.bin"):
        shutil.copyfile(path, target / path.name)


def check_payloads_agree(name: str, folder: Path) -> None:
    """Hold the original to one answer for all the forms of one payload."""
    expected = (folder / "apply.json").read_bytes()
    for file_name in ("payload.bare.json", *PAYLOAD_ENCODINGS):
        with tempfile.TemporaryDirectory() as scratch:
            payload = f"@{folder / file_name}"
            options = ("--input-path", str(folder), "--output-path", scratch)
            if command_output(name, *options, "apply", payload, folder=folder) != expected:
                raise ValueError(f"{name}: {file_name} is answered otherwise than payload.json")


def write_descriptions(name: str, folder: Path) -> None:
    """Write what the command line says about the model itself."""
    with tempfile.TemporaryDirectory() as scratch:
        for file_name, command in (("health.json", "health"), ("openapi.json", "openapi-schema")):
            answer = command_output(name, command, folder=Path(scratch))
            (folder / file_name).write_bytes(answer)


def write_schemas(name: str, folder: Path) -> None:
    """Write the JSON Schema of the model's own classes, made of the original's types."""
    module = load_model(name)
    write_json(folder / "input_schema.json", module.InputSchema.model_json_schema(), indent=None)
    write_json(folder / "output_schema.json", module.OutputSchema.model_json_schema(), indent=None)


def write_documents(name: str) -> None:
    """Write the documents of one model."""
    folder = DOCUMENTS / name
    folder.mkdir(parents=True)
    write_payloads(name, folder)
    write_answers(name, folder)
    check_payloads_agree(name, folder)
    write_descriptions(name, folder)
    write_schemas(name, folder)


# --- components of nested schemas --------------------------------------------------------------------------------------


CLIENT_EXTRAS = ("differentiable_arrays", "field_order")
"""What clients read of a component that is in no JSON Schema."""

PAYLOADS = ("Apply", "Jacobian", "JVP", "VJP", "Abstract")
"""What stands before ``InputSchema`` and ``OutputSchema`` in the components of each endpoint."""


def openapi_of(api_path: Path) -> dict[str, Any] | None:
    """The OpenAPI document of a file, or nothing where the original cannot load it."""
    with tempfile.TemporaryDirectory() as scratch:
        completed = subprocess.run(
            [executable(), "openapi-schema"],
            env=environment("") | {"TESSERACT_API_PATH": str(api_path)},
            cwd=scratch,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    return json.loads(completed.stdout) if completed.returncode == 0 else None


def said_of(schema: dict[str, Any]) -> dict[str, Any]:
    """How a component or property is called and described."""
    return {key: schema[key] for key in ("title", "description") if key in schema}


def payload_facts(component: dict[str, Any]) -> dict[str, Any]:
    """Names, requirements and descriptions of a payload's or a result's component."""
    properties = component.get("properties", {})
    facts = {
        "required": component.get("required"),
        "properties": {key: said_of(schema) for key, schema in properties.items()},
    }
    return said_of(component) | {key: value for key, value in facts.items() if value}


def schema_facts(document: dict[str, Any] | None) -> dict[str, Any]:
    """What a client can tell of a file's schemas from the OpenAPI document."""
    if document is None:
        return {"fails": True}
    schemas = document["components"]["schemas"]
    extras = {
        name: {key: schemas[name][key] for key in CLIENT_EXTRAS}
        for name in ("ApplyInputSchema", "ApplyOutputSchema")
    }
    return {"components": sorted(schemas), **extras}


def payloads_of(document: dict[str, Any]) -> dict[str, Any]:
    """What a client can tell of the payloads and results of all endpoints."""
    schemas = document["components"]["schemas"]
    names = [f"{name}{side}Schema" for name in PAYLOADS for side in ("Input", "Output")]
    return {name: payload_facts(schemas[name]) for name in names}


def write_schema_facts() -> None:
    """Write what the original makes of each file in ``schemas/``; the payloads of all are the same."""
    payloads = []
    for api_path in sorted(SCHEMAS.glob("*.py")):
        document = openapi_of(api_path)
        write_json(SCHEMAS / f"{api_path.stem}.json", schema_facts(document), indent=None)
        if document is not None:
            payloads.append(payloads_of(document))
    if any(other != payloads[0] for other in payloads):
        raise ValueError("the payloads of the files differ")
    write_json(GOLDEN / "payloads.json", payloads[0], indent=1)


# --- exchanges of the client ------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Recorder:
    """A list of exchanges, each under the name of the call that caused it."""

    known_bodies: dict[bytes, str]
    """Bodies that a document already holds, with the document's path."""
    exchanges: list[dict[str, Any]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, exchange: dict[str, Any]) -> None:
        """Append an exchange."""
        with self.lock:
            self.exchanges.append(exchange)

    def body(self, content: bytes) -> dict[str, Any]:
        """A body as JSON can hold it: text, base64 of what is no text, or the document that equals it."""
        if content in self.known_bodies:
            return {"document": self.known_bodies[content]}
        try:
            return {"text": content.decode("utf-8")}
        except UnicodeDecodeError:
            return {"base64": base64.b64encode(content).decode("ascii")}


def lasting_headers(headers: list[tuple[str, str]]) -> dict[str, str]:
    """The headers in lower case, sorted, without the volatile ones."""
    kept = {key.lower(): value for key, value in headers if key.lower() not in VOLATILE_HEADERS}
    return dict(sorted(kept.items()))


def forward(
    port: int, *, method: str, path: str, headers: dict[str, str], body: bytes
) -> tuple[int, list[tuple[str, str]], bytes]:
    """Send a request on to the server and read its whole answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    with contextlib.closing(connection):
        connection.request(method, path, body=body or None, headers=headers)
        response = connection.getresponse()
        return response.status, response.getheaders(), response.read()


def proxy_handler(
    port: int, recorder: Recorder
) -> type[http.server.BaseHTTPRequestHandler]:
    """A handler that passes requests on to the port and records what passes."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def exchange(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            status, headers, answer = forward(
                port, method=self.command, path=self.path, headers=dict(self.headers), body=body
            )
            recorder.add(
                {
                    "method": self.command,
                    "path": self.path,
                    "request_headers": lasting_headers(self.headers.items()),
                    "request_body": recorder.body(body),
                    "status": status,
                    "response_headers": lasting_headers(headers),
                    "response_body": recorder.body(answer),
                }
            )
            self.reply(status, headers, answer)

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_OPTIONS = exchange

        def reply(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
            self.send_response_only(status)
            for key, value in headers:
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Stay silent."""

    return Handler


@contextlib.contextmanager
def proxy(port: int, recorder: Recorder) -> Iterator[str]:
    """Run a recording proxy before the port; gives the URL for the client."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), proxy_handler(port, recorder))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_healthy(port: int, process: subprocess.Popen[bytes]) -> None:
    """Return once the server answers."""
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with exit status {process.returncode}")
        with contextlib.suppress(OSError):
            forward(port, method="GET", path="/health", headers={}, body=b"")
            return
        time.sleep(0.2)
    raise TimeoutError(f"the server did not answer within {SECONDS_TO_START} seconds")


@contextlib.contextmanager
def server(name: str) -> Iterator[int]:
    """Run the original's own server of a model; gives its port."""
    port = free_port()
    with tempfile.TemporaryDirectory() as scratch:
        process = subprocess.Popen(
            [executable(), "serve", "--port", str(port)],
            env=environment(name),
            cwd=scratch,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_until_healthy(port, process)
            yield port
        finally:
            process.terminate()
            process.wait()


def vectoradd_inputs() -> dict[str, Any]:
    """The inputs of vectoradd as its clients hold them: arrays of the field's own dtype."""
    return {
        key: np.asarray(value, dtype=np.float32) if key in {"a", "b", "s"} else value
        for key, value in model_inputs("vectoradd").items()
    }


def nested_inputs() -> dict[str, Any]:
    """The inputs of nested as its clients hold them: arrays where the fields are arrays."""
    inputs = model_inputs("nested")
    layers = [{**layer, "weights": np.asarray(layer["weights"])} for layer in inputs["layers"]]
    arrays = {
        "layers": layers,
        "named": {key: np.asarray(value, np.float32) for key, value in inputs["named"].items()},
        "listed": [np.asarray(value) for value in inputs["listed"]],
        "keyed": {key: np.float64(value) for key, value in inputs["keyed"].items()},
        "pair": (inputs["pair"][0], np.asarray(inputs["pair"][1])),
        "fixed": np.asarray(inputs["fixed"]),
        "free": np.asarray(inputs["free"], np.int32),
        "scalar": np.float32(inputs["scalar"]),
        "maybe": np.asarray(inputs["maybe"]),
    }
    return inputs | arrays


def dtypes_inputs() -> dict[str, Any]:
    """The inputs of dtypes, each array of the dtype that its field is named after."""
    return {
        group: {name: np.asarray(value, dtype=name) for name, value in fields.items()}
        for group, fields in model_inputs("dtypes").items()
    }


def complexes_inputs() -> dict[str, Any]:
    """The inputs of complexes as arrays of the dtypes that they name."""
    return {
        name: np.asarray(value["data"]["buffer"], dtype=value["dtype"])
        for name, value in model_inputs("complexes").items()
    }


Call = Callable[[Tesseract], object]


def vectoradd_calls() -> dict[str, Call]:
    """Every call of the client that vectoradd can answer, and two that must fail."""
    inputs = vectoradd_inputs()
    ones = np.ones(3, dtype=np.float32)
    abstract = {
        "a": {"shape": [3], "dtype": "float32"},
        "b": {"shape": [3], "dtype": "float32"},
        "s": {"shape": [], "dtype": "float32"},
    }
    return {
        "health": lambda client: client.health(),
        "apply": lambda client: client.apply(inputs),
        "jacobian": lambda client: client.jacobian(inputs, ["a", "s"], ["result"]),
        "jacobian_vector_product": lambda client: client.jacobian_vector_product(
            inputs, ["a", "s"], ["result"], {"a": ones, "s": np.float32(1.0)}
        ),
        "vector_jacobian_product": lambda client: client.vector_jacobian_product(
            inputs, ["a", "b", "s"], ["result"], {"result": ones}
        ),
        "abstract_eval": lambda client: client.abstract_eval(abstract),
        "openapi_schema": lambda client: client.openapi_schema,
        "available_endpoints": lambda client: client.available_endpoints,
        "server_capabilities": lambda client: client.server_capabilities,
        "apply answered in json": lambda client: client.with_encoding(output_format="json").apply(
            inputs
        ),
        "apply answered in json+base64": lambda client: client.with_encoding(
            output_format="json+base64"
        ).apply(inputs),
        "apply answered in json+base64 with lz4": lambda client: client.with_encoding(
            output_format="json+base64", compression="lz4"
        ).apply(inputs),
        "apply in a named run": lambda client: client.apply(inputs, run_id="golden"),
        "apply of invalid inputs": lambda client: client.apply({"a": np.ones((1, 1)), "extra": 1}),
        "apply that raises": lambda client: client.apply({**inputs, "fail": True}),
    }


CALLS: dict[str, Callable[[], dict[str, Call]]] = {
    "vectoradd": vectoradd_calls,
    "nested": lambda: {"apply": lambda client: client.apply(nested_inputs())},
    "dtypes": lambda: {"apply": lambda client: client.apply(dtypes_inputs())},
    "complexes": lambda: {"apply": lambda client: client.apply(complexes_inputs())},
}
"""The calls that are recorded of each model."""


def recorded_call(label: str, *, url: str, recorder: Recorder, call: Call) -> dict[str, Any]:
    """Make one call with a fresh client; gives the exchanges it caused and how it ended."""
    first = len(recorder.exchanges)
    ending: dict[str, Any] = {"raises": None}
    try:
        call(Tesseract.from_url(url))
    except Exception as error:  # whatever the client makes of a refusal is the fact to record
        ending = {"raises": {"type": type(error).__name__, "message": str(error)}}
    return {"call": label, **ending, "exchanges": recorder.exchanges[first:]}


def write_exchanges(name: str) -> None:
    """Write the exchanges of one model's client."""
    openapi = DOCUMENTS / name / "openapi.json"
    known = {openapi.read_bytes(): openapi.relative_to(GOLDEN).as_posix()}
    recorder = Recorder(known_bodies=known)
    with server(name) as port, proxy(port, recorder) as url:
        recorded = [
            recorded_call(label, url=url, recorder=recorder, call=call)
            for label, call in CALLS[name]().items()
        ]
    write_json(SDK / f"{name}.json", {"model": name, "calls": recorded}, indent=1)


def main() -> None:
    """Record everything anew."""
    sys.dont_write_bytecode = True
    for folder in (DOCUMENTS, SDK):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    for name in NAMES:
        write_documents(name)
        write_exchanges(name)
    write_schema_facts()


if __name__ == "__main__":
    main()
