"""Claims about exactness: the same recipe gives the same pixels.  See docs/reproduction.md."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from generation.errors import Cancelled, MissingWeights, OutOfRange, WeightsChanged
from generation.fleet.wire import Cancel, Stepped
from generation.media.image import recipe_in
from generation.picture import Verdict, compare
from generation.recipe import Placement, Recipe, Sha256, Variation, Weights, dump, parse
from generation.samplers import SAMPLERS
from tests.given import tinymodels
from tests.given.builders import changed
from tests.given.partly import a_mask, further, masked
from tests.given.worker_process import (
    WorkerProcess,
    a_photo,
    redrawing,
    same,
    shared,
    tiny_recipe,
)


@pytest.fixture(scope="module")
def worker() -> WorkerProcess:
    return shared()


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of its own, which a test may damage."""
    return tinymodels.build_sd15(tmp_path_factory.mktemp("models") / "mine", seed=5)


@pytest.fixture(scope="module")
def another(copy: Path) -> Iterator[WorkerProcess]:
    """A second process, started later, which has drawn other things."""
    process = WorkerProcess(*map(tinymodels.of, tinymodels.BUILDS), copy)
    yield process
    process.close()


def drawn_by(*families: str) -> list[tuple[str, str]]:
    """Each family with every sampler."""
    return [(name, sampler) for name in families for sampler in SAMPLERS]


# Every sampler, with a family of added noise and with a flow in turn; all of both in the slow part.
IN_TURN = [(("starter", "sd3")[n % 2], sampler) for n, sampler in enumerate(SAMPLERS)]


def test_the_environment_says_that_the_probe_was_exact(worker: WorkerProcess) -> None:
    assert worker.environment.probe == "exact"
    assert worker.environment.device == "cpu"
    assert worker.environment.threads == 1


def test_twice_in_one_process(worker: WorkerProcess) -> None:
    recipe = tiny_recipe()
    assert same(worker.draw(recipe), worker.draw(recipe))


def test_another_seed_prompt_or_cfg_is_another_picture(worker: WorkerProcess) -> None:
    recipe = tiny_recipe()
    others = [
        replace(recipe, seed=2),
        changed(recipe, prompt="a blue dog"),
        changed(recipe, negative_prompt="cat"),
        changed(recipe, cfg=7.0),
        changed(recipe, clip_skip=2),
    ]
    digests = {worker.draw(r).pixels_sha256 for r in [recipe, *others]}
    assert len(digests) == len(others) + 1


@pytest.mark.parametrize("sampler", ["euler", "dpmpp_2m_sde"])
def test_a_variation_twice_in_another_process_and_from_the_png_alone(
    worker: WorkerProcess, another: WorkerProcess, sampler: str
) -> None:
    upon = (Variation(seed=7, strength=0.2), Variation(seed=8, strength=0.5))
    recipe = tiny_recipe(sampler=sampler, variations=upon)
    for varied, inputs in ((recipe, ()), (redrawing(recipe, a_photo()), (a_photo(),))):
        first = worker.draw(varied, *inputs)
        found = recipe_in(first.file)
        assert found == varied
        assert same(first, worker.draw(varied, *inputs))
        assert same(first, another.draw(found, *inputs))


def test_after_other_jobs_of_other_models_and_sizes(worker: WorkerProcess) -> None:
    recipe = tiny_recipe(sampler="dpmpp_2m")
    first = worker.draw(recipe)
    worker.draw(tiny_recipe(family="sdxl", width=96, seed=9))
    worker.draw(redrawing(tiny_recipe(prompt="dog", cfg=1.0, height=128), a_photo()), a_photo())
    assert same(first, worker.draw(recipe))


def test_after_a_cancel(worker: WorkerProcess) -> None:
    recipe = tiny_recipe(sampler="heun")
    first = worker.draw(recipe)
    victim = worker.order(tiny_recipe(steps=40, width=128, height=128))
    worker.send(victim)

    def cancel(report: object) -> None:
        if isinstance(report, Stepped) and report.done == 1:
            worker.send(Cancel(job=victim.job))

    with pytest.raises(Cancelled):
        worker.finished(victim, on_report=cancel)
    assert same(first, worker.draw(recipe))


@pytest.mark.parametrize("prompt", ["cat", "red (cat:1.3), [dog]", "a " * 200 + "BREAK dog"])
def test_in_two_processes(worker: WorkerProcess, another: WorkerProcess, prompt: str) -> None:
    for family in (
        "starter",
        "sd2-768",
        "sdxl",
        "sd3",
        "flux1-dev",
        "flux2-klein",
        "z-image-turbo",
        "krea2-turbo",
        "anima",
        "longcat-image",
        "ernie-image",
        "lumina2",
        "qwen-image",
        "qwen-image-2.1",
    ):
        recipe = tiny_recipe(family=family, prompt=prompt)
        assert same(worker.draw(recipe), another.draw(recipe))
    refined = redrawing(tiny_recipe(family="sdxl-refiner", prompt=prompt), a_photo())
    assert same(worker.draw(refined, a_photo()), another.draw(refined, a_photo()))


def test_from_the_png_alone(worker: WorkerProcess, another: WorkerProcess) -> None:
    drawn = worker.draw(tiny_recipe(prompt="a 🌸, (red:1.2)", sampler="euler_ancestral"))
    found = recipe_in(drawn.file)
    assert found == drawn.recipe
    assert same(drawn, another.draw(found))


def test_from_the_recipe_as_text(worker: WorkerProcess) -> None:
    drawn = worker.draw(tiny_recipe())
    assert same(drawn, worker.draw(parse(dump(drawn.recipe))))


def test_a_copy_of_the_weights_under_another_name(worker: WorkerProcess) -> None:
    recipe = tiny_recipe()
    renamed = replace(recipe, checkpoint=Weights(name="whatever", sha256=recipe.checkpoint.sha256))
    assert recipe.id == renamed.id
    assert same(worker.draw(recipe), worker.draw(renamed))


@pytest.mark.parametrize(("family", "sampler"), IN_TURN)
def test_every_sampler_for_both_tasks(
    worker: WorkerProcess, another: WorkerProcess, sampler: str, family: str
) -> None:
    recipe = tiny_recipe(family=family, sampler=sampler, scheduler="karras")
    again = redrawing(recipe, a_photo())
    assert same(worker.draw(recipe), another.draw(recipe))
    assert same(worker.draw(again, a_photo()), another.draw(again, a_photo()))


@pytest.mark.parametrize(("family", "sampler"), IN_TURN)
def test_every_sampler_for_a_part_of_a_picture_and_for_what_is_around_it(
    worker: WorkerProcess, another: WorkerProcess, sampler: str, family: str
) -> None:
    recipe = tiny_recipe(family=family, sampler=sampler, scheduler="karras")
    photo, mask = a_photo(), a_mask()
    part = masked(recipe, photo, mask, denoise=0.7)
    assert same(worker.draw(part, photo, mask), another.draw(part, photo, mask))
    around = further(recipe, photo, Placement(left=8, top=-8, width=48, height=48))
    assert same(worker.draw(around, photo), another.draw(around, photo))


@pytest.mark.parametrize(
    "family", ["starter", "sd2-768", "sdxl", "sdxl-refiner", "sd3", "flux1-dev"]
)
def test_a_part_of_a_picture_from_the_png_alone(
    worker: WorkerProcess, another: WorkerProcess, family: str
) -> None:
    """With the picture and the mask, which its recipe names by their digests."""
    photo, mask = a_photo(), a_mask()
    drawn = worker.draw(masked(tiny_recipe(family=family), photo, mask, grow=3), photo, mask)
    found = recipe_in(drawn.file)
    assert found == drawn.recipe
    assert same(drawn, another.draw(found, photo, mask))


@pytest.mark.slow
@pytest.mark.parametrize(("family", "sampler"), drawn_by("starter", "sd2-768", "sdxl", "sd3"))
def test_the_whole_matrix(
    worker: WorkerProcess, another: WorkerProcess, sampler: str, family: str
) -> None:
    """Sizes, cfg and tasks; the second process draws them in the opposite order."""
    photo, mask = a_photo(), a_mask()
    recipes: list[tuple[Recipe, tuple[bytes, ...]]] = []
    for width, height in ((64, 64), (96, 80), (128, 64)):
        for cfg in (1.0, 4.5, 12.0):
            recipe = tiny_recipe(
                family=family, sampler=sampler, width=width, height=height, cfg=cfg, steps=4
            )
            around = further(recipe, photo, Placement(left=16, top=0, width=48, height=48))
            recipes += [(recipe, ()), (redrawing(recipe, photo), (photo,)), (around, (photo,))]
            recipes += [(masked(recipe, photo, mask), (photo, mask))]
    first = [worker.draw(recipe, *inputs) for recipe, inputs in recipes]
    second = [another.draw(recipe, *inputs) for recipe, inputs in reversed(recipes)]
    third = [worker.draw(recipe, *inputs) for recipe, inputs in recipes]
    for one, two, three in zip(first, reversed(second), third, strict=True):
        assert same(one, two)
        assert same(one, three)
    assert len({p.pixels_sha256 for p in first}) == len(recipes)


@pytest.mark.slow
def test_another_environment_is_named_and_never_called_a_bug(worker: WorkerProcess) -> None:
    recipe = tiny_recipe(width=128, height=128)
    here = worker.draw(recipe)
    two_threads = WorkerProcess(tinymodels.sd15(), arguments=["--threads", "2"])
    try:
        there = two_threads.draw(recipe)
    finally:
        two_threads.close()
    comparison = compare(here, there)
    assert comparison.differences == ("threads: 1 then, 2 here",)
    assert comparison.verdict in (Verdict.IDENTICAL, Verdict.ELSEWHERE)


def test_other_pixels_elsewhere_are_elsewhere_and_here_a_bug(worker: WorkerProcess) -> None:
    drawn = worker.draw(tiny_recipe())
    other = replace(worker.draw(tiny_recipe(seed=5)), recipe=drawn.recipe)
    assert compare(drawn, other).verdict is Verdict.DIVERGED
    moved = replace(other, environment=replace(other.environment, torch="2.14.0", driver="600"))
    comparison = compare(drawn, moved)
    assert comparison.verdict is Verdict.ELSEWHERE
    assert comparison.differences == (
        "driver:  then, 600 here",
        f"torch: {drawn.environment.torch} then, 2.14.0 here",
    )


def test_a_changed_file_is_refused_by_name_with_both_digests(
    another: WorkerProcess, copy: Path
) -> None:
    recipe = tiny_recipe(checkpoint=another.model("mine").weights)
    drawn = another.draw(recipe)  # loaded, and still refused after the change
    unet = copy / "unet" / "diffusion_pytorch_model.safetensors"
    sound = unet.read_bytes()
    unet.write_bytes(sound[:-1] + bytes([sound[-1] ^ 1]))
    with pytest.raises(WeightsChanged) as refusal:
        another.draw(recipe)
    assert refusal.value.name == "mine"
    assert refusal.value.recorded == recipe.checkpoint.sha256
    assert refusal.value.found not in ("", recipe.checkpoint.sha256)
    unet.write_bytes(sound)
    assert same(drawn, another.draw(recipe))


def test_weights_that_are_not_here_are_named(worker: WorkerProcess) -> None:
    gone = Weights(name="x", sha256=Sha256("0" * 64))
    with pytest.raises(MissingWeights) as refusal:
        worker.draw(tiny_recipe(checkpoint=gone))
    assert (refusal.value.name, refusal.value.sha256) == ("x", "0" * 64)


def test_a_recipe_that_cannot_be_exact_is_refused(worker: WorkerProcess) -> None:
    with pytest.raises(OutOfRange, match="width"):
        worker.draw(tiny_recipe(width=68))
    with pytest.raises(OutOfRange, match="clip_skip"):
        worker.draw(tiny_recipe(clip_skip=9))
