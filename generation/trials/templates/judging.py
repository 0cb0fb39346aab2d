"""A template -> a recipe of this program that says what the template says, or what is missing.

The files need not be here: their names stand for them, with what the names say of their format.
The invariant: a template counts as drawn only if every node of it is known, every file's format is
read, its family draws its task, and every parameter of its sampler is the recipe's.
"""

from __future__ import annotations

import hashlib
import math
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from generation import enlarging
from generation.draft import Checkpoint, Draft, DraftCanvas, complete, draft_of, enlarged
from generation.errors import Unacceptable
from generation.families.architecture import SERVES
from generation.families.family import FAMILIES
from generation.families.model_family import Family
from generation.interchange.comfy import nodes
from generation.interchange.comfy.sampling import SHIFTING, by_hand, flux_shift
from generation.limits import ADAPTERS
from generation.names import sampler as sampler_named
from generation.names import scheduler as scheduler_named
from generation.recipe import Adapter, Input, Placement, Recipe, Sha256, Weights, needed
from generation.tasks import Task
from generation.trials.templates.truth import Template, TemplateFile, TemplateSampler

_TABLE = Path(__file__).with_name("table.toml")

# What the name of a file says of its format, where that is none which is read.
_UNREAD = {"w4a8": "four bits in groups (w4a8)", "nvfp4_awq": "nvfp4 of AWQ", "svdq": "SVDQuant"}
_DRAWING = ("UNETLoader", "CheckpointLoaderSimple")
# Encoders that write a prompt before anything is drawn: the assistant's, not the recipe's.
_WRITERS = ("prompt_upsampler", "_pe_t2i", "_pe_i2i", "prompt-enhancer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What becomes of one template."""

    template: Template
    recipe: Recipe | None
    lacks: tuple[str, ...]

    @property
    def drawn(self) -> bool:
        """Whether it becomes a recipe that says the same."""
        return self.recipe is not None and not self.lacks


@cache
def _table() -> Mapping[str, Any]:
    return tomllib.loads(_TABLE.read_text(encoding="utf-8"))


def judged(template: Template) -> Judged:
    """The recipe of a template, and what it lacks."""
    lacks = list(dict.fromkeys(_lacking(template)))
    recipe = None
    if not lacks:
        try:
            recipe = _recipe(template)
        except Unacceptable as error:
            lacks.append(f"refused: {error}")
        else:
            lacks += _differing(template, recipe)
    return Judged(template=template, recipe=recipe, lacks=tuple(lacks))


def _lacking(template: Template) -> Iterator[str]:
    family = family_of(template)
    alone = template.task == "upscale" and not template.samplers  # more pixels, and no model
    if family is None and not alone:
        yield f"the family {template.family or template.task}"
    for file in template.files:
        yield from _unread(file)
    for node in template.nodes:
        if node in nodes.missing():
            yield nodes.missing()[node]
        elif node not in nodes.understood() and family is not None:
            yield f"the node {node}"
    if "ControlNetLoader" in template.nodes and "controlnet" not in ADAPTERS:
        yield "ControlNets"
    if (
        family is not None
        and (task := task_of(template)) is not None
        and task not in _tasks(family)
    ):
        yield f"{task} with {family.title}"
    if len(template.samplers) > 1 and not _are_alike(template):
        yield "several passes of sampling"
    if not template.samplers and template.task != "upscale":
        yield "a drawing: it samples nothing"


def _are_alike(template: Template) -> bool:
    """Whether its passes are drawings of their own that differ in words: as many recipes."""
    first = template.samplers[0]
    same = all(one.values == first.values for one in template.samplers)
    return same and template.nodes.get("VAEDecode") == len(template.samplers)


def _tasks(family: Family) -> frozenset[Task]:
    served = (SERVES.get(one, frozenset()) for one in family.architecture.purposes.values())
    return frozenset(family.tasks).union(*served)


def _unread(file: TemplateFile) -> Iterator[str]:
    if any(mark in file.name for mark in _WRITERS):
        return
    for mark, kind in _UNREAD.items():
        if mark in file.name:
            yield f"files in {kind}"


def family_of(template: Template) -> Family | None:
    """The family that draws a template here."""
    for file in template.files:
        if file.loader in _DRAWING:
            for begin, name in _table()["members"].items():
                if file.name.startswith(begin):
                    return FAMILIES.get(name)
    return FAMILIES.get(_table()["families"].get(template.family, ""))


def task_of(template: Template) -> Task | None:
    """What a template does, as it is called here."""
    named = _table()["tasks"].get(template.task)
    return Task(named) if named is not None else None


def _weights(file: TemplateFile) -> Weights:
    digest = hashlib.sha256(file.name.encode()).hexdigest()
    return Weights(name=file.name.removesuffix(".safetensors"), sha256=Sha256(digest))


def _recipe(template: Template) -> Recipe:
    if not template.samplers:
        size = DraftCanvas(width=2 * 512, height=2 * 512)
        plainly = Draft(canvas=size, inputs=(_input("init"),), enlarging=enlarging.plain())
        return enlarged(plainly)
    files = [file for file in template.files if not any(mark in file.name for mark in _WRITERS)]
    family, task = needed(family_of(template)), needed(task_of(template))
    drawing = next(file for file in files if file.loader in _DRAWING)
    beside = [file for file in files if "CLIPLoader" in file.loader or file.loader == "VAELoader"]
    made_for = (one for one in family.architecture.purposes.values() if task in SERVES[one])
    model = Checkpoint(
        weights=_weights(drawing),
        family=family,
        purpose=next(made_for, None) if task not in family.tasks else None,
        components=tuple(_weights(file) for file in beside),
    )
    return complete(_draft(template, family, task), model, seed=1, device="cpu")


def _draft(template: Template, family: Family, task: Task) -> Draft:
    sampler = template.samplers[0]
    said = {**_said(sampler, family), "prompt": "a cat"}
    if sampler.size is not None:
        said |= {"width": sampler.size[0], "height": sampler.size[1]}
    loras = [file for file in template.files if file.loader == "LoraLoaderModelOnly"]
    draft = replace(draft_of(said), **_brought(template, family, task))
    return replace(
        draft,
        task=task,
        inputs=tuple(_input(role) for role in (*task.needs.roles, *_masks(task))),
        adapters=tuple(
            Adapter(
                kind="lora",
                weights=_weights(file),
                strength=float(file.strength or 1.0),
                control=None,
            )
            for file in loras
        ),
    )


def _brought(template: Template, family: Family, task: Task) -> dict[str, Any]:
    """What a task brings whole: where a picture lies that is drawn further, and how it is enlarged.

    Pictures themselves are not here; theirs is the family's size.
    """
    width, height = family.width, family.height
    if task is Task.OUTPAINT:
        placed = Placement(left=0, top=0, width=width // 2, height=height)
        return {"placement": placed}
    if task is Task.UPSCALE:
        models = [one for one in template.files if one.loader == "UpscaleModelLoader"]
        return {"enlarging": enlarging.plain(_weights(models[0]) if models else None, 4)}
    return {}


def _masks(task: Task) -> tuple[str, ...]:
    return ("mask",) if task is Task.INPAINT else ()


def _input(role: str) -> Input:
    return Input(role=role, sha256=Sha256(hashlib.sha256(role.encode()).hexdigest()), fit="cover")


def _said(sampler: TemplateSampler, family: Family) -> dict[str, Any]:
    """The parameters of a sampler, by the names that they have here."""
    values = sampler.values
    found: dict[str, Any] = {}
    if "steps" in values:
        found["steps"] = values["steps"]
    if (cfg := values.get("cfg")) is not None:
        found["cfg"] = float(cfg)
    elif values.get("guider") == "BasicGuider":
        found["cfg"] = 1.0
    if "sampler_name" in values:
        found["sampler"] = values["sampler_name"]
    if "scheduler" in values:
        found["scheduler"] = values["scheduler"]
    if levels := _levels(sampler):
        found |= {"scheduler": "manual:" + ":".join(levels), "steps": len(levels)}
    if (denoise := values.get("denoise")) not in (None, 1, 1.0):
        found["denoise"] = float(denoise)
    if family.flows and (shift := _shift(sampler, family)) is not None:
        found["shift"] = shift
    return found


def _levels(sampler: TemplateSampler) -> list[str]:
    """Levels of noise that are written by hand, without the last, which is 0."""
    schedule, _steps = by_hand(sampler.values.get("sigmas"))
    return schedule.split(":")[1:] if schedule is not None else []


def _shift(sampler: TemplateSampler, family: Family) -> float | None:
    for node, values in sampler.patches.items():
        if node in SHIFTING:
            return float(round(values["shift"], 6))
        if node == "ModelSamplingFlux":
            width, height = (values[side] for side in ("width", "height"))
            pixels = family.width * family.height
            if isinstance(width, int) and isinstance(height, int):
                pixels = width * height
            low, high = values["base_shift"], values["max_shift"]
            return flux_shift(low, high, pixels)
    return None


def _differing(template: Template, recipe: Recipe) -> Iterator[str]:
    """What the recipe says otherwise than the template."""
    if not template.samplers:
        return
    sampler, sampling = template.samplers[0], needed(recipe.sampling)
    said = _said(sampler, needed(family_of(template)))
    if "sampler" in said:
        said["sampler"] = sampler_named(said["sampler"]).name
    if "scheduler" in said:
        said["scheduler"] = scheduler_named(said["scheduler"])
    if not needed(task_of(template)).needs.redraws:
        said.pop("denoise", None)
    for name, value in said.items():
        found = getattr(sampling, name)
        same = math.isclose(found, value) if isinstance(value, float) else found == value
        if not same:
            yield f"{name} {value}, and the recipe says {found}"
    if sampler.size is not None and recipe.canvas is not None:
        found = recipe.canvas.width, recipe.canvas.height
        if found != sampler.size:
            yield f"the size {sampler.size}, and the recipe says {found}"
    levels = [*map(float, _levels(sampler)), 0.0]
    if len(levels) > 1 and list(sampling.sigmas) != levels:
        yield "levels of noise that are written by hand"
