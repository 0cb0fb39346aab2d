"""Whether a picture is guided is one question with one answer, for the worker and for the queue."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from generation.families.architecture import Stage
from generation.queue.costs import CostModel
from generation.recipe import needed
from generation.worker.render import render
from tests.given import loaded, tinymodels
from tests.given.builders import changed

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize(("architecture", "denoiser"), [("sd1", "unet"), ("sd3", "transformer")])
@pytest.mark.parametrize(("cfg", "lanes"), [(0.0, 2), (0.5, 2), (1.0, 1), (1.5, 2), (7.0, 2)])
def test_the_queue_charges_the_lanes_that_the_worker_runs(
    architecture: str, denoiser: str, cfg: float, lanes: int
) -> None:
    recipe = changed(loaded.recipe_of(architecture), cfg=cfg)
    model = loaded.model(architecture)
    run: list[int] = []

    def count(_: object, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        run.append((given[0] if given else named["hidden_states"]).shape[0])

    hook = model.parts[denoiser].register_forward_pre_hook(count, with_kwargs=True)
    try:
        render(recipe, (), model, on_step=lambda *_: None)
    finally:
        hook.remove()
    assert set(run) == {lanes}
    plain = changed(recipe, cfg=1.0)
    assert CostModel().predict(recipe) == pytest.approx(lanes * CostModel().predict(plain))
    room, alone = (
        model.engine.activation_bytes(r, model.parts.configs, 4, Stage.DENOISE)
        for r in (recipe, plain)
    )
    assert room == lanes * alone
    assert needed(recipe.sampling).guided == (lanes == 2)


@pytest.mark.parametrize("architecture", tinymodels.BUILDS)
def test_every_engine_says_what_its_network_says_without_guidance_for_cfg_plus_plus(
    architecture: str,
) -> None:
    """The negative prompt counts even at cfg 1."""
    base = changed(loaded.recipe_of(architecture), prompt="a red cat")
    recipe = changed(base, cfg=1.0, sampler="euler_cfg_pp")
    assert needed(recipe.sampling).lanes == 2
    drawn = [
        render(
            changed(recipe, negative_prompt=negative),
            (),
            loaded.model(architecture),
            on_step=lambda *_: None,
        ).latents_sha256
        for negative in ("", "dog")
    ]
    assert drawn[0] != drawn[1]


def test_the_formula_stands_once() -> None:
    """At cfg 0.5 the worker ran two lanes while the queue had been told one."""
    found = [
        file.relative_to(ROOT).as_posix()
        for package in ("bot", "generation", "prompting", "storage")
        for file in sorted((ROOT / package).rglob("*.py"))
        if re.search(r"\bcfg\s*(==|!=|<=?|>=?)\s*1", file.read_text("utf-8"))
    ]
    assert found == ["generation/recipe.py"]
