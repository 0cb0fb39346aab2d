"""A prompt of ComfyUI's server, read into a draft: samplers, words, pictures, files, losses."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Mapping
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from generation.interchange import reading
from generation.interchange.imported import Imported, NotRead, Why
from generation.media.containers import texts_of
from generation.tasks import Task
from tests.given.comfy_graphs import CUSTOM, USUAL, Nodes, prompt


def imported(nodes: Nodes) -> Imported:
    return reading.read({"prompt": prompt(**nodes)})


def with_sampler(**inputs: Any) -> Nodes:
    return {**USUAL, "n5": ("KSampler", {**USUAL["n5"][1], **inputs})}


def losses(found: Imported) -> set[tuple[str, Why]]:
    return {(loss.what, loss.why) for loss in found.lost}


def test_all_of_the_usual_graph_is_taken() -> None:
    found = imported(USUAL)
    sampling = found.draft.sampling
    assert (sampling.sampler, sampling.scheduler) == ("euler_ancestral", "sgm_uniform")
    assert (sampling.steps, sampling.cfg, found.seed) == (30, 4.5, 2**63)
    assert (found.draft.canvas.width, found.draft.canvas.height) == (1024, 768)
    assert (found.draft.words.prompt, found.draft.words.negative_prompt) == ("a cat", "blurry")
    assert [(file.kind, file.name) for file in found.files] == [("checkpoint", "base")]
    assert (found.program, found.task, found.lost) == ("comfyui", Task.TEXT_TO_IMAGE, ())


def test_a_picture_brings_its_prompt_in_every_kind_of_file() -> None:
    told = PngInfo()
    told.add_text("prompt", prompt(**USUAL))
    file = io.BytesIO()
    Image.new("RGB", (16, 16)).save(file, "PNG", pnginfo=told)
    exif = Image.Exif()
    exif[0x0110] = f"prompt:{prompt(**USUAL)}"
    webp = io.BytesIO()
    Image.new("RGB", (16, 16)).save(webp, "WEBP", exif=exif.tobytes())
    both = json.dumps({"prompt": json.loads(prompt(**USUAL)), "workflow": {}})
    for texts in (
        texts_of(file.getvalue()),
        texts_of(webp.getvalue()),
        texts_of(prompt(**USUAL).encode()),
        {"comment": both},
        {"comment": json.dumps({"prompt": prompt(**USUAL)})},
        {"prompt": json.dumps(prompt(**USUAL))},
    ):
        assert reading.read(texts) == imported(USUAL)


def test_a_sampler_that_is_put_together_is_read_from_its_parts() -> None:
    found = imported(CUSTOM)
    sampling = found.draft.sampling
    assert (sampling.sampler, sampling.scheduler, sampling.steps) == ("dpmpp_2m", "beta", 22)
    assert (sampling.cfg, sampling.guidance, found.seed) == (1.0, 3.2, 7)
    # 4,096 tokens: the end of the line between the two.
    assert sampling.shift == pytest.approx(math.exp(1.15), abs=1e-5)
    kinds = [(file.kind, file.name) for file in found.files]
    assert kinds == [
        *(
            ("checkpoint", "flux1-dev"),
            ("text encoder", "clip_l"),
            ("text encoder", "t5"),
            ("vae", "ae"),
        )
    ]
    assert losses(found) == {("count", Why.OTHERWISE)}


@pytest.mark.parametrize(
    ("node", "inputs", "schedule", "steps"),
    [
        ("Flux2Scheduler", {"steps": 20, "width": 64, "height": 64}, "even", 20),
        ("ManualSigmas", {"sigmas": "1.0, 0.9, 0.5, 0"}, "manual:1:0.9:0.5", 3),
        ("BetaSamplingScheduler", {"steps": 9, "alpha": 0.4, "beta": 0.6}, "beta:0.4:0.6", 9),
        ("KarrasScheduler", {"steps": 9, "sigma_max": 14, "sigma_min": 0.03}, "karras", 9),
        ("SomebodysScheduler", {"steps": 9}, None, 9),
    ],
)
def test_schedules_that_are_nodes(
    node: str, inputs: Mapping[str, Any], schedule: str | None, steps: int
) -> None:
    found = imported({**CUSTOM, "n9": (node, inputs)})
    assert (found.draft.sampling.scheduler, found.draft.sampling.steps) == (schedule, steps)
    assert (("scheduler", Why.UNKNOWN) in losses(found)) == (schedule is None)


def test_samplers_that_are_nodes_are_named_for_theirs() -> None:
    found = imported({**CUSTOM, "n8": ("SamplerEulerAncestral", {"eta": 1, "s_noise": 1})})
    assert found.draft.sampling.sampler == "euler_ancestral"
    found = imported({**CUSTOM, "n8": ("SamplerOfMyOwn", {})})
    assert found.draft.sampling.sampler is None
    assert ("sampler", Why.UNKNOWN) in losses(found)


def test_two_guidances_are_read_apart() -> None:
    guider: dict[str, Any] = {
        "model": ["5", 0],
        "cond1": ["4", 0],
        "cond2": ["3", 0],
        "negative": ["3", 0],
    }
    guider |= {"cfg_conds": 5, "cfg_cond2_negative": 2, "style": "regular"}
    found = imported({**CUSTOM, "n6": ("DualCFGGuider", guider)})
    assert (found.draft.sampling.cfg, found.draft.sampling.image_cfg) == (5.0, 2.0)
    assert found.draft.words.prompt == "a fox"


def loras(found: Imported) -> list[tuple[str, float | None]]:
    return [(file.name, file.strength) for file in found.files if file.kind == "lora"]


def test_loras_of_every_loader() -> None:
    stack = {
        "lora_1": {"on": True, "lora": "x\\ink.safetensors", "strength": 0.7},
        "lora_2": {"on": False, "lora": "off.safetensors", "strength": 1},
        "model": ["1", 0],
    }
    single: dict[str, Any] = {
        "lora_name": "y/gold.safetensors",
        "strength_model": 0.4,
        "strength_clip": 0.2,
    }
    single |= {"model": ["8", 0], "clip": ["1", 1]}
    numbered: dict[str, Any] = {"lora_01": "a.safetensors", "strength_01": 0.3, "lora_02": "None"}
    numbered |= {"strength_02": 1, "model": ["9", 0]}
    found = imported(
        {
            **with_sampler(model=["10", 0]),
            "n8": ("Power Lora Loader (rgthree)", stack),
            "n9": ("LoraLoader", single),
            "n10": ("Lora Loader Stack (rgthree)", numbered),
        }
    )
    assert loras(found) == [("ink", 0.7), ("gold", 0.4), ("a", 0.3)]
    assert losses(found) == {("strength of the lora", Why.OTHERWISE)}


def test_the_layer_that_words_are_read_from() -> None:
    skip = ("CLIPSetLastLayer", {"stop_at_clip_layer": -2, "clip": ["1", 1]})
    words = ("CLIPTextEncode", {"text": "a cat", "clip": ["8", 0]})
    found = imported({**USUAL, "n8": skip, "n2": words})
    assert found.draft.words.clip_skip == 2
    assert found.lost == ()


def test_words_for_several_encoders_and_of_several_nodes() -> None:
    words: dict[str, Any] = {
        "clip_l": "short",
        "t5xxl": "a long sentence",
        "guidance": 2.5,
        "clip": ["1", 1],
    }
    found = imported({**USUAL, "n2": ("CLIPTextEncodeFlux", words)})
    assert found.draft.words.prompt == "a long sentence"
    assert found.draft.sampling.guidance == 2.5
    assert losses(found) == {("words of another encoder", Why.NOT_HERE)}
    more = ("CLIPTextEncode", {"text": "in snow", "clip": ["1", 1]})
    both = ("ConditioningConcat", {"conditioning_to": ["2", 0], "conditioning_from": ["8", 0]})
    found = imported({**with_sampler(positive=["9", 0]), "n8": more, "n9": both})
    assert found.draft.words.prompt == "a cat\nin snow"
    assert losses(found) == {("conditioning", Why.OTHERWISE)}


def test_the_files_of_the_main_sampler_stand_first_and_those_of_others_are_idle() -> None:
    other = {
        **USUAL["n5"][1],
        "model": ["21", 0],
        "latent_image": ["5", 0],
        "denoise": 0.3,
    }
    found = imported(
        {
            "n20": ("CheckpointLoaderSimple", {"ckpt_name": "refiner.safetensors"}),
            "n21": ("LoraLoaderModelOnly", {"lora_name": "fine.safetensors", "model": ["20", 0]}),
            **USUAL,
            "n22": ("KSampler", other),
            "n6": ("VAEDecode", {"samples": ["22", 0], "vae": ["1", 2]}),
        }
    )
    assert [(file.name, file.idle) for file in found.files] == [
        *(("base", False), ("refiner", False), ("fine", True))
    ]


def test_zeros_are_no_words() -> None:
    zero = ("ConditioningZeroOut", {"conditioning": ["2", 0]})
    found = imported({**with_sampler(negative=["8", 0]), "n8": zero})
    assert found.draft.words.negative_prompt == ""
    assert found.lost == ()


PICTURE: Nodes = {
    "n20": ("LoadImage", {"image": "dog.png"}),
    "n21": ("VAEEncode", {"pixels": ["20", 0], "vae": ["1", 2]}),
}


def test_a_picture_to_begin_with_is_wanted() -> None:
    found = imported({**with_sampler(latent_image=["21", 0], denoise=0.6), **PICTURE})
    assert (found.task, found.draft.sampling.denoise) == (Task.IMAGE_TO_IMAGE, 0.6)
    assert [(one.what, one.why, one.found) for one in found.lost] == [
        ("image", Why.WANTS_A_PICTURE, "dog.png")
    ]
    assert found.draft.canvas.width is None


def test_a_part_of_a_picture_and_more_of_it() -> None:
    masked = ("SetLatentNoiseMask", {"samples": ["21", 0], "mask": ["20", 1]})
    found = imported({**with_sampler(latent_image=["22", 0]), **PICTURE, "n22": masked})
    assert found.task is Task.INPAINT
    assert {("image", Why.WANTS_A_PICTURE), ("mask", Why.WANTS_A_PICTURE)} == losses(found)
    padded = ("ImagePadForOutpaint", {"image": ["20", 0], "left": 64, "feathering": 40})
    encode = {"pixels": ["22", 0], "mask": ["22", 1], "vae": ["1", 2], "grow_mask_by": 6}
    found = imported(
        {
            **with_sampler(latent_image=["21", 0]),
            **PICTURE,
            "n21": ("VAEEncodeForInpaint", encode),
            "n22": padded,
        }
    )
    assert found.task is Task.OUTPAINT
    assert found.draft.canvas.width is None


def test_a_picture_that_is_changed_is_a_reference() -> None:
    edit = {"prompt": "make it night", "clip": ["1", 1], "image1": ["20", 0], "image2": ["23", 0]}
    found = imported(
        {
            **with_sampler(latent_image=["21", 0]),
            **PICTURE,
            "n2": ("TextEncodeQwenImageEditPlus", edit),
            "n23": ("LoadImage", {"image": "hat.png"}),
        }
    )
    assert (found.task, found.draft.words.prompt) == (Task.EDIT, "make it night")
    pictures = [loss.found for loss in found.lost if loss.what == "reference"]
    assert pictures == ["dog.png", "hat.png"]
    latent = ("ReferenceLatent", {"conditioning": ["2", 0], "latent": ["21", 0]})
    found = imported({**with_sampler(positive=["22", 0]), **PICTURE, "n22": latent})
    assert found.task is Task.EDIT


def test_a_network_that_looks_is_a_file_with_its_strength() -> None:
    apply = {
        "positive": ["2", 0],
        "negative": ["3", 0],
        "control_net": ["23", 0],
        "image": ["20", 0],
        "strength": 0.7,
        "start_percent": 0.1,
        "end_percent": 0.8,
    }
    found = imported(
        {
            **with_sampler(positive=["22", 0], negative=["22", 1]),
            **PICTURE,
            "n22": ("ControlNetApplyAdvanced", apply),
            "n23": ("ControlNetLoader", {"control_net_name": "canny.safetensors"}),
        }
    )
    assert found.task is Task.TEXT_TO_IMAGE
    control = next(file for file in found.files if file.kind == "controlnet")
    assert (control.name, control.strength) == ("canny", 0.7)
    assert losses(found) == {
        ("control picture", Why.WANTS_A_PICTURE),
        ("steps of the controlnet", Why.NOT_HERE),
    }
    assert found.draft.words.negative_prompt == "blurry"


def test_more_pixels_alone_and_more_pixels_drawn_over() -> None:
    larger: Nodes = {
        "n20": ("LoadImage", {"image": "dog.png"}),
        "n21": ("UpscaleModelLoader", {"model_name": "4x.pth"}),
        "n22": ("ImageUpscaleWithModel", {"upscale_model": ["21", 0], "image": ["20", 0]}),
        "n23": ("SaveImage", {"images": ["22", 0]}),
    }
    found = imported(larger)
    assert found.task is Task.UPSCALE
    assert [(file.kind, file.name) for file in found.files] == [("upscaler", "4x")]
    encoded = ("VAEEncode", {"pixels": ["22", 0], "vae": ["1", 2]})
    over = with_sampler(latent_image=["24", 0], denoise=0.33)
    found = imported({**larger, **over, "n24": encoded})
    assert (found.task, found.draft.sampling.denoise) == (Task.UPSCALE, 0.33)


def test_base_and_refiner_are_the_base_and_a_step_that_is_told() -> None:
    def advanced(start: int, end: int, latent: str, seed: int) -> tuple[str, dict[str, Any]]:
        usual = {k: v for k, v in USUAL["n5"][1].items() if k not in ("seed", "denoise")}
        more: dict[str, Any] = {"noise_seed": seed, "start_at_step": start, "end_at_step": end}
        more |= {"add_noise": "enable", "latent_image": [latent, 0]}
        return "KSamplerAdvanced", {**usual, **more}

    found = imported(
        {
            **USUAL,
            "n5": advanced(24, 10000, "8", 1),
            "n8": advanced(0, 24, "4", 5),
        }
    )
    assert (found.seed, found.draft.sampling.denoise) == (5, None)
    assert ("another pass", Why.A_STEP_OF_ITS_OWN) in losses(found)
    assert ("end_at_step", Why.NOT_HERE) in losses(found)


def test_a_picture_of_which_all_is_drawn_anew_is_not_what_began_it() -> None:
    nodes = {
        **with_sampler(latent_image=["11", 0], seed=6),
        "n8": ("KSampler", {**USUAL["n5"][1], "steps": 1}),
        "n10": ("VAEDecode", {"samples": ["8", 0], "vae": ["1", 2]}),
        "n11": ("VAEEncode", {"pixels": ["10", 0], "vae": ["1", 2]}),
    }
    assert imported(nodes).seed == 6
    nodes["n5"][1]["denoise"] = 0.5  # type: ignore[index]
    assert imported(nodes).seed == 2**63


def test_what_a_chat_model_writes_is_told_and_what_it_was_told_is_taken() -> None:
    wish = ("PrimitiveStringMultiline", {"value": "a cat in the rain"})
    writer: dict[str, Any] = {"clip": ["10", 0], "prompt": ["8", 0], "max_length": 512}
    words = ("CLIPTextEncode", {"text": ["9", 0], "clip": ["1", 1]})
    found = imported(
        {
            **USUAL,
            "n2": words,
            "n8": wish,
            "n9": ("TextGenerate", writer),
            "n10": ("CLIPLoader", {"clip_name": "qwen.safetensors"}),
        }
    )
    assert found.draft.words.prompt == "a cat in the rain"
    assert ("prompt", Why.OTHERWISE) in losses(found)


def test_a_form_is_none_of_a_pictures() -> None:
    form = ("EmptyLatentTrellis2", {"batch_size": 1})
    found = imported({**USUAL, "n4": form})
    assert found.task is None
    assert ("medium", Why.NOT_HERE) in losses(found)


def test_what_is_beyond_what_can_be_asked_for_is_a_gap_and_told() -> None:
    found = imported(with_sampler(steps=10_000, cfg="much", sampler_name=5, seed=-7))
    sampling = found.draft.sampling
    assert (sampling.steps, sampling.cfg, sampling.sampler, found.seed) == (None,) * 4
    assert losses(found) == {
        ("steps", Why.OUT_OF_RANGE),
        ("cfg", Why.UNREADABLE),
        ("sampler", Why.UNREADABLE),
        ("seed", Why.OUT_OF_RANGE),
    }


def test_what_civitai_says_beside_fills_what_the_nodes_leave_open() -> None:
    nodes = json.loads(prompt(**{**with_sampler(seed=["99", 0]), "n2": ("Mystery", {})}))
    beside = {"prompt": "a cat", "negativePrompt": "", "seed": 12, "steps": 99}
    nodes["extraMetadata"] = json.dumps(beside)
    found = reading.read({"prompt": json.dumps(nodes)})
    assert (found.draft.words.prompt, found.seed) == ("a cat", 12)
    assert found.draft.sampling.steps == 30
    air = "urn:air:sdxl:checkpoint:civitai:101055@128078"
    nodes["1"]["inputs"]["ckpt_name"] = air
    (file,) = reading.read({"prompt": json.dumps(nodes)}).files
    assert file.address == air


def test_words_of_other_programs_under_the_same_name_are_theirs() -> None:
    with pytest.raises(NotRead):
        reading.read({"prompt": "a red cat"})
    with pytest.raises(NotRead):
        reading.read({"prompt": '{"3": {"class_type": "KSampler", '})
    with pytest.raises(NotRead):
        reading.read({"prompt": "{}", "workflow": "[]"})


EFFICIENT: Nodes = {
    "n1": (
        "Efficient Loader",
        {
            "ckpt_name": "dream.safetensors",
            "vae_name": "Baked VAE",
            "clip_skip": -2,
            "lora_name": "None",
            "positive": "a cat",
            "negative": "blurry",
            "weight_interpretation": "A1111",
            "empty_latent_width": 512,
            "empty_latent_height": 768,
            "batch_size": 1,
        },
    ),
    "n2": (
        "KSampler (Efficient)",
        {
            "seed": 5,
            "steps": 20,
            "cfg": 7,
            "sampler_name": "euler",
            "scheduler": "normal",
            "denoise": 1.0,
            "model": ["1", 0],
            "positive": ["1", 1],
            "negative": ["1", 2],
            "latent_image": ["1", 3],
        },
    ),
    "n3": ("SaveImage", {"images": ["2", 5]}),
}


def test_loaders_that_hold_everything_are_read_and_may_ask_for_another_reading() -> None:
    found = imported(EFFICIENT)
    words, canvas = found.draft.words, found.draft.canvas
    assert (words.prompt, words.negative_prompt, words.clip_skip) == ("a cat", "blurry", 2)
    assert words.syntax is None
    assert (canvas.width, canvas.height) == (512, 768)
    assert imported(USUAL).draft.words.syntax == "comfy"


def test_texts_that_packs_put_together_and_sizes_that_they_spell() -> None:
    joined = {"delimiter": ", ", "text_a": ["9", 0], "text_b": "in snow"}
    found = imported(
        {
            **USUAL,
            "n2": ("CLIPTextEncode", {"text": ["8", 0], "clip": ["1", 1]}),
            "n8": ("Text Concatenate", joined),
            "n9": ("easy positive", {"positive": "a cat"}),
            "n4": ("SDXLEmptyLatentSizePicker+", {"resolution": "1344x768 (1.75)"}),
        }
    )
    assert found.draft.words.prompt == "a cat, in snow"
    assert (found.draft.canvas.width, found.draft.canvas.height) == (1344, 768)


def test_a_second_pass_over_the_pixels_is_no_picture_of_its_own() -> None:
    detailer = {
        **{k: v for k, v in USUAL["n5"][1].items() if k != "latent_image"},
        "seed": 1,
        "denoise": 0.5,
        "image": ["6", 0],
        "bbox_detector": ["9", 0],
    }
    found = imported(
        {
            **USUAL,
            "n8": ("FaceDetailer", detailer),
            "n9": ("UltralyticsDetectorProvider", {"model_name": "bbox/face.pt"}),
            "n7": ("SaveImage", {"images": ["8", 0]}),
        }
    )
    assert (found.seed, found.draft.sampling.denoise) == (2**63, None)
    assert ("another pass", Why.A_STEP_OF_ITS_OWN) in losses(found)
