"""What somebody's file says of its picture: what was read, what was lost, which files it wants.

Pure.  Invariant: every loss and every file that is not here has a line, or is counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.languages.speaking import mark, tr, trn
from bot.pages.quoting import code, quoted
from bot.studio.importing import Brought, where_to_get
from generation import names
from generation.catalog.matching import MatchedFile
from generation.draft import Draft
from generation.interchange.imported import PROGRAMS, Imported, Loss, Why
from generation.sources.places import Places
from generation.tasks import Task

MOST = 1900  # characters: Discord's 2000, less what is written around it
LOSSES, FILES = 8, 8  # that are told one by one

TASKS = {
    Task.TEXT_TO_IMAGE: mark("drawn from words"),
    Task.IMAGE_TO_IMAGE: mark("drawn over another picture"),
    Task.INPAINT: mark("a part drawn anew"),
    Task.OUTPAINT: mark("drawn further"),
    Task.EDIT: mark("a picture changed in words"),
    Task.BLEND: mark("one of several pictures"),
    Task.UPSCALE: mark("made larger"),
    Task.TEXT_TO_VIDEO: mark("a clip from words"),
    Task.IMAGE_TO_VIDEO: mark("a clip that begins with a picture"),
    Task.VIDEO_TO_VIDEO: mark("drawn over a clip"),
    Task.EDIT_VIDEO: mark("a clip that follows another, or pictures"),
    Task.EXTEND_VIDEO: mark("what follows a clip"),
    Task.UPSCALE_VIDEO: mark("a clip made larger"),
    Task.TEXT_TO_AUDIO: mark("a sound from words"),
    Task.AUDIO_TO_AUDIO: mark("a sound made over"),
    Task.TEXT_TO_3D: mark("a form from words"),
    Task.IMAGE_TO_3D: mark("a form of a picture"),
}
_WHY = {
    Why.NOT_HERE: mark("{what} is not taken over, as nothing here does the same."),
    Why.UNKNOWN: mark("{what} is not taken over: I do not know it."),
    Why.OUT_OF_RANGE: mark("{what} is not taken over: it is beyond what can be asked for here."),
    Why.UNREADABLE: mark("{what} is not taken over: it cannot be read."),
    Why.A_STEP_OF_ITS_OWN: mark("{what} is a step of its own: draw it first, then use ⬆️."),
    Why.WANTS_A_PICTURE: mark("{what} is not in the file: send it along to use it."),
    Why.OTHERWISE: mark("{what} is taken as {took}."),
    Why.OTHER_NOISE: mark("{what} is made otherwise here: the picture will be another one."),
    Why.TWICE: mark("{what} is said twice; I took {took}."),
}
_THINGS = {
    "image": mark("The picture that it began with"),
    "last picture": mark("The picture that it ends with"),
    "clip": mark("The clip that it was made of"),
    "sound": mark("The sound that it was made of"),
    "language": mark("The language in which it is sung"),
    "mask": mark("The mask"),
    "control picture": mark("The picture that said where things are"),
    "noise": mark("The noise that it began with"),
    "sampler": mark("The sampler"),
    "scheduler": mark("The scheduler"),
    "steps": mark("The number of steps"),
    "size": mark("The size"),
    "seed": mark("The seed"),
    "styles": mark("The styles that were written around the words"),
    "hires fix": mark("The second pass (hires fix)"),
    "refiner": mark("The refiner"),
    "upscale": mark("The enlarging"),
    "face restoration": mark("The face restoration"),
    "strength of a picture": mark("How firmly a picture is held"),
    "strength of the lora": mark("A second strength of a LoRA"),
    "model": mark("The model"),
    "another pass": mark("Another pass of sampling"),
    "reference": mark("A picture that it looked at"),
    "count": mark("The number of pictures"),
    "prompt": mark("The prompt"),
    "conditioning": mark("What was put together of several prompts"),
    "words of another encoder": mark("The words for another text encoder"),
    "steps of the controlnet": mark("The share of the steps that a ControlNet counts for"),
    "guidance": mark("Another kind of guidance"),
    "sigmas": mark("A change of the noise levels"),
    "end_at_step": mark("The step at which it ended early"),
    "placement": mark("Where the picture lies on the canvas"),
    "medium": mark("A clip, a sound or a form"),
    "weights": mark("A weight of words"),
    "variation": mark("The variation"),
    "style prompt": mark("The second prompt, of the style"),
    "setting of a lora": mark("A setting of a LoRA"),
}
_KINDS = {
    "checkpoint": mark("Model"),
    "lora": mark("LoRA"),
    "vae": mark("VAE"),
    "embedding": mark("Embedding"),
    "controlnet": mark("ControlNet"),
    "upscaler": mark("Upscaler"),
    "text encoder": mark("Text encoder"),
    "clip vision": mark("CLIP vision model"),
    "style model": mark("Style model"),
    "hypernetwork": mark("Hypernetwork"),
    "gligen": mark("GLIGEN model"),
    "model patch": mark("Patch of a model"),
    "model": mark("Model of another kind"),
}


def imported_page(found: Brought, places: Places | None = None) -> str:
    """The card of a file, as a message."""
    lines = [*read_lines(found.imported), *file_lines(found, places), *lost_lines(found.imported)]
    if found.lacks_its_model and found.instead is not None:
        lines.append(tr("{model} comes nearest of what is here.", model=code(found.instead.name)))
    text = "\n".join(lines)
    return text if len(text) <= MOST else text[: MOST - 1] + "…"


def read_lines(imported: Imported) -> Iterator[str]:
    """Whose it is, its words and its settings."""
    program = PROGRAMS.get(imported.program, imported.program)
    if imported.task is None:
        yield tr("**Read from {program}**", program=quoted(program, 40))
    else:
        how = tr(TASKS[imported.task])
        yield tr("**Read from {program}**: {how}", program=quoted(program, 40), how=how)
    words = imported.draft.words
    if words.prompt:
        yield f"> {quoted(words.prompt, 500)}"
    if words.negative_prompt:
        yield tr("Not in it: {words}", words=quoted(words.negative_prompt, 300))
    if settings := list(_settings(imported)):
        yield " · ".join(settings)


def _settings(imported: Imported) -> Iterator[str]:
    draft = imported.draft
    sampling, canvas = draft.sampling, draft.canvas
    if sampling.steps is not None:
        yield trn("{n} step", "{n} steps", sampling.steps)
    if sampling.sampler is not None:
        yield names.sampler_title(sampling.sampler)
    if sampling.scheduler is not None:
        yield names.scheduler_title(sampling.scheduler)
    for name in ("cfg", "image_cfg", "guidance", "shift", "denoise"):
        if (value := getattr(sampling, name)) is not None:
            yield f"{name} {value:g}"
    if imported.seed is not None:
        yield tr("seed {seed}", seed=imported.seed)
    if canvas.width is not None and canvas.height is not None:
        yield f"{canvas.width}×{canvas.height}"
    yield from _spans(draft)
    if draft.words.clip_skip is not None and draft.words.clip_skip > 1:
        yield tr("clip skip {n}", n=draft.words.clip_skip)
    for one in draft.variations:
        yield tr("variation {seeds}", seeds=f"{one.seed}:{one.strength:g}")


def _spans(draft: Draft) -> Iterator[str]:
    """How long a clip or a sound is."""
    motion, sound = draft.motion, draft.sound
    if motion.frames is not None:
        yield trn("{n} frame", "{n} frames", motion.frames)
    if motion.fps is not None:
        yield tr("{n} fps", n=f"{motion.fps:g}")
    if draft.second.passes is not None:
        yield trn("{n} pass", "{n} passes", draft.second.passes)
    if sound.seconds is not None:
        yield tr("{n} seconds", n=f"{sound.seconds:g}")
    for name in ("bpm", "key", "meter"):
        if (said := getattr(sound, name)) is not None:
            yield f"{name} {quoted(str(said), 40)}"


def file_lines(found: Brought, places: Places | None = None) -> Iterator[str]:
    """Each file: what it is here, or where to get it."""
    shown = found.files[:FILES]
    for file in shown:
        yield _file(file, places)
    if more := len(found.files) - len(shown):
        yield trn("And {n} more file.", "And {n} more files.", more)


def _file(file: MatchedFile, places: Places | None) -> str:
    wanted = file.wanted
    kind = tr(_KINDS[wanted.kind]) if wanted.kind in _KINDS else quoted(wanted.kind, 40)
    name = code(wanted.name or wanted.hash or wanted.address, 80)
    told = (f"{wanted.strength:g}" if wanted.strength is not None else "", wanted.expert or "")
    strength = f" ({said})" if (said := ":".join(filter(None, told))) else ""
    facts = {"kind": kind, "name": name, "strength": strength}
    if file.entry is not None and not wanted.idle:
        facts["here"] = code(file.entry.name, 80)
        if file.other:
            return tr(
                "⚠️ {kind} {name}{strength}: {here} is called so, and is another file.", **facts
            )
        return tr("✅ {kind} {name}{strength}: here, as {here}.", **facts)
    if wanted.idle:
        return tr("➖ {kind} {name}{strength}: named there, and not used.", **facts)
    if file.part:
        return tr("✅ {kind} {name}{strength}: comes with the model.", **facts)
    line = tr("❌ {kind} {name}{strength} is not here.", **facts)
    place = where_to_get(file, places)
    if place.add:
        line += " " + tr("`/models add what: {add}` fetches it.", add=quoted_in_code(place.add))
    return f"{line} <{place.page}>" if place.page else line


def quoted_in_code(text: str) -> str:
    """A name that stands inside of code."""
    return text.replace("`", "'")[:300]


def lost_lines(imported: Imported) -> Iterator[str]:
    """What of the file is not taken over, and why."""
    shown: Sequence[Loss] = imported.lost[:LOSSES]
    for loss in shown:
        yield f"-# {lost_line(loss)}"
    if more := len(imported.lost) - len(shown):
        yield "-# " + trn(
            "And {n} more thing is not taken over.", "And {n} more things are not taken over.", more
        )


# What is taken in place of something else, and is no value.
_IN_WORDS = {"one prompt": mark("one prompt"), "one for both": mark("one for both")}


def lost_line(loss: Loss) -> str:
    """One loss in a sentence."""
    what = tr(_THINGS[loss.what]) if loss.what in _THINGS else code(loss.what, 60)
    if loss.found and loss.found != loss.what:
        what = f"{what} ({quoted(loss.found, 80)})"
    if loss.took in _IN_WORDS:
        took = tr(_IN_WORDS[loss.took])
    else:
        took = code(loss.took, 60) if loss.took else tr("what comes nearest")
    return tr(_WHY[loss.why], what=what, took=took)
