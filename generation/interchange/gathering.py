"""What readers gather of a picture: values by the rows of `generation.parameters`, and the losses.

A reader says what a file says, in any spelling; what comes of it here is in range, in our names,
or a Loss.  Invariant: nothing that is given to it is dropped in silence, and it never raises.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from generation import names
from generation.draft import Draft, draft_of
from generation.draft_spans import NO_EXPERTS, NO_SECOND
from generation.errors import NoSuchName, NotHere, OutOfRange
from generation.interchange.imported import MOST, Imported, Loss, WantedFile, Why, cut
from generation.parameters import (
    CLIP_SKIP,
    HEIGHT,
    LYRICS,
    NEGATIVE,
    PROMPT,
    SAMPLER,
    SCHEDULER,
    SEED,
    WIDTH,
    AmountParameter,
    Parameter,
    TextParameter,
    WholeParameter,
)
from generation.recipe import MAX_SEED, MAX_STRENGTH, MAX_VARIATIONS, MAX_WORDS, Variation
from generation.tasks import Task

LARGEST_SEED = 2**64 - 1  # that other programs take
NOTHING = (
    *("", "none", "null", "false", "no", "off", "disabled", "default (model)", "automatic"),
    *("undefined", "unknown", "n/a"),
)

_NUMBER = re.compile(
    r"[-+]?(?:[0-9]{1,20}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE][-+]?[0-9]{1,2})?"
)
_SIZE = re.compile(r"\(?\s*([0-9]{1,6})\s*[x×*,]\s*([0-9]{1,6})\s*\)?")
_ENDINGS = re.compile(r"\.(?:safetensors|ckpt|pt|pth|bin|sft|gguf|onnx|onnx_data)$", re.IGNORECASE)
_HEX = re.compile(r"(?:0x|sha256:|blake3:|autov2:|autov3:)?([0-9a-f]{6,64})", re.IGNORECASE)
_TIED = re.compile(r"(.{1,100}?)\s*(?:\[([0-9a-fA-F]{6,64})\]|\(([0-9a-fA-F]{8,12})\))", re.DOTALL)


def number_of(value: object) -> float | None:
    """A number, or a text that is one; None for all else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value) if abs(value) < 1e300 else None
    if isinstance(value, str) and _NUMBER.fullmatch(text := value.strip()):
        return float(text)
    return None


def whole_of(value: object) -> int | None:
    """A whole number of any size, or a text that is one."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,20}", text := value.strip()):
        return int(text)
    number = number_of(value)
    return round(number) if number is not None and number == round(number) else None


def size_of(value: object) -> tuple[int, int] | None:
    """ "768x512", "768 × 512" or "(768, 512)"."""
    found = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    return (int(found[1]), int(found[2])) if found else None


def file_name(said: str) -> str:
    """A file's name as people know it: without its folders and its ending."""
    last = re.split(r"[/\\]", said[:1000].strip())[-1].strip()
    return cut(_ENDINGS.sub("", last))


def digest_of(said: object) -> str:
    """The hex digits of a hash, in lower case; "" for what is none."""
    found = _HEX.fullmatch(said.strip()) if isinstance(said, str) else None
    return found[1].lower() if found else ""


class Gathering:
    """An `Imported` while it is read."""

    def __init__(self, program: str, task: Task | None = None) -> None:
        self.program, self.task = program, task
        self.said: dict[str, object] = {}  # by the rows' names
        self.syntax: str | None = None  # how its words are read, where that is not as usual
        self.seed: int | None = None
        self.variations: list[Variation] = []
        self.experts = NO_EXPERTS  # of a model with two networks
        self.second = NO_SECOND  # of a film in two passes
        self.held: float | None = None  # how much of the picture it begins with stays
        self.lost: list[Loss] = []
        self.files: list[WantedFile] = []

    # -- values ----------------------------------------------------------------------------

    def lose(
        self, what: str, why: Why, found: object = "", *, where: str = "", took: str = ""
    ) -> None:
        """Something is not as it stands there."""
        loss = Loss(what=cut(what), why=why, found=cut(found), where=cut(where), took=cut(took))
        if len(self.lost) < MOST and loss not in self.lost:
            self.lost.append(loss)

    def words(self, prompt: object, negative: object = None, *, where: str = "") -> None:
        """The two prompts; None leaves a gap."""
        for row, text in ((PROMPT, prompt), (NEGATIVE, negative)):
            if not isinstance(text, str):
                if text is not None:
                    self.lose(row.name, Why.UNREADABLE, text, where=where)
                continue
            kept = text.replace("\r\n", "\n").strip()
            kept = kept.encode("utf-8", "replace").decode()
            if len(kept) > MAX_WORDS:
                self.lose(row.name, Why.OUT_OF_RANGE, f"{len(kept)} letters", where=where)
                kept = kept[:MAX_WORDS]
            self.said[row.name] = kept

    def number(
        self, row: AmountParameter | WholeParameter, value: object, *, where: str = ""
    ) -> None:
        """A number of the table, if it is one and in range."""
        if value is None:
            return
        number = whole_of(value) if isinstance(row, WholeParameter) else number_of(value)
        if number is None:
            self._unread(row, value, where)
        elif not row.low <= number <= row.high:
            self.lose(row.name, Why.OUT_OF_RANGE, value, where=where)
        else:
            self.said[row.name] = number

    def text(self, row: TextParameter, value: object, *, where: str = "") -> None:
        """A text of the table that is no words, if it is short enough."""
        if value is None:
            return
        if not isinstance(value, str):
            self._unread(row, value, where)
        elif len(value.strip()) > row.longest:
            self.lose(row.name, Why.OUT_OF_RANGE, f"{len(value)} letters", where=where)
        elif value.strip():
            lines = value.replace("\r\n", "\n").strip().split("\n")
            # What is sung has lines; everything else is one.
            self.said[row.name] = ("\n" if row is LYRICS else " ").join(lines)

    def clip_skip(self, value: object, *, where: str = "") -> None:
        """A1111's counting; 0 and -1 are the last layer, as elsewhere."""
        number = whole_of(value)
        if number is not None:
            number = max(1, abs(number))
        self.number(CLIP_SKIP, value if number is None else number, where=where)

    def size(self, width: object, height: object, *, where: str = "") -> None:
        """Both sides, or neither."""
        if width is None and height is None:
            return
        for row, value in ((WIDTH, width), (HEIGHT, height)):
            self.number(row, value, where=where)
        if not {WIDTH.name, HEIGHT.name} <= self.said.keys():
            self.said.pop(WIDTH.name, None)
            self.said.pop(HEIGHT.name, None)

    def seeded(self, value: object, *, where: str = "") -> None:
        """The seed, of up to 64 bits; -1 is none."""
        number = whole_of(value)
        if number is None:
            if value is not None:
                self._unread(SEED, value, where)
        elif 0 <= number <= LARGEST_SEED:
            self.seed = number
        elif number != -1:
            self.lose(SEED.name, Why.OUT_OF_RANGE, value, where=where)

    def varied(self, seed: object, strength: object, *, where: str = "") -> None:
        """Another seed on the way to which the noise lies."""
        number, share = whole_of(seed), number_of(strength)
        if share == 0 or (number is not None and number < 0):
            return
        if number is None or share is None or not 0 <= share <= 1:
            self.lose("variation", Why.UNREADABLE, f"{seed}:{strength}", where=where)
        elif len(self.variations) == MAX_VARIATIONS:
            self.lose("variation", Why.OUT_OF_RANGE, f"{seed}:{strength}", where=where)
        else:
            self.variations.append(Variation(seed=number % (MAX_SEED + 1), strength=share))

    def sampler(self, said: object, *, where: str = "") -> None:
        """A sampler in anybody's name for it, which may bring a scheduler."""
        if not given((said,)):
            return
        if not isinstance(said, str):
            return self._unread(SAMPLER, said, where)
        try:
            meant = names.sampler(said)
        except NoSuchName as error:
            if not self._without_its_scheduler(said, where):
                why = Why.NOT_HERE if isinstance(error, NotHere) else Why.UNKNOWN
                self.lose(SAMPLER.name, why, said, where=where)
            return
        self.said[SAMPLER.name] = meant.name
        if meant.scheduler is not None:
            self.said.setdefault(SCHEDULER.name, meant.scheduler)

    def scheduler(self, said: object, *, where: str = "") -> None:
        """A scheduler in anybody's name for it; "automatic" leaves a gap."""
        if said is None or said == "":
            return
        if not isinstance(said, str):
            return self._unread(SCHEDULER, said, where)
        try:
            named = names.scheduler(said)
        except NotHere:
            self.lose(SCHEDULER.name, Why.NOT_HERE, said, where=where)
        except (NoSuchName, OutOfRange):
            self.lose(SCHEDULER.name, Why.UNKNOWN, said, where=where)
        else:
            if named is not None:
                self.said[SCHEDULER.name] = named

    def _without_its_scheduler(self, said: str, where: str) -> bool:
        """ "DPM++ 2M AYS": the sampler is taken, and of the scheduler it is said that it is not."""
        words = said.split()
        for at in range(len(words) - 1, max(0, len(words) - 5), -1):
            try:
                names.scheduler(" ".join(words[at:]))
            except NotHere:
                try:
                    self.said[SAMPLER.name] = names.sampler(" ".join(words[:at])).name
                except NoSuchName:
                    continue
                self.lose(SCHEDULER.name, Why.NOT_HERE, " ".join(words[at:]), where=where)
                return True
            except (NoSuchName, OutOfRange):
                continue
        return False

    def _unread(self, row: Parameter, value: object, where: str) -> None:
        self.lose(row.name, Why.UNREADABLE, value, where=where)

    # -- files -----------------------------------------------------------------------------

    def file(
        self,
        kind: str,
        said: object,
        digest: object = "",
        *,
        address: str = "",
        strength: object = None,
        expert: str | None = None,
        where: str = "",
    ) -> None:
        """A file that it was drawn with; said once more, what is new of it is added.

        "name [1a2b3c4d5e]" and "name(1a2b3c4d5e)" name its hash, too.
        """
        name = said if isinstance(said, str) else ""
        hashed = digest_of(digest)
        if (tied := _TIED.fullmatch(name.strip())) is not None:
            name, hashed = tied[1], hashed or (tied[2] or tied[3]).lower()
        name = file_name(name)
        if name.casefold() in NOTHING and not (hashed or address):
            return
        force = self._force(kind, name, strength, where)
        new = WantedFile(
            kind=kind,
            name=name,
            hash=hashed,
            address=cut(address),
            strength=force,
            expert=expert,
        )
        # Who says not which of two denoisers is meant speaks of each that was named.
        same = (at for at, one in enumerate(self.files) if one.kind == kind and _same(one, new))
        said = [at for at in same if expert in (None, self.files[at].expert or expert)]
        for at in said:
            one = self.files[at]
            self.files[at] = replace(
                one,
                hash=one.hash or new.hash,
                address=one.address or new.address,
                strength=new.strength if one.strength is None else one.strength,
                expert=one.expert or expert,
            )
        if said:
            return
        if len(self.files) < MOST:
            self.files.append(new)
        else:
            self.lose(kind, Why.OUT_OF_RANGE, name, where=where)

    def _force(self, kind: str, name: str, strength: object, where: str) -> float | None:
        if strength is None:
            return None
        number = number_of(strength)
        if number is None or not abs(number) <= MAX_STRENGTH:
            self.lose(
                f"strength of the {kind}", Why.OUT_OF_RANGE, f"{name}: {strength}", where=where
            )
            return None
        return number

    # -- the end ---------------------------------------------------------------------------

    @property
    def draft(self) -> Draft:
        """What is known."""
        draft = draft_of(self.said)
        words = replace(draft.words, syntax=self.syntax)
        return replace(
            draft,
            words=words,
            motion=replace(draft.motion, held=self.held),
            variations=tuple(self.variations),
            experts=self.experts,
            second=self.second,
        )

    def imported(self) -> Imported:
        """All of it."""
        return Imported(
            program=self.program,
            draft=self.draft,
            task=self.task,
            seed=self.seed,
            lost=tuple(self.lost),
            files=tuple(self.files),
        )


def _same(one: WantedFile, other: WantedFile) -> bool:
    if one.name and other.name:
        return _folded(one.name) == _folded(other.name)
    return bool(one.hash and one.hash == other.hash)


def _folded(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold()) or name


def given(values: Iterable[object]) -> bool:
    """Whether any of them says something."""
    return any(
        str(value).strip().casefold() not in NOTHING for value in values if value is not None
    )
