"""Plain values for tests, one line each: `a_recipe(seed=2)`."""

from __future__ import annotations

import io
import json
import os
import struct
import zlib
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, TypeVar

from PIL import Image

from generation import enlarging
from generation.draft import SECTIONS as SECTIONS_OF_A_DRAFT
from generation.draft import Checkpoint, Draft, DraftCanvas
from generation.draft_enlarged import enlarged
from generation.families.architecture import SERVES
from generation.families.family import FAMILIES
from generation.families.model_family import Family
from generation.job import GroupId, Job, JobId, Share, UserId
from generation.picture import Environment, Fingerprint
from generation.recipe import (
    Adapter,
    Canvas,
    Input,
    Masking,
    Placement,
    Precision,
    Recipe,
    Sampling,
    Sha256,
    Weights,
    Words,
    needed,
)
from generation.sigmas import expand, resolved
from generation.spans import Motion, Sound, Surface
from generation.tasks import Task
from tests.given import thinmodels

ANN = UserId(101)
BEN = UserId(102)


def a_digest(letter: str = "a") -> Sha256:
    return Sha256(letter * 64)


def a_chunk(kind: bytes, data: bytes) -> bytes:
    """A piece of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def encoded(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    """A picture as a file."""
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def a_png(width: int, height: int, rest: bytes = b"") -> bytes:
    """The outer form of a PNG of that size; nobody has drawn anything in it."""

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = (b"IHDR", head), (b"IDAT", rest), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(a_chunk(kind, data) for kind, data in chunks)


def needed_by(family: Family) -> tuple[Input, ...]:
    """The picture that a family has to begin with, if it draws from no words alone."""
    roles = first_of(family).needs.roles
    return tuple(Input(role=role, sha256=a_digest("b"), fit="cover") for role in roles)


def first_of(family: Family) -> Task:
    """The first of the tasks that it does."""
    return next(task for task in Task if task in family.tasks)


def a_model(name: str = "starter", family: str = "starter") -> Checkpoint:
    its = FAMILIES[family]
    kinds = (part.adapter for part in its.architecture.parts if part.adapter)
    parts = tuple(
        Adapter(
            kind=kind, weights=Weights(name=kind, sha256=a_digest("d")), strength=1.0, control=None
        )
        for kind in kinds
    )
    weights = Weights(name=name, sha256=a_digest())
    return Checkpoint(weights=weights, family=its, adapters=parts)


def an_enlarging(**changes: Any) -> dict[str, Any]:
    """The fields of how a picture is enlarged, by Lanczos where nothing else is said."""
    plain = enlarging.plain()
    return {field.name: getattr(plain, field.name) for field in fields(plain)} | changes


def an_enlarged(**changes: Any) -> Recipe:
    """A recipe of a picture with more pixels, in which nothing is drawn."""
    draft = Draft(
        canvas=DraftCanvas(width=256, height=256),
        enlarging=enlarging.plain(),
        inputs=(Input(role="init", sha256=a_digest("b"), fit="cover"),),
        shows="a red flower",
    )
    return replace(enlarged(draft), **changes)


def levels_of(family: str, pixels: int, steps: int) -> str:
    """The noise that a family is trained under, for a picture of so many pixels."""
    return resolved(FAMILIES[family].noise, pixels=pixels, steps=steps)


def a_recipe(**changes: Any) -> Recipe:
    """A small text-to-image recipe of the starter; `changes` are fields of it or its sections."""
    given: dict[str, Any] = {
        "task": Task.TEXT_TO_IMAGE,
        "family": "starter",
        "prompt": "a red flower",
        "negative_prompt": "",
        "syntax": "a1111",
        "checkpoint": Weights(name="starter", sha256=a_digest()),
        "components": (),
        "vae": None,
        "adapters": (),
        "inputs": (),
        "width": 128,
        "height": 128,
        "sampler": "euler",
        "scheduler": "normal",
        "steps": 4,
        "cfg": 4.0,
        "denoise": 1.0,
        "clip_skip": 1,
        "seed": 1,
        "precision": Precision.FP32,
    }
    given |= changes
    given.setdefault("guidance", FAMILIES[given["family"]].guidance)
    given.setdefault(
        "sigmas",
        expand(
            given["sampler"],
            given["scheduler"],
            steps=given["steps"],
            denoise=given["denoise"],
            noise=levels_of(given["family"], given["width"] * given["height"], given["steps"]),
        ),
    )
    sections: dict[str, Any] = {
        # What is not given is a field that does not apply here.
        name: kind(**{field.name: given.pop(field.name, None) for field in fields(kind)})
        for name, kind in (("words", Words), ("canvas", Canvas), ("sampling", Sampling))
    }
    others = ("drawn", "masking", "placement", "enlarging", "sparing", "shows")
    for name in (*others, "motion", "experts", "second", "sound", "form", "dice"):
        given.setdefault(name, None)
    for name in ("variations", "shares"):
        given.setdefault(name, ())
    return Recipe(**sections, **given)


def as_a_sound(recipe: Recipe, seconds: float = 0.4) -> Recipe:
    """The same of a family that makes sounds."""
    its = needed(FAMILIES[recipe.family].sounding)
    sound = replace(A_SOUND, seconds=seconds, rate=its.rate, channels=its.channels)
    return replace(recipe, task=Task.TEXT_TO_AUDIO, canvas=None, sound=sound)


def a_draft(prompt: str | None = None, **changes: Any) -> Draft:
    """A draft that says this; `changes` are fields of it or of its sections."""
    return changed(Draft(), prompt=prompt, **changes)


def a_recipe_of(task: Task) -> Recipe:
    """A recipe of that task, with all that it needs."""
    if task is Task.UPSCALE:
        return an_enlarged()
    if task is Task.UPSCALE_VIDEO:
        return an_enlarged(task=task, shows=None, **brought(task))
    recipe = a_recipe()
    absent: dict[str, Any] = {} if "canvas" in task.needs.sections else {"canvas": None}
    return replace(recipe, task=task, **brought(task), **absent)


def _done() -> frozenset[Task]:
    served = (SERVES[one] for f in FAMILIES.values() for one in f.architecture.purposes.values())
    return frozenset[Task]().union(*(one.tasks for one in FAMILIES.values()), *served)


# Tasks of which no family draws any: not yet, or as nothing is drawn in them.
COMING = frozenset(Task) - _done()

W = TypeVar("W", Recipe, Draft)

A_MOTION = Motion(frames=9, fps=8.0, piece=None, overlap=None)
A_SOUND = Sound(seconds=1.0, rate=8_000, channels=1, lyrics=None, bpm=None, key=None, meter=None)


def changed(whole: W, **changes: Any) -> W:
    """A recipe or a draft with these fields of it or of its sections."""
    for name in SECTIONS_OF_A_DRAFT:
        if (section := getattr(whole, name)) is None:
            continue
        its = changes.keys() & {field.name for field in fields(section)}
        if its:
            changes[name] = replace(section, **{field: changes.pop(field) for field in its})
    return replace(whole, **changes)


def brought(task: Task) -> dict[str, Any]:
    """What a recipe or a draft of a task has besides what can be filled in."""
    needs = task.needs
    sections: dict[str, Any] = {
        "masking": Masking(
            grow=0, blur=2.0, region=None, segmenter=None, threshold=None, inverse=None
        ),
        "placement": Placement(left=32, top=0, width=64, height=64),
        "enlarging": enlarging.plain(),
        "motion": A_MOTION,
        "sound": A_SOUND,
        "form": Surface(resolution=16),
    }
    others = (
        r for r in needs.optional_roles if r not in ("reference", "control")
    )  # some have none
    roles = (*needs.roles, *others)
    inputs = tuple(Input(role=role, sha256=a_digest("b"), fit="cover") for role in roles)
    if "shares" in needs.sections:
        sections["shares"] = tuple(1.0 / len(inputs) for _ in inputs)
    return {
        "inputs": inputs,
        **{name: sections[name] for name in sections if name in needs.sections},
    }


def a_model_for(task: Task) -> Checkpoint:
    """A model that does it: of a family that can, or made for nothing else."""
    for name, one in FAMILIES.items():
        if task in one.tasks:
            return a_model(family=name)
        for purpose in one.architecture.purposes.values():
            if task in SERVES[purpose]:
                return replace(a_model(family=name), purpose=purpose)
    raise AssertionError(f"no family for {task}")


SHARE = Share(group=GroupId("a server"))


def a_job(number: int = 1, *, owner: UserId = ANN, cost: float = 1.0, **recipe: Any) -> Job:
    return Job(id=JobId(number), owner=owner, recipe=a_recipe(**recipe), cost=cost, share=SHARE)


def an_environment(**changes: Any) -> Environment:
    given: dict[str, Any] = {
        "device": "cpu",
        "hardware": "a processor",
        "driver": "",
        "python": "3.11",
        "torch": "2.13.0",
        "diffusers": "0.42.1",
        "transformers": "5.23.0",
        "libraries": "pillow 13.0.0",
        "threads": 1,
        "flags": "deterministic",
        "probe": "exact",
    }
    return Environment(**(given | changes))


def a_fingerprint(letter: str = "a", **environment: Any) -> Fingerprint:
    return Fingerprint(environment=an_environment(**environment), pixels_sha256=a_digest(letter))


def a_model_folder(folder: Path, name: str = "tiny") -> Path:
    """A diffusers folder that a catalog accepts and that nothing could draw with.

    It says by its card that it is of the starter's family.
    """
    model = thinmodels.write_folder(folder / name, fill=len(name))
    (model / "atelier.toml").write_text('family = "starter"\ntitle = "A tiny model"\n')
    return model


def a_lora(
    folder: Path,
    name: str,
    family: str = "starter",
    *,
    metadata: Mapping[str, str] | None = None,
    card: str = "",
) -> Path:
    """A LoRA file that a catalog takes for one of this family, as its card says.

    `metadata` is what its trainer wrote into it, `card` more lines of its card.
    """
    shapes = {
        "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k.lora_down.weight": (
            1,
            768,
        ),
        "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k.lora_up.weight": (
            320,
            1,
        ),
    }
    header: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    end = 0
    for key, shape in shapes.items():
        start, end = end, end + 2 * shape[0] * shape[1]
        header[key] = {"dtype": "F16", "shape": list(shape), "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    file = folder / f"{name}.safetensors"
    written = folder / f"{name}.safetensors.atelier.toml"
    written.write_text(f'family = "{family}"\nkind = "lora"\n{card}')
    file.write_bytes(struct.pack("<Q", len(text)) + text + bytes(end))
    return file


def a_blue_png(width: int = 200, height: int = 100) -> bytes:
    """A PNG that a person could have sent."""
    return encoded(Image.new("RGB", (width, height), (10, 120, 200)))


def noisy_png(side: int) -> bytes:
    """A PNG that no compression makes smaller."""
    return encoded(Image.frombytes("RGB", (side, side), os.urandom(side * side * 3)))
