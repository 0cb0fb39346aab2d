"""What ComfyUI's official templates say, as read out of their workflows.

A list of objects, one for each template: `files` with their loaders, `samplers` with the values of
their widgets as stored, `nodes` by type.  The invariant: nothing is guessed here; what a template
does not say is None.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateFile:
    """A file of weights that a template names."""

    name: str
    loader: str  # the node that loads it
    strength: float | None  # of a LoRA


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateSampler:
    """One pass of sampling, with what its nodes say."""

    node: str
    values: Mapping[str, Any]  # "steps", "cfg", "sampler_name", "scheduler", "denoise", ...
    size: tuple[int, int] | None  # where it is written down as numbers
    length: int | None  # frames, the same
    patches: Mapping[str, Mapping[str, Any]]  # of the model, by their nodes


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """An official template."""

    name: str
    medium: str  # "image", "video", "audio", "3d"
    family: str
    task: str
    usage: int  # how often it was opened, by ComfyUI's own count
    files: Sequence[TemplateFile]
    samplers: Sequence[TemplateSampler]
    nodes: Mapping[str, int]


def local(path: Path, medium: str = "image") -> tuple[Template, ...]:
    """The templates that make a medium on one's own machine, the most used first."""
    data = json.loads(path.read_text(encoding="utf-8"))
    every = data.values() if isinstance(data, dict) else data
    found = [_template(one) for one in every if (one["medium"], one["runs"]) == (medium, "local")]
    return tuple(sorted(found, key=lambda one: (-one.usage, one.name)))


def every(path: Path) -> tuple[str, ...]:
    """The names of all templates that run on one's own machine, whatever they make."""
    data = json.loads(path.read_text(encoding="utf-8"))
    found = data.values() if isinstance(data, dict) else data
    return tuple(one["name"] for one in found if one["runs"] == "local")


def _template(data: Mapping[str, Any]) -> Template:
    return Template(
        name=data["name"],
        medium=data["medium"],
        family=data["family"] or "",
        task=data["task"],
        usage=data["usage"] or 0,
        files=[
            TemplateFile(name=one["file"], loader=one["loader"], strength=one.get("strength"))
            for one in data["files"]
        ],
        samplers=[_sampler(one) for one in data["samplers"]],
        nodes=data["nodes"],
    )


def _sampler(data: Mapping[str, Any]) -> TemplateSampler:
    size = data.get("size") or ()
    numbers = [side for side in size if isinstance(side, int)]
    length = data.get("length")
    patches: dict[str, Mapping[str, Any]] = {}
    for patch in data.get("model_patches") or ():
        patches |= patch
    return TemplateSampler(
        node=data["node"],
        values=data,
        size=(numbers[0], numbers[1]) if len(numbers) == 2 else None,
        length=length if isinstance(length, int) else None,
        patches=patches,
    )
