"""Closing the gaps of a draft, once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from generation.draft import Draft, complete, sections, usual_of
from generation.errors import NoSuchName, OutOfRange, WrongFamily
from generation.families.family import FAMILIES
from generation.layers import filled
from generation.parameters import PROMPT
from generation.recipe import Adapter, Input, Precision, Weights, needed
from generation.tasks import Needs, Task
from generation.texts import clean_text
from tests.given.builders import (
    COMING,
    a_digest,
    a_draft,
    a_model,
    a_model_for,
    brought,
    first_of,
    needed_by,
)

INIT = Input(role="init", sha256=a_digest("b"), fit="cover")


def test_gaps_are_closed_with_what_is_usual_for_the_family() -> None:
    for family in FAMILIES.values():
        model = a_model(family=family.name)
        draft = a_draft(prompt="a cat", task=first_of(family), inputs=needed_by(family))
        recipe = complete(draft, model, seed=5, device="cpu")
        if family.sized:
            canvas = needed(recipe.canvas)
            assert (canvas.width, canvas.height) == (family.width, family.height)
        else:
            assert recipe.canvas is None
        sampling = needed(recipe.sampling)
        assert sampling.cfg == family.cfg
        # Whoever writes token after token takes as many steps as there are seconds.
        assert sampling.steps == family.steps or recipe.dice is not None
        assert (needed(recipe.sampling).sampler, needed(recipe.sampling).scheduler) == (
            family.sampler,
            family.scheduler,
        )
        assert recipe.seed == 5


def test_the_shift_of_a_flow_is_in_the_levels_of_its_recipe() -> None:
    draft = a_draft(prompt="a cat", steps=4, scheduler="simple")
    shifted = complete(draft, a_model(family="sd3"), seed=1, device="")
    assert needed(shifted.sampling).sigmas == (1.0, 0.9, 0.75, 0.5, 0.0)
    model = replace(a_model(family="sd3"), levels="flow:1.0")
    even = complete(draft, model, seed=1, device="")
    assert needed(even.sampling).sigmas == (1.0, 0.75, 0.5, 0.25, 0.0)


def test_the_same_draft_makes_the_same_recipe() -> None:
    draft = a_draft(prompt="a cat", steps=9)
    assert complete(draft, a_model(), seed=5, device="cpu") == complete(
        draft, a_model(), seed=5, device="cpu"
    )


def test_an_input_makes_it_image_to_image_and_shortens_the_schedule_at_its_noisy_end() -> None:
    words = a_draft(prompt="a cat", steps=10, sampler="euler", scheduler="normal")
    plain = complete(words, a_model(), seed=1, device="cpu")
    image = complete(
        a_draft(
            prompt="a cat",
            steps=10,
            sampler="euler",
            scheduler="normal",
            inputs=(INIT,),
            denoise=0.5,
        ),
        a_model(),
        seed=1,
        device="cpu",
    )
    assert image.task is Task.IMAGE_TO_IMAGE
    # ComfyUI's rule: the steps asked for are made, on the last part of a longer schedule.
    assert len(needed(image.sampling).sigmas) == len(needed(plain.sampling).sigmas) == 11
    assert needed(image.sampling).sigmas[0] < needed(plain.sampling).sigmas[0] / 2


@pytest.mark.parametrize("task", [task for task in Task if task not in COMING])
def test_a_draft_that_names_its_task_has_the_inputs_of_it(task: Task) -> None:
    draft = a_draft(prompt="a cat", task=task, **brought(task))
    recipe = complete(draft, a_model_for(task), seed=1, device="cpu")
    assert recipe.task is task
    if draft.inputs and not task.needs.roles:
        return  # it may be made of none
    others = () if draft.inputs else (INIT,)
    with pytest.raises(OutOfRange) as refused:
        complete(replace(draft, inputs=others), a_model_for(task), seed=1, device="cpu")
    assert refused.value.what == "inputs"


def test_a_draft_gives_a_task_the_sections_that_it_needs() -> None:
    model = a_model()
    draft = filled(Draft, [(1, a_draft(prompt="a")), (2, usual_of(model))]).value
    words, canvas, sampling = sections(draft, Needs(sections=("canvas",), roles=("init",)), model)
    assert (words, sampling) == (None, None)
    assert canvas == complete(draft, model, seed=1, device="cpu").canvas


def test_denoise_means_nothing_without_an_input() -> None:
    recipe = complete(a_draft(prompt="a", denoise=0.3), a_model(), seed=1, device="cpu")
    assert needed(recipe.sampling).denoise == 1.0


def test_an_adapter_of_another_family_is_refused_with_both_named() -> None:
    ink = Adapter(
        kind="lora", weights=Weights(name="ink", sha256=a_digest("c")), strength=0.8, control=None
    )
    draft, model = a_draft(prompt="a", adapters=(ink,)), a_model(family="sd15")

    def completed(family: str | None) -> object:
        families = {ink.weights.sha256: family} if family else {}
        return complete(draft, model, seed=1, device="cpu", families=families)

    assert completed("sd15") == completed(None)
    with pytest.raises(WrongFamily, match=r"ink.*Stable Diffusion XL.*Stable Diffusion 1"):
        completed("sdxl")


def test_what_is_made_for_2_fits_both_of_it_and_no_other() -> None:
    ink = Adapter(
        kind="lora", weights=Weights(name="ink", sha256=a_digest("c")), strength=0.8, control=None
    )
    draft, made = a_draft(prompt="a", adapters=(ink,)), {ink.weights.sha256: "sd2"}
    for family in ("sd2", "sd2-768"):
        model = a_model(family=family)
        assert complete(draft, model, seed=1, device="cpu", families=made).adapters == (ink,)
    with pytest.raises(WrongFamily, match=r"ink.*2\.x.*Stable Diffusion 1"):
        complete(draft, a_model(family="sd15"), seed=1, device="cpu", families=made)


def test_the_device_decides_the_usual_precision() -> None:
    model = a_model(family="sd15")
    assert complete(a_draft(prompt="a"), model, seed=1, device="cuda").precision is Precision.FP16
    assert complete(a_draft(prompt="a"), model, seed=1, device="cpu").precision is Precision.FP32


@pytest.mark.parametrize(
    "draft",
    [
        a_draft(prompt=""),
        a_draft(prompt=" \n"),
        a_draft(prompt="a" * (PROMPT.longest + 1)),
        a_draft(prompt="a", negative_prompt="a" * (PROMPT.longest + 1)),
        a_draft(prompt="a", width=130),
        a_draft(prompt="a", width=8),
        a_draft(prompt="a", width=-64),
        a_draft(prompt="a", width=10_000, height=10_000),
        a_draft(prompt="a", steps=0),
        a_draft(prompt="a", steps=-3),
        a_draft(prompt="a", cfg=float("nan")),
        a_draft(prompt="a", inputs=(INIT,), denoise=float("nan")),
        a_draft(prompt="a", inputs=(INIT,), denoise=0.0),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_the_reason(draft: Draft) -> None:
    with pytest.raises(OutOfRange) as caught:
        complete(draft, a_model(), seed=1, device="cpu")
    assert caught.value.what
    assert caught.value.allowed


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(NoSuchName) as caught:
        complete(a_draft(prompt="a", sampler="eulr"), a_model(), seed=1, device="cpu")
    assert "euler" in caught.value.nearest


def test_text_is_freed_of_what_cannot_be_seen() -> None:
    assert clean_text("prompt", " a\tred\x00\u202e cat\n") == "a red cat"
    assert clean_text("prompt", "猫 👩\u200d🚀") == "猫 👩\u200d🚀"
