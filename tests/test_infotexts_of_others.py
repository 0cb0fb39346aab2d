"""What other programs wrote beside their pictures is read right, field by field."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.interchange.imported import Imported, NotRead, Why
from generation.interchange.reading import read
from generation.trials.infotexts import CASES, cases, judged

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
    said = {"positive_prompt": typed, "scheduler": "euler", "generation_mode": "txt2img"}
    assert read({"invokeai_metadata": json.dumps(said)}).draft.words.prompt == written


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
