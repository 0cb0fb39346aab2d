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
from generation.draft import Checkpoint, Draft, DraftCanvas, complete, draft_of, picked
from generation.draft_enlarged import enlarged
from generation.draft_spans import NO_SECOND, DraftExperts, DraftSecond
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
from generation.spans import EXPERTS, TWICE
from generation.tasks import Task
from generation.trials.templates.truth import Template, TemplateFile, TemplateSampler

_TABLE = Path(__file__).with_name("table.toml")

# What the name of a file says of its format, where that is none which is read.
_UNREAD = {"w4a8": "four bits in groups (w4a8)", "nvfp4_awq": "nvfp4 of AWQ", "svdq": "SVDQuant"}
_DRAWING = ("UNETLoader", "CheckpointLoaderSimple", "ImageOnlyCheckpointLoader")
# Nodes that load parts of the same file, by which it is told where it is told but once.
_PARTLY = ("LTXVAudioVAELoader", "LTXAVTextEncoderLoader")
# Inputs beside those that a task has always, by what a template is said to do.
_BESIDE = {
    "flf2v": ("last",),
    "video-inpaint": ("clip", "mask"),
    "video-outpaint": ("clip", "mask"),
    "control2v": ("clip",),
    "ref2v": ("reference",),
}
# Encoders that write a prompt before anything is drawn: the assistant's, not the recipe's.
_WRITERS = ("prompt_upsampler", "_pe_t2i", "_pe_i2i", "prompt-enhancer", "gemma-3-12b-it-abl")


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
    yield from _unknown(template, family)
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


def _unknown(template: Template, family: Family | None) -> Iterator[str]:
    """What nodes of it do that nothing here does."""
    here = nodes.within(template.medium)
    for node in template.nodes:
        if node in here or (node == "KSamplerAdvanced" and experts_of(template) is not None):
            continue
        if node in nodes.missing():
            yield nodes.missing()[node]
        elif node not in nodes.understood() and family is not None:
            yield f"the node {node}"


def experts_of(template: Template) -> tuple[TemplateSampler, TemplateSampler] | None:
    """The two passes of it, where the second goes on at the step at which the first stops."""
    if template.medium != "video" or len(template.samplers) != 2:
        return None
    first, second = sorted(
        template.samplers, key=lambda one: int(one.values.get("start_at_step", 0))
    )
    meet = first.values.get("end_at_step"), second.values.get("start_at_step")
    same = ("steps", "sampler_name", "scheduler")
    alike = all(first.values.get(key) == second.values.get(key) for key in same)
    return (first, second) if None not in meet and meet[0] == meet[1] and alike else None


def passes_of(template: Template) -> tuple[TemplateSampler, TemplateSampler] | None:
    """The two passes of it, where the second draws on upon latents that are enlarged."""
    if "LTXVLatentUpsampler" not in template.nodes or len(template.samplers) != 2:
        return None
    first, second = template.samplers
    levels = _levels(second)
    return (first, second) if levels and float(levels[0]) < 1.0 else None


def _are_alike(template: Template) -> bool:
    """Whether its passes are drawings of their own that differ in words: as many recipes."""
    first = template.samplers[0]
    if experts_of(template) is not None or passes_of(template) is not None:
        return True
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
        if _draws(file):
            for begin, name in _table()["members"].items():
                if file.name.startswith(begin):
                    return FAMILIES.get(name)
    return FAMILIES.get(_table()["families"].get(template.family, ""))


def _draws(file: TemplateFile) -> bool:
    return file.loader in _DRAWING or (file.loader in _PARTLY and file.name.startswith("ltx"))


def task_of(template: Template) -> Task | None:
    """What a template does, as it is called here."""
    named = _table()["tasks"].get(template.task)
    if named is None:
        return None
    family, task = family_of(template), Task(named)
    if family is not None and task not in family.tasks and Task.EDIT_VIDEO in family.tasks:
        return Task.EDIT_VIDEO  # made for it, whatever of a clip it is given
    return task


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
    drawing = next(filter(_draws, files))
    beside = [file for file in files if "CLIPLoader" in file.loader or file.loader == "VAELoader"]
    made_for = (one for one in family.architecture.purposes.values() if task in SERVES[one])
    model = Checkpoint(
        weights=_weights(drawing),
        family=family,
        purpose=next(made_for, None) if task not in family.tasks else None,
        components=tuple(_weights(file) for file in beside),
        enlarger=next((_weights(f) for f in files if f.loader == "LatentUpscaleModelLoader"), None),
    )
    draft = _draft(template, family, task)
    recipe = complete(draft, model, seed=1, device="cpu")
    if (experts := experts_of(template)) is None:
        return recipe
    # Between the levels of the two steps at which one takes over from the other.
    levels = needed(recipe.sampling).sigmas
    step = int(experts[1].values["start_at_step"])
    taken_over = DraftExperts(
        boundary=(levels[step - 1] + levels[step]) / 2, cfg=float(experts[1].values["cfg"])
    )
    return complete(replace(draft, experts=taken_over), model, seed=1, device="cpu")


def _draft(template: Template, family: Family, task: Task) -> Draft:
    sampler = _first_pass(template)
    said = {**_said(sampler, family), "prompt": "a cat"}
    if sampler.size is not None:
        said |= {"width": sampler.size[0], "height": sampler.size[1]}
    if sampler.length is not None:
        said["frames"] = sampler.length
    every = (file for file in template.files if file.loader.startswith("LoraLoader"))
    loras = [file for file in every if not any(mark in file.name for mark in _WRITERS)]
    draft = replace(draft_of(said), second=_drawn_on(template))
    draft = replace(draft, **_brought(template, family, task))
    return replace(
        draft,
        task=task,
        inputs=tuple(_input(role) for role in _roles(template, task)),
        adapters=tuple(
            Adapter(
                kind="lora",
                weights=_weights(file),
                strength=float(file.strength or 1.0),
                control=None,
                expert=_turn_of(file, template),
            )
            for file in loras
        ),
    )


def _drawn_on(template: Template) -> DraftSecond:
    """How its second pass draws on."""
    if (each := passes_of(template)) is None:
        return NO_SECOND
    said = each[1].values
    return DraftSecond(
        passes=TWICE,
        sampler=sampler_named(said["sampler_name"]).name,
        sigmas=(*map(float, _levels(each[1])), 0.0),
        cfg=float(said["cfg"]),
    )


def _turn_of(file: TemplateFile, template: Template) -> str | None:
    """A LoRA that takes guidance away, where one pass is guided, is on in the other alone."""
    each = passes_of(template)
    guided = each is not None and each[0].values.get("cfg") != each[1].values.get("cfg")
    return EXPERTS[1] if guided and "distilled" in file.name else None


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


def _roles(template: Template, task: Task) -> tuple[str, ...]:
    if task is Task.INPAINT:
        return (*task.needs.roles, "mask")
    return (*task.needs.roles, *_BESIDE.get(template.task, ()))


def _first_pass(template: Template) -> TemplateSampler:
    return (experts_of(template) or template.samplers)[0]


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
    sampler, sampling = _first_pass(template), needed(recipe.sampling)
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
    frames = recipe.motion.frames if recipe.motion is not None else None
    if sampler.length not in (None, frames):
        yield f"{sampler.length} frames, and the recipe says {frames}"
    levels = [*map(float, _levels(sampler)), 0.0]
    if len(levels) > 1 and list(sampling.sigmas) != levels:
        yield "levels of noise that are written by hand"
    yield from _differing_second(template, recipe)


def _differing_second(template: Template, recipe: Recipe) -> Iterator[str]:
    if picked(DraftSecond, recipe.second) != _drawn_on(template):
        yield "a second pass that draws on otherwise"
