"""ComfyUI's graphs of clips and sounds are read: how long, what they begin with, which networks."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.pages.imported_page import lost_line, read_lines
from bot.studio.pasting import WithSettings, filled_in
from generation.catalog.matching import nearest
from generation.draft import UNSAID
from generation.draft_spans import DraftSecond
from generation.families.family import FAMILIES
from generation.interchange import reading
from generation.interchange.comfy.widgets import widgets_of
from generation.interchange.imported import Imported, Why
from generation.interchange.reading import imported_of
from generation.recipe import Input
from generation.tasks import Task
from tests.given.apps import a_wish
from tests.given.builders import a_digest
from tests.given.comfy_graphs import prompt
from tests.given.drafting import an_entry
from tests.given.two_passes import LEVELS
from tests.given.two_passes import in_two_passes as in_passes_of_ltx
from tests.given.works import a_clip

FOLDER = Path(reading.__file__).parent / "comfy"

Nodes = dict[str, tuple[str, dict[str, Any]]]

WAN: Nodes = {
    "n1": ("UNETLoader", {"unet_name": "wan2.1_t2v_1.3B_fp16.safetensors"}),
    "n2": ("CLIPLoader", {"clip_name": "umt5_xxl_fp16.safetensors", "type": "wan"}),
    "n3": ("CLIPTextEncode", {"text": "a fox in snow", "clip": ["2", 0]}),
    "n4": ("CLIPTextEncode", {"text": "still", "clip": ["2", 0]}),
    "n5": ("ModelSamplingSD3", {"shift": 8.0, "model": ["1", 0]}),
    "n6": (
        "EmptyHunyuanLatentVideo",
        {"width": 832, "height": 480, "length": 33, "batch_size": 1},
    ),
    "n7": (
        "KSampler",
        {
            "seed": 7,
            "steps": 30,
            "cfg": 6.0,
            "sampler_name": "uni_pc",
            "scheduler": "simple",
            "denoise": 1.0,
            "model": ["5", 0],
            "positive": ["3", 0],
            "negative": ["4", 0],
            "latent_image": ["6", 0],
        },
    ),
    "n8": ("VAELoader", {"vae_name": "wan_2.1_vae.safetensors"}),
    "n9": ("VAEDecode", {"samples": ["7", 0], "vae": ["8", 0]}),
    "n10": ("CreateVideo", {"fps": 16, "images": ["9", 0]}),
    "n11": ("SaveVideo", {"filename_prefix": "x", "video": ["10", 0]}),
}


def read(nodes: Mapping[str, tuple[str, Mapping[str, Any]]]) -> Imported:
    found = reading.read({"prompt": prompt(**nodes)})
    assert found.program == "comfyui"
    return found


def sampled_from(node: str, slots: tuple[int, int, int] = (0, 1, 2), **more: Any) -> Nodes:
    """The usual graph, whose sampler is given all by one node."""
    lanes = dict(zip(("positive", "negative", "latent_image"), slots, strict=True))
    given = {name: [node, slot] for name, slot in lanes.items()}
    return {**WAN, "n7": ("KSampler", {**WAN["n7"][1], **given, **more})}


def wants(found: Imported) -> dict[str, str]:
    return {loss.what: loss.found for loss in found.lost if loss.why is Why.WANTS_A_PICTURE}


def test_a_clip_of_words_says_how_long_and_fast_it_is() -> None:
    found = read(WAN)
    draft = found.draft
    assert (found.task, found.seed, found.lost) == (Task.TEXT_TO_VIDEO, 7, ())
    assert (draft.motion.frames, draft.motion.fps) == (33, 16.0)
    assert (draft.canvas.width, draft.canvas.height) == (832, 480)
    assert (draft.sampling.shift, draft.sampling.sampler) == (8.0, "uni_pc")
    assert any("33 frames" in line and "16 fps" in line for line in read_lines(found))


@pytest.mark.parametrize("task", Task)
def test_what_is_done_there_has_a_name(task: Task) -> None:
    assert len(list(read_lines(Imported(program="comfyui", task=task)))) == 1


def test_one_frame_is_a_picture() -> None:
    one = {**WAN["n6"][1], "length": 1}
    found = read({**WAN, "n6": ("EmptyHunyuanLatentVideo", one)})
    assert (found.task, found.draft.motion.frames) == (Task.TEXT_TO_IMAGE, None)


SIZE = {"width": 640, "height": 640, "length": 81, "batch_size": 1}
TOLD = {"positive": ["3", 0], "negative": ["4", 0], "vae": ["8", 0]}


def test_a_clip_that_begins_and_ends_with_pictures_wants_both() -> None:
    nodes = sampled_from("20") | {
        "n20": (
            "WanFirstLastFrameToVideo",
            {**SIZE, **TOLD, "start_image": ["21", 0], "end_image": ["22", 0]},
        ),
        "n21": ("LoadImage", {"image": "one.png"}),
        "n22": ("LoadImage", {"image": "two.png"}),
    }
    found = read(nodes)
    assert (found.task, found.draft.motion.frames) == (Task.IMAGE_TO_VIDEO, 81)
    assert wants(found) == {"image": "one.png", "last picture": "two.png"}
    assert found.draft.words.prompt == "a fox in snow"
    assert all("None" not in lost_line(loss) for loss in found.lost)


def test_what_sees_the_first_picture_is_no_loss() -> None:
    nodes = sampled_from("20") | {
        "n20": (
            "WanImageToVideo",
            {**SIZE, **TOLD, "start_image": ["21", 0], "clip_vision_output": ["22", 0]},
        ),
        "n21": ("LoadImage", {"image": "one.png"}),
        "n22": ("CLIPVisionEncode", {"clip_vision": ["23", 0], "image": ["21", 0]}),
        "n23": ("CLIPVisionLoader", {"clip_name": "clip_vision_h.safetensors"}),
    }
    found = read(nodes)
    assert found.task is Task.IMAGE_TO_VIDEO
    assert [loss.what for loss in found.lost] == ["image"]


def test_frames_that_are_reckoned_are_read_and_those_of_a_film_stay_a_gap() -> None:
    by_seconds = {"expression": "floor(a * b) + 1", "values.a": 5, "values.b": ["30", 0]}
    nodes = WAN | {
        "n6": ("EmptyHunyuanLatentVideo", {**WAN["n6"][1], "length": ["20", 1]}),
        "n20": ("ComfyMathExpression", by_seconds),
        "n30": ("PrimitiveFloat", {"value": 16}),
        "n10": ("CreateVideo", {"fps": ["30", 0], "images": ["9", 0]}),
    }
    found = read(nodes)
    assert (found.draft.motion.frames, found.draft.motion.fps) == (81, 16.0)
    unknown = nodes | {"n20": ("GetVideoComponents", {"video": ["31", 0]})}
    unknown |= {"n31": ("LoadVideo", {"file": "a.mp4"})}
    again = read(unknown)
    assert (again.task, again.draft.motion.frames) == (Task.TEXT_TO_VIDEO, None)


def experts(end: int, second: int, **more: Any) -> Nodes:
    first = {
        "add_noise": "enable",
        "noise_seed": 9,
        "steps": 20,
        "cfg": 3.5,
        "sampler_name": "euler",
        "scheduler": "simple",
        "start_at_step": 0,
        "end_at_step": end,
        "model": ["5", 0],
        "positive": ["3", 0],
        "negative": ["4", 0],
        "latent_image": ["6", 0],
    }
    rest = {"add_noise": "disable", "start_at_step": second, "end_at_step": 10_000, "cfg": 4.0}
    return WAN | {
        "n7": ("KSamplerAdvanced", first),
        "n12": ("UNETLoader", {"unet_name": "wan2.2_low_noise.safetensors"}),
        "n13": ("ModelSamplingSD3", {"shift": 8.0, "model": ["12", 0]}),
        "n14": (
            "KSamplerAdvanced",
            {**first, **rest, "model": ["13", 0], "latent_image": ["7", 0], **more},
        ),
        "n9": ("VAEDecode", {"samples": ["14", 0], "vae": ["8", 0]}),
    }


def test_a_second_network_that_goes_on_amid_the_noise_is_of_the_same_drawing() -> None:
    found = read(experts(10, 10))
    assert (found.task, found.seed, found.draft.sampling.steps) == (Task.TEXT_TO_VIDEO, 9, 20)
    # With a shift of 8 the first ten of twenty steps end at 8/9 of the noise.
    boundary, cfg = found.draft.experts.boundary, found.draft.experts.cfg
    assert cfg == 4.0
    assert boundary is not None
    assert 8 / 9 < boundary < 0.91
    assert [loss.what for loss in found.lost] == []


def test_without_a_shift_the_models_own_boundary_counts() -> None:
    nodes = experts(10, 10)
    bare = {**nodes["n7"][1], "model": ["1", 0]}
    found = read(nodes | {"n7": ("KSamplerAdvanced", bare)})
    assert (found.draft.experts.boundary, found.draft.experts.cfg) == (None, 4.0)


def test_a_pass_that_begins_elsewhere_is_another_one() -> None:
    found = read(experts(10, 12))
    assert found.draft.experts.boundary is None
    assert {"another pass", "end_at_step"} <= {loss.what for loss in found.lost}


VACE = {**SIZE, **TOLD, "strength": 1.0}


@pytest.mark.parametrize(
    ("given", "more", "task", "wanted"),
    [
        (
            {"control_video": ["21", 0]},
            {
                "n21": ("GetVideoComponents", {"video": ["22", 0]}),
                "n22": ("LoadVideo", {"file": "dance.mp4"}),
            },
            Task.EDIT_VIDEO,
            {"clip": "dance.mp4"},
        ),
        (
            {"reference_image": ["21", 0]},
            {"n21": ("LoadImage", {"image": "her.png"})},
            Task.EDIT_VIDEO,
            {"reference": "her.png"},
        ),
        (
            {"control_video": ["21", 0]},
            {
                "n21": (
                    "BatchImagesNode",
                    {
                        "images.image0": ["22", 0],
                        "images.image1": ["24", 0],
                        "images.image2": ["23", 0],
                    },
                ),
                "n22": ("LoadImage", {"image": "one.png"}),
                "n23": ("LoadImage", {"image": "two.png"}),
                "n24": ("RepeatImageBatch", {"amount": 79, "image": ["25", 0]}),
                "n25": ("MaskToImage", {"mask": ["26", 0]}),
                "n26": ("SolidMask", {"value": 1, "width": 640, "height": 640}),
            },
            Task.IMAGE_TO_VIDEO,
            {"image": "one.png", "last picture": "two.png"},
        ),
        ({}, {}, Task.TEXT_TO_VIDEO, {}),
    ],
    ids=["a clip", "a picture to look at", "first and last", "nothing"],
)
def test_what_steers_a_clip_says_what_is_made(
    given: dict[str, Any], more: Nodes, task: Task, wanted: dict[str, str]
) -> None:
    nodes = sampled_from("20") | {"n20": ("WanVaceToVideo", {**VACE, **given})} | more
    found = read(nodes)
    assert (found.task, wants(found)) == (task, wanted)


def test_a_clip_that_is_drawn_over_wants_it() -> None:
    nodes = WAN | {
        "n6": ("VAEEncode", {"pixels": ["20", 0], "vae": ["8", 0]}),
        "n20": ("GetVideoComponents", {"video": ["21", 0]}),
        "n21": ("LoadVideo", {"file": "walk.mp4"}),
        "n7": ("KSampler", {**WAN["n7"][1], "denoise": 0.6}),
    }
    found = read(nodes)
    assert (found.task, found.draft.sampling.denoise) == (Task.VIDEO_TO_VIDEO, 0.6)
    assert wants(found) == {"clip": "walk.mp4"}


SOUND: Nodes = {
    "n1": ("CheckpointLoaderSimple", {"ckpt_name": "ace_step_1.5_turbo_aio.safetensors"}),
    "n2": (
        "TextEncodeAceStepAudio1.5",
        {
            "tags": "neo-soul, warm",
            "lyrics": "[verse]\nlet it breathe",
            "bpm": 92,
            "timesignature": "4",
            "keyscale": "E minor",
            "language": "en",
            "clip": ["1", 1],
        },
    ),
    "n3": ("ConditioningZeroOut", {"conditioning": ["2", 0]}),
    "n4": ("EmptyAceStep1.5LatentAudio", {"seconds": 120, "batch_size": 1}),
    "n5": (
        "KSampler",
        {
            "seed": 31,
            "steps": 8,
            "cfg": 1,
            "sampler_name": "euler",
            "scheduler": "simple",
            "denoise": 1,
            "model": ["1", 0],
            "positive": ["2", 0],
            "negative": ["3", 0],
            "latent_image": ["4", 0],
        },
    ),
    "n6": ("VAEDecodeAudio", {"samples": ["5", 0], "vae": ["1", 2]}),
    "n7": ("SaveAudioAdvanced", {"filename_prefix": "x", "audio": ["6", 0]}),
}


def test_a_song_is_read_with_what_is_sung() -> None:
    found = read(SOUND)
    sound = found.draft.sound
    assert (found.task, found.lost) == (Task.TEXT_TO_AUDIO, ())
    assert found.draft.words.prompt == "neo-soul, warm"
    assert (sound.seconds, sound.bpm, sound.key, sound.meter) == (120.0, 92, "E minor", "4")
    assert sound.lyrics == "[verse]\nlet it breathe"
    assert any("bpm 92" in line and "E minor" in line for line in read_lines(found))


def test_a_sound_that_is_made_over_wants_it() -> None:
    nodes = SOUND | {
        "n4": ("VAEEncodeAudio", {"audio": ["8", 0], "vae": ["1", 2]}),
        "n8": ("LoadAudio", {"audio": "hum.flac"}),
    }
    found = read(nodes)
    assert (found.task, wants(found)) == (Task.AUDIO_TO_AUDIO, {"sound": "hum.flac"})


def filled(found: Imported, family: str) -> tuple[Any, str]:
    wish = replace(a_wish(""), imported=found)
    with_it, said = filled_in(WithSettings(wish=wish, imported=found), FAMILIES[family], "m")
    return with_it.draft, " ".join(said)


def test_a_wish_takes_what_its_model_draws_and_leaves_the_rest() -> None:
    draft, said = filled(read(WAN), "wan-2.1")
    assert (draft.motion.frames, draft.motion.fps) == (33, 16.0)
    assert "frames 33" in said
    other, said = filled(read(WAN), "starter-video")
    assert other.motion.frames is None
    assert "frames 33" in said
    picture, _ = filled(read(WAN), "sdxl")
    assert picture.motion == UNSAID.motion


def test_experts_are_for_models_that_have_two() -> None:
    found = read(experts(10, 10))
    assert filled(found, "wan-2.2")[0].experts == found.draft.experts
    assert filled(found, "wan-2.1")[0].experts == UNSAID.experts


def test_what_is_sung_is_for_models_that_sing() -> None:
    song = read(SOUND)
    sung, said = filled(song, "ace-step-turbo")
    assert (sung.sound.bpm, sung.sound.lyrics) == (92, song.draft.sound.lyrics)
    assert "the lyrics" in said
    played, _ = filled(song, "stable-audio-3")
    assert (played.sound.seconds, played.sound.bpm, played.sound.lyrics) == (120.0, None, None)


def test_in_place_of_a_clips_model_stands_one_that_makes_clips() -> None:
    models = [an_entry("pony", "sdxl"), an_entry("wanly", "wan-2.1")]
    found = nearest(None, read(WAN).draft.canvas, (), models, task=Task.TEXT_TO_VIDEO)
    assert found is not None
    assert found.name == "wanly"
    assert nearest(None, UNSAID.canvas, (), models[:1], task=Task.TEXT_TO_VIDEO) is None
    picture = nearest(None, UNSAID.canvas, (), models, task=Task.TEXT_TO_IMAGE)
    assert picture is models[0]


# -- what other graphs say -----------------------------------------------------------------


def test_a_number_of_steps_beyond_all_use_is_not_walked() -> None:
    many = {"steps": 10**12, "end_at_step": 10**11}
    nodes = experts(10, 10, **many)
    first = {**nodes["n7"][1], **many}
    found = read(nodes | {"n7": ("KSamplerAdvanced", first)})
    assert found.draft.experts.boundary is None


@pytest.mark.parametrize("length", ["\u00b2", "--5", "", [1], {}, 10**60, -3, 1e400])
def test_any_length_is_read_or_a_gap(length: object) -> None:
    read({**WAN, "n6": ("EmptyHunyuanLatentVideo", {**WAN["n6"][1], "length": length})})


@pytest.mark.parametrize(
    "more",
    [{"model": ["5", 0]}, {"sampler_name": "dpmpp_2m"}, {"add_noise": "enable"}, {"steps": 30}],
    ids=["the same network", "another sampler", "noise of its own", "other steps"],
)
def test_only_another_network_that_goes_on_alike_is_of_the_same_drawing(
    more: dict[str, Any],
) -> None:
    found = read(experts(10, 10, **more))
    assert found.draft.experts == UNSAID.experts
    assert "another pass" in {loss.what for loss in found.lost}


def test_a_cfg_of_the_second_network_beyond_reach_is_a_gap() -> None:
    found = read(experts(10, 10, cfg=1e9))
    assert found.draft.experts.cfg is None
    assert {"cfg"} == {loss.what for loss in found.lost}


def with_loras(high: dict[str, Any], low: dict[str, Any]) -> Nodes:
    """A LoRA in the line of each network."""
    nodes = experts(10, 10, model=["15", 0])
    first = nodes["n7"][1] | {"model": ["16", 0]}
    return nodes | {
        "n7": ("KSamplerAdvanced", first),
        "n15": ("LoraLoaderModelOnly", {**low, "model": ["13", 0]}),
        "n16": ("LoraLoaderModelOnly", {**high, "model": ["5", 0]}),
    }


def test_a_lora_that_both_networks_have_alike_is_on_both_and_a_loose_loader_is_none() -> None:
    ink = {"lora_name": "ink.safetensors", "strength_model": 0.7}
    loose = {"lora_name": "ink.safetensors", "strength_model": 1.0}
    found = read(with_loras(ink, ink) | {"n19": ("LoraLoaderModelOnly", loose)})
    loras = [(one.strength, one.expert) for one in found.files if one.kind == "lora"]
    assert loras == [(0.7, "both")]
    apart = read(with_loras(ink, ink | {"strength_model": 0.4}) | {"n19": ("LoraLoader", loose)})
    loras = [(one.strength, one.expert) for one in apart.files if one.kind == "lora"]
    assert loras == [(0.7, "high"), (0.4, "low")]


@pytest.mark.parametrize("low", ["low", "high"])
def test_each_network_keeps_its_own_lora(low: str) -> None:
    found = read(
        with_loras(
            {"lora_name": "high.safetensors", "strength_model": 0.7},
            {"lora_name": f"{low}.safetensors", "strength_model": 0.4},
        )
    )
    loras = [one for one in found.files if one.kind == "lora"]
    assert [(one.name, one.strength, one.expert, one.idle) for one in loras] == [
        ("high", 0.7, "high", False),
        (low, 0.4, "low", False),
    ]
    assert found.lost == ()


def test_a_graph_with_one_network_says_of_none_which_it_is() -> None:
    lora = {"lora_name": "ink.safetensors", "strength_model": 0.7, "model": ["5", 0]}
    nodes = WAN | {"n16": ("LoraLoaderModelOnly", lora)}
    found = read(nodes | {"n7": ("KSampler", WAN["n7"][1] | {"model": ["16", 0]})})
    assert [one.expert for one in found.files if one.kind == "lora"] == [None]


FILM_SENT: Nodes = {
    "n20": ("GetVideoComponents", {"video": ["21", 0]}),
    "n21": ("LoadVideo", {"file": "walk.mp4"}),
    "n22": ("ImageFromBatch", {"batch_index": 0, "length": 49, "image": ["20", 0]}),
}


def test_some_frames_of_a_clip_are_still_a_clip() -> None:
    nodes = WAN | FILM_SENT
    nodes |= {"n6": ("VAEEncode", {"pixels": ["22", 0], "vae": ["8", 0]})}
    found = read(nodes | {"n7": ("KSampler", {**WAN["n7"][1], "denoise": 0.5})})
    assert (found.task, wants(found)) == (Task.VIDEO_TO_VIDEO, {"clip": "walk.mp4"})


def test_a_clip_in_place_of_the_first_picture_is_followed() -> None:
    nodes = sampled_from("25") | FILM_SENT
    found = read(nodes | {"n25": ("WanImageToVideo", {**SIZE, **TOLD, "start_image": ["22", 0]})})
    assert (found.task, wants(found)) == (Task.EDIT_VIDEO, {"clip": "walk.mp4"})


def test_pictures_that_are_laid_into_the_latent_begin_and_end_it() -> None:
    latent = ("EmptyLTXVLatentVideo", {"width": 768, "height": 512, "length": 97})
    guided = {**TOLD, "image": ["31", 0], "latent": ["6", 0], "frame_idx": 0}
    nodes = sampled_from("21") | {
        "n6": latent,
        "n20": ("LTXVAddGuide", guided),
        "n21": (
            "LTXVAddGuide",
            {
                **guided,
                "positive": ["20", 0],
                "negative": ["20", 1],
                "latent": ["20", 2],
                "image": ["32", 0],
                "frame_idx": -1,
            },
        ),
        "n31": ("LoadImage", {"image": "one.png"}),
        "n32": ("LoadImage", {"image": "two.png"}),
    }
    found = read(nodes)
    assert (found.task, found.draft.motion.frames) == (Task.IMAGE_TO_VIDEO, 97)
    assert wants(found) == {"image": "one.png", "last picture": "two.png"}


@pytest.mark.parametrize(("bypass", "task"), [(False, "image-to-video"), (True, "text-to-video")])
def test_a_picture_that_is_laid_in_is_left_out_where_it_is_switched_off(
    bypass: bool, task: str
) -> None:
    laid = {"image": ["31", 0], "latent": ["6", 0], "vae": ["8", 0], "bypass": bypass}
    nodes = WAN | {
        "n7": ("KSampler", {**WAN["n7"][1], "latent_image": ["20", 0]}),
        "n20": ("LTXVImgToVideoInplace", laid),
        "n31": ("LoadImage", {"image": "one.png"}),
    }
    assert read(nodes).task == task


def test_a_clip_whose_first_picture_is_drawn_before_is_the_clip() -> None:
    words = {"positive": ["3", 0], "negative": ["4", 0], "model": ["41", 0]}
    drawn = {**WAN["n7"][1], **words, "latent_image": ["42", 0], "steps": 4}
    nodes = sampled_from("20") | {
        "n20": ("LTXVImgToVideo", {**SIZE, **TOLD, "image": ["43", 0]}),
        "n40": ("KSampler", drawn),
        "n41": ("UNETLoader", {"unet_name": "flux1-dev.safetensors"}),
        "n42": ("EmptyLatentImage", {"width": 64, "height": 64, "batch_size": 1}),
        "n43": ("VAEDecode", {"samples": ["40", 0], "vae": ["8", 0]}),
    }
    found = read(nodes)
    assert (found.task, found.draft.sampling.steps) == (Task.IMAGE_TO_VIDEO, 30)


def test_animatediff_makes_of_a_batch_a_clip() -> None:
    nodes = WAN | {
        "n6": ("EmptyLatentImage", {"width": 512, "height": 512, "batch_size": 16}),
        "n5": ("ADE_UseEvolvedSampling", {"model": ["1", 0]}),
        "n10": ("VHS_VideoCombine", {"frame_rate": 8, "images": ["9", 0]}),
    }
    del nodes["n11"]
    found = read(nodes)
    assert (found.task, found.draft.motion.frames) == (Task.TEXT_TO_VIDEO, 16)
    assert found.draft.motion.fps == 8.0
    assert "count" not in {loss.what for loss in found.lost}


def test_frames_that_are_put_in_between_leave_the_rate_open() -> None:
    nodes = WAN | {
        "n12": ("RIFE VFI", {"multiplier": 2, "frames": ["9", 0]}),
        "n10": ("VHS_VideoCombine", {"frame_rate": 32, "images": ["12", 0]}),
    }
    del nodes["n11"]
    assert read(nodes).draft.motion.fps is None


def test_one_frame_that_another_node_says_is_a_picture() -> None:
    one = {**WAN["n6"][1], "length": ["20", 0]}
    nodes = WAN | {
        "n6": ("EmptyHunyuanLatentVideo", one),
        "n20": ("PrimitiveInt", {"value": 1}),
    }
    assert read(nodes).task is Task.TEXT_TO_IMAGE


def test_words_of_a_file_change_no_message() -> None:
    encoder = {**SOUND["n2"][1], "keyscale": "**C**\n# HI", "language": "ja"}
    found = read(SOUND | {"n2": ("TextEncodeAceStepAudio1.5", encoder)})
    page = "\n".join(read_lines(found))
    assert found.draft.sound.key == "**C** # HI"
    assert "**C**" not in page
    assert "\n# HI" not in page
    assert ("language", "ja") in {(loss.what, loss.found) for loss in found.lost}


def test_a_sound_is_named_past_what_cuts_it() -> None:
    nodes = SOUND | {
        "n4": ("VAEEncodeAudio", {"audio": ["8", 0], "vae": ["1", 2]}),
        "n8": ("TrimAudioDuration", {"audio": ["9", 0], "duration": 5}),
        "n9": ("LoadAudio", {"audio": "hum.flac"}),
    }
    assert wants(read(nodes)) == {"sound": "hum.flac"}


@pytest.mark.parametrize("family", ["ace-step-turbo", "sdxl", "starter-form"])
def test_what_has_no_size_or_does_not_move_says_what_it_leaves(family: str) -> None:
    _, said = filled(read(WAN), family)
    assert "frames 33" in said


def test_of_what_is_drawn_over_the_files_share_counts() -> None:
    found = read(WAN | {"n7": ("KSampler", {**WAN["n7"][1], "denoise": 0.6})})
    wish = replace(a_wish(""), imported=found)
    clip = Input(role="clip", sha256=a_digest(), fit="cover")
    wish = replace(wish, draft=replace(wish.draft, inputs=(clip,)))
    with_it, _ = filled_in(WithSettings(wish=wish, imported=found), FAMILIES["wan-2.1"], "m")
    assert with_it.draft.sampling.denoise == 0.6


def test_a_clip_of_ours_keeps_its_length_where_something_else_is_said() -> None:
    recipe = a_clip(frames=33, fps=8.0)
    assert imported_of(recipe).draft.motion.frames == 33
    assert imported_of(recipe).task is recipe.task


def test_every_node_of_clips_and_sounds_has_its_widgets_named() -> None:
    """A saved workflow has their values in order alone."""
    without = {
        *("SaveVideo", "GetVideoComponents", "SaveWEBM", "SaveAudio", "SaveAudioMP3"),
        *("SaveAudioAdvanced", "SaveAnimatedWEBP", "LTXVCropGuides", "TrimVideoLatent"),
        *("VAEDecodeAudio", "VAEEncodeAudio", "LTXVConcatAVLatent", "LTXVSeparateAVLatent"),
        *("LTXVAudioVAEDecode", "LTXVLatentUpsampler"),
    }
    table = tomllib.loads((FOLDER / "nodes.toml").read_text(encoding="utf-8"))["nodes"]
    nodes = {*table["video"], *table["audio"]} - without
    assert {node for node in nodes if not widgets_of(node)} == set()


def guided_by(strength: float, eta: float) -> Nodes:
    """LTX-2: a film and its sound in one latent, pictures that are held, and an ancestral Euler."""
    sampler = {
        "noise": ["30", 0],
        "guider": ["31", 0],
        "sampler": ["32", 0],
        "sigmas": ["33", 0],
        "latent_image": ["34", 0],
    }
    guide = {"positive": ["3", 0], "negative": ["4", 0], "strength": strength, "vae": ["8", 0]}
    return {
        **{name: WAN[name] for name in ("n3", "n4", "n5", "n8")},
        "n30": ("RandomNoise", {"noise_seed": 5}),
        "n31": (
            "CFGGuider",
            {"cfg": 1.0, "model": ["5", 0], "positive": ["37", 0], "negative": ["37", 1]},
        ),
        "n32": ("SamplerEulerAncestral", {"eta": eta, "s_noise": 1.0}),
        "n33": ("ManualSigmas", {"sigmas": "1.0, 0.5, 0.0"}),
        "n34": ("LTXVConcatAVLatent", {"video_latent": ["37", 2], "audio_latent": ["36", 0]}),
        "n35": (
            "EmptyLTXVLatentVideo",
            {"width": 768, "height": 512, "length": 97, "batch_size": 1},
        ),
        "n36": (
            "LTXVEmptyLatentAudio",
            {"frames_number": 97, "frame_rate": 25, "audio_vae": ["8", 0]},
        ),
        "n37": ("LTXVAddGuide", {**guide, "frame_idx": 0, "latent": ["38", 2], "image": ["39", 0]}),
        "n38": (
            "LTXVAddGuide",
            {**guide, "frame_idx": -1, "latent": ["35", 0], "image": ["40", 0]},
        ),
        "n39": ("LoadImage", {"image": "begin.png"}),
        "n40": ("LoadImage", {"image": "end.png"}),
        "n41": ("SamplerCustomAdvanced", sampler),
        "n42": ("LTXVSeparateAVLatent", {"av_latent": ["41", 0]}),
        "n43": ("VAEDecode", {"samples": ["42", 0], "vae": ["8", 0]}),
        "n44": ("CreateVideo", {"images": ["43", 0], "fps": 25.0}),
        "n45": ("SaveVideo", {"video": ["44", 0]}),
    }


def test_a_film_between_two_pictures_with_its_sound_is_read() -> None:
    found = read(guided_by(0.7, 0.0))
    draft, lost = found.draft, {(one.what, one.found) for one in found.lost}
    assert (found.task, found.seed) == (Task.IMAGE_TO_VIDEO, 5)
    assert (draft.motion.frames, draft.motion.fps) == (97, 25.0)
    assert (draft.canvas.width, draft.canvas.height) == (768, 512)
    assert (draft.sampling.sampler, draft.sampling.scheduler) == ("euler", "manual:1:0.5")
    assert {("image", "begin.png"), ("last picture", "end.png")} <= lost
    assert ("strength of a picture", "0.7") in lost
    assert {what for what, _ in lost} == {"image", "last picture", "strength of a picture"}


def in_two_passes(**changes: tuple[str, dict[str, Any]]) -> Nodes:
    """LTX-2: drawn at half the sides, the latents enlarged, and drawn on with a LoRA of its own."""
    first = {
        "noise": ["30", 0],
        "guider": ["31", 0],
        "sampler": ["32", 0],
        "sigmas": ["33", 0],
        "latent_image": ["34", 0],
    }
    second = {**first, "guider": ["51", 0], "sigmas": ["53", 0], "latent_image": ["54", 0]}
    lanes = {"positive": ["3", 0], "negative": ["4", 0]}
    empty = {"width": 384, "height": 256, "length": 97, "batch_size": 1}
    held = {"vae": ["8", 0], "image": ["39", 0], "bypass": False}
    return {
        **{name: WAN[name] for name in ("n1", "n3", "n4", "n8")},
        "n20": (
            "LoraLoaderModelOnly",
            {"lora_name": "ink.safetensors", "strength_model": 0.5, "model": ["1", 0]},
        ),
        "n21": (
            "LoraLoaderModelOnly",
            {"lora_name": "quick.safetensors", "strength_model": 1.0, "model": ["20", 0]},
        ),
        "n30": ("RandomNoise", {"noise_seed": 5}),
        "n31": ("CFGGuider", {"cfg": 4.0, "model": ["20", 0], **lanes}),
        "n32": ("KSamplerSelect", {"sampler_name": "euler"}),
        "n33": ("ManualSigmas", {"sigmas": "1.0, 0.5, 0.0"}),
        "n34": ("LTXVConcatAVLatent", {"video_latent": ["37", 0], "audio_latent": ["36", 0]}),
        "n35": ("EmptyLTXVLatentVideo", empty),
        "n36": (
            "LTXVEmptyLatentAudio",
            {"frames_number": 97, "frame_rate": 25, "audio_vae": ["8", 0]},
        ),
        "n37": ("LTXVImgToVideoInplace", {"strength": 0.7, "latent": ["35", 0], **held}),
        "n39": ("LoadImage", {"image": "begin.png"}),
        "n41": ("SamplerCustomAdvanced", first),
        "n42": ("LTXVSeparateAVLatent", {"av_latent": ["41", 0]}),
        "n50": (
            "LatentUpscaleModelLoader",
            {"model_name": "ltx-2-spatial-upscaler-x2.safetensors"},
        ),
        "n51": ("CFGGuider", {"cfg": 1.0, "model": ["21", 0], **lanes}),
        "n52": (
            "LTXVLatentUpsampler",
            {"samples": ["42", 0], "upscale_model": ["50", 0], "vae": ["8", 0]},
        ),
        "n53": ("ManualSigmas", {"sigmas": "0.85, 0.725, 0.0"}),
        "n54": ("LTXVConcatAVLatent", {"video_latent": ["57", 0], "audio_latent": ["42", 1]}),
        "n57": ("LTXVImgToVideoInplace", {"strength": 1.0, "latent": ["52", 0], **held}),
        "n61": ("SamplerCustomAdvanced", second),
        "n62": ("LTXVSeparateAVLatent", {"av_latent": ["61", 0]}),
        "n63": ("VAEDecode", {"samples": ["62", 0], "vae": ["8", 0]}),
        "n64": ("CreateVideo", {"images": ["63", 0], "fps": 25.0}),
        "n65": ("SaveVideo", {"video": ["64", 0]}),
        **changes,
    }


def test_a_film_in_two_passes_is_read_with_each_pass_s_settings() -> None:
    found = read(in_two_passes())
    draft, lost = found.draft, {(one.what, one.found) for one in found.lost}
    assert (found.task, found.seed) == (Task.IMAGE_TO_VIDEO, 5)
    assert (draft.canvas.width, draft.canvas.height) == (768, 512)
    assert (draft.sampling.scheduler, draft.sampling.cfg) == ("manual:1:0.5", 4.0)
    assert draft.second == DraftSecond(
        passes=2, sampler="euler", sigmas=(0.85, 0.725, 0.0), cfg=1.0
    )
    assert draft.motion.held == 0.7
    assert lost == {("image", "begin.png"), ("seed of the second pass", "5")}
    loras = {one.name: one.expert for one in found.files if one.kind == "lora"}
    assert loras == {"ink": "both", "quick": "low"}
    assert not any(one.idle for one in found.files)
    assert any("2 passes" in line for line in read_lines(found))


def test_what_of_a_second_pass_is_not_here_is_told() -> None:
    odd = {
        "n53": ("BasicScheduler", {"scheduler": "simple", "steps": 3, "model": ["21", 0]}),
        "n57": (
            "LTXVImgToVideoInplace",
            {"strength": 0.5, "latent": ["52", 0], "image": ["39", 0], "bypass": False},
        ),
        "n51": ("CFGGuider", {**in_two_passes()["n51"][1], "cfg": 900.0}),
    }
    found = read(in_two_passes(**odd))
    lost = {(one.what, one.found) for one in found.lost}
    assert {("scheduler", "simple"), ("strength of a picture", "0.5"), ("cfg", "900.0")} <= lost
    assert (found.draft.second.sigmas, found.draft.second.cfg) == (None, None)


def test_what_enlarges_otherwise_makes_another_pass() -> None:
    for name in ("ltx-2.3-spatial-upscaler-x1.5-1.0", "ltx-2-temporal-upscaler-x2-1.0"):
        file = {"n50": ("LatentUpscaleModelLoader", {"model_name": f"{name}.safetensors"})}
        found = read(in_two_passes(**file))
        assert found.draft.second == UNSAID.second
        assert "another pass" in {one.what for one in found.lost}


def test_what_is_laid_into_the_second_pass_alone_is_told() -> None:
    nodes = {name: node for name, node in in_two_passes().items() if name != "n37"}
    nodes["n34"] = ("LTXVConcatAVLatent", {"video_latent": ["35", 0], "audio_latent": ["36", 0]})
    nodes["n53"] = ("ManualSigmas", {"sigmas": "5.0, 1.0, 0.0"})
    found = read(nodes)
    lost = {(one.what, one.found) for one in found.lost}
    assert found.task is Task.TEXT_TO_VIDEO
    assert ("picture of the second pass", "begin.png") in lost
    assert "scheduler" in {what for what, _ in lost}
    assert found.draft.second.sigmas is None


def test_who_says_two_passes_has_those_of_the_graph() -> None:
    found = read(in_two_passes())
    for passes, sigmas in ((2, (0.85, 0.725, 0.0)), (1, None)):
        said = replace(UNSAID, second=DraftSecond(passes=passes))
        wish = replace(a_wish(""), imported=found, draft=said)
        with_it, told = filled_in(WithSettings(wish=wish, imported=found), FAMILIES["ltx-2"], "m")
        assert (with_it.draft.second.passes, with_it.draft.second.sigmas) == (passes, sigmas)
        assert ("passes 2" in " ".join(told)) == (passes == 1)


def test_our_own_films_in_two_passes_are_read_as_they_are() -> None:
    recipe = in_passes_of_ltx("ltx-2", width=768, height=512)
    found = imported_of(recipe)
    assert found.draft.second == DraftSecond(passes=2, sampler="euler", sigmas=LEVELS, cfg=1.0)
    assert imported_of(replace(recipe, second=None)).draft.second == UNSAID.second
    assert filled(found, "ltx-2")[0].second == found.draft.second


def test_pixels_that_are_enlarged_between_are_another_pass() -> None:
    pixels = {
        "n52": ("VAEEncode", {"pixels": ["70", 0], "vae": ["8", 0]}),
        "n70": ("ImageUpscaleWithModel", {"image": ["71", 0], "upscale_model": ["50", 0]}),
        "n71": ("VAEDecode", {"samples": ["42", 0], "vae": ["8", 0]}),
    }
    found = read(in_two_passes(**pixels))
    assert found.draft.second == UNSAID.second
    assert "another pass" in {one.what for one in found.lost}


def test_a_second_pass_is_drawn_where_the_model_has_what_enlarges() -> None:
    found = read(in_two_passes())
    draft, said = filled(found, "ltx-2")
    assert (draft.second.passes, draft.motion.held) == (2, 0.7)
    assert "passes 2" in said
    alone = replace(FAMILIES["ltx-2"], second=None)  # as `Checkpoint.able` is without it
    wish = replace(a_wish(""), imported=found)
    with_it, told = filled_in(WithSettings(wish=wish, imported=found), alone, "m")
    assert with_it.draft.second == UNSAID.second
    assert "passes 2" in " ".join(told)
    other, said = filled(found, "wan-2.1")
    assert (other.second, other.motion.held) == (UNSAID.second, None)
    assert "of its first picture 0.7" in said


def test_an_ancestral_sampler_that_throws_noise_is_one() -> None:
    found = read(guided_by(1.0, 1.0))
    assert found.draft.sampling.sampler == "euler_ancestral"
    assert {loss.what for loss in found.lost} == {"image", "last picture"}
