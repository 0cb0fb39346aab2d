"""Whether llama.cpp is installed, asked without loading it, and how to get it."""

from __future__ import annotations

import importlib.util
from importlib import metadata

HOW_TO_GET = "python start.py setup --with-llama"
PACKAGE = "llama-cpp-python"
MISSING = f"llama.cpp is not installed here; to get it, run: {HOW_TO_GET}"


def is_there() -> bool:
    """Whether a child process could load it."""
    return importlib.util.find_spec("llama_cpp") is not None


def version() -> str:
    """The version of its Python package; empty where it says none."""
    try:
        return metadata.version(PACKAGE)
    except metadata.PackageNotFoundError:
        return ""
