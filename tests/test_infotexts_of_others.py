"""What other programs wrote beside their pictures is read right, field by field."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from generation.draft import said
from generation.interchange.imported import Imported, NotRead, Why
from generation.interchange.infotext import infotext
from generation.interchange.reading import read
from generation.media.containers import texts_of
from generation.recipe import Adapter, Sha256, Weights
from generation.samplers import SAMPLERS, SCHEDULERS
from generation.trials.infotexts import CASES, cases, judged
from tests.given.builders import a_recipe, changed, encoded


def exif_of(text: str) -> bytes:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + text.encode("utf-16-be")
    return exif.tobytes()


def jpeg(text: str) -> bytes:
    return encoded(Image.new("RGB", (16, 16)), "JPEG", exif=exif_of(text))


def webp(text: str) -> bytes:
    return encoded(Image.new("RGB", (16, 16)), "WEBP", exif=exif_of(text))


def gif(text: str) -> bytes:
    return encoded(Image.new("P", (16, 16)), "GIF", comment=text.encode())


SETTINGS = "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 5, Size: 512x512, Model: m"


def test_every_field_of_the_cases_is_read_right() -> None:
    wrong = [
        (case.number, field.name, field.found)
        for case in cases(CASES)
        for field in judged(case)
        if not field.right
    ]
    assert not wrong


def test_there_are_cases_of_six_programs() -> None:
    counted = Counter(case.program for case in cases(CASES))
    assert counted.total() >= 200
    assert sum(number >= 8 for number in counted.values()) >= 6


def a1111(text: str) -> Imported:
    return read({"parameters": text})


def lost(found: Imported) -> dict[str, Why]:
    return {one.what: one.why for one in found.lost}


@pytest.mark.parametrize(
    ("more", "what", "why"),
    [
        ("Sampler: DPM adaptive", "sampler", Why.NOT_HERE),
        ("Sampler: Quantum Leap", "sampler", Why.UNKNOWN),
        ("Schedule type: Align Your Steps", "scheduler", Why.NOT_HERE),
        ("CFG scale: 700", "cfg", Why.OUT_OF_RANGE),
        ("CFG scale: much", "cfg", Why.UNREADABLE),
        ("Denoising strength: 0.5", "image", Why.WANTS_A_PICTURE),
        ("Hires upscale: 2", "hires fix", Why.A_STEP_OF_ITS_OWN),
        ("ADetailer model: face", "ADetailer", Why.A_STEP_OF_ITS_OWN),
        ("Some extension: 5", "Some extension", Why.UNKNOWN),
        ("Emphasis: No norm", "emphasis", Why.NOT_HERE),
    ],
)
def test_what_is_not_taken_is_lost_for_a_reason(more: str, what: str, why: Why) -> None:
    assert lost(a1111(f"a cat\n{SETTINGS}, RNG: CPU, {more}")) == {what: why}


def test_what_nobody_needs_is_lost_in_silence() -> None:
    silent = (
        "RNG: CPU, Version: v1.9.4, Model hash: 0123456789, Created Date: 2024-01-01T10:00:00Z, "
        'VAE: None, User: ann, Emphasis: Original, Civitai metadata: {"remixOfId": 5}'
    )
    assert not a1111(f"a cat\n{SETTINGS}, {silent}").lost


def test_a_picture_whose_noise_a_gpu_drew_is_another_one() -> None:
    assert lost(a1111(f"a cat\n{SETTINGS}")) == {"noise": Why.OTHER_NOISE}


def test_a_loras_tag_hash_and_page_are_one_file() -> None:
    resource = {"type": "lora", "weight": 0.8, "modelVersionId": 7, "modelName": "Ink (XL)"}
    text = (
        f"a cat <lora:ink:0.8>\n{SETTINGS}, "
        f'Lora hashes: "ink: 0123456789ab", Civitai resources: {json.dumps([resource])}'
    )
    [ink] = [one for one in a1111(text).files if one.kind == "lora"]
    assert (ink.name, ink.hash, ink.strength) == ("ink", "0123456789ab", 0.8)
    assert ink.address == "https://civitai.com/model-versions/7"


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("a (red ball)1.3 cat++", "a (red ball:1.3) (cat:1.21)"),
        ("a fine-grained t-shirt", "a fine-grained t-shirt"),
        ("anime \\(series\\), [x]", "anime \\(series\\), \\[x\\]"),
    ],
)
def test_invokeais_weights_are_written_as_a1111s(typed: str, written: str) -> None:
    told = {"positive_prompt": typed, "scheduler": "euler", "generation_mode": "txt2img"}
    assert read({"invokeai_metadata": json.dumps(told)}).draft.words.prompt == written


def test_what_civitai_tells_of_a_picture_is_read_as_its_infotext() -> None:
    told = {
        "prompt": "a cat <lora:ink:0.8>",
        "negativePrompt": "dog",
        "steps": 20,
        "cfgScale": 7,
        "sampler": "DPM++ 2M Karras",
        "seed": 5,
        "Size": "512x768",
        "clipSkip": 2,
        "resources": [{"hash": "0123456789", "name": "dream_v8", "type": "model"}],
        "hashes": {"lora:ink": "abcdefabcdef"},
    }
    found = read({"": json.dumps({"meta": told})})
    assert (found.draft.words.prompt, found.draft.words.negative_prompt) == ("a cat", "dog")
    assert (found.draft.sampling.sampler, found.draft.sampling.scheduler) == ("dpmpp_2m", "karras")
    assert (found.draft.canvas.height, found.draft.words.clip_skip, found.seed) == (768, 2, 5)
    assert {(one.name, one.hash, one.strength) for one in found.files} == {
        ("dream_v8", "0123456789", None),
        ("ink", "abcdefabcdef", 0.8),
    }


def test_what_a1111s_api_answers_is_read_by_its_infotext() -> None:
    answer = {"prompt": "a cat", "seed": 5, "infotexts": [f"a cat\n{SETTINGS}"]}
    assert read({"": json.dumps(answer)}) == a1111(f"a cat\n{SETTINGS}")


@pytest.mark.parametrize("encode", [jpeg, webp, gif])
def test_jpegs_webps_and_gifs_carry_it_too(encode: Callable[[str], bytes]) -> None:
    found = read(texts_of(encode(f"a cat, 猫\nNegative prompt: dog\n{SETTINGS}")))
    assert (found.draft.words.prompt, found.seed) == ("a cat, 猫", 5)


@pytest.mark.parametrize("number", range(30))
def test_what_is_written_for_a1111_is_read_back_whole(number: int) -> None:
    sampler = list(SAMPLERS)[number % len(SAMPLERS)]
    scheduler = list(SCHEDULERS)[number % len(SCHEDULERS)]
    inks = tuple(
        Adapter(
            kind="lora",
            weights=Weights(name=name, sha256=Sha256("ab" * 32)),
            strength=strength,
            control=None,
        )
        for name, strength in (("ink, v1", 0.8), ("wash", -0.25))
    )
    recipe = changed(
        a_recipe(adapters=inks, seed=number),
        sampler=sampler,
        scheduler=scheduler,
        cfg=3.5,
        clip_skip=2,
        prompt='a (red:1.2) cat, "quoted": x',
        negative_prompt="dog: bad, [blur]",
    )
    found = a1111(infotext(recipe))
    draft, wanted = found.draft, said(recipe)
    assert draft.words == replace(wanted.words, syntax=None)
    assert draft.canvas == wanted.canvas
    assert draft.sampling == replace(wanted.sampling, denoise=None)
    assert (found.seed, found.task) == (recipe.seed, recipe.task)
    assert [(one.name, one.strength) for one in found.files if one.kind == "lora"] == [
        ("ink, v1", 0.8),
        ("wash", -0.25),
    ]
    [model] = [one for one in found.files if one.kind == "checkpoint"]
    assert (model.name, model.hash) == (recipe.checkpoint.name, recipe.checkpoint.sha256[:10])
    assert not found.lost


plain = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["euler", "(512, 512)", "512x512", "a:1", "[1]", "0x12345678", "ink : 0.5"]),
)
NAMES = """prompt negative_prompt positive_prompt steps sampler scheduler seed width height loras
lora model base_model sui_image_params sui_models image images v4_prompt caption base_caption uc
scale c v2 styles resolution clip_skip weight name hash strength variations vae performance
guidance_scale num_inference_steps use_stable_diffusion_model lora_combined_1 loraweights
generation_mode controlnets type cfg_scale air modelVersionId"""
KEYS = """atelier parameters UserComment comment Comment Description Software MakerNote Dream
fooocus_scheme invokeai_metadata sd-metadata XML:com.adobe.xmp prompt sampler_name guidance_scale
use_stable_diffusion_model num_inference_steps"""
PAIRS = """Steps,Size,Seed,Sampler,Schedule type,Model,Hashes,Lora hashes,ControlNet 0,VAE,
Civitai resources,Variation seed,Variations,Clip skip,Hires upscale"""
names = st.sampled_from(NAMES.split())
values = st.recursive(
    plain,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=6),
    max_leaves=12,
)
keys = st.sampled_from(["", *KEYS.split()])
wild = st.one_of(
    st.text(max_size=80),
    st.dictionaries(names, values, max_size=8).map(json.dumps),
    st.lists(
        st.tuples(
            st.sampled_from(PAIRS.split(",")),
            st.one_of(plain.map(str), values.map(json.dumps), st.text('"\\,:x1', max_size=8)),
        ),
        max_size=8,
    ).map(lambda pairs: "a <lora:x:\n" + ", ".join(f"{k.strip()}: {v}" for k, v in pairs)),
)


@given(st.dictionaries(keys, wild, max_size=4))
def test_whatever_a_file_says_is_read_or_not_read(texts: dict[str, str]) -> None:
    try:
        found = read(texts)
    except NotRead:
        return
    assert all(one.what and len(one.found) <= 200 for one in found.lost)
