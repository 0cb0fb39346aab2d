"""The tasks: what is made of what, and what a recipe of each has.

Drafts, recipes and strangers' recipes are checked by a task's row; how it is done is its file in
`generation.worker.tasks`.  The invariant: a section or an input that stands in no row of a task is
in no recipe of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from itertools import chain

from generation.errors import OutOfRange

MAX_CONTROLS = 4  # pictures that say where things are
MAX_REFERENCES = 10  # pictures that an edit looks at; families look at fewer

CONTROL = "control"  # the role of a picture that says where things are
CONTROLNET = "controlnet"
VIEW = "view"  # the role of a picture that a form is made of
LOOKING = (CONTROLNET,)  # kinds of adapters that look at a picture
MOTION = "motion"
PARTS = (MOTION,)  # kinds of adapters that are a part of the model that draws

IMAGE, VIDEO, AUDIO, MESH = "image", "video", "audio", "mesh"  # keys of generation.media.table


class Task(StrEnum):
    """What is made of what."""

    TEXT_TO_IMAGE = "text-to-image"
    IMAGE_TO_IMAGE = "image-to-image"
    INPAINT = "inpaint"  # a part of a picture, anew
    OUTPAINT = "outpaint"  # a picture, drawn further
    EDIT = "edit"  # a picture changed as it is told to
    BLEND = "blend"  # one of several pictures
    UPSCALE = "upscale"  # a picture with more pixels; with words and sampling, drawn over as well
    TEXT_TO_VIDEO = "text-to-video"
    IMAGE_TO_VIDEO = "image-to-video"  # the picture is the first frame, another may be the last
    VIDEO_TO_VIDEO = "video-to-video"  # a clip, drawn over
    EDIT_VIDEO = "edit-video"  # one of a clip, of its parts, of pictures to look at
    EXTEND_VIDEO = "extend-video"  # what follows a clip
    UPSCALE_VIDEO = "upscale-video"  # a clip with more pixels; nothing is drawn
    TEXT_TO_AUDIO = "text-to-audio"
    AUDIO_TO_AUDIO = "audio-to-audio"  # a sound, made over
    TEXT_TO_3D = "text-to-3d"
    IMAGE_TO_3D = "image-to-3d"

    @property
    def needs(self) -> Needs:
        """What a recipe of it has."""
        return NEEDS[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What a recipe of one task has, and what it makes."""

    sections: tuple[str, ...]
    roles: tuple[str, ...] = ()  # of its inputs, one of each, in this order
    optional: tuple[str, ...] = ()  # sections that it may have
    optional_roles: tuple[str, ...] = ()  # of inputs that may follow, in this order
    redraws: bool = False  # whether `denoise` says how much of an input is drawn anew
    medium: str = IMAGE

    @property
    def any_size(self) -> bool:
        """Whether its pictures are as large as what they are made of, and may be drawn at less."""
        return "drawn" in self.optional

    def takes(self, roles: Sequence[str]) -> bool:
        """Whether inputs of these roles are what it is made of."""
        must, may = len(self.roles), iter(self.optional_roles)
        return tuple(roles[:must]) == self.roles and all(role in may for role in roles[must:])


_DRAWING = ("words", "canvas", "sampling")
_MOVING = (*_DRAWING, "motion")
_CONTROLS = (CONTROL,) * MAX_CONTROLS
# A clip may be drawn by two denoisers, or in two passes, and have a sound.
_OF_A_CLIP = ("variations", "experts", "second", "sound")
_OTHERS = (
    *("masking", "placement", "enlarging", "variations", "shares", "drawn", "sparing"),
    *("motion", "experts", "second", "sound", "form", "dice"),
)
SECTIONS = (*_DRAWING, *_OTHERS)  # that a task may have, or not
NEEDS: Mapping[Task, Needs] = {
    # Control pictures say where things are, to models made to look at one and to ControlNets.
    Task.TEXT_TO_IMAGE: Needs(
        sections=_DRAWING, optional=("variations",), optional_roles=_CONTROLS
    ),
    Task.IMAGE_TO_IMAGE: Needs(
        sections=_DRAWING,
        roles=("init",),
        optional=("variations",),
        optional_roles=_CONTROLS,
        redraws=True,
    ),
    Task.INPAINT: Needs(
        sections=(*_DRAWING, "masking"),
        roles=("init",),
        optional=("variations", "drawn"),
        optional_roles=("mask", *_CONTROLS),
        redraws=True,
    ),
    Task.OUTPAINT: Needs(
        sections=(*_DRAWING, "masking", "placement"),
        roles=("init",),
        optional=("variations",),
        optional_roles=_CONTROLS,
        redraws=True,
    ),
    Task.BLEND: Needs(
        sections=(*_DRAWING, "shares"),
        roles=("init", "init"),
        optional=("variations",),
        optional_roles=("init", "init"),
        redraws=True,
    ),
    # Pictures to look at, in their order; the first is the one that is changed.
    Task.EDIT: Needs(
        sections=_DRAWING,
        roles=("reference",),
        optional=("variations", "drawn", "sparing"),
        optional_roles=("reference",) * (MAX_REFERENCES - 1),
    ),
    Task.UPSCALE: Needs(
        sections=("canvas", "enlarging"),
        roles=("init",),
        optional=("words", "sampling"),
        redraws=True,
    ),
    Task.TEXT_TO_VIDEO: Needs(
        sections=_MOVING, optional=_OF_A_CLIP, optional_roles=_CONTROLS, medium=VIDEO
    ),
    Task.IMAGE_TO_VIDEO: Needs(
        sections=_MOVING,
        roles=("first",),
        optional=_OF_A_CLIP,
        optional_roles=("last", *_CONTROLS),
        medium=VIDEO,
    ),
    Task.VIDEO_TO_VIDEO: Needs(
        sections=_MOVING,
        roles=("clip",),
        optional=_OF_A_CLIP,
        optional_roles=_CONTROLS,
        redraws=True,
        medium=VIDEO,
    ),
    Task.EDIT_VIDEO: Needs(
        sections=_MOVING,
        optional=_OF_A_CLIP,
        optional_roles=("clip", "mask", *("reference",) * MAX_REFERENCES),
        medium=VIDEO,
    ),
    Task.EXTEND_VIDEO: Needs(sections=_MOVING, roles=("clip",), optional=_OF_A_CLIP, medium=VIDEO),
    Task.UPSCALE_VIDEO: Needs(
        sections=("canvas", "motion", "enlarging"),
        roles=("clip",),
        optional=("sound",),
        medium=VIDEO,
    ),
    Task.TEXT_TO_AUDIO: Needs(
        sections=("words", "sampling", "sound"), optional=("variations", "dice"), medium=AUDIO
    ),
    Task.AUDIO_TO_AUDIO: Needs(
        sections=("words", "sampling", "sound"),
        roles=("sound",),
        optional=("variations",),
        redraws=True,
        medium=AUDIO,
    ),
    Task.TEXT_TO_3D: Needs(
        sections=("words", "sampling", "form"), optional=("variations",), medium=MESH
    ),
    Task.IMAGE_TO_3D: Needs(
        sections=("words", "sampling", "form"),
        roles=(VIEW,),
        optional=("variations",),
        medium=MESH,
    ),
}
ROLES = {role for needs in NEEDS.values() for role in (*needs.roles, *needs.optional_roles)}


@cache
def may_have(medium: str, section: str) -> bool:
    """Whether a recipe of a medium may have a section, or what is no section of a task's."""
    making = [needs for needs in NEEDS.values() if needs.medium == medium]
    had = {name for needs in making for name in (*needs.sections, *needs.optional)}
    return section not in SECTIONS or section in had


@cache
def medium_of_section(section: str) -> str:
    """The first medium whose recipes have a section, or where none must have it, may have it."""
    must = (needs.medium for needs in NEEDS.values() if section in needs.sections)
    may = (needs.medium for needs in NEEDS.values() if section in needs.optional)
    return next(chain(must, may))


def task_for(roles: Iterable[str], medium: str = IMAGE) -> Task:
    """The first task that makes a medium of inputs of these roles; a draft names any other.

    Raises OutOfRange.
    """
    given = tuple(roles)
    making = {task: needs for task, needs in NEEDS.items() if needs.medium == medium}
    for task, needs in making.items():
        if needs.takes(given):
            return task
    possible = "; ".join(" and ".join(needs.roles) or "none" for needs in making.values())
    raise OutOfRange("inputs", " and ".join(given), possible)
