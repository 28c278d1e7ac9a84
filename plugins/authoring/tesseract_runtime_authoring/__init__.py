"""Files, sequences of files and other Tesseracts as fields of a schema."""

from tesseract_runtime_authoring.lazy_sequence import LazySequence
from tesseract_runtime_authoring.path_fields import InputPath, OutputPath
from tesseract_runtime_authoring.required_file import SKIP_REQUIRED_FILE_CHECK, require_file
from tesseract_runtime_authoring.tesseract_reference import TesseractReference

__all__ = [
    "InputPath",
    "LazySequence",
    "OutputPath",
    "SKIP_REQUIRED_FILE_CHECK",
    "TesseractReference",
    "require_file",
]
