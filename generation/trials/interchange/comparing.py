"""What is read of ComfyUI's templates beside what they say, field by field.

The truth has files, samplers and sizes as they were read elsewhere (`generation.trials.templates`);
it has no words and no seeds: those are right where the workflow holds them just so.  Several passes
are compared with the nearest of the truth's.  The invariant: a field that the truth does not say
is not counted.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from generation.errors import NoSuchName
from generation.interchange.comfy.flattening import flattened
from generation.interchange.comfy.graph import prompt_of
from generation.interchange.comfy.json_values import mapping, parsed, sequence
from generation.interchange.comfy.reading import read
from generation.interchange.comfy.sampling import by_hand
from generation.interchange.comfy.workflow import workflow
from generation.interchange.gathering import file_name
from generation.interchange.imported import Imported
from generation.names import sampler, scheduler
from generation.trials.templates.judging import family_of, task_of
from generation.trials.templates.truth import Template, TemplateSampler

_SEEDED = ("KSampler", "KSamplerAdvanced", "RandomNoise")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadField:
    """A field of a template, in one of its forms."""

    template: str
    form: str  # "workflow" or "prompt"
    name: str
    said: object
    found: object
    listed: bool  # among what is lost

    @property
    def right(self) -> bool:
        """Whether it was read as it stands there."""
        if isinstance(self.said, float) and isinstance(self.found, (int, float)):
            return math.isclose(self.said, self.found, rel_tol=1e-6)
        return self.said == self.found


def forms(path: Path) -> Mapping[str, str]:
    """The workflow as it is stored, and the prompt that is made of it.  Raises NotRead."""
    stored = path.read_text(encoding="utf-8")
    graph = flattened(workflow(mapping(parsed(stored))))
    return {"workflow": stored, "prompt": json.dumps(prompt_of(graph))}


def compared(template: Template, path: Path) -> Iterator[ReadField]:
    """The fields of both forms of a template, whose family is drawn here.  Raises NotRead."""
    values = set(_texts_and_numbers(json.loads(path.read_text(encoding="utf-8"))))
    for form, text in forms(path).items():
        imported = read({form: text})
        if imported is None:
            yield ReadField(
                template=template.name, form=form, name="read", said=True, found=False, listed=False
            )
            continue
        listed = {loss.what for loss in imported.lost}
        for name, said, found in _fields(template, imported, values):
            yield ReadField(
                template=template.name,
                form=form,
                name=name,
                said=said,
                found=found,
                listed=bool(listed & {name, "another pass"} or _named(listed, said)),
            )


def drawn(template: Template) -> bool:
    """Whether the template's family is drawn here."""
    return family_of(template) is not None or (template.task == "upscale" and not template.samplers)


def _named(listed: set[str], said: object) -> bool:
    return isinstance(said, str) and said in listed


def _fields(
    template: Template, imported: Imported, values: set[object]
) -> Iterator[tuple[str, object, object]]:
    if (task := task_of(template)) is not None:
        yield "task", task, imported.task
    yield "files", *_files(template, imported)
    draft = imported.draft
    if not template.samplers:
        return
    one = min(template.samplers, key=lambda s: sum(a != b for _, a, b in _sampling(s, imported)))
    yield from _sampling(one, imported)
    prompt = draft.words.prompt
    if any("TextEncode" in node for node in template.nodes):
        said = " ".join(str(value) for value in values if isinstance(value, str))
        found = re.split(r"[\s,;.{}\"]+", prompt or "")
        yield "prompt", True, prompt is not None and all(word in said for word in found)
    if any(node in _SEEDED for node in template.nodes):
        yield "seed", True, imported.seed is not None and imported.seed in values


def _files(template: Template, imported: Imported) -> tuple[object, object]:
    said = {(file_name(file.name), file.strength) for file in template.files}
    found = {(file.name, file.strength) for file in imported.files}
    strong = {name for name, strength in said if strength is not None}
    return (
        sorted((name, strength or 0) for name, strength in said),
        sorted((name, (strength or 0) if name in strong else 0) for name, strength in found),
    )


def _sampling(one: TemplateSampler, imported: Imported) -> Iterator[tuple[str, object, object]]:
    found, values = imported.draft.sampling, one.values
    if isinstance(steps := values.get("steps"), int):
        yield "steps", steps, found.steps
    if (cfg := values.get("cfg", values.get("cfg_conds"))) is not None:
        yield "cfg", float(cfg), found.cfg
    elif values.get("guider") == "BasicGuider":
        yield "cfg", 1.0, found.cfg
    if (name := values.get("sampler_name")) is not None:
        yield "sampler", _named_sampler(name), found.sampler
    if (schedule := _schedule(values)) is not None:
        yield "scheduler", schedule, found.scheduler
    if one.length is not None:
        yield "frames", one.length, imported.draft.motion.frames
    if one.size is not None:
        canvas = imported.draft.canvas
        yield "size", one.size, (canvas.width, canvas.height)
    for node, patch in one.patches.items():
        if node in ("ModelSamplingAuraFlow", "ModelSamplingSD3"):
            yield "shift", float(patch["shift"]), found.shift
    if (denoise := values.get("denoise")) not in (None, 1):
        yield "denoise", float(denoise), found.denoise


def _named_sampler(name: str) -> str:
    for one in (name, name.removeprefix("Sampler")):
        try:
            return sampler(one).name
        except NoSuchName:
            continue
    return name


def _schedule(values: Mapping[str, object]) -> str | None:
    if (levels := by_hand(values.get("sigmas"))[0]) is not None:
        return levels
    said = values.get("scheduler")
    nodes = sequence(values.get("sigma_nodes"))
    if said is None and nodes:
        said = str(nodes[-1])
    try:
        return scheduler(str(said)) if said is not None else None
    except NoSuchName:
        return None


def _texts_and_numbers(data: object) -> Iterator[object]:
    waiting = [data]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
        elif isinstance(one, (str, int)):
            yield one
