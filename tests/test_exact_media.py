"""Claims about exactness beyond pictures: clips, sounds and forms are the same ones again.

Each is made in one process, and of the recipe in its file in another one, which halts behind every
step while something of another medium is made.  See docs/reproduction.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from generation.draft import complete
from generation.families import lengths
from generation.fleet.wire import Render, Stepped
from generation.media.table import carried, medium_of
from generation.recipe import Input, Recipe, Sha256
from generation.samplers import SAMPLERS
from generation.tasks import IMAGE, Task
from tests.given import tinymodels
from tests.given.builders import a_draft, changed
from tests.given.sounds import a_file, a_tone
from tests.given.tiny import motion, musicgen
from tests.given.videos import animation, marked
from tests.given.worker_process import HALTING, WorkerProcess, a_photo, same

WIDTH, HEIGHT, STEPS = 96, 64, 3
PHOTO, CLIP = a_photo(), animation(marked(7), "WEBP", [100] * 7)
INPUTS = {
    **dict.fromkeys(("first", "last", "view", "reference"), PHOTO),
    "clip": CLIP,
    "sound": a_file(a_tone(8_000), 8_000),
}

# Of each architecture, and of each task in which something else goes into it.
QUICK = [
    ("tiny-wan", Task.TEXT_TO_VIDEO),
    ("tiny-wan", Task.VIDEO_TO_VIDEO),
    ("tiny-wan-i2v", Task.IMAGE_TO_VIDEO),
    ("tiny-wan-vace", Task.EDIT_VIDEO),
    ("tiny-ltx-video", Task.TEXT_TO_VIDEO),
    ("tiny-ltx-2", Task.TEXT_TO_VIDEO),  # with its sound
    ("tiny-cogvideox", Task.TEXT_TO_VIDEO),
    ("tiny-hunyuan-video-1.5-i2v", Task.IMAGE_TO_VIDEO),
    ("tiny-sd15", Task.TEXT_TO_VIDEO),  # moved by a module of AnimateDiff
    ("tiny-stable-audio", Task.TEXT_TO_AUDIO),
    ("tiny-stable-audio", Task.AUDIO_TO_AUDIO),
    ("tiny-stable-audio-3", Task.TEXT_TO_AUDIO),
    ("tiny-ace-step", Task.TEXT_TO_AUDIO),
    ("tiny-musicgen", Task.TEXT_TO_AUDIO),
    ("tiny-shap-e", Task.TEXT_TO_3D),
    ("tiny-shap-e-image", Task.IMAGE_TO_3D),
]
REST = [
    ("tiny-wan-2.2-5b", Task.TEXT_TO_VIDEO),
    ("tiny-ltx-video", Task.IMAGE_TO_VIDEO),
    ("tiny-cogvideox-i2v", Task.IMAGE_TO_VIDEO),
    ("tiny-hunyuan-video-1.5", Task.TEXT_TO_VIDEO),
    ("tiny-stable-audio-3", Task.AUDIO_TO_AUDIO),
    ("tiny-ace-step", Task.AUDIO_TO_AUDIO),
    ("tiny-wan", Task.EXTEND_VIDEO),
    ("tiny-wan-i2v", Task.EXTEND_VIDEO),
    ("tiny-wan-flf2v", Task.IMAGE_TO_VIDEO),
    ("tiny-wan-2.2", Task.TEXT_TO_VIDEO),
    ("tiny-wan-2.2", Task.VIDEO_TO_VIDEO),
    ("tiny-wan-2.2-i2v", Task.IMAGE_TO_VIDEO),
    ("tiny-wan-2.2-5b", Task.VIDEO_TO_VIDEO),
    ("tiny-wan-2.2-5b", Task.IMAGE_TO_VIDEO),
    ("tiny-wan-vace", Task.IMAGE_TO_VIDEO),
    ("tiny-wan-vace", Task.EXTEND_VIDEO),
    ("tiny-ltx-video", Task.EXTEND_VIDEO),
    ("tiny-ltx-video-0.9.5", Task.TEXT_TO_VIDEO),
    ("tiny-ltx-video-0.9.5", Task.IMAGE_TO_VIDEO),
    ("tiny-ltx-2", Task.IMAGE_TO_VIDEO),
    ("tiny-ltx-2", Task.EXTEND_VIDEO),
    ("tiny-ltx-2-distilled", Task.TEXT_TO_VIDEO),
    ("tiny-ltx-2.3", Task.IMAGE_TO_VIDEO),
    ("tiny-ltx-2.3-distilled", Task.EXTEND_VIDEO),
    ("tiny-cogvideox-5b", Task.TEXT_TO_VIDEO),
    ("tiny-cogvideox-i2v", Task.EXTEND_VIDEO),
    ("tiny-cogvideox-1.5", Task.TEXT_TO_VIDEO),
    ("tiny-cogvideox-1.5-i2v", Task.IMAGE_TO_VIDEO),
    ("tiny-hunyuan-video-1.5-i2v", Task.EXTEND_VIDEO),
    ("tiny-hunyuan-video-1.5-i2v-step-distilled", Task.IMAGE_TO_VIDEO),
]
NAMES = list(dict.fromkeys(name.removeprefix("tiny-") for name, _ in (*QUICK, *REST)))
OF_OUR_OWN = ("sd15", "musicgen")  # which are built here
# Every sampler, with a model in turn; that of MusicGen walks down no noise.
WALKED = [(name, task) for name, task in QUICK if name != "tiny-musicgen"]
IN_TURN = [(*WALKED[n % len(WALKED)], sampler) for n, sampler in enumerate(SAMPLERS)]


def roles_of(name: str, task: Task) -> tuple[str, ...]:
    if task is Task.EDIT_VIDEO:
        return ("clip", "reference")
    return ("first", "last") if name == "tiny-wan-flf2v" else task.needs.roles


def builds() -> list[Path]:
    """The folders of all models that are named here."""
    known = [tinymodels.of(name) for name in NAMES if name not in OF_OUR_OWN]
    home = tinymodels.home() / "exact-media"
    if not home.exists():
        tinymodels.build_sd15(home / "tiny-sd15", seed=3)
        motion.write_folder(home / "mm")
        musicgen.build(home / "tiny-musicgen")
    return [*known, home]


@pytest.fixture(scope="module")
def worker() -> Iterator[WorkerProcess]:
    process = WorkerProcess(*builds())
    yield process
    process.close()


@pytest.fixture(scope="module")
def halting() -> Iterator[WorkerProcess]:
    """A second process, which rests behind each step until it is resumed."""
    process = WorkerProcess(*builds(), program=HALTING)
    yield process
    process.close()


def asked(
    worker: WorkerProcess, name: str, task: Task, **said: Any
) -> tuple[Recipe, tuple[bytes, ...]]:
    """A small recipe of that task, and its inputs."""
    roles = roles_of(name, task)
    inputs = tuple(INPUTS[role] for role in roles)
    model = worker.making(name, task.needs.medium)
    family, sections = model.family, (*task.needs.sections, *task.needs.optional)
    given: dict[str, Any] = {"prompt": "a red cat", "steps": STEPS, "cfg": 3.0}
    if family.negative:
        given["negative_prompt"] = "dog"
    if "motion" in sections:
        given["frames"] = lengths.nearest(5, family)
    if family.sounding is not None:
        given["seconds"] = 0.3
    if "form" in sections:
        given["resolution"] = 16
    digests = [Sha256(hashlib.sha256(data).hexdigest()) for data in inputs]
    named = tuple(
        Input(role=role, sha256=digest, fit="cover")
        for role, digest in zip(roles, digests, strict=True)
    )
    draft = changed(a_draft(), **given | said, task=task, inputs=named)
    recipe = complete(draft, model, seed=7, device="cpu")
    if recipe.canvas is not None:  # less than anybody may ask for
        recipe = changed(recipe, width=WIDTH, height=HEIGHT)
    return recipe, inputs


def between(halting: WorkerProcess, task: Task) -> list[Recipe]:
    """Small works of other media than the task's, to be made while it rests."""
    others = [
        ("tiny-sd15", Task.TEXT_TO_IMAGE),
        ("tiny-stable-audio", Task.TEXT_TO_AUDIO),
        ("tiny-shap-e", Task.TEXT_TO_3D),
    ]
    return [
        asked(halting, name, other, steps=1, prompt="another")[0]
        for name, other in others
        if other.needs.medium != task.needs.medium
    ]


def claim(
    worker: WorkerProcess, halting: WorkerProcess, name: str, task: Task, **said: Any
) -> None:
    """The same in the other process, of the recipe in the file, paused behind every step."""
    recipe, inputs = asked(worker, name, task, **said)
    steps: list[int] = []

    def count(report: object) -> None:
        if isinstance(report, Stepped):
            steps.append(report.done)

    first = worker.draw(recipe, *inputs, on_report=count)
    found = carried(first.file)
    assert found == (recipe, medium_of(recipe))

    others = between(halting, task)

    def meanwhile(done: int) -> Render:
        return halting.order(others[done % len(others)])

    again, pauses = halting.draw_with_pauses(found[0], *inputs, meanwhile=meanwhile)
    assert pauses == len(steps) > 0
    assert same(first, again)


@pytest.mark.parametrize(("name", "task"), QUICK)
def test_in_another_process_of_its_file_alone_and_paused_behind_every_step(
    worker: WorkerProcess, halting: WorkerProcess, name: str, task: Task
) -> None:
    claim(worker, halting, name, task)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "task"), REST)
def test_so_are_the_other_models_and_tasks(
    worker: WorkerProcess, halting: WorkerProcess, name: str, task: Task
) -> None:
    claim(worker, halting, name, task)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "task", "sampler"), IN_TURN)
def test_so_is_what_every_sampler_makes(
    worker: WorkerProcess, halting: WorkerProcess, name: str, task: Task, sampler: str
) -> None:
    claim(worker, halting, name, task, sampler=sampler)


def test_no_tiny_model_that_makes_no_pictures_is_forgotten() -> None:
    known = {*tinymodels.BUILDS, *tinymodels.VARIANTS, *tinymodels.SOUNDS, *tinymodels.FORMS}
    assert known - set(tinymodels.PICTURES) <= set(NAMES)


def test_after_other_jobs_of_all_other_media(worker: WorkerProcess) -> None:
    """And another seed is another work, or the claims above would hold of anything."""
    tasks = [
        ("tiny-wan", Task.TEXT_TO_VIDEO),
        ("tiny-stable-audio", Task.TEXT_TO_AUDIO),
        ("tiny-musicgen", Task.TEXT_TO_AUDIO),
        ("tiny-shap-e", Task.TEXT_TO_3D),
        ("tiny-sd15", Task.TEXT_TO_IMAGE),
    ]
    works = [asked(worker, name, task) for name, task in tasks]
    first = [worker.draw(recipe, *inputs) for recipe, inputs in works]
    for recipe, inputs in works:
        worker.draw(changed(recipe, prompt="a blue dog"), *inputs)
    for one, (recipe, inputs) in zip(reversed(first), reversed(works), strict=True):
        assert same(one, worker.draw(recipe, *inputs))
        assert not same(one, worker.draw(changed(recipe, seed=8), *inputs))
    assert IMAGE in {medium_of(recipe).name for recipe, _ in works}
