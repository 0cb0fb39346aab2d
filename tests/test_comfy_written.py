"""Recipes as ComfyUI's workflows: golden files by family, and what is said to be drawn otherwise.

`python -m tests.given.comfy_recipes` writes the golden files anew; look at what changed.
"""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from generation.draft import Checkpoint, complete
from generation.families.family import family
from generation.interchange import reading
from generation.interchange.comfy.otherwise import Otherwise
from generation.interchange.comfy.reading import graph_of
from generation.interchange.comfy.ui_form import OUTPUTS, workflow
from generation.interchange.comfy.written import NoWorkflow, api_prompt
from generation.recipe import Input, Sha256, needed
from generation.tasks import Task
from tests.given.comfy_recipes import GOLDEN, RECIPES, a_recipe_of


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_written_as_it_always_was(name: str) -> None:
    written = api_prompt(RECIPES[name])
    golden = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
    assert json.loads(json.dumps(written.nodes)) == golden["prompt"]
    assert [each.name for each in written.otherwise] == golden["otherwise"]


@pytest.mark.parametrize("name", RECIPES)
def test_the_canvas_holds_every_node_and_every_wire(name: str) -> None:
    prompt = api_prompt(RECIPES[name]).nodes
    drawn = workflow(prompt)
    assert [node["type"] for node in drawn["nodes"]] == [n["class_type"] for n in prompt.values()]
    for number, source, slot, target, at, kind in drawn["links"]:
        said = {node["id"]: node for node in drawn["nodes"]}
        socket = said[target]["inputs"][at]
        assert socket["link"] == number
        assert socket["type"] == kind == OUTPUTS[said[source]["type"]][slot]
        assert prompt[str(target)]["inputs"][socket["name"]] == [str(source), slot]  # type: ignore[index]


def test_the_canvas_is_read_back_as_the_prompt() -> None:
    for name, recipe in RECIPES.items():
        prompt = json.loads(json.dumps(api_prompt(recipe).nodes))
        again = graph_of(None, json.loads(json.dumps(workflow(prompt))))
        assert {n: node.type for n, node in again.nodes.items()} == {
            n: node["class_type"] for n, node in prompt.items()
        }, name
        for number, node in again.nodes.items():
            said = {k: v for k, v in prompt[number]["inputs"].items() if not isinstance(v, list)}
            assert {k: node.inputs[k] for k in said} == said


@pytest.mark.parametrize("form", ["api", "canvas"])
@pytest.mark.parametrize("name", RECIPES)
def test_what_is_read_back_draws_with_the_same_levels(name: str, form: str) -> None:
    recipe = RECIPES[name]
    words, sampling = needed(recipe.words), needed(recipe.sampling)
    prompt = api_prompt(recipe).nodes
    texts = {"prompt": prompt} if form == "api" else {"workflow": workflow(prompt)}
    read = reading.read({key: json.dumps(value) for key, value in texts.items()})
    assert (read.seed, read.draft.words.prompt) == (recipe.seed, words.prompt)
    assert read.draft.words.negative_prompt == (words.negative_prompt if sampling.cfg != 1 else "")
    assert (read.draft.words.clip_skip or words.clip_skip) == words.clip_skip
    again = complete(
        read.draft,
        Checkpoint(weights=recipe.checkpoint, family=family(recipe.family)),
        seed=needed(read.seed),
        device="cuda",
    )
    found = needed(again.sampling)
    assert again.canvas == recipe.canvas
    assert (found.sampler, found.cfg, found.guidance) == (
        sampling.sampler,
        sampling.cfg,
        sampling.guidance,
    )
    if sampling.noise is None:  # else the model's file or card says it, and no workflow
        assert found.sigmas == pytest.approx(sampling.sigmas, rel=1e-4)
    wanted = {(file.kind, file.name) for file in read.files}
    assert {("lora", a.weights.name) for a in recipe.adapters} <= wanted


def test_no_two_nodes_lie_on_each_other() -> None:
    for name in RECIPES:
        nodes = workflow(api_prompt(RECIPES[name]).nodes)["nodes"]
        boxes = [(*node["pos"], *node["size"]) for node in nodes]
        for n, (x, y, w, h) in enumerate(boxes):
            for u, v, wide, high in boxes[n + 1 :]:
                assert x + w <= u or u + wide <= x or y + h <= v or v + high <= y


def test_only_what_draws_its_own_noise_is_said_to_draw_another_picture() -> None:
    assert api_prompt(RECIPES["sd15"]).otherwise == ()
    ancestral = a_recipe_of("sd15", sampler="euler_ancestral")
    assert api_prompt(ancestral).otherwise == (Otherwise.STEP_NOISE,)
    weighted = a_recipe_of("sd15", prompt="a (red:1.3) cat")
    assert api_prompt(weighted).otherwise == (Otherwise.WEIGHTS,)


def test_levels_that_no_name_gives_are_written_down() -> None:
    nodes = api_prompt(RECIPES["sd15-by-hand"]).nodes
    (levels,) = (n["inputs"] for n in nodes.values() if n["class_type"] == "ManualSigmas")
    assert levels == {"sigmas": "14.6, 5, 1, 0"}


def test_a_text_whose_brackets_are_letters_keeps_them() -> None:
    nodes = api_prompt(a_recipe_of("sd15", prompt="a cat :) (red)", syntax="plain")).nodes
    texts = [n["inputs"]["text"] for n in nodes.values() if n["class_type"] == "CLIPTextEncode"]  # type: ignore[index]
    assert texts[0] == "a cat :\\) \\(red\\)"


def test_what_comfyui_has_no_workflow_for_is_refused_by_name() -> None:
    with pytest.raises(NoWorkflow, match="Qwen"):
        api_prompt(a_recipe_of("qwen-image"))
    picture = Input(role="reference", sha256=Sha256("ab" * 32), fit="as-it-is")
    with pytest.raises(NoWorkflow, match="edit"):
        api_prompt(replace(RECIPES["flux1-dev"], task=Task.EDIT, inputs=(picture,)))
