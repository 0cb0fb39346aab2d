"""What can go wrong while a picture is made, drawn as a tree.

    GenerationError
    ├── Unacceptable            the request cannot be drawn as it is; the person can change it
    │   ├── OutOfRange              a number, size or text beyond its limits
    │   ├── NotPresent              weights that a recipe names and nobody has here
    │   ├── NoSuchName              an unknown model, sampler, scheduler or adapter
    │   │   ├── NotUsable               a file of that name lies here and is refused
    │   │   └── NotHere                 other programs have it, and nothing of ours is the same
    │   ├── WrongFamily             an adapter for models of another family
    │   ├── BadPicture              an input that is no usable picture
    │   │   ├── BadClip                 or, where a clip is meant, no usable clip
    │   │   └── BadSound                or no usable sound
    │   ├── Lossy                   a file that holds what it was made of but nearly
    │   ├── BadMask                 one that says of no part of a picture that it is to change
    │   ├── NoMaker                 something of a medium is wanted, and no model here makes it
    │   ├── OtherMedium             what is done with pictures was asked of a sound
    │   ├── NoSegmenter             a part was named in words, and nothing here finds it by them
    │   ├── NoCaptioner             a picture is to be described, and nothing here does that
    │   ├── NoControlNet            a control picture was given, and nothing here looks at one
    │   ├── NoMotionModule          a clip is asked of a model that moves with one, and none is here
    │   ├── NoEnlarger              a film in two passes, and nothing enlarges it between them
    │   └── NoScorer                the best of several is to be told, and nothing here can
    ├── UnusableWeights         the files cannot be used; the owner of the server can change it
    │   ├── PickleRefused           a format that can run code when it is opened
    │   ├── UnknownWeights          nothing here knows what they are; a card may say it
    │   ├── BrokenWeights           truncated, or not what its header says
    │   ├── MissingWeights          no file here has this sha256
    │   ├── WeightsChanged          a file of this name is here, with another sha256
    │   └── OutOfReach              they cannot be brought to this seat; another may have them
    ├── OutOfMemory             the device is too small for this recipe, even when it is empty
    ├── Cancelled               somebody asked for the job to end
    ├── RenderFailed            the job raised; the worker lives
    └── WorkerDied              the process is gone; the job may be tried again
        ├── WorkerLost              its whole machine is, or the way there: not the job's doing
        └── Quarantined             it died with this job too often; the job is given up

Each class names its facts once, as fields; `facts` are their values, of which the error can be made
again, in another process or from the database (`generation.reasons`).  The text of an exception is
for the log, and what people typed is none of the log's business: it names the field, and of a text
no more than its length.  What a person reads is written in `bot.pages.apologies` from the facts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import Field, dataclass, field
from typing import Self

# What we counted ourselves, as in "6001 characters" and "99999x1".
_COUNTED = re.compile(r"[\d.x]{1,20}(?: (?:characters|values|pixels|chunks of \d+ tokens))?")


def told(found: object) -> str:
    """What was found, for the log: a number or count as it is, of anything else how long it is."""
    match found:
        case bool() | float() | None:
            return repr(found)
        case int():
            return str(found) if abs(found) < 2**64 else "beyond 64 bits"
        case str() if not _COUNTED.fullmatch(found):
            return f"a text of {len(found)} characters"
        case str():
            return found
        case list() | tuple() | dict():
            return f"a list of {len(found)}"
    return f"a {type(found).__name__}"


class GenerationError(Exception):
    """Anything this package raises on purpose."""

    def __new__(cls, *_: object, **__: object) -> Self:
        return super().__new__(cls)  # without `args`: they would hold what people typed

    @property
    def facts(self) -> tuple[object, ...]:
        """What it was made of: `type(error)(*error.facts)` says the same."""
        named: Mapping[str, Field[object]] | None = getattr(self, "__dataclass_fields__", None)
        if named is None:
            return self.args
        return tuple(getattr(self, name) for name, each in named.items() if each.init)

    def __reduce__(self) -> tuple[type[Self], tuple[object, ...]]:
        return type(self), self.facts

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"


class Unacceptable(GenerationError):
    """The request cannot be drawn as it is."""


@dataclass(eq=False, repr=False)
class OutOfRange(Unacceptable):
    """`what` must be `allowed`, and is `found`."""

    what: str
    found: object
    allowed: str

    def __str__(self) -> str:
        return f"{self.what} is {told(self.found)}; allowed: {self.allowed}"


@dataclass(eq=False, repr=False)
class NoSuchName(Unacceptable):
    """Nothing of `kind` is called `name`; `nearest` are the likeliest that exist.

    `there` are all that exist, None where that is not told.
    """

    kind: str
    name: str
    nearest: tuple[str, ...] = ()
    there: tuple[str, ...] | None = None

    def __str__(self) -> str:
        near = ", ".join(self.nearest) or "none"
        return f"no {self.kind} has the name that was given, {told(self.name)}; nearest: {near}"


@dataclass(eq=False, repr=False)
class NotUsable(NoSuchName):
    """A file of that name lies here, but cannot be used: `reason`."""

    nearest: tuple[str, ...] = field(init=False, default=())
    there: tuple[str, ...] | None = field(init=False, default=None)
    reason: str


@dataclass(eq=False, repr=False)
class WrongFamily(Unacceptable):
    """`name`, a LoRA or embedding (`kind`) for one family, was put on a model of another."""

    kind: str
    name: str
    family: str
    model: str
    wanted: str

    def __str__(self) -> str:
        model = f"{self.model!r:.80} is {self.wanted}"
        return f"{self.kind} {self.name!r:.80} is for {self.family}; {model}"


@dataclass(eq=False, repr=False)
class NotMadeFor(Unacceptable):
    """`model` is made for `purpose` alone: a task, or what no task is yet."""

    model: str
    purpose: str

    def __str__(self) -> str:
        return f"{self.model!r:.80} is made for {self.purpose}"


@dataclass(eq=False, repr=False)
class NotPresent(Unacceptable):
    """A recipe names weights of this `kind` by their digest, and nothing here has it."""

    kind: str
    name: str
    sha256: str

    def __str__(self) -> str:
        return f"a recipe names a {self.kind} that is not here: {self.sha256}"


@dataclass(eq=False, repr=False)
class NotHere(NoSuchName):
    """Other programs have something of that name; nothing of ours is the same.

    `reason` is a clause, where there is one.
    """

    nearest: tuple[str, ...] = field(init=False, default=())
    reason: str = ""


@dataclass(eq=False, repr=False)
class BadMask(Unacceptable):
    """What was sent says of no part of a picture that it is to change; `reason` is a clause."""

    reason: str

    def __str__(self) -> str:
        return self.reason


@dataclass(eq=False, repr=False)
class BadPicture(Unacceptable):
    """The bytes are no picture that can be used; `reason` is a clause, as in "it is cut short"."""

    reason: str

    def __str__(self) -> str:
        return f"unusable input picture: {self.reason}"


class BadClip(BadPicture):
    """The bytes are no clip that can be used; `reason` is a clause."""

    def __str__(self) -> str:
        return f"unusable input clip: {self.reason}"


@dataclass(eq=False, repr=False)
class Lossy(Unacceptable):
    """The file holds its content but nearly, as `kind` does ("MP4"): alone it proves nothing."""

    kind: str

    def __str__(self) -> str:
        return f"{self.kind} keeps its content but nearly"


class BadSound(BadPicture):
    """The bytes are no sound that can be used; `reason` is a clause, as in "it is cut short"."""

    def __str__(self) -> str:
        return f"unusable input sound: {self.reason}"


class NoCaptioner(Unacceptable):
    """A picture is to be described, and nothing here does that."""

    def __str__(self) -> str:
        return "nothing here says what a picture shows"


@dataclass(eq=False, repr=False)
class NoControlNet(Unacceptable):
    """A control picture was given, and nothing here steers models of that family by one."""

    family: str

    def __str__(self) -> str:
        return f"no ControlNet here is for {self.family}"


@dataclass(eq=False, repr=False)
class NoMotionModule(Unacceptable):
    """A clip is asked of a model that draws one with a motion module, and there is none."""

    model: str

    def __str__(self) -> str:
        return f"no motion module is here with which {self.model} moves"


@dataclass(eq=False, repr=False)
class NoEnlarger(Unacceptable):
    """A film is asked for in two passes, and the network is not here that enlarges between them."""

    model: str
    file: str  # what such a file is usually called

    def __str__(self) -> str:
        return f"nothing is here that enlarges the latents of {self.model}, such as {self.file}"


@dataclass(eq=False, repr=False)
class NoMaker(Unacceptable):
    """Something of that medium is wanted, and no model here makes it."""

    medium: str

    def __str__(self) -> str:
        return f"no model here makes {self.medium}"


@dataclass(eq=False, repr=False)
class OtherMedium(Unacceptable):
    """What is asked of a work of one medium, and can be done with another alone."""

    medium: str
    wanted: str

    def __str__(self) -> str:
        return f"{self.medium} was given, and {self.wanted} is wanted"


class NoScorer(Unacceptable):
    """How well words fit a picture is to be told, and nothing here does that."""

    def __str__(self) -> str:
        return "nothing here tells how well words fit a picture"


class NoSegmenter(Unacceptable):
    """A part of a picture was named in words, and nothing here finds it by them."""

    def __str__(self) -> str:
        return "nothing here finds a part of a picture by words"


@dataclass(eq=False, repr=False)
class UnusableWeights(GenerationError):
    """A weight file cannot be used."""

    name: str
    reason: str

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}"


@dataclass(eq=False, repr=False)
class PickleRefused(UnusableWeights):
    """A .ckpt, .pt, .pth or .bin file: opening it can run code."""

    reason: str = field(
        init=False,
        default="a pickle can run code when it is opened; convert it to safetensors",
    )


class UnknownWeights(UnusableWeights):
    """Nothing here knows what these weights are; their owner's card may."""


class BrokenWeights(UnusableWeights):
    """The file is truncated or its header is not readable."""


@dataclass(eq=False, repr=False)
class MissingWeights(UnusableWeights):
    """No file here has the wanted digest."""

    reason: str = field(init=False)
    sha256: str

    def __post_init__(self) -> None:
        self.reason = f"no file here has the sha256 {self.sha256}"


@dataclass(eq=False, repr=False)
class WeightsChanged(UnusableWeights):
    """A file of that name is here, but it is another one."""

    reason: str = field(init=False)
    recorded: str
    found: str

    def __post_init__(self) -> None:
        self.reason = f"recorded sha256 {self.recorded}, found {self.found}"


class OutOfReach(UnusableWeights):
    """The weights cannot be brought to this seat (no room, no way); another may have them."""


@dataclass(eq=False, repr=False)
class OutOfMemory(GenerationError):
    """The device has not enough memory for this recipe.

    The rest says what would fit, where that was found: a smaller size, fewer pictures to look at,
    or a file of the model with so many bits for a number.
    """

    needed_bytes: int | None = None
    free_bytes: int | None = None
    width: int | None = None
    height: int | None = None
    references: int | None = None
    bits: int | None = None

    def __str__(self) -> str:
        return f"out of memory: needed {self.needed_bytes}, free {self.free_bytes} bytes"


@dataclass(eq=False, repr=False)
class Cancelled(GenerationError):
    """The job was ended on request; `when`, where it was an odd moment."""

    when: str = ""

    def __str__(self) -> str:
        return self.when


@dataclass(eq=False, repr=False)
class RenderFailed(GenerationError):
    """The job raised in the worker; `reason` names the foreign error."""

    reason: str

    def __str__(self) -> str:
        return self.reason


@dataclass(eq=False, repr=False)
class WorkerDied(GenerationError):
    """The worker process is gone; `reason` says how (signal, exit status, silence)."""

    reason: str

    def __str__(self) -> str:
        return self.reason


class WorkerLost(WorkerDied):
    """The machine of the worker is gone, or the way there; the job had no part in that."""


@dataclass(eq=False, repr=False)
class Quarantined(WorkerDied):
    """The worker died with this job too often; it is not tried again."""

    tries: int

    def __str__(self) -> str:
        return f"given up after {self.tries} tries: {self.reason}"
