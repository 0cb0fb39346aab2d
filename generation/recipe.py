"""The recipe: everything that decides the pixels, and nothing else.

Two equal recipes, cooked in the same environment, give the same picture, pixel for pixel.  Who
asked, when and why are a Job's business; which machine did the work is an Environment's.

A recipe has no default values, on purpose.  A default is a promise about the past: change it, and
every old picture quietly changes its meaning.  Gaps are closed once, in `generation.draft`.

The identity of a recipe is the sha256 of its canonical form: JSON with sorted keys in which
weights and inputs stand by their digest alone (renaming a file changes no picture), and in which a
field that does not apply (None, or an empty tuple) is absent.  The last rule is what lets a later
task or adapter bring fields of its own without changing the id of any older picture.  What people
are told and nothing is drawn by (names of files, what an edited picture shows) is kept with the
recipe, and is in no identity.

It grows so: a new field is `| None` or a tuple, a new section is an object of its own.  Words,
canvas and sampling are sections, too; their fields stand at the top of the text, where the first
recipes had them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NewType, TypeVar

from generation.bounds import (
    check_digest,
    check_integer,
    check_noise,
    check_number,
    check_span,
    check_tiles,
)
from generation.errors import OutOfRange
from generation.parameters import CFG, CLIP_SKIP, GUIDANCE, HEIGHT, IMAGE_CFG, SHIFT, WIDTH
from generation.samplers import SAMPLERS, TOKENS
from generation.spans import (
    EXPERTS,
    Experts,
    Motion,
    SecondPass,
    Sound,
    Surface,
    TokenDice,
    strength_on,
)
from generation.spelling import FLAT, TOLD, at_most, plain, read
from generation.tasks import (
    CONTROL,
    CONTROLNET,
    LOOKING,
    MAX_CONTROLS,
    PARTS,
    ROLES,
    SECTIONS,
    Task,
)

RecipeId = NewType("RecipeId", str)
Sha256 = NewType("Sha256", str)  # 64 lower-case hex digits

# Names the canonical form, so that a later form can live beside this one instead of silently
# re-identifying every picture ever made.
FORMAT = "r1"

# How a prompt is read: A1111's weights and BREAK; the same with A1111's chunks and crossing
# brackets, for new pictures; ComfyUI's weights and chunks; or every letter as it is.
COMFY, PLAIN = "comfy", "plain"
SYNTAXES = ("a1111", "a1111-2", COMFY, PLAIN)

MAX_WORDS = 20_000  # characters of a prompt, when every choice in it is made
MAX_NAME = 500  # characters of a file's name, with the folders it lies in

MAX_STRENGTH = 10.0  # of an adapter, in both directions

MAX_GROW = 256  # pixels that a mask grows or is softened by
MAX_WITHIN = 100.0  # delta E: from black to white
ENLARGING = ("lanczos", "model")
MAX_CORRECTIONS = 16
MAX_VARIATIONS = 32  # one upon the other: somebody who chose that often is somewhere else

MAX_SEED = 2**32 - 1  # short enough to say aloud, and what other tools accept

# Models trained to zero terminal SNR begin at 4096; nothing known goes beyond.
MAX_SIGMA = 10_000.0

PREDICTIONS = ("epsilon", "v_prediction")

T = TypeVar("T")


class Precision(StrEnum):
    """The number format of the denoiser's weights and arithmetic."""

    FP32 = "fp32"
    FP16 = "fp16"
    BF16 = "bf16"


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """A file or folder of weights.  The digest is its identity, the name is for people."""

    name: str = field(metadata=at_most(MAX_NAME))
    sha256: Sha256

    def __post_init__(self) -> None:
        check_digest(self.sha256)


BY_DIGEST: Mapping[type, str] = {Weights: "sha256"}  # how an identity spells them


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """The picture that an adapter looks at, and during which of the steps."""

    input: int  # which of the recipe's inputs, from 0
    start: float | None  # shares of the steps that are done; None: from the first
    end: float | None  # None: to the last
    preprocessor: str | None  # how it is redrawn first (generation.media.preprocessors); None: not
    mode: str | None  # what it shows, to a network that knows several kinds of pictures

    def __post_init__(self) -> None:
        check_integer("control input", self.input, 0, MAX_CONTROLS + 1)
        check_span(self.start, self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """Weights that change a checkpoint's behaviour, in the order they are applied."""

    kind: str  # "lora", "embedding", ...
    weights: Weights
    strength: float
    control: Control | None  # of those that look at a picture
    # Of a model with two denoisers the one that it changes alone, of two passes the first or the
    # second; None: each that there is.
    expert: str | None = None

    def __post_init__(self) -> None:
        check_number("adapter strength", self.strength, -MAX_STRENGTH, MAX_STRENGTH)
        if self.expert not in (None, *EXPERTS):
            raise OutOfRange("expert", self.expert, " or ".join(EXPERTS))
        if self.expert is not None and self.kind != "lora":
            raise OutOfRange("expert", self.kind, "a LoRA's alone")

    @property
    def said(self) -> str:
        """How people write its strength, with the denoiser that it changes alone: 0.8, 0.8:high."""
        return strength_on(self.strength, self.expert)

    @property
    def place(self) -> tuple[Sha256, str | None]:
        """What tells it from the other adapters of a recipe: the same file may be on both."""
        return self.weights.sha256, self.expert

    def meets(self, other: Adapter) -> bool:
        """Whether it is the same file on the same denoiser, or on one that the other is on too."""
        apart = None not in (self.expert, other.expert) and self.expert != other.expert
        return self.weights.sha256 == other.weights.sha256 and not apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """A picture that goes into the drawing: the exact bytes received, by digest."""

    role: str  # "init", "mask", "control", ...
    sha256: Sha256
    fit: str  # how it is brought to width x height: "cover" fills and crops the middle

    def __post_init__(self) -> None:
        check_digest(self.sha256)


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What the text encoders read."""

    prompt: str = field(metadata=at_most(MAX_WORDS))
    negative_prompt: str = field(metadata=at_most(MAX_WORDS))
    syntax: str  # how the prompt is read, one of SYNTAXES
    clip_skip: int  # 1: the text encoder's last layer, 2: the one before it

    def __post_init__(self) -> None:
        check_integer("clip_skip", self.clip_skip, CLIP_SKIP.low, CLIP_SKIP.high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Canvas:
    """The picture's size, in pixels."""

    width: int
    height: int

    def __post_init__(self) -> None:
        check_integer("width", self.width, WIDTH.low, WIDTH.high)
        check_integer("height", self.height, HEIGHT.low, HEIGHT.high)

    @property
    def pixels(self) -> int:
        """How many there are."""
        return self.width * self.height


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """The way from noise to a picture."""

    sampler: str  # ComfyUI's name
    scheduler: str  # ComfyUI's name
    sigmas: tuple[float, ...]  # descending noise levels, steps + 1 of them; the last is 0
    steps: int
    cfg: float
    denoise: float  # 1.0 starts from pure noise
    # None, as in every recipe before they were written: the prediction that an empty tensor or a
    # folder's scheduler says, and its betas, never rescaled.  What else a file or a card says of
    # the training is here, and decides pixels.
    prediction: str | None  # "epsilon", "v_prediction"
    noise: str | None  # a name of generation.sigmas.levels
    # The second guidance, towards the picture that is edited (Brooks et al. 2023); None: one alone.
    image_cfg: float | None
    guidance: float | None  # what a network that was distilled from guidance is told of it
    shift: float | None  # of a flow's levels, where somebody said one; the sigmas hold it

    def __post_init__(self) -> None:
        check_number("cfg", self.cfg, CFG.low, CFG.high)
        check_number("denoise", self.denoise, 0.0, 1.0)
        check_integer("steps", self.steps, 1, 1000)
        if len(self.sigmas) != self.steps + 1:
            raise OutOfRange("sigmas", len(self.sigmas), f"{self.steps + 1} values")
        for sigma in self.sigmas:
            check_number("sigma", sigma, 0.0, MAX_SIGMA)
        if list(self.sigmas) != sorted(self.sigmas, reverse=True):
            raise OutOfRange("sigmas", len(self.sigmas), "a descending list")
        if self.prediction not in (None, *PREDICTIONS):
            raise OutOfRange("prediction", self.prediction, " or ".join(PREDICTIONS))
        if self.noise is not None:
            check_noise(self.noise)
        for row in (IMAGE_CFG, GUIDANCE, SHIFT):
            if (value := getattr(self, row.field)) is not None:
                check_number(row.field, value, row.low, row.high)

    @property
    def guided(self) -> bool:
        """Whether the negative prompt is asked about too: more lanes, and as much more work."""
        apart = self.sampler in SAMPLERS and SAMPLERS[self.sampler].apart
        return apart or self.cfg != 1.0 or self.image_cfg not in (None, 1.0)

    @property
    def lanes(self) -> int:
        """How many pictures the model looks at in a call."""
        if not self.guided:
            return 1
        return 2 if self.image_cfg is None else 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Masking:
    """Where a picture is drawn anew: what its mask leaves black is copied bit for bit."""

    grow: int  # pixels that the mask grows by on every side
    blur: float  # pixels: how softly what is drawn meets the rest, inwards; a Gaussian's deviation
    # A region in words, and what finds it; None where the mask is a picture.
    region: str | None
    segmenter: Weights | None
    threshold: float | None  # the probability from which a pixel belongs to the region
    inverse: bool | None  # whether all but the region, or but the white of the mask, is meant

    def __post_init__(self) -> None:
        check_integer("mask_grow", self.grow, 0, MAX_GROW)
        check_number("mask_blur", self.blur, 0.0, float(MAX_GROW))
        if (self.region is None) != (self.segmenter is None):
            raise OutOfRange("region", self.region, "words together with what finds them")
        if self.inverse not in (None, True):  # one spelling of "no", as equal recipes share an id
            raise OutOfRange("inverse", self.inverse, "true, or nothing")
        if self.threshold is not None:
            check_number("threshold", self.threshold, 0.0, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where on the canvas the picture lies that is drawn further; some of it may lie outside."""

    left: int  # pixels, as all of them
    top: int
    width: int
    height: int

    def __post_init__(self) -> None:
        for name in ("left", "top"):
            check_integer(f"placement {name}", getattr(self, name), -WIDTH.high, WIDTH.high)
        for name in ("width", "height"):
            check_integer(f"placement {name}", getattr(self, name), 1, WIDTH.high)

    def check_on(self, canvas: Canvas) -> None:
        """Raise OutOfRange where nothing of the picture is on the canvas, or nothing else."""
        right, bottom = self.left + self.width, self.top + self.height
        if not (self.left < canvas.width and self.top < canvas.height and right > 0 < bottom):
            raise OutOfRange("placement", "beside the canvas", "one that shows some of the picture")
        if self.left <= 0 >= self.top and right >= canvas.width and bottom >= canvas.height:
            raise OutOfRange("placement", "all of the canvas", "one that leaves something to draw")


@dataclass(frozen=True, slots=True, kw_only=True)
class Enlarging:
    """How a picture gets more pixels, before anything of it is drawn anew."""

    method: str  # one of ENLARGING
    upscaler: Weights | None  # the network that "model" means
    # How often what halving it again would lose is laid over it; None: never.
    corrections: int | None
    # Pixels of a side that the network looks at at once, and that neighbours share; None: all.
    tile: int | None
    overlap: int | None
    # The same, of the larger picture, where it is drawn anew.
    redrawn_tile: int | None
    redrawn_overlap: int | None

    def __post_init__(self) -> None:
        if self.method not in ENLARGING:
            raise OutOfRange("enlarging", self.method, " or ".join(ENLARGING))
        if (self.upscaler is None) != (self.method == "lanczos"):
            raise OutOfRange("upscaler", self.method, "a network, and by no network lanczos")
        if self.corrections is not None:
            check_integer("corrections", self.corrections, 1, MAX_CORRECTIONS)
        check_tiles("tile", self.tile, self.overlap)
        check_tiles("redrawn_tile", self.redrawn_tile, self.redrawn_overlap)


@dataclass(frozen=True, slots=True, kw_only=True)
class Variation:
    """Another picture close by: noise on the arc from where it was to that of another seed."""

    seed: int
    strength: float  # 0 is the noise as it was, 1 this seed's

    def __post_init__(self) -> None:
        check_integer("variation seed", self.seed, 0, MAX_SEED)
        check_number("variation strength", self.strength, 0.0, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sparing:
    """Where an edit changed little, the picture's own pixels stay: `generation.media.sparing`."""

    within: float  # delta E (CIE76) of the surroundings, up to which it is little
    soft: float  # pixels: the surroundings' Gaussian, and how softly what was drawn meets the rest
    most: float  # share of the picture; where more clearly differs, all of it is as drawn

    def __post_init__(self) -> None:
        check_number("sparing within", self.within, 0.0, MAX_WITHIN)
        check_number("sparing soft", self.soft, 0.0, float(MAX_GROW))
        check_number("sparing most", self.most, 0.0, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One picture, completely described.  Every field must be given."""

    task: Task
    family: str  # a key of generation.families.family; "" where nothing is drawn
    checkpoint: Weights  # NO_WEIGHTS where nothing is drawn
    components: tuple[Weights, ...]  # parts of the checkpoint that are files of their own
    vae: Weights | None  # None: the checkpoint's own
    adapters: tuple[Adapter, ...]
    inputs: tuple[Input, ...]
    words: Words | None = field(metadata=FLAT)
    canvas: Canvas | None = field(metadata=FLAT)
    sampling: Sampling | None = field(metadata=FLAT)
    drawn: Canvas | None  # the size at which it is drawn, where the canvas is none for the model
    masking: Masking | None
    placement: Placement | None
    enlarging: Enlarging | None
    sparing: Sparing | None
    variations: tuple[Variation, ...]  # of the first noise, one upon the other
    shares: tuple[float, ...]  # how much each picture of a blend counts, in the inputs' order
    motion: Motion | None
    experts: Experts | None
    second: SecondPass | None
    sound: Sound | None
    form: Surface | None
    dice: TokenDice | None  # of models that write tokens, in place of a way from noise
    seed: int
    precision: Precision
    # What the picture shows, where the prompt says another thing or there is none.
    shows: str | None = field(metadata={**TOLD, **at_most(MAX_WORDS)})

    def __post_init__(self) -> None:
        check_integer("seed", self.seed, 0, MAX_SEED)
        if len(self.variations) > MAX_VARIATIONS:
            raise OutOfRange("variations", len(self.variations), f"at most {MAX_VARIATIONS}")
        needs = self.task.needs
        for name in SECTIONS:
            given = getattr(self, name) not in (None, ())
            if given and name not in (*needs.sections, *needs.optional):
                raise OutOfRange(name, "given", f"none for {self.task}")
            if name in needs.sections and not given:
                raise OutOfRange(name, None, f"what {self.task} needs")
        if self.sampling and self.sampling.image_cfg is not None and "reference" not in needs.roles:
            raise OutOfRange("image_cfg", self.sampling.image_cfg, f"none for {self.task}")
        roles = {item.role for item in self.inputs} & ROLES
        if not set(needs.roles) <= roles <= {*needs.roles, *needs.optional_roles}:
            raise OutOfRange("inputs", len(self.inputs), f"what {self.task} needs")
        self._check_shares()
        self._check_controls()
        if self.masking is not None:
            self._check_masking(self.masking, by_picture="mask" in roles)
        if self.placement is not None and self.canvas is not None:
            self.placement.check_on(self.canvas)
        self._check_drawing()

    def _check_masking(self, masking: Masking, *, by_picture: bool) -> None:
        by_words = masking.region is not None
        if by_picture + by_words != (self.task is Task.INPAINT):
            raise OutOfRange(
                "mask", None, "a picture, or words for a region, where a part is masked"
            )

    def _check_controls(self) -> None:
        for adapter in self.adapters:
            if (adapter.kind in LOOKING) != (adapter.control is not None):
                raise OutOfRange("control picture", adapter.kind, " or ".join(LOOKING))
            if adapter.expert is not None and not self.in_turns:
                raise OutOfRange(
                    "expert", adapter.expert, "none for a model that has one denoiser alone"
                )
        for number in (a.control.input for a in self.adapters if a.control is not None):
            if number >= len(self.inputs) or self.inputs[number].role != CONTROL:
                raise OutOfRange("control input", number, "the number of a control picture")

    def _check_shares(self) -> None:
        for share in self.shares:
            check_number("share", share, 0.0, 1.0)
        if self.shares and len(self.shares) != len(self.inputs):
            raise OutOfRange("shares", len(self.shares), f"one for each of {len(self.inputs)}")
        if self.shares and not sum(self.shares) > 0.0:
            raise OutOfRange("shares", "none", "some of at least one picture")

    def _check_drawing(self) -> None:
        """Words, sampling and what draws come together, or nothing is drawn."""
        draws = self.sampling is not None
        if draws != (self.words is not None):
            alone = "sampling" if draws else "words"
            raise OutOfRange(alone, "given", "words together with sampling")
        beside = (self.family, self.components, self.vae, self.adapters)
        written = self.sampling is not None and self.sampling.sampler == TOKENS
        if written != (self.dice is not None):
            raise OutOfRange("sampler", TOKENS, "what writes tokens, and nothing else")
        nothing = self.checkpoint.sha256 == NO_WEIGHTS.sha256
        if draws == nothing or (nothing and beside != ("", (), None, ())):
            raise OutOfRange("checkpoint", self.checkpoint.name, "one exactly where it draws")

    @property
    def id(self) -> RecipeId:
        """The name of this recipe: equal recipes, and only they, share it."""
        digest = hashlib.sha256(canonical(self).encode()).hexdigest()
        return RecipeId(f"{FORMAT}-{digest}")

    @property
    def weights(self) -> tuple[Weights, ...]:
        """All files that it is drawn with."""
        adapters = (adapter.weights for adapter in self.adapters)
        others = (
            self.vae,
            self.masking.segmenter if self.masking else None,
            self.enlarging.upscaler if self.enlarging else None,
        )
        checkpoint = () if self.sampling is None else (self.checkpoint,)
        return (*checkpoint, *self.components, *(w for w in others if w), *adapters)

    @property
    def parts_apart(self) -> tuple[Weights, ...]:
        """The files that are parts of its model: its components, and adapters that are some."""
        found = (adapter.weights for adapter in self.adapters if adapter.kind in PARTS)
        return (*self.components, *found)

    @property
    def in_turns(self) -> bool:
        """Whether it is drawn in two turns, of much noise and of little: denoisers, or passes."""
        return self.experts is not None or self.second is not None

    @property
    def controlnets(self) -> tuple[Weights, ...]:
        """The networks that steer its drawing, each once."""
        found = (adapter.weights for adapter in self.adapters if adapter.kind == CONTROLNET)
        return tuple(
            sorted({one.sha256: one for one in found}.values(), key=lambda one: one.sha256)
        )

    @property
    def leading(self) -> Weights:
        """What people call its model: the checkpoint, or what enlarges where nothing is drawn."""
        if self.sampling is not None or self.enlarging is None:
            return self.checkpoint
        return self.enlarging.upscaler or replace(NO_WEIGHTS, name=self.enlarging.method)

    @property
    def texts(self) -> tuple[str, ...]:
        """All that a person may have written in it."""
        words = () if self.words is None else (self.words.prompt, self.words.negative_prompt)
        lyrics = self.sound.lyrics if self.sound is not None else None
        return (*words, *(text for text in (self.shows, lyrics) if text is not None))

    @property
    def prompt(self) -> str:
        """The prompt; nothing where the task needs no words."""
        return "" if self.words is None else self.words.prompt

    @property
    def drawn_at(self) -> Canvas:
        """The size that the networks draw.  Raises OutOfRange where the task has none."""
        return self.drawn or needed(self.canvas)

    @property
    def described(self) -> str:
        """What the picture shows, in words: whoever changes it further begins with these."""
        return self.prompt if self.shows is None else self.shows


def needed(section: T | None) -> T:
    """The section, where only recipes come that have it.  Raises OutOfRange."""
    if section is None:
        raise OutOfRange("recipe", None, "one with all that its task needs")
    return section


def canonical(recipe: Recipe) -> str:
    """The one spelling of a recipe.  Changing it is a new FORMAT."""
    return _json(plain(recipe, short=BY_DIGEST))


def dump(recipe: Recipe) -> str:
    """The recipe as JSON with the names people gave their files; `parse` reads it back."""
    return _json({"format": FORMAT, **plain(recipe)})


def parse(text: str, *, kept: bool = False) -> Recipe:
    """Read what `dump` wrote.

    Raises OutOfRange when it is not a recipe of a known format: this text may come from a PNG that
    a stranger uploaded.  One that we `kept` ourselves is read however long its texts are.
    """
    try:
        data = json.loads(text)
        if data.pop("format") != FORMAT:
            raise OutOfRange("recipe format", "another one", FORMAT)
        return read(Recipe, data, kept=kept)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise OutOfRange("recipe", "something else", "a recipe written by this program") from error


def _json(value: object) -> str:
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


# In place of a checkpoint where nothing is drawn: the name and the digest of no bytes at all.
NO_WEIGHTS = Weights(name="none", sha256=Sha256(hashlib.sha256(b"").hexdigest()))
