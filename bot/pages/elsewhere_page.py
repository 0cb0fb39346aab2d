"""A picture's recipe for other programs: files that they read, and what they will draw otherwise.

Pure.  Invariant: where another program draws another picture of it, the reader is told why.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from bot.languages.amounts import listed
from bot.languages.speaking import mark, tr
from bot.pages.quoting import code
from generation.interchange.comfy.otherwise import Otherwise
from generation.interchange.comfy.ui_form import workflow
from generation.interchange.comfy.written import ApiPrompt, NoWorkflow, api_prompt
from generation.interchange.infotext import infotext
from storage.pictures import StoredPicture

File = tuple[str, bytes]

WHY: Mapping[Otherwise, str] = {
    Otherwise.STEP_NOISE: mark("the sampler draws noise at each step, and draws other noise there"),
    Otherwise.SAMPLER: mark("the sampler begins or ends otherwise there"),
    Otherwise.START: mark("the schedule starts lower, and its first noise is scaled otherwise"),
    Otherwise.WEIGHTS: mark("A1111's brackets in the prompt are read otherwise"),
    Otherwise.CHUNKS: mark("what is longer than 75 tokens is divided otherwise"),
    Otherwise.PICTURE: mark("the first picture is brought to size and encoded otherwise"),
    Otherwise.MASK: mark("the mask grows and meets the rest otherwise"),
    Otherwise.VARIATIONS: mark("ComfyUI has no node for varied noise"),
    Otherwise.CONTROL: mark("control pictures are prepared otherwise"),
    Otherwise.FOLDER: mark("the model is a folder here, and has to be one file there"),
    Otherwise.TRAINING: mark("the noise that the model was trained with ends otherwise there"),
}


def elsewhere(picture: StoredPicture, *, folder: bool) -> tuple[str, tuple[File, ...]]:
    """What is said of the files, and the files: A1111's text, ComfyUI's canvas and API forms.

    `folder`: the model that drew it is a diffusers folder here.
    """
    number, recipe = picture.id, picture.recipe
    text = (f"a1111-{number}.txt", infotext(recipe).encode())
    try:
        prompt = api_prompt(recipe, folder=folder)
    except NoWorkflow as none:
        line = tr("A1111 reads {file}.", file=code(text[0]))
        return f"{line} {_no_workflow(none)}", (text,)
    canvas = (f"comfyui-{number}.json", _json(workflow(prompt.nodes)))
    api = (f"comfyui-api-{number}.json", _json(prompt.nodes))
    said = [
        tr(
            "A1111 reads {text}; drop {canvas} onto ComfyUI, or send {api} to its API.",
            text=code(text[0]),
            canvas=code(canvas[0]),
            api=code(api[0]),
        ),
        _verdict(prompt),
    ]
    if prompt.pictures:
        names = listed([code(name) for name in prompt.pictures])
        said.append(tr("It looks for these pictures in its input folder: {names}.", names=names))
    return " ".join(said), (text, canvas, api)


def _verdict(prompt: ApiPrompt) -> str:
    if not prompt.otherwise:
        return tr("ComfyUI draws the same picture from it, to one grey level of 255.")
    why = listed([tr(WHY[each]) for each in prompt.otherwise])
    return tr("ComfyUI draws a similar picture from it, not the same: {why}.", why=why)


def _no_workflow(none: NoWorkflow) -> str:
    if none.kind == "family":
        return tr("For {family} I write no ComfyUI workflow yet.", family=none.what)
    return tr("For this kind of picture ({task}) I write no ComfyUI workflow yet.", task=none.what)


def _json(value: object) -> bytes:
    return json.dumps(value, indent=1, ensure_ascii=False).encode()
