"""What goes between the bot and a worker: orders down, reports up.

    bot                                   worker
     | Render(job, recipe, inputs) ------> |
     | <------------------ Stepped(...) *  |   per step; a preview every few steps
     | <------------------ Midway(job) *   |   in the middle of what takes long
     | Pause(job) / Resume(job) ---------> |   honoured at the next boundary, and there
     | Prefetch(recipe) -----------------> |   weights that will be wanted soon
     | GiveWay(size) --------------------> |   when no job is drawn: room for another program
     | Describe(job, captioner, picture) > |   words instead of a picture, in one piece
     | <----------------- Described(job) - |   the end of such a job
     | Score(job, scorer, picture, texts) >|   the same: how well words say what it shows
     | <-------------------- Scored(job) - |   the end of that
     | <---------------------- Holding(..) |   whenever other weights are at hand
     | Cancel(job) ----------------------> |   honoured within one step
     | <--------------------- Drawn(job)   |   the device is free: send the next Render
     | <------- Finished | Failed(job)     |   exactly one of them ends a job
     | Stop -----------------------------> |

A worker says `Ready` once when it can draw, and `Heard` when it is asked whether it lives (`Ping`).

The invariant: what `read` and `decode` return is of the declared shape, each field of its type and
range; everything else is a BrokenFrame.  What may be said when is `generation.fleet.conversation`.

A frame is 4 bytes length of the head, 4 bytes length of the body (both big-endian), the head as
JSON, and the body: raw bytes (a finished file, a preview, input pictures one after the other).  No
pickle: what crosses a process boundary is data, and one can read it.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from typing import Annotated, BinaryIO, Protocol

from generation import errors, spelling
from generation.errors import GenerationError, WorkerDied
from generation.fleet.shape import (
    AtMost,
    Misshapen,
    Passes,
    TextForm,
    Whole,
    Within,
    arguments_misfit,
    checked,
)
from generation.job import JobId
from generation.model_key import FORM, ModelKey
from generation.picture import MAX_REMARK, Environment
from generation.reasons import MOST_NAMES, Reason, error_of
from generation.recipe import Recipe, Sha256, Weights, dump, parse

MAX_HEAD_BYTES = 4 * 2**20
MAX_BODY_BYTES = 512 * 2**20

_LENGTHS = struct.Struct(">II")


def _no_preview(data: bytes) -> str | None:
    return None if not data or data.startswith(b"\xff\xd8\xff") else "it is no JPEG"


# What fields hold.
Job = Annotated[JobId, Within(0, 2**63 - 1)]  # a picture to be drawn, which has a ticket
AnyJobId = Annotated[JobId, Within(-(2**63), 2**63 - 1)]  # or below 0: an errand, without one
Count = Annotated[int, Within(0, 1_000_000)]
Seconds = Annotated[float, Within(0.0, 1e7)]
Bytes = Annotated[int, Within(0, 2**62)]
Digest = Annotated[str, TextForm(r"[0-9a-f]{64}")]
Key = Annotated[ModelKey, TextForm(FORM)]
ModelKeys = Annotated[tuple[Key, ...], AtMost(10_000)]
Name = Annotated[str, AtMost(1_000)]
Remark = Annotated[str, AtMost(MAX_REMARK)]
Names = Annotated[tuple[Name, ...], AtMost(MOST_NAMES)]
Facts = Annotated[tuple[str | int | Names | None, ...], AtMost(8)]
Texts = Annotated[tuple[Annotated[str, AtMost(6_000)], ...], AtMost(100)]
Scores = Annotated[tuple[Annotated[float, Within(-1e6, 1e6)], ...], AtMost(100)]
Work = Annotated[bytes, AtMost(256 * 2**20)]  # what it must be, its job's recipe says
Preview = Annotated[bytes, AtMost(2**20), Passes(_no_preview)]


class BrokenFrame(GenerationError):
    """The other side wrote something that is no frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Render:
    """Draw this.  `inputs` holds the bytes of `recipe.inputs`, in their order.

    `expected`: predicted seconds of the device, loading included; 0: nobody knows.
    """

    job: Job
    recipe: Recipe
    inputs: tuple[bytes, ...]
    preview_every: Count  # steps between two previews; 0: none
    expected: Seconds = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    job: AnyJobId


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    job: Job


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    job: Job


@dataclass(frozen=True, slots=True, kw_only=True)
class Prefetch:
    """Read this recipe's weights into memory while another job draws; a hint, never a promise."""

    recipe: Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveWay:
    """Leave so many bytes of the device free, while nothing is drawn; a hint, never a promise."""

    size: Bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping:
    """Answer at once, even while a job is drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Finish nothing, leave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Describe:
    """Say what a picture shows.  `expected` as in Render."""

    job: AnyJobId
    name: Name  # the captioner's, for people
    captioner: Digest
    picture: Work
    expected: Seconds = 0.0

    @property
    def weights(self) -> Weights:
        """The captioner."""
        return Weights(name=self.name, sha256=Sha256(self.captioner))


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Say how well each of these texts says what a picture shows.  `expected` as in Render."""

    job: AnyJobId
    name: Name  # the scorer's, for people
    scorer: Digest
    picture: Work
    texts: Texts
    expected: Seconds = 0.0

    @property
    def weights(self) -> Weights:
        """The scorer."""
        return Weights(name=self.name, sha256=Sha256(self.scorer))


Question = Describe | Score  # about a picture: an errand's order
Order = Render | Question | Cancel | Pause | Resume | Prefetch | GiveWay | Ping | Stop


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The worker can draw; this is what it is."""

    environment: Annotated[Environment, Whole()]
    memory_bytes: Bytes  # of the device (VRAM, or RAM on a processor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """The answer to Ping: what the device is at, and how many pieces of that were done so far.

    One more beat than before means that it is slow at most; no beat for long, that it hangs.
    """

    stage: Annotated[str, TextForm(r"[a-z]{0,20}")] = ""
    beats: Annotated[int, Within(0, 2**62)] = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """Which models are at hand: what a job of theirs need not wait for."""

    on_device: ModelKeys  # can draw at once
    in_memory: ModelKeys  # of the host: a copy away


@dataclass(frozen=True, slots=True, kw_only=True)
class Loading:
    """Weights are being read for this job; no step can be expected yet."""

    job: AnyJobId
    name: Name


@dataclass(frozen=True, slots=True, kw_only=True)
class Stepped:
    """A piece of the work is done; how many there are, is the worker's to say.

    `preview` is a small JPEG, or empty.
    """

    job: Job
    done: Count  # 1 to total
    total: Count  # the same all through a job
    preview: Preview
    seconds: Seconds  # of the device, so far, with loading: pauses do not count


@dataclass(frozen=True, slots=True, kw_only=True)
class Midway:
    """In the middle of what takes long: others could have the device here as well.

    Between two blocks of a step, and before or behind all steps between two pieces.
    """

    job: Job
    seconds: Seconds  # as in Stepped


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """The device is free for the next job; the file of this one is still being written."""

    job: Job
    seconds: Seconds  # of the device: encode, denoise and decode, without loading
    loading_seconds: Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The picture.  `file` carries the recipe, as its medium does."""

    job: Job
    file: Work
    pixels_sha256: Digest
    latents_sha256: Digest
    seconds: Seconds
    remark: Remark = ""  # on this picture, for its environment


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """What the picture shows; no words: the captioner cannot tell."""

    job: AnyJobId
    words: Annotated[str, AtMost(2_000)]
    sure: Annotated[float, Within(0.0, 1.0)]
    seconds: Seconds  # of the device, without loading
    loading_seconds: Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """How well each text fits the picture, in the order of the texts."""

    job: AnyJobId
    scores: Scores
    seconds: Seconds  # of the device, without loading
    loading_seconds: Seconds


Answer = Described | Scored


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The job ended without a picture.

    `kind` is the name of a class in `generation.errors`; `facts` are its arguments.
    """

    job: AnyJobId
    kind: Annotated[str, TextForm(r"[A-Za-z]{1,40}")]
    facts: Facts


Report = Ready | Heard | Holding | Loading | Stepped | Midway | Drawn | Finished | Answer | Failed
Frame = Order | Report

_KINDS: dict[str, type[Frame]] = {
    kind.__name__: kind
    for kind in (
        *(Render, Describe, Score, Cancel, Pause, Resume, Prefetch, GiveWay, Ping, Stop),
        *(Ready, Heard, Holding, Loading, Stepped, Midway, Drawn, Finished),
        *(Described, Scored, Failed),
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
                head[field.name] = spelling.plain(value)
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


async def read_async(stream: AsyncReader, begun: Callable[[], None] = lambda: None) -> Frame:
    """The next frame of an asyncio stream; `begun` is called when its first byte is there.

    Raises asyncio.IncompleteReadError at its end and BrokenFrame on nonsense.
    """
    first = await stream.readexactly(1)
    begun()
    head, body = _lengths(first + await stream.readexactly(_LENGTHS.size - 1))
    return decode(await stream.readexactly(head), await stream.readexactly(body))


def decode(head: bytes, body: bytes) -> Frame:
    """One frame from its two parts.  Raises BrokenFrame when it is not of the declared shape."""
    try:
        data = json.loads(head, parse_constant=_no_number)
        kind = _KINDS[data.pop("frame")]
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise BrokenFrame(f"{len(head)} + {len(body)} bytes that are no frame") from error
    try:
        frame = _built(kind, data, body)
        checked(frame)
        if isinstance(frame, Failed) and (why := _no_failure(frame)):
            raise Misshapen(f"Failed.facts: {why}")
    except Misshapen as error:
        raise BrokenFrame(str(error)) from None
    except (
        *(AttributeError, KeyError, TypeError, ValueError, OverflowError, RecursionError),
        GenerationError,
    ) as error:
        raise BrokenFrame(f"a {kind.__name__} that cannot be read") from error
    return frame


def _built(kind: type[Frame], data: dict[str, object], body: bytes) -> Frame:
    """The frame, its fields of any type yet."""
    blobs = _Blobs(body)
    given: dict[str, object] = {}
    for field in fields(kind):
        if field.name not in data and field.default is not MISSING:
            continue
        value = data.pop(field.name)
        match field.name:
            case "inputs":
                value = tuple(blobs.next(size) for size in _listed(value))
            case "recipe" if isinstance(value, str):
                value = parse(value, kept=True)
            case "environment" if isinstance(value, dict):
                value = spelling.read(Environment, value, kept=True)
            case "facts":
                value = tuple(tuple(f) if isinstance(f, list) else f for f in _listed(value))
            case "on_device" | "in_memory" | "texts" | "scores":
                value = tuple(_listed(value))
            case _ if isinstance(value, dict):
                value = blobs.next(value["bytes"])
        given[field.name] = value
    if data or blobs.left:
        raise Misshapen(f"{kind.__name__}: {len(data)} fields and {blobs.left} bytes too many")
    return kind(**given)  # type: ignore[arg-type]  # `checked` looks at them


class _Blobs:
    """The body, cut into what fields have announced."""

    def __init__(self, body: bytes) -> None:
        self._body, self._at = body, 0

    @property
    def left(self) -> int:
        return len(self._body) - self._at

    def next(self, size: object) -> bytes:
        if type(size) is not int or not 0 <= size <= self.left:
            raise Misshapen("a field announces bytes that are not there")
        self._at += size
        return self._body[self._at - size : self._at]


def _listed(value: object) -> list[object]:
    if not isinstance(value, list):
        raise Misshapen("a field is no list")
    return value


def _no_number(name: str) -> float:
    raise Misshapen(f"a number is {name}")


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
    why = _no_failure(report)
    error = error_of(Reason(kind=report.kind, facts=report.facts)) if why is None else None
    return error or WorkerDied(f"an unknown failure: {why}")


def _no_failure(report: Failed) -> str | None:
    """Why no job fails so, as a clause.  That it died is nothing that a worker can say."""
    kind = getattr(errors, report.kind, None)
    if not isinstance(kind, type) or not issubclass(kind, GenerationError):
        return "there is no such error"
    if issubclass(kind, WorkerDied):
        return "a worker that speaks has not died"
    return arguments_misfit(kind, report.facts)
