"""Clips: the file that carries its own recipe, the digest of its frames, smaller files of it.

    short and small, without a sound     an animated WebP, exact: its frames are the clip's
    any other                            an MP4, which all players play, and whose frames are nearly

The digest is of the content before any encoder: of an MP4 alone it cannot be told, and `digest_in`
raises Lossy.  Where PyAV or its encoder is missing every clip is a WebP, and its sound is in none
(`Lossy`, too).  The invariant: the recipe that comes out of a file is the one that went in.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
from PIL import Image

from generation.errors import BadPicture, Lossy, OutOfRange
from generation.interchange.infotext import infotext
from generation.media import loops, mp4, pyav
from generation.media.footage import Footage, footage_of
from generation.media.medium import Beat, Medium, Tensors
from generation.media.photos import LIGHT_BYTES, LIGHT_PIXELS
from generation.media.pyav import Frame
from generation.recipe import Recipe, Sha256, dump, needed, parse

RECIPE_TAG, INFOTEXT_TAG = "atelier", "parameters"

# Pixels of all frames up to which a clip is kept exactly: 16 frames of 256x256, 64 of 128x128.  Of
# four times as many, one with some grain is nearly as large as a chat takes at all.
EXACT_PIXELS = 2**20

LOOP, CLIP = ".webp", ".mp4"
# Of a smaller file of the same kind the name says so: by it people are told which one they see.
SMALL_LOOP, SMALL_CLIP = ".small.webp", ".small.mp4"
TITLES = {LOOP: "WebP", CLIP: "MP4", SMALL_LOOP: "WebP", SMALL_CLIP: "MP4"}


def no_beat() -> None:
    """A beat for which no one waits."""


def write(content: bytes, recipe: Recipe, tensors: Tensors) -> bytes:
    """The file of a clip."""
    return write_slowly(content, recipe, tensors, no_beat)


def write_slowly(content: bytes, recipe: Recipe, tensors: Tensors, beat: Beat) -> bytes:
    """The same; `beat` is called with each frame."""
    footage = footage_of(content, recipe)
    told, others = dump(recipe), infotext(recipe, tensors=tensors)
    exact = footage.samples is None and footage.count * _pixels(recipe) <= EXACT_PIXELS
    if exact or not pyav.encodes():
        return loops.written(footage, told, others, beat)
    return mp4.written(footage, {RECIPE_TAG: told, INFOTEXT_TAG: others}, beat)


def _pixels(recipe: Recipe) -> int:
    return needed(recipe.canvas).pixels


def recipe_in(file: bytes) -> Recipe | None:
    """The recipe inside a clip of ours; None when there is none.

    Raises OutOfRange when there is one that this version cannot read.
    """
    try:
        if loops.is_loop(file):
            text = loops.recipe_text(file)
        else:
            text = mp4.tag(file, RECIPE_TAG) if mp4.is_mp4(file) else None
    except UnicodeDecodeError as error:
        raise OutOfRange("recipe", "an unreadable tag", "a recipe of this program") from error
    return None if text is None else parse(text)


def content_sha256(content: bytes) -> Sha256:
    """The digest of a clip: of its frames' RGB bytes, then of its samples."""
    return Sha256(hashlib.sha256(content).hexdigest())


def digest_in(file: bytes) -> Sha256:
    """The same digest, of the frames in a file.  Raises BadPicture, and Lossy."""
    recipe = recipe_in(file)
    if recipe is None:
        raise BadPicture("it carries no recipe")
    if not loops.is_loop(file):
        raise Lossy(TITLES[CLIP])
    if recipe.sound is not None:
        raise Lossy(TITLES[LOOP])
    canvas = needed(recipe.canvas)
    digest = hashlib.sha256()
    for frame in loops.frames_in(file, needed(recipe.motion)):
        if frame.shape != (canvas.height, canvas.width, 3):
            raise BadPicture("its frames have another size than its recipe says")
        digest.update(frame.tobytes())
    return Sha256(digest.hexdigest())


def is_light(file: bytes) -> bool:
    """Whether a digest is told in a moment: at once of what is lossy, or by the header."""
    found = loops.shape(file)
    if found is None:
        return True
    frames = max(1, len(found.durations))
    return len(file) <= LIGHT_BYTES and found.width * found.height * frames <= LIGHT_PIXELS


def fault(file: bytes, recipe: Recipe) -> str | None:
    """Why it is no whole clip of the recipe's frames and size, as a clause; None when it is one."""
    canvas, motion = needed(recipe.canvas), needed(recipe.motion)
    if loops.is_loop(file):
        found = loops.shape(file)
        if found is None:
            return "it is no whole WebP"
        same = (found.width, found.height) == (canvas.width, canvas.height)
        played = sum(found.durations)
        lasts = not found.durations or played == round(1000 * motion.frames / motion.fps)
        return None if same and lasts else _OTHER
    clip = mp4.shape(file)
    if clip is None:
        return "it is no whole MP4"
    size = canvas.width + canvas.width % 2, canvas.height + canvas.height % 2
    same = (clip.width, clip.height, clip.frames) == (*size, motion.frames)
    return None if same and clip.sound == (recipe.sound is not None) else _OTHER


_OTHER = "its clip has another size or length"


def suffix_of(file: bytes) -> str:
    """That of the file, by its first bytes."""
    return LOOP if loops.is_loop(file) else CLIP


# -- to look at ------------------------------------------------------------------------------


def frames_in(file: bytes) -> Iterator[Frame]:
    """The frames of a file of ours, as they are shown.  Raises BadPicture."""
    recipe = recipe_in(file)
    if recipe is None or recipe.motion is None:
        raise BadPicture("it carries no recipe of a clip")
    if loops.is_loop(file):
        return loops.frames_in(file, recipe.motion)
    if not pyav.is_here():
        raise BadPicture("it is an MP4, and `av` is not installed here, by which I read them")
    canvas = needed(recipe.canvas)
    # A file of odd sides holds one row or column more than the clip has.
    return (frame[: canvas.height, : canvas.width] for frame in mp4.frames_in(file))


def still(file: bytes) -> Image.Image:
    """The middle frame of a file of ours.  Raises BadPicture."""
    [middle] = some_of(file, 1)
    return middle


def some_of(file: bytes, count: int) -> list[Image.Image]:
    """So many frames of a file of ours, from the middles of equal parts.  Raises BadPicture."""
    recipe = recipe_in(file)
    length = recipe.motion.frames if recipe is not None and recipe.motion is not None else 1
    wanted = [min(length - 1, (2 * number + 1) * length // (2 * count)) for number in range(count)]
    found: list[Image.Image] = []
    for number, frame in enumerate(islice(frames_in(file), wanted[-1] + 1)):
        found += [Image.fromarray(frame)] * wanted.count(number)
    if len(found) != count:
        raise BadPicture("it is cut short or damaged")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One way to make a clip smaller."""

    crf: int
    side: int | None  # pixels of the longer one; None: as it is
    every: int = 1  # which frames are left: each, each second

    @property
    def sound_bits(self) -> int:
        """A second, of its sound."""
        return {23: 128_000, 28: 96_000, 33: 64_000}.get(self.crf, 32_000 // self.every)


_CRFS = (23, 28, 33, 38)
LADDER = (
    *(Rung(crf=crf, side=None) for crf in _CRFS),
    *(Rung(crf=crf, side=side) for side in (960, 640, 480, 320, 240) for crf in _CRFS[1:]),
    *(Rung(crf=_CRFS[-1], side=240, every=every) for every in (2, 4, 8)),
)
HALVES = 6.0  # a CRF higher by that much halves an H.264 file, nearly
HOPELESS = 2.0  # times the limit: what is expected to be larger than that is not tried
_QUALITIES = {23: 80, 28: 60, 33: 40, 38: 20}  # of a WebP, where there is no MP4


def smaller(file: bytes, limit_bytes: int) -> Iterator[tuple[str, bytes]]:
    """Ever smaller files of a clip: worse, then with fewer pixels, then with fewer frames.

    The first that is within the limit is the last.
    """
    recipe = recipe_in(file)
    if recipe is None or recipe.motion is None or recipe.canvas is None:
        return
    if not loops.is_loop(file) and not pyav.is_here():
        return
    for number, rung in enumerate(LADDER):
        if rung.side is not None and rung.side >= max(recipe.canvas.width, recipe.canvas.height):
            continue
        last = number == len(LADDER) - 1
        if not last and _expected(file, recipe, rung) > HOPELESS * limit_bytes:
            continue
        made = _remade(file, recipe, rung)
        yield made
        if len(made[1]) <= limit_bytes:
            return


def _expected(file: bytes, recipe: Recipe, rung: Rung) -> float:
    """About how large a file will be; of what was no MP4 nothing is known."""
    if loops.is_loop(file):
        return 0.0
    canvas = needed(recipe.canvas)
    scale = min(1.0, (rung.side or math.inf) / max(canvas.width, canvas.height))
    worse = math.pow(2.0, (mp4.CRF - rung.crf) / HALVES)
    return len(file) * worse * math.pow(scale, 1.5) / rung.every


def _remade(file: bytes, recipe: Recipe, rung: Rung) -> tuple[str, bytes]:
    canvas, motion = needed(recipe.canvas), needed(recipe.motion)
    scale = min(1.0, (rung.side or math.inf) / max(canvas.width, canvas.height))
    size = max(2, round(canvas.width * scale)), max(2, round(canvas.height * scale))
    pictures = islice(frames_in(file), 0, motion.frames, rung.every)
    with_sound = not loops.is_loop(file) and recipe.sound is not None
    footage = Footage(
        frames=(_sized(frame, size) for frame in pictures),
        count=-(-motion.frames // rung.every),
        width=size[0],
        height=size[1],
        fps=motion.fps / rung.every,
        samples=mp4.samples_in(file) if with_sound else None,
        rate=mp4.READ_RATE if with_sound else 0,
    )
    if pyav.encodes():
        return SMALL_CLIP, mp4.written(
            footage, {}, no_beat, crf=rung.crf, sound_bits=rung.sound_bits
        )
    return SMALL_LOOP, loops.written(footage, "", "", no_beat, quality=_QUALITIES[rung.crf])


def _sized(frame: Frame, size: tuple[int, int]) -> Frame:
    if frame.shape[1::-1] == size:
        return frame
    return np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.LANCZOS))


VIDEO = Medium(
    name="video",
    suffix=CLIP,
    others=(LOOP,),
    titles=TITLES,
    write=write,
    write_slowly=write_slowly,
    recipe_in=recipe_in,
    digest=content_sha256,
    digest_in=digest_in,
    is_light=is_light,
    fault=fault,
    smaller=smaller,
    suffix_of=suffix_of,
    still=still,
    several=some_of,
)
