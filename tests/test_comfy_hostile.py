"""Graphs made to blow up whoever reads them are read in bounded time, or not read."""

from __future__ import annotations

import contextlib
import gc
import json
import random
import time
from collections.abc import Callable
from typing import Any

import pytest

from generation.interchange.comfy.arithmetic import reckoned
from generation.interchange.comfy.graph import MAX_NODES
from generation.interchange.comfy.reading import read
from generation.interchange.imported import NotRead
from tests.given.comfy_graphs import (
    CUSTOM,
    INPUT,
    USUAL,
    GraphDrawing,
    a_subgraph,
    loaded,
    prompt,
    text_to_image,
)


def cost(texts: dict[str, str]) -> float:
    """Processor time of reading them, without that of looking for what others left behind."""
    gc.disable()
    try:
        began = time.process_time()
        with contextlib.suppress(NotRead):
            read(texts)
        return time.process_time() - began
    finally:
        gc.enable()


def linear(texts: Callable[[int], dict[str, str]], length: int) -> bool:
    """Whether four times the length is four times as dear, and not sixteen: or nothing at all."""
    few, many = (min(cost(texts(n)) for _ in range(2)) for n in (length // 4, length))
    return many < 9 * few + 0.05


def a_chain(kind: str, name: str, length: int) -> dict[str, Any]:
    return {
        str(n): {"class_type": kind, "inputs": {name: [str((n + 1) % length), 0]}}
        for n in range(length)
    }


def sampled(nodes: dict[str, Any]) -> str:
    sampler = {"steps": ["0", 0], "sampler_name": "euler", "seed": 1, "cfg": 1}
    links = {name: ["0", 0] for name in ("model", "positive", "negative", "latent_image")}
    nodes["end"] = {"class_type": "KSampler", "inputs": sampler | links}
    nodes["save"] = {"class_type": "SaveImage", "inputs": {"images": ["end", 0]}}
    return json.dumps(nodes)


LONG = 10_000


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("LoraLoaderModelOnly", "model"),
        ("Reroute", ""),
        ("FluxGuidance", "conditioning"),
        ("LatentUpscale", "samples"),
        ("ComfySwitchNode", "on_false"),
        ("StringConcatenate", "string_a"),
        ("KSampler", "latent_image"),
        ("ControlNetApply", "control_net"),
        ("CLIPTextEncode", "text"),
        ("PreviewImage", "images"),
    ],
)
def test_a_circle_of_thousands_is_gone_round_once(kind: str, name: str) -> None:
    assert linear(lambda n: {"prompt": sampled(a_chain(kind, name, n))}, LONG)


def test_countless_nodes_are_not_read() -> None:
    many = {str(n): {"class_type": "X", "inputs": {}} for n in range(MAX_NODES + 1)}
    with pytest.raises(NotRead, match="nodes"):
        read({"prompt": json.dumps(many)})


def test_subgraphs_that_double_are_not_unfolded_without_end() -> None:
    inner = []
    for n in range(30):
        one = GraphDrawing(f"g{n}")
        one.add(f"g{n + 1}")
        one.add(f"g{n + 1}")
        inner.append(one)
    graph = GraphDrawing()
    graph.add("g0")
    with pytest.raises(NotRead, match="nodes"):
        read({"workflow": json.dumps(graph.said(*inner))})


def test_a_subgraph_within_itself_is_used_once() -> None:
    inner = GraphDrawing("me", inputs=["x"], outputs=["y"])
    again = inner.add("me", model=(INPUT, 0), gives=["MODEL"])
    inner.ends(0, (again, 0))
    graph = GraphDrawing()
    model = loaded(graph)
    used = graph.add("me", model=(model, 0), gives=["MODEL"])
    text_to_image(graph, model=(used, 0))
    found = read({"workflow": json.dumps(graph.said(inner))})
    assert found is not None
    assert found.draft.sampling.steps == 25


def test_a_long_line_of_reroutes_is_followed_once_however_many_ask() -> None:
    def asked(length: int) -> dict[str, str]:
        graph = GraphDrawing()
        loaded(graph)
        for n in range(1, length):
            graph.add("Reroute", model=(n, 0))
        for _ in range(length):
            graph.add("LoraLoaderModelOnly", model=(length, 0))
        return {"workflow": json.dumps(graph.said())}

    assert linear(asked, LONG)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"a":' * 100_000,
        '{"1": {"class_type": "X", "inputs": ' + "[" * 2_000 + "]" * 2_000 + "}}",
        '{"nodes": 5, "links": {}}',
        '{"nodes": [1, null, [], {"id": {}, "type": 3}], "links": [[1], {"id": []}]}',
        '{"1": {"class_type": ["KSampler"], "inputs": 7}}',
        '{"1": {"class_type": "KSampler", "inputs": {"seed": 1e400, "steps": NaN}}}',
        '{"1": {"class_type": "KSampler", "inputs": {"seed": ' + "9" * 5_000 + "}}}",
        '"' * 100,
    ],
)
def test_what_is_of_no_shape_is_read_or_not_read(text: str) -> None:
    for key in ("prompt", "workflow", "comment", ""):
        with contextlib.suppress(NotRead):
            read({key: text})


def test_formulas_cost_what_they_are_long() -> None:
    assert reckoned("2 + 3 * (4 - 1)", {}) == 11
    assert reckoned("a if a > b else b", {"a": 1, "b": 2}) == 2
    for formula in ("9**9**9", "a.b", "[1]*9", "1/0", "f(1)", "x", "(" * 400, "1e308*10", "'a'"):
        assert reckoned(formula, {"a": 1}) is None
    assert reckoned("+" * 400 + "1", {}) in (1, None)


JUNK: list[Callable[[random.Random], Any]] = [
    lambda _: None,
    lambda _: float("nan"),
    lambda _: -1,
    lambda _: 2**70,
    lambda _: [],
    lambda _: {},
    lambda _: "x",
    lambda _: True,
    lambda dice: [str(dice.randrange(12)), 0],
    lambda dice: [dice.randrange(12), dice.randrange(3)],
    lambda _: {"lora": "a.safetensors", "on": True, "strength": "much"},
    lambda _: [["a", "b", "c"]] * 9,
]


def damaged(value: Any, dice: random.Random, share: float) -> Any:
    """The value with some of its parts replaced by anything."""
    if dice.random() < share:
        return dice.choice(JUNK)(dice)
    if isinstance(value, dict):
        return {key: damaged(one, dice, share) for key, one in value.items()}
    if isinstance(value, list):
        kept = [damaged(one, dice, share) for one in value]
        return kept if dice.random() > share else kept[: dice.randrange(len(kept) + 1)]
    return value


def test_damaged_graphs_raise_nothing_but_that_they_are_not_read() -> None:
    graph = GraphDrawing()
    model = loaded(graph)
    words = graph.add("words", ["a"], clip=(model, 1), promoted=[("1", "text")])
    text_to_image(graph, positive=(words, 0))
    forms: list[Any] = [graph.said(a_subgraph())]
    forms += [json.loads(prompt(**nodes)) for nodes in (USUAL, CUSTOM)]
    dice = random.Random(13)
    for _ in range(400):
        for form in forms:
            text = json.dumps(damaged(form, dice, dice.choice((0.01, 0.05, 0.2))))
            if dice.random() < 0.1:
                text = text[: dice.randrange(len(text))]
            with contextlib.suppress(NotRead):
                read({"prompt" if "nodes" not in form else "workflow": text})
