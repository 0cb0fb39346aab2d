"""Files that another program names are found here by hash, then by name; the others are wanted."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.pages.imported_page import file_lines
from bot.studio.importing import Brought, read_and_matched, read_file
from generation.catalog.digests import tensors_sha256
from generation.catalog.matching import MatchedFile, matched
from generation.draft import Draft
from generation.interchange.imported import Imported, WantedFile
from generation.recipe import needed
from generation.sources.naming import named
from generation.sources.places import Places
from generation.sources.wanted import obtainable
from tests.given.apps import a_wish, an_app, an_idle_app, drawn
from tests.given.builders import a_lora
from tests.given.fakes import FakeWorker


def a_text(model: str = "tiny", *, more: str = "", words: str = "a red cat") -> bytes:
    return (
        f"{words}\nNegative prompt: dog\nSteps: 7, Sampler: Euler a, CFG scale: 3, Seed: 5, "
        f"Size: 64x64, Model: {model}{more}"
    ).encode()


async def test_a_model_of_that_name_is_found_and_one_that_is_not_is_wanted(tmp_path: Path) -> None:
    async with an_idle_app(tmp_path) as app:
        here = await read_and_matched(a_text("Tiny.safetensors"), app.studio.offers)
        away = await read_and_matched(a_text("dream_v8"), app.studio.offers)
    assert here.model is not None
    assert here.model.entry is not None
    assert (here.model.entry.name, here.missing) == ("tiny", ())
    assert [one.wanted.name for one in away.missing] == ["dream_v8"]
    assert away.lacks_its_model
    assert away.instead is not None


async def test_a_hash_counts_more_than_a_name(tmp_path: Path) -> None:
    async with an_idle_app(tmp_path) as app:
        digest = app.catalog.find("tiny").weights.sha256
        same = await read_and_matched(
            a_text("another", more=f", Model hash: {digest[:10]}"), app.studio.offers
        )
        other = await read_and_matched(
            a_text("tiny", more=", Model hash: 0123456789"), app.studio.offers
        )
    assert [(one.entry and one.entry.name, one.other) for one in same.files] == [("tiny", False)]
    assert [(one.entry and one.entry.name, one.other) for one in other.files] == [("tiny", True)]


async def test_a_lora_is_found_by_the_hash_of_its_tensors(tmp_path: Path) -> None:
    async with an_idle_app(tmp_path) as app:
        path = a_lora(tmp_path / "models", "wash")
        app.catalog.scan()
        tag = f', Lora hashes: "wash: {tensors_sha256(path)[:12]}"'
        by_name = await read_and_matched(
            a_text(words="a cat <lora:wash:0.5>", more=tag), app.studio.offers
        )
        another = await read_and_matched(
            a_text(words="a cat <lora:wash:0.5>", more=', Lora hashes: "wash: 0123456789ab"'),
            app.studio.offers,
        )
    assert [one.other for one in by_name.files if one.wanted.kind == "lora"] == [False]
    assert [one.other for one in another.files if one.wanted.kind == "lora"] == [True]


@pytest.mark.parametrize(
    ("wanted", "page", "add"),
    [
        (
            {"address": "https://civitai.com/model-versions/290640"},
            "https://civitai.com/model-versions/290640",
            "https://civitai.com/model-versions/290640",
        ),
        (
            {"address": "urn:air:sdxl:lora:civitai:5@7"},
            "https://civitai.com/models/5?modelVersionId=7",
            "urn:air:sdxl:lora:civitai:5@7",
        ),
        (
            {"address": "https://huggingface.co/o/n/resolve/main/ink.safetensors"},
            "https://huggingface.co/o/n/resolve/main/ink.safetensors",
            "https://huggingface.co/o/n/resolve/main/ink.safetensors",
        ),
        (
            {"hash": "0123456789ab"},
            "https://civitai.com/search/models?query=0123456789ab",
            "sha256:0123456789ab",
        ),
        ({"name": "z image turbo"}, "", "z-image-turbo"),
        ({"name": "ink, v1"}, "https://civitai.com/search/models?query=ink%2C%20v1", ""),
        ({"address": "https://example.org/x"}, "https://example.org/x", ""),
    ],
)
def test_where_a_file_is_to_be_had_is_said(wanted: dict[str, Any], page: str, add: str) -> None:
    file = WantedFile(**{"kind": "lora", "name": "", **wanted})
    found = obtainable(file, Places())
    assert (found.page, found.add) == (page, add)
    if add:
        named(add, Places())  # raises where nobody understands it


async def test_a_files_settings_fill_the_gaps_and_what_was_said_wins(tmp_path: Path) -> None:
    async with an_app(tmp_path, FakeWorker()) as app:
        imported = read_file(a_text())
        wish = replace(a_wish(), draft=replace(a_wish().draft, words=imported.draft.words))
        outcome = await drawn(app, replace(wish, imported=imported, seed=9))
        [picture] = outcome.pictures
    sampling, words = needed(picture.recipe.sampling), needed(picture.recipe.words)
    assert (sampling.steps, sampling.cfg, sampling.sampler) == (7, 3.0, "euler_ancestral")
    assert (words.prompt, words.negative_prompt) == ("a red cat", "dog")
    assert picture.recipe.seed == 9, "the seed that was said"


async def test_a_picture_of_ours_is_drawn_to_the_letter(tmp_path: Path) -> None:
    async with an_app(tmp_path, FakeWorker()) as app:
        outcome = await drawn(app, a_wish(seed=3, draft={"steps": 9, "negative_prompt": "dog"}))
        imported = read_file(outcome.files[0])
        as_it_is = replace(a_wish(), draft=Draft(), imported=imported)
        again = await drawn(app, as_it_is)
        otherwise = await drawn(app, replace(as_it_is, seed=4))
    [before], [after], [other] = outcome.pictures, again.pictures, otherwise.pictures
    assert after.recipe == before.recipe
    assert other.recipe == replace(before.recipe, seed=4)


async def test_a1111s_first_hash_of_eight_letters_finds_a_model_of_another_name(
    tmp_path: Path,
) -> None:
    async with an_idle_app(tmp_path) as app:
        entry = app.catalog.find("tiny")
        path = tmp_path / "whole.safetensors"
        path.write_bytes(bytes(range(256)) * 8192)
        first = hashlib.sha256(path.read_bytes()[0x100000 : 0x100000 + 0x10000]).hexdigest()[:8]
        wanted = WantedFile(kind="checkpoint", name="another", hash=first)
        [found] = matched([wanted], [replace(entry, path=path)])
        [none] = matched([replace(wanted, hash="01234567")], [replace(entry, path=path)])
    assert found.entry is not None
    assert none.entry is None


def test_a_file_that_was_named_and_not_used_is_neither_the_model_nor_missing() -> None:
    spare = MatchedFile(wanted=WantedFile(kind="checkpoint", name="spare", idle=True))
    used = MatchedFile(wanted=WantedFile(kind="checkpoint", name="used"))
    found = Brought(imported=Imported(program="comfyui"), files=(spare, used))
    assert (found.model, found.missing) == (used, (used,))
    lines = list(file_lines(found))
    assert "➖ Model `spare`" in lines[0]
    assert "❌ Model `used`" in lines[1]
