"""The command `plugins check`: a line for each declaration, and the faults of broken ones."""

from __future__ import annotations

import re

from tests.conftest import Cli
from tests.plugins.conftest import Install, install

__all__ = ["install"]  # a fixture

FLAWED = """
import numpy as np
from runtime_core.contracts import (
    ArrayEncoding, CallWrapper, Command, Compressor, Endpoint, GradientBackend, Recipe,
    ServerExtension, Settings, lazy_call, lazy_object,
)
from runtime_core.hookspecs import hookimpl

properties = {"buffer": {"type": "string"}, "encoding": {"const": "zeros"}}

class Zeros:
    def encode(self, array, scope):
        return {"buffer": ""}

    def decode(self, data, spec, scope):
        return np.zeros(spec.shape, spec.dtype)

class Absent:
    def compress(self, data):
        return None

    def decompress(self, data, into):
        pass

def raising(**given):
    raise RuntimeError("no licence")

@hookimpl
def encodings():
    schema = {"title": "Zeros", "type": "object", "properties": properties, "required": ["buffer"]}
    yield ArrayEncoding(name="zeros", summary="", data_schema=schema, load=Zeros)

@hookimpl
def compressors():
    yield Compressor(name="absent", summary="", load=Absent)

@hookimpl
def endpoints():
    yield Endpoint(name="tide", summary="", bind=raising)

@hookimpl
def gradient_backends():
    yield GradientBackend(name="steep", summary="", provide=raising)

@hookimpl
def call_wrappers():
    yield CallWrapper(name="around", summary="", wrap=raising)

@hookimpl
def commands():
    yield Command(name="greet", summary="", load=lazy_object("nowhere:command"))

@hookimpl
def recipes():
    yield Recipe(name="outside", summary="", files=lambda: {"../a": ""})
"""

FAULTS = {
    "array encoding 'zeros'": r"the result is \[0\.0, 0\.0\], not \[1\.0, 16\.0\]",
    "compression 'absent'": r"failed in compress of compressors 'absent': it returned None",
    "endpoint 'tide'": "failed in bind of endpoints 'tide': RuntimeError: no licence",
    "gradient backend 'steep'": "failed in provide of gradient_backends 'steep': RuntimeError",
    "call wrapper 'around'": "failed in wrap of call_wrappers 'around': RuntimeError: no licence",
    "command 'greet'": "failed in load of commands 'greet': ModuleNotFoundError: No module named",
    "recipe 'outside'": "'../a' is not inside of the new folder",
}


def test_installed_plugins_have_no_fault(cli_here: Cli) -> None:
    """What is installed here passes, a line each, and what was not tried says why."""
    ended = cli_here("plugins", "check")
    lines = ended.stdout.splitlines()
    assert [line for line in lines if ": ok" not in line] == []
    assert (ended.returncode, "core: endpoint 'apply': ok" in lines) == (0, True)
    assert any(re.match(r"core: executor 'processes': ok \(loaded; --executor", x) for x in lines)


def test_executor_of_the_options_evaluates(cli_here: Cli) -> None:
    """An executor that `--executor` names computes once."""
    ended = cli_here("plugins", "check", "core", "--executor", "processes:1")
    assert "core: executor 'processes': ok\n" in ended.stdout


def test_faults_are_named(cli_here: Cli, install: Install) -> None:
    """Each broken declaration of a plugin has a line with its hook and stage; exit code 1."""
    install("flawed", FLAWED)
    ended = cli_here("plugins", "check", "flawed")
    assert ended.returncode == 1
    told = dict(re.findall(r"^flawed: (.*?): fault: (.*)$", ended.stdout, re.MULTILINE))
    assert told.keys() == FAULTS.keys()
    wrong = {name: told[name] for name, text in FAULTS.items() if not re.search(text, told[name])}
    assert wrong == {}


def test_plugin_that_is_not_loaded_is_a_fault(cli_here: Cli, install: Install) -> None:
    """A plugin that fails to load has one line with the reason."""
    install("gone", "import nowhere")
    ended = cli_here("plugins", "check", "tesseract-runtime-gone")
    reason = "failed: ModuleNotFoundError: No module named 'nowhere'"
    assert (ended.returncode, ended.stdout) == (1, f"gone: fault: {reason}\n")


def test_unknown_plugin_has_a_suggestion(cli_here: Cli) -> None:
    """A name that is not installed is an error of the call."""
    ended = cli_here("plugins", "check", "workbensh")
    assert ended.returncode == 2
    assert "Unknown plugin 'workbensh'. Did you mean 'workbench'?" in ended.stderr


def test_missing_workbench_is_named(cli_here: Cli) -> None:
    """Without the plugin of the command, the error has the line that installs it."""
    ended = cli_here("plugins", "new", "acme", "--no-plugin", "workbench")
    assert ended.returncode == 2
    assert "Command 'plugins new' may come from tesseract-runtime-workbench" in ended.stderr
