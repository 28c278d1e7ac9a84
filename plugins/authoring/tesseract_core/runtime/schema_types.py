"""The array types under the name of the module that some existing files import them from."""

from tesseract_core.runtime import *  # noqa: F403  # the same names, by definition
from tesseract_core.runtime import __all__  # noqa: F401  # of a star import
