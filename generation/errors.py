"""What can go wrong while a picture is made, drawn as a tree.

    GenerationError
    ├── Unacceptable            the request cannot be drawn as it is; the person can change it
    │   ├── OutOfRange              a number, size or text beyond its limits
    │   ├── NotPresent              weights that a recipe names and nobody has here
    │   ├── NoSuchName              an unknown model, sampler, scheduler or adapter
    │   │   ├── NotUsable               a file of that name lies here and is refused
    │   │   └── NotHere                 other programs have it, and nothing of ours is the same
    │   ├── WrongFamily             an adapter for models of another family
    │   └── BadPicture              an input that is no usable picture
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

The text of an exception is for the log, and what people typed is none of the log's business: it
names the field, and of a text no more than its length.  What a person reads is written in
`bot.pages.apologies` from the attributes, so every class keeps the facts that a sentence needs.
"""

from __future__ import annotations

import re

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


class Unacceptable(GenerationError):
    """The request cannot be drawn as it is."""


class OutOfRange(Unacceptable):
    """`what` must be `allowed`, and is `found`."""

    def __init__(self, what: str, found: object, allowed: str) -> None:
        super().__init__(f"{what} is {told(found)}; allowed: {allowed}")
        self.what, self.found, self.allowed = what, found, allowed


class NoSuchName(Unacceptable):
    """Nothing of `kind` is called `name`; `nearest` are the likeliest that exist.

    `there` are all that exist, None where that is not told.
    """

    def __init__(
        self,
        kind: str,
        name: str,
        nearest: tuple[str, ...] = (),
        there: tuple[str, ...] | None = None,
    ) -> None:
        near = ", ".join(nearest) or "none"
        super().__init__(f"no {kind} has the name that was given, {told(name)}; nearest: {near}")
        self.kind, self.name, self.nearest, self.there = kind, name, nearest, there


class NotUsable(NoSuchName):
    """A file of that name lies here, but cannot be used: `reason`."""

    def __init__(self, kind: str, name: str, reason: str) -> None:
        super().__init__(kind, name)
        self.reason = reason


class WrongFamily(Unacceptable):
    """`name`, a LoRA or embedding (`kind`) for one family, was put on a model of another."""

    def __init__(self, kind: str, name: str, family: str, model: str, wanted: str) -> None:
        super().__init__(f"{kind} {name!r:.80} is for {family}; {model!r:.80} is {wanted}")
        self.kind, self.name, self.family = kind, name, family
        self.model, self.wanted = model, wanted


class NotMadeFor(Unacceptable):
    """`model` is made for `purpose` alone: a task, or what no task is yet."""

    def __init__(self, model: str, purpose: str) -> None:
        super().__init__(f"{model!r:.80} is made for {purpose}")
        self.model, self.purpose = model, purpose


class NotPresent(Unacceptable):
    """A recipe names weights of this `kind` by their digest, and nothing here has it."""

    def __init__(self, kind: str, name: str, sha256: str) -> None:
        super().__init__(f"a recipe names a {kind} that is not here: {sha256}")
        self.kind, self.name, self.sha256 = kind, name, sha256


class NotHere(NoSuchName):
    """Other programs have something of that name; nothing of ours is the same."""

    def __init__(self, kind: str, name: str, there: tuple[str, ...]) -> None:
        super().__init__(kind, name, (), there)


class BadPicture(Unacceptable):
    """The bytes are no picture that can be used; `reason` is a clause, as in "it is cut short"."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"unusable input picture: {reason}")
        self.reason = reason


class UnusableWeights(GenerationError):
    """A weight file cannot be used."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name, self.reason = name, reason


class PickleRefused(UnusableWeights):
    """A .ckpt, .pt, .pth or .bin file: opening it can run code."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "a pickle can run code when it is opened; convert it to safetensors")


class UnknownWeights(UnusableWeights):
    """Nothing here knows what these weights are; their owner's card may."""


class BrokenWeights(UnusableWeights):
    """The file is truncated or its header is not readable."""


class MissingWeights(UnusableWeights):
    """No file here has the wanted digest."""

    def __init__(self, name: str, sha256: str) -> None:
        super().__init__(name, f"no file here has the sha256 {sha256}")
        self.sha256 = sha256


class WeightsChanged(UnusableWeights):
    """A file of that name is here, but it is another one."""

    def __init__(self, name: str, recorded: str, found: str) -> None:
        super().__init__(name, f"recorded sha256 {recorded}, found {found}")
        self.recorded, self.found = recorded, found


class OutOfReach(UnusableWeights):
    """The weights cannot be brought to this seat (no room, no way); another may have them."""


class OutOfMemory(GenerationError):
    """The device has not enough memory for this recipe."""

    def __init__(self, needed_bytes: int | None = None, free_bytes: int | None = None) -> None:
        super().__init__(f"out of memory: needed {needed_bytes}, free {free_bytes} bytes")
        self.needed_bytes, self.free_bytes = needed_bytes, free_bytes


class Cancelled(GenerationError):
    """The job was ended on request."""


class RenderFailed(GenerationError):
    """The job raised in the worker; `reason` names the foreign error."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class WorkerDied(GenerationError):
    """The worker process is gone; `reason` says how (signal, exit status, silence)."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class WorkerLost(WorkerDied):
    """The machine of the worker is gone, or the way there; the job had no part in that."""


class Quarantined(WorkerDied):
    """The worker died with this job too often; it is not tried again."""

    def __init__(self, tries: int, reason: str) -> None:
        super().__init__(f"given up after {tries} tries: {reason}")
        self.tries = tries
