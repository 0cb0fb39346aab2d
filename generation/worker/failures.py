"""What went wrong in a job -> the report of it; and what the process cannot survive.

The invariant: a job ends with one of the errors drawn in `generation.errors`, whatever a library
raised, and the caller decides nothing by text but what libraries tell by text only.
"""

from __future__ import annotations

import torch

from generation import errors
from generation.errors import (
    BadPicture,
    BrokenWeights,
    Cancelled,
    GenerationError,
    MissingWeights,
    NoSuchName,
    OutOfMemory,
    OutOfRange,
    PickleRefused,
    RenderFailed,
    UnusableWeights,
    WeightsChanged,
)
from generation.fleet.wire import Failed
from generation.job import JobId

LONGEST_FACT = 1_000  # letters

Facts = tuple[str | int | None, ...]

_NO_MEMORY = ("not enough memory", "can't allocate memory", "out of memory")
_DEAD_DEVICE = ("CUDA error", "cuDNN error", "CUBLAS_STATUS", "device-side assert")


def is_fatal(error: BaseException) -> bool:
    """Whether the device's context is gone with this error, so that only a new process helps."""
    if is_out_of_memory(error):
        return False
    if isinstance(error, torch.AcceleratorError):
        return True
    return isinstance(error, RuntimeError) and any(word in str(error) for word in _DEAD_DEVICE)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory was too small: a GPU's error has a class, a processor's only words."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(word in str(error) for word in _NO_MEMORY)


def translated(error: BaseException, *, free_bytes: int | None) -> GenerationError:
    """The error of ours that a foreign one amounts to."""
    if isinstance(error, GenerationError):
        return error
    if is_out_of_memory(error):
        return OutOfMemory(None, free_bytes)
    text = " ".join(str(error).split())
    return RenderFailed(f"{type(error).__name__}: {text}"[:300])


def report(job: JobId, error: GenerationError) -> Failed:
    """The error as a frame; `wire.failure` makes it an exception again."""
    if getattr(errors, type(error).__name__, None) is not type(error):
        error = RenderFailed(f"{type(error).__name__}: {error}")
    facts = tuple(_told(fact) if isinstance(fact, str) else fact for fact in _facts(error))
    return Failed(job=job, kind=type(error).__name__, facts=facts)


def _told(text: str) -> str:
    """As it may stand in a frame, whatever a library or a file's name holds."""
    return text[:LONGEST_FACT].encode("utf-8", "replace").decode()


def _facts(error: GenerationError) -> Facts:
    match error:
        case OutOfRange():
            return (error.what, str(error.found)[:80], error.allowed)
        case NoSuchName():
            return (error.kind, error.name)
        case BadPicture() | RenderFailed():
            return (error.reason,)
        case PickleRefused():
            return (error.name,)
        case MissingWeights():
            return (error.name, error.sha256)
        case WeightsChanged():
            return (error.name, error.recorded, error.found)
        case BrokenWeights() | UnusableWeights():
            return (error.name, error.reason)
        case OutOfMemory():
            return (error.needed_bytes, error.free_bytes)
        case Cancelled():
            return ()
        case _:
            return (str(error),)
