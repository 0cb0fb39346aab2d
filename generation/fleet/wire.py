"""What goes between the bot and a worker: orders down, reports up.

    bot                                   worker
     | Render(job, recipe, inputs) ------> |
     | <------------------ Stepped(...) *  |   per step; a preview every few steps
     | Pause(job) / Resume(job) ---------> |   honoured at the next step boundary
     | Prefetch(recipe) -----------------> |   weights that will be wanted soon
     | <---------------------- Holding(..) |   whenever other weights are at hand
     | Cancel(job) ----------------------> |   honoured within one step
     | <--------------------- Drawn(job)   |   the device is free: send the next Render
     | <------- Finished | Failed(job)     |   exactly one of them ends a job
     | Stop -----------------------------> |

A worker says `Ready` once when it can draw, and `Heard` when it is asked whether it lives (`Ping`).

A frame is 4 bytes length of the head, 4 bytes length of the body (both big-endian), the head as
JSON, and the body: raw bytes (a PNG, a preview, input pictures one after the other).  No pickle:
what crosses a process boundary is data, and one can read it.
"""

from __future__ import annotations

import json
import struct
from dataclasses import asdict, dataclass, fields
from typing import BinaryIO, Protocol

from generation.errors import GenerationError, WorkerDied
from generation.job import JobId
from generation.picture import Environment
from generation.recipe import Recipe, dump, parse

MAX_HEAD_BYTES = 4 * 2**20
MAX_BODY_BYTES = 512 * 2**20

_LENGTHS = struct.Struct(">II")


class BrokenFrame(GenerationError):
    """The other side wrote something that is no frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Render:
    """Draw this.  `inputs` holds the bytes of `recipe.inputs`, in their order."""

    job: JobId
    recipe: Recipe
    inputs: tuple[bytes, ...]
    preview_every: int  # steps between two previews; 0: none


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    job: JobId


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    job: JobId


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    job: JobId


@dataclass(frozen=True, slots=True, kw_only=True)
class Prefetch:
    """Read this recipe's weights into memory while another job draws; a hint, never a promise."""

    recipe: Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping:
    """Answer at once, even while a job is drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Finish nothing, leave."""


Order = Render | Cancel | Pause | Resume | Prefetch | Ping | Stop


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The worker can draw; this is what it is."""

    environment: Environment
    memory_bytes: int  # of the device (VRAM, or RAM on a processor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """The answer to Ping."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """Which checkpoints are at hand, by digest: what a job of theirs need not wait for."""

    on_device: tuple[str, ...]  # can draw at once
    in_memory: tuple[str, ...]  # of the host: a copy away


@dataclass(frozen=True, slots=True, kw_only=True)
class Loading:
    """Weights are being read for this job; no step can be expected yet."""

    job: JobId
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stepped:
    """A step is done.  `preview` is a small JPEG, or empty."""

    job: JobId
    step: int  # 1 to steps
    steps: int
    preview: bytes
    seconds: float  # of the device, so far, with loading: pauses do not count


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """The device is free for the next job; the PNG of this one is still being written."""

    job: JobId
    seconds: float  # of the device: encode, denoise and decode, without loading
    loading_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The picture.  `png` carries the recipe in its text chunks."""

    job: JobId
    png: bytes
    pixels_sha256: str
    latents_sha256: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The job ended without a picture.

    `kind` is the name of a class in `generation.errors`; `facts` are its arguments.
    """

    job: JobId
    kind: str
    facts: tuple[str | int | None, ...]


Report = Ready | Heard | Holding | Loading | Stepped | Drawn | Finished | Failed
Frame = Order | Report

_KINDS: dict[str, type[Frame]] = {
    kind.__name__: kind
    for kind in (
        *(Render, Cancel, Pause, Resume, Prefetch, Ping, Stop),
        *(Ready, Heard, Holding, Loading, Stepped, Drawn, Finished, Failed),
    )
}


class AsyncReader(Protocol):
    """The part of asyncio.StreamReader that is needed here."""

    async def readexactly(self, n: int, /) -> bytes: ...


def encode(frame: Frame) -> bytes:
    """One frame as bytes."""
    head: dict[str, object] = {"frame": type(frame).__name__}
    blobs: list[bytes] = []
    for field in fields(frame):
        value = getattr(frame, field.name)
        match value:
            case bytes():
                head[field.name] = {"bytes": len(value)}
                blobs.append(value)
            case Recipe():
                head[field.name] = dump(value)
            case Environment():
                head[field.name] = asdict(value)
            case tuple() if field.name == "inputs":
                head[field.name] = [len(blob) for blob in value]
                blobs += value
            case _:
                head[field.name] = value
    text = json.dumps(head, separators=(",", ":"), allow_nan=False).encode()
    body = b"".join(blobs)
    return _LENGTHS.pack(len(text), len(body)) + text + body


def read(stream: BinaryIO) -> Frame:
    """The next frame of a blocking stream.  Raises EOFError at its end, BrokenFrame on nonsense."""
    head, body = _lengths(_exactly(stream, _LENGTHS.size))
    return decode(_exactly(stream, head), _exactly(stream, body))


async def read_async(stream: AsyncReader) -> Frame:
    """The next frame of an asyncio stream.

    Raises asyncio.IncompleteReadError at its end and BrokenFrame on nonsense.
    """
    head, body = _lengths(await stream.readexactly(_LENGTHS.size))
    return decode(await stream.readexactly(head), await stream.readexactly(body))


def decode(head: bytes, body: bytes) -> Frame:
    """One frame from its two parts.  Raises BrokenFrame when they do not fit together."""
    try:
        data = json.loads(head)
        kind = _KINDS[data.pop("frame")]
        given: dict[str, object] = {}
        at = 0
        for field in fields(kind):
            value = data[field.name]
            match field.name:
                case "inputs":
                    ends = [at := at + size for size in value]
                    value = tuple(
                        body[e - s : e] for e, s in zip(ends, data["inputs"], strict=True)
                    )
                case "recipe":
                    value = parse(value)
                case "environment":
                    value = Environment(**value)
                case "facts" | "on_device" | "in_memory":
                    value = tuple(value)
                case _ if isinstance(value, dict):
                    size = value["bytes"]
                    value, at = body[at : at + size], at + size
            given[field.name] = value
        return kind(**given)  # type: ignore[arg-type]  # both ends are this module
    except (AttributeError, KeyError, TypeError, ValueError, GenerationError) as error:
        raise BrokenFrame(f"unreadable frame {head[:80]!r}") from error


def _lengths(prefix: bytes) -> tuple[int, int]:
    head, body = _LENGTHS.unpack(prefix)
    if head > MAX_HEAD_BYTES or body > MAX_BODY_BYTES:
        raise BrokenFrame(f"a frame of {head} + {body} bytes")
    return head, body


def _exactly(stream: BinaryIO, count: int) -> bytes:
    parts = []
    while count:
        part = stream.read(count)
        if not part:
            raise EOFError("the other side is gone")
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def failure(report: Failed) -> GenerationError:
    """The exception that a Failed report tells of."""
    from generation import errors

    kind = getattr(errors, report.kind, None)
    if isinstance(kind, type) and issubclass(kind, GenerationError):
        return kind(*report.facts)
    return WorkerDied(f"unknown failure {report.kind}")
