"""A workflow of ComfyUI's editor becomes the prompt that the editor would send to its server."""

from __future__ import annotations

import json
from typing import Any

import pytest

from generation.interchange.comfy.dynamic import settled
from generation.interchange.comfy.flattening import flattened
from generation.interchange.comfy.graph import GraphLink, of_prompt, prompt_of
from generation.interchange.comfy.reading import read
from generation.interchange.comfy.workflow import workflow
from generation.interchange.imported import Imported, Why
from generation.tasks import Task
from tests.given.comfy_graphs import (
    DENIED,
    INPUT,
    WORDS,
    GraphDrawing,
    a_subgraph,
    loaded,
    saved,
    text_to_image,
)


def imported(graph: GraphDrawing, *subgraphs: GraphDrawing, **more: Any) -> Imported:
    found = read({"workflow": json.dumps(graph.said(*subgraphs, **more))})
    assert found is not None
    return found


def the_usual(found: Imported) -> None:
    draft = found.draft
    assert (draft.words.prompt, draft.words.negative_prompt) == (WORDS, DENIED)
    assert (draft.canvas.width, draft.canvas.height) == (1216, 832)
    sampling = draft.sampling
    assert (sampling.sampler, sampling.scheduler) == ("dpmpp_2m", "karras")
    assert (sampling.steps, sampling.cfg) == (25, 7.0)
    assert (found.seed, found.task) == (721897303308196, Task.TEXT_TO_IMAGE)
    assert found.files[0].name == "sd_xl_base_1.0"


def test_a_workflow_and_the_prompt_that_is_made_of_it_say_the_same() -> None:
    graph = GraphDrawing()
    text_to_image(graph)
    found = imported(graph)
    the_usual(found)
    assert found.lost == ()
    assert found.files[0].address == "https://example.com/sd_xl_base_1.0.safetensors"
    made = flattened(workflow(graph.said()))
    assert made.nodes["5"].inputs["seed"] == 721897303308196
    assert "randomize" not in made.nodes["5"].inputs.values()
    sent = json.dumps(prompt_of(made))
    the_usual(read({"prompt": sent}))  # type: ignore[arg-type]
    assert of_prompt(json.loads(sent)).nodes == {
        name: node
        if node.title
        else type(node)(id=node.id, type=node.type, inputs=node.inputs, title=node.type)
        for name, node in made.nodes.items()
    }
    both = read({"prompt": sent, "workflow": json.dumps(graph.said())})
    assert both is not None
    assert both.files == found.files  # the prompt knows no addresses


def test_what_is_muted_is_out_and_what_is_bypassed_passes_on() -> None:
    graph = GraphDrawing()
    model = loaded(graph)
    ink = graph.add(
        "LoraLoaderModelOnly", ["ink.safetensors", 0.8], model=(model, 0), gives=["MODEL"], mode=4
    )
    gold = graph.add(
        "LoraLoaderModelOnly", ["gold.safetensors", 0.5], model=(ink, 0), gives=["MODEL"]
    )
    text_to_image(graph, model=(gold, 0))
    graph.add("LoraLoaderModelOnly", ["mute.safetensors", 1], model=(model, 0), mode=2)
    found = imported(graph)
    the_usual(found)
    loras = [(file.name, file.strength) for file in found.files if file.kind == "lora"]
    assert loras == [("gold", 0.5)]


def test_a_bypassed_node_passes_on_the_input_at_the_same_place_of_the_same_kind() -> None:
    graph = GraphDrawing()
    model = loaded(graph)
    words = graph.add("CLIPTextEncode", [WORDS], clip=(model, 1), gives=["CONDITIONING"])
    denied = graph.add("CLIPTextEncode", [DENIED], clip=(model, 1), gives=["CONDITIONING"])
    both = graph.add(
        "ControlNetApplyAdvanced",
        [1, 0, 1],
        positive=(words, 0),
        negative=(denied, 0),
        gives=["CONDITIONING", "CONDITIONING"],
        mode=4,
    )
    text_to_image(graph, positive=(both, 0), negative=(both, 1))
    the_usual(imported(graph))


def test_reroutes_primitives_and_set_and_get_are_no_nodes() -> None:
    graph = GraphDrawing()
    model = loaded(graph)
    steps = graph.add("PrimitiveNode", [25, "fixed"])
    over = graph.add("Reroute", image=(model, 0))
    set_to = graph.add("SetNode", ["the model"], model=(over, 0))
    got = graph.add("GetNode", ["the model"])
    sampler = text_to_image(graph, model=(got, 0), widgets={"steps": (steps, 0)})
    graph.nodes[sampler - 1]["widgets_values"][2] = 99  # what stood there before
    the_usual(imported(graph))
    kinds = {node.type for node in flattened(workflow(graph.said())).nodes.values()}
    assert not kinds & {"PrimitiveNode", "Reroute", "SetNode", "GetNode"}
    assert set_to


def test_links_in_a_circle_begin_nowhere() -> None:
    graph = GraphDrawing()
    graph.add("Reroute", image=(2, 0))
    graph.add("Reroute", image=(1, 0))
    text_to_image(graph, model=(1, 0))
    assert imported(graph).draft.sampling.steps == 25


@pytest.mark.parametrize("form", ["by input", "by list", "by name", "inside", "linked"])
def test_widgets_of_a_subgraph_count_as_they_are_promoted(form: str) -> None:
    graph = GraphDrawing()
    model = loaded(graph)
    held = graph.add("PrimitiveStringMultiline", [WORDS])
    user: dict[str, Any] = {"clip": (model, 1), "gives": ["CONDITIONING"]}
    inner = a_subgraph()
    match form:
        case "by input":
            user["values"] = [WORDS]
        case "by list":
            user |= {"values": [WORDS], "promoted": [("-1", "text")]}
        case "by name":
            user["values"] = {"text": WORDS}
        case "inside":
            user["promoted"] = [("1", "text")]
            inner.nodes[0]["widgets_values"] = [WORDS]
        case _:
            user |= {"values": ["stale"], "widgets": {"text": (held, 0)}}
    words = graph.add("words", **user)
    text_to_image(graph, positive=(words, 0))
    found = imported(graph, inner)
    the_usual(found)
    assert f"{words}:1" in flattened(workflow(graph.said(inner))).nodes


def test_subgraphs_within_subgraphs_are_unfolded_and_their_ids_are_paths() -> None:
    outer = GraphDrawing("outer", inputs=["clip"], outputs=["CONDITIONING"])
    used = outer.add("words", [WORDS], clip=(INPUT, 0), gives=["CONDITIONING"])
    outer.ends(0, (used, 0))
    graph = GraphDrawing()
    model = loaded(graph)
    words = graph.add("outer", clip=(model, 1), gives=["CONDITIONING"])
    text_to_image(graph, positive=(words, 0))
    made = flattened(workflow(graph.said(a_subgraph(), outer)))
    assert made.nodes["2:1:1"].inputs == {"text": WORDS, "clip": GraphLink("1", 1)}
    the_usual(imported(graph, a_subgraph(), outer))


def test_a_muted_subgraph_is_out_with_all_that_is_in_it() -> None:
    graph = GraphDrawing()
    model = loaded(graph)
    graph.add("words", ["muted"], clip=(model, 1), gives=["CONDITIONING"], mode=2)
    text_to_image(graph)
    made = flattened(workflow(graph.said(a_subgraph())))
    assert not any(":" in name for name in made.nodes)


def test_switches_stand_as_they_stand() -> None:
    graph = GraphDrawing()
    model = loaded(graph)
    turbo = graph.add(
        "LoraLoaderModelOnly", ["turbo.safetensors", 1], model=(model, 0), gives=["MODEL"]
    )
    on = graph.add("PrimitiveBoolean", [False])
    few, many = graph.add("PrimitiveInt", [4, "fixed"]), graph.add("PrimitiveInt", [25, "fixed"])
    chosen = graph.add(
        "ComfySwitchNode",
        [True],
        on_false=(model, 0),
        on_true=(turbo, 0),
        widgets={"switch": (on, 0)},
    )
    steps = graph.add(
        "ComfySwitchNode", [True], on_false=(many, 0), on_true=(few, 0), widgets={"switch": (on, 0)}
    )
    text_to_image(graph, model=(chosen, 0), widgets={"steps": (steps, 0)})
    found = imported(graph)
    the_usual(found)
    turbo_file = next(file for file in found.files if file.name == "turbo")
    assert turbo_file.idle
    graph.nodes[on - 1]["widgets_values"] = [True]
    found = imported(graph)
    assert found.draft.sampling.steps == 4
    assert not any(file.idle for file in found.files)


def test_numbers_come_through_formulas_and_sizes_through_shapes() -> None:
    graph = GraphDrawing()
    model = loaded(graph)
    shape = graph.add("ResolutionSelector", ["16:9 (Widescreen)", 1, 8], gives=["INT", "INT"])
    wide = graph.add(
        "ComfyMathExpression",
        ["max(((a + 15) // 16) * 16, 256) if a > 0 else 512"],
        gives=["FLOAT", "INT"],
        widgets={"values.a": (shape, 0)},
    )
    empty = graph.add(
        "EmptyLatentImage",
        [512, 512, 1],
        widgets={"width": (wide, 1), "height": (shape, 1)},
        gives=["LATENT"],
    )
    text_to_image(graph, latent_image=(empty, 0))
    canvas = imported(graph).draft.canvas
    assert (canvas.width, canvas.height) == (1376, 768)
    assert model == 1


def test_choices_in_prompts_are_made_and_told() -> None:
    graph = GraphDrawing()
    model = loaded(graph)
    said = "a {red|{blue|green}} cat /* not\nthis */ on \\{a mat\\} // nor this"
    words = graph.add("CLIPTextEncode", [said], clip=(model, 1), gives=["CONDITIONING"])
    text_to_image(graph, positive=(words, 0))
    found = imported(graph)
    assert found.draft.words.prompt == "a red cat  on {a mat}"
    (loss,) = found.lost
    assert (loss.what, loss.why) == ("prompt", Why.OTHERWISE)
    assert settled("{one}") == ("one", False)
    scene = '{"scene": "a | b", "see": "https://example.com"}'
    assert settled(scene) == (scene, False)
    assert settled("{" * 30_000 + "a")[1] is False


def test_values_that_are_no_numbers_and_values_by_name_are_read() -> None:
    graph = GraphDrawing()
    sampler = text_to_image(graph)
    graph.nodes[sampler - 1]["widgets_values"] = {
        "seed": 721897303308196,
        "steps": 25,
        "cfg": 7,
        "sampler_name": "dpmpp_2m",
        "scheduler": "karras",
        "denoise": float("nan"),
    }
    text = json.dumps(graph.said())
    assert "NaN" in text
    found = read({"workflow": text})
    assert found is not None
    the_usual(found)


def test_nodes_that_the_table_does_not_know_are_read_by_their_sockets() -> None:
    graph = GraphDrawing()
    model = loaded(graph)
    empty = graph.add(
        "SomebodysLatent",
        [1216, 832],
        widgets={"width": None, "height": None},
        gives=["LATENT"],
    )
    text_to_image(graph, latent_image=(empty, 0))
    found = imported(graph)
    the_usual(found)
    assert [(loss.what, loss.why) for loss in found.lost] == [("SomebodysLatent", Why.UNKNOWN)]
    assert model


def test_links_that_an_extension_draws_everywhere_count() -> None:
    graph = GraphDrawing()
    model = loaded(graph)
    sampler = text_to_image(graph, model=None)
    said = {"downstream": sampler, "downstream_slot": 0, "upstream": model, "upstream_slot": 0}
    made = flattened(workflow(graph.said(extra={"ue_links": [said]})))
    assert made.nodes[str(sampler)].inputs["model"] == GraphLink(str(model), 0)


def test_an_address_may_stand_in_a_note() -> None:
    graph = GraphDrawing()
    note = "See [it](https://huggingface.co/me/x/blob/main/sd_xl_base_1.0.safetensors)."
    graph.add("MarkdownNote", [note])
    text_to_image(graph)
    for node in graph.nodes:
        node["properties"]["models"] = []
    assert imported(graph).files[0].address == (
        "https://huggingface.co/me/x/resolve/main/sd_xl_base_1.0.safetensors"
    )


def test_two_pictures_of_one_graph_are_one_pass_and_one_that_is_told() -> None:
    graph = GraphDrawing()
    first = text_to_image(graph)
    larger = graph.add("LatentUpscaleBy", ["bislerp", 1.5], samples=(first, 0), gives=["LATENT"])
    words = 2
    second = graph.add(
        "KSampler",
        [1, "fixed", 12, 5, "euler", "normal", 0.4],
        model=(1, 0),
        positive=(words, 0),
        negative=(3, 0),
        latent_image=(larger, 0),
        gives=["LATENT"],
    )
    saved(graph, (second, 0), 1)
    found = imported(graph)
    the_usual(found)
    told = next(loss for loss in found.lost if loss.what == "another pass")
    assert told.why is Why.A_STEP_OF_ITS_OWN
    assert "steps 12, cfg 5" in told.found
