"""What went wrong in a job -> the report of it; and what the process cannot survive.

The invariant: a job ends with one of the errors drawn in `generation.errors`, whatever a library
raised, and the caller decides nothing by text but what libraries tell by text only.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Sequence

import torch

from generation import errors
from generation.errors import GenerationError, OutOfMemory, RenderFailed
from generation.fleet.wire import Failed
from generation.job import JobId
from generation.reasons import reason_of

FRAMES = 20  # the last ones of each error
CAUSES = 5

# Four letters of an alphabet, or two of a script that needs no more.
_WORDS = re.compile(r"[^\W\d_]{4,}|[^\W\d_\x00-\u024f]{2,}")

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


def translated(
    error: BaseException, *, free_bytes: int | None, words: Sequence[str] = ()
) -> GenerationError:
    """The error of ours that a foreign one amounts to.  `words` are a person's: not to be told."""
    if isinstance(error, GenerationError):
        return error
    if is_out_of_memory(error):
        return OutOfMemory(None, free_bytes)
    return RenderFailed(_named(error, words))


def trace(error: BaseException, words: Sequence[str] = ()) -> str:
    """Where it went wrong, for the log: the last frames of it and of its causes, no `words`."""
    lines: list[str] = []
    each: BaseException | None = error
    for _ in range(CAUSES):
        if each is None:
            break
        lines.append(_named(each, words))
        steps = traceback.walk_tb(each.__traceback__)
        last = traceback.StackSummary.extract(steps, limit=-FRAMES, lookup_lines=False)
        lines += [f"  {step.filename}:{step.lineno} in {step.name}" for step in last]
        each = each.__cause__ or (None if each.__suppress_context__ else each.__context__)
    return "\n".join(lines)


def _named(error: BaseException, words: Sequence[str]) -> str:
    """The kind of error and what it says, unless that repeats a person's words."""
    said = " ".join(str(error).split())[:300]
    for text in words:
        for word in _WORDS.findall(text.casefold()):
            if word in said.casefold():
                return f"{type(error).__name__} (it repeats words of the prompt)"
    return f"{type(error).__name__}: {said}"[:300] if said else type(error).__name__


def report(job: JobId, error: GenerationError) -> Failed:
    """The error as a frame; `wire.failure` makes it an exception again."""
    if getattr(errors, type(error).__name__, None) is not type(error):
        error = RenderFailed(f"{type(error).__name__}: {error}")
    reason = reason_of(error)
    return Failed(job=job, kind=reason.kind, facts=reason.facts)
