"""What is written for A1111 reads back: every name, every prompt, and hashes that are looked up."""

from __future__ import annotations

import hashlib
import io
import json
import re
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from generation import names
from generation.catalog.digests import tensors_sha256
from generation.fleet.wire import Finished
from generation.interchange.infotext import NO_NETWORK, infotext
from generation.recipe import Adapter, Recipe, Sha256, Weights, needed
from generation.samplers import SAMPLERS, SCHEDULERS
from prompting.reading import markup
from tests.given.builders import a_lora, a_recipe, changed
from tests.given.pausing import House, a_table, house

__all__ = ["house"]  # a fixture

_PAIR = re.compile(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')
_TAG = re.compile(r"<(\w+):([^>]+)>")


@dataclass(frozen=True, kw_only=True)
class Said:
    prompt: str  # without tags
    negative: str
    pairs: dict[str, str]
    loras: list[tuple[str, str]]


def a_reader(text: str) -> Said:
    """A1111's grammar of infotext, written anew: lines, a marker, pairs in the last line."""
    *lines, last = text.strip().split("\n")
    assert len(_PAIR.findall(last)) >= 3
    found: dict[bool, list[str]] = {False: [], True: []}
    negative = False
    for line in map(str.strip, lines):
        if line.startswith("Negative prompt:"):
            negative, line = True, line.removeprefix("Negative prompt:").strip()
        found[negative].append(line)
    prompt = "\n".join(found[False])
    values = {key: value.strip() for key, value in _PAIR.findall(last)}
    return Said(
        prompt=_TAG.sub("", prompt).strip(),
        negative="\n".join(found[True]),
        pairs={k: json.loads(v) if v[:1] == v[-1:] == '"' else v for k, v in values.items()},
        loras=[tuple(args.split(":")) for kind, args in _TAG.findall(prompt) if kind == "lora"],
    )


def a_lora_named(name: str, letter: str = "e") -> Adapter:
    return Adapter(
        kind="lora",
        weights=Weights(name=name, sha256=Sha256(letter * 64)),
        strength=0.8,
        control=None,
    )


HARD = ["Negative prompt: x", "Steps: 20, Sampler: Euler, Seed: 1, Size: 1x1", 'a "b", c: d\\', ""]
texts = st.one_of(
    st.sampled_from(HARD), st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=60)
)


@given(texts, texts, st.text(max_size=20), st.text(min_size=1, max_size=20))
@example("Negative prompt: none of it", "dog", "m", "a>b")
@example("a cat", "Steps: 20, Sampler: x, Seed: 5", 'my "best", v1: x', "name: v2")
@example("a", "b", '"quoted"', "ink, soft (v1)")
@example("a", "b", " blank ", "\ud800")
def test_every_prompt_and_every_name_reads_back(
    prompt: str, negative: str, model: str, lora: str
) -> None:
    prompt, negative = (_TAG.sub("", t).replace("<", "").strip() for t in (prompt, negative))
    model = model.encode("utf-8", "replace").decode()
    recipe = changed(
        a_recipe(checkpoint=Weights(name=model or "m", sha256=Sha256("a" * 64))),
        prompt=prompt,
        negative_prompt=negative,
        adapters=(a_lora_named(lora),),
    )
    said = a_reader(infotext(recipe))
    assert said.prompt == prompt
    assert said.negative == negative
    assert said.pairs["Model"] == (model or "m")
    assert said.pairs["Steps"] == str(needed(recipe.sampling).steps)
    assert said.pairs["Seed"] == str(recipe.seed)
    assert [strength for _, strength in said.loras] == ["0.8"]
    assert not set(said.loras[0][0]) & set(":<>")


def test_line_breaks_of_a_strangers_recipe_open_no_line() -> None:
    recipe = changed(
        a_recipe(), prompt="a\nNegative prompt: b\nSteps: 1", negative_prompt="c\nSteps: 2, x: y"
    )
    said = a_reader(infotext(recipe))
    assert said.prompt == "a Negative prompt: b Steps: 1"
    assert said.negative == "c Steps: 2, x: y"


def test_what_stands_before_a_misread_prompt_means_nothing_to_us_either() -> None:
    first = infotext(changed(a_recipe(), prompt="Negative prompt: none")).splitlines()[0]
    assert markup.NOTHING == NO_NETWORK
    assert markup.read(first) == markup.Read(text="Negative prompt: none")


def test_samplers_and_schedulers_read_back_as_themselves() -> None:
    for sampler in SAMPLERS:
        pairs = a_reader(infotext(changed(a_recipe(), sampler=sampler))).pairs
        assert names.sampler(pairs["Sampler"]).name == sampler
    for scheduler in SCHEDULERS:
        pairs = a_reader(infotext(changed(a_recipe(), scheduler=scheduler))).pairs
        assert names.scheduler(pairs["Schedule type"]) == scheduler


def with_lora(path: Path, name: str) -> Recipe:
    digest = Sha256(hashlib.sha256(path.read_bytes()).hexdigest())
    adapter = Adapter(
        kind="lora", weights=Weights(name=name, sha256=digest), strength=1.0, control=None
    )
    return replace(a_recipe(), adapters=(adapter,))


def test_the_hash_of_a_lora_is_that_of_its_tensors(tmp_path: Path) -> None:
    path = a_lora(tmp_path, "ink")
    data = path.read_bytes()
    head = int.from_bytes(data[:8], "little")
    behind = hashlib.sha256(data[8 + head :]).hexdigest()
    assert tensors_sha256(path) == behind
    recipe = with_lora(path, "ink: a, b")
    tensors = {recipe.adapters[0].weights.sha256: behind}
    pairs = a_reader(infotext(recipe, tensors=tensors)).pairs
    assert pairs["Lora hashes"] == f"ink a b: {behind[:12]}"
    assert "Lora hashes" not in a_reader(infotext(recipe)).pairs, "none rather than a wrong one"


def test_what_is_no_safetensors_file_has_no_hash(tmp_path: Path) -> None:
    file = tmp_path / "a.safetensors"
    file.write_bytes(b"\xff" * 20)
    with pytest.raises(ValueError, match="no safetensors file"):
        tensors_sha256(file)


def test_embeddings_are_known_by_their_files() -> None:
    weights = Weights(name="easyneg", sha256=Sha256("c" * 64))
    recipe = replace(
        a_recipe(),
        adapters=(Adapter(kind="embedding", weights=weights, strength=1.0, control=None),),
    )
    assert a_reader(infotext(recipe)).pairs["TI hashes"] == f"easyneg: {'c' * 12}"


def test_a_worker_writes_the_hashes_of_the_loras_that_it_drew_with(house: House) -> None:
    table = a_table(house, None)
    table.draw(house.recipe("mine", "ink", "oil", steps=1))
    (png,) = [report.file for report in table.heard if isinstance(report, Finished)]
    with Image.open(io.BytesIO(png)) as image:
        hashes = a_reader(str(image.info["parameters"])).pairs["Lora hashes"]
    expected = (
        f"{n}: {tensors_sha256(house.folder / f'{n}.safetensors')[:12]}" for n in ("ink", "oil")
    )
    assert hashes == ", ".join(expected)
