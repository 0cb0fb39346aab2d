"""Which of ComfyUI's templates are drawn is judged by every node, file and parameter of theirs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from generation.trials.templates.__main__ import main
from generation.trials.templates.judging import judged
from generation.trials.templates.truth import Template, local

TRUTH = Path(__file__).parents[2] / "shared" / "research" / "comfyui" / "templates.json"
# How many are drawn today, and of their usage a little less.
DRAWN = {"image": (76, 0.92), "video": (22, 0.37), "audio": (9, 0.65)}

SDXL: dict[str, Any] = {
    "name": "sdxl_simple",
    "medium": "image",
    "runs": "local",
    "family": "SDXL",
    "task": "t2i",
    "usage": 412,
    "files": [{"file": "sd_xl_base_1.0.safetensors", "loader": "CheckpointLoaderSimple"}],
    "samplers": [
        {
            "node": "KSampler",
            "steps": 25,
            "cfg": 7,
            "sampler_name": "dpmpp_2m",
            "scheduler": "karras",
            "denoise": 1,
            "size": [1024, 1024],
        }
    ],
    "nodes": {"KSampler": 1, "CheckpointLoaderSimple": 1, "CLIPTextEncode": 2, "VAEDecode": 1},
}


def template(tmp_path: Path, **changed: Any) -> Template:
    path = tmp_path / "templates.json"
    path.write_text(json.dumps([{**SDXL, **changed}]))
    (found,) = local(path)
    return found


def test_a_template_becomes_a_recipe_that_says_the_same(tmp_path: Path) -> None:
    found = judged(template(tmp_path))
    assert found.drawn
    assert found.recipe is not None
    assert found.recipe.sampling is not None
    sampling = found.recipe.sampling
    assert (sampling.steps, sampling.cfg, sampling.sampler, sampling.scheduler) == (
        *(25, 7.0, "dpmpp_2m", "karras"),
    )
    assert found.recipe.checkpoint.name == "sd_xl_base_1.0"


@pytest.mark.parametrize(
    ("changed", "lacks"),
    [
        ({"family": "Mage-Flow", "files": []}, "the family Mage-Flow"),
        ({"nodes": {"KSampler": 1, "SomethingNew": 1}}, "the node SomethingNew"),
        ({"nodes": {"unCLIPConditioning": 1}}, "ReVision's unCLIP"),
        ({"task": "edit", "family": "SD3.5"}, "edit with Stable Diffusion 3"),
        (
            {"samplers": [{**SDXL["samplers"][0], "cfg": n} for n in (1, 2)]},
            "several passes of sampling",
        ),
        ({"samplers": [{**SDXL["samplers"][0], "sampler_name": "new"}]}, "refused: "),
    ],
)
def test_what_a_template_lacks_is_named(
    changed: dict[str, Any], lacks: str, tmp_path: Path
) -> None:
    found = judged(template(tmp_path, **changed))
    assert not found.drawn
    assert any(reason.startswith(lacks) for reason in found.lacks), found.lacks


def test_levels_that_are_written_by_hand_are_the_recipes(tmp_path: Path) -> None:
    sampler = {"node": "SamplerCustom", "sampler_name": "euler", "sigmas": "14.6, 3.0, 1.0, 0"}
    found = judged(template(tmp_path, samplers=[{**sampler, "cfg": 1.0}]))
    assert found.drawn, found.lacks
    assert found.recipe is not None
    assert found.recipe.sampling is not None
    assert found.recipe.sampling.sigmas == (14.6, 3.0, 1.0, 0.0)


@pytest.mark.skipif(
    not TRUTH.exists(), reason="what ComfyUI's templates say is not beside the tree"
)
@pytest.mark.parametrize("medium", DRAWN)
def test_most_of_what_people_open_is_drawn(medium: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = [judged(one) for one in local(TRUTH, medium)]
    drawn = [one for one in found if one.drawn]
    usage = sum(one.template.usage for one in found)
    count, share = DRAWN[medium]
    assert len(drawn) >= count
    assert sum(one.template.usage for one in drawn) / usage >= share
    assert main([str(TRUTH), "--markdown", "--medium", medium]) == 0
    assert f"{len(drawn)} of {len(found)} templates" in capsys.readouterr().out
