"""The classes of parts, and that one thread at a time builds them.

While diffusers, transformers and accelerate build one, they replace parts of torch.nn for the whole
process: a module that another thread builds meanwhile could stay without numbers.  The lock is held
for one part of a model at a time, so nobody waits for a whole checkpoint.
"""

from __future__ import annotations

import importlib
import threading
from typing import Any

BUILDING = threading.RLock()

# Lazy packages do not like to be imported by two threads at once.
_IMPORTING = threading.Lock()


def class_of(module: str, name: str) -> Any:
    """The class that a `Network` or a `Tokenizer` names; imports its module."""
    with _IMPORTING:
        return getattr(importlib.import_module(module), name)
