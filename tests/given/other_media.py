"""Models that make clips, sounds and forms, for tests: thin folders, and a worker that doodles.

    makers(tmp_path / "models", FILM)
    async with a_studio(tmp_path, Doodler()) as studio:
        with known(studio.app.studio.offers.catalog): ...

Their folders are thin ones of Stable Diffusion 1, and the catalog's entries are said to be of these
families, which stand in the program's own table while the context lasts.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from generation.catalog.catalog import Catalog
from generation.families.family import FAMILIES, family
from generation.families.model_family import Family, Moving, Shaping, Sounding
from generation.recipe import Recipe, needed
from generation.tasks import AUDIO, IMAGE, MESH, VIDEO, Task
from tests.given import thinmodels
from tests.given.fakes import FakeWorker

FILM, VOICE, SOLID = "test-film", "test-voice", "test-solid"

_TASKS = {
    FILM: frozenset({Task.TEXT_TO_VIDEO, Task.IMAGE_TO_VIDEO, Task.EXTEND_VIDEO}),
    VOICE: frozenset({Task.TEXT_TO_AUDIO}),
    SOLID: frozenset({Task.TEXT_TO_3D, Task.IMAGE_TO_3D}),
}
_MEDIA = {FILM: VIDEO, VOICE: AUDIO, SOLID: MESH}


def _family(name: str) -> Family:
    """One that makes what it makes."""
    tasks = _TASKS[name]
    before = replace(
        family("starter"), name=name, title=f"A {name}", few_words=False, kin="", does=tasks
    )
    built = replace(before.architecture, medium=_MEDIA[name], tasks=tasks)
    made = replace(before, architecture=built)
    if name == FILM:
        return replace(made, moving=Moving(frames=9, fps=8.0, max_frames=33, step=4))
    unsized = replace(made, width=0, height=0)
    if name == VOICE:
        sounding = Sounding(seconds=1.0, max_seconds=4.0, rate=8_000, channels=1, sings=True)
        return replace(unsized, sounding=sounding)
    return replace(unsized, shaping=Shaping(resolution=16, max_resolution=64))


def makers(models: Path, *names: str) -> None:
    """Write folders of these families into the folder of models; all three where none is named."""
    for fill, name in enumerate(names or _MEDIA, 40):
        folder = thinmodels.write_folder(models / name, fill=fill)
        (folder / "atelier.toml").write_text('family = "starter"\n')


@contextmanager
def known(catalog: Catalog) -> Iterator[None]:
    """Let the catalog's entries of these folders make what they make."""
    before = catalog._entries
    FAMILIES.update({name: _family(name) for name in _MEDIA})
    catalog._entries = tuple(
        replace(entry, family=entry.name) if entry.name in _MEDIA else entry for entry in before
    )
    try:
        yield
    finally:
        for name in _MEDIA:
            FAMILIES.pop(name)


@contextmanager
def pictures_alone(catalog: Catalog) -> Iterator[None]:
    """Let the catalog have no model that makes anything but pictures, not even ours."""
    before = catalog._entries
    catalog._entries = tuple(e for e in before if e.kind != "checkpoint" or e.makes(IMAGE))
    try:
        yield
    finally:
        catalog._entries = before


def content_of(recipe: Recipe, brush: bytes = b"") -> bytes:
    """What a doodle of that recipe holds: a function of the recipe and of nothing else."""
    seed = hashlib.sha256(recipe.id.encode() + brush).digest()
    if recipe.form is not None:
        return _a_form(seed)
    if recipe.motion is not None:
        canvas, sound = needed(recipe.canvas), recipe.sound
        frames = b"".join(
            bytes((seed[0], seed[1], frame * 7 % 256)) * canvas.pixels
            for frame in range(recipe.motion.frames)
        )
        return frames + (bytes(2 * sound.channels * sound.samples) if sound is not None else b"")
    if recipe.sound is not None:
        many = round(recipe.sound.seconds * recipe.sound.rate)
        tone, loud, above = 8 + seed[0] % 8, 200 + seed[1], seed[2]
        wave = ((n * tone % 64 - 32) * loud + above for n in range(many))
        return b"".join(struct.pack("<h", value) * recipe.sound.channels for value in wave)
    return seed * (needed(recipe.canvas).pixels * 3 // len(seed))  # all but flat


def _a_form(seed: bytes) -> bytes:
    """A pyramid on three sides, in one colour."""
    corners = ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1))
    colour = tuple(byte / 255 for byte in seed[:3])
    faces = ((0, 2, 1), (0, 1, 3), (0, 3, 2), (1, 2, 3))
    return b"".join(
        (
            b"mesh" + struct.pack("<II", len(corners), len(faces)),
            *(struct.pack("<3f", *corner) for corner in corners),
            *(struct.pack("<3f", *colour) for _ in corners),
            *(struct.pack("<3I", *face) for face in faces),
        )
    )


class Doodler(FakeWorker):
    """A worker that makes what each medium keeps."""

    def content(self, recipe: Recipe) -> bytes:
        return content_of(recipe, self.brush)
