"""The format keeps every array, and is read and written by the package safetensors."""

import json

import numpy as np
import pytest

from runtime_core.testing import FormatConformance


class TestSafetensors(FormatConformance):
    format = "safetensors"


def test_other_programs_read_arrays_by_name(cli_here, tesseract, tmp_path):
    library = pytest.importorskip("safetensors.numpy")
    path = str(tesseract())
    result = tmp_path / "results.safetensors"
    payload = json.dumps({"inputs": {"x": [1.5, -2.0]}})
    options = ("--api-path", path, "--output-format", "safetensors")
    done = cli_here(*options, "apply", payload, "-o", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert library.load_file(result)["y"].tolist() == [3.0, -4.0]


def test_files_of_other_programs_are_payloads(cli_here, tesseract, tmp_path):
    library = pytest.importorskip("safetensors.numpy")
    library.save_file({"x": np.array([1.5, -2.0])}, tmp_path / "in.safetensors")
    done = cli_here("--api-path", str(tesseract()), "apply", f"@{tmp_path}/in.safetensors")
    assert json.loads(done.stdout)["y"]["data"]["buffer"] == [3.0, -4.0]
