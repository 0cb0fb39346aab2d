"""A tensor or setting that is missing, or that nobody knows, is noticed before anybody queues."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.given.checkpoints import loaded, only, reason, the_single_file
from tests.given.thinmodels import SD15, write_file, write_folder


@pytest.mark.parametrize(
    ("file", "change", "said"),
    [
        ("model_index.json", {"requires_aesthetics_score": True}, "requires_aesthetics_score"),
        ("model_index.json", {"text_encoder": ["transformers", "T5EncoderModel"]}, "T5Encoder"),
        ("model_index.json", {"scheduler": ["diffusers", "EDMEulerScheduler"]}, "Scheduler"),
        ("model_index.json", {"vae": ["diffusers", "AutoencoderTiny"]}, "AutoencoderTiny"),
        ("model_index.json", {"secret": 3}, "secret"),
        ("model_index.json", {"_class_name": "StableDiffusionXLPipeline"}, "XLPipeline"),
        ("model_index.json", {"_class_name": ["StableDiffusionPipeline"]}, "StableDiffusion"),
        ("unet/config.json", {"time_cond_proj_dim": 128}, "time_cond_proj_dim"),
        ("unet/config.json", {"time_cond_proj_dim": 256}, "cond_proj"),
        ("unet/config.json", {"class_embed_type": "timestep"}, "class_embed_type"),
        ("unet/config.json", {"encoder_hid_dim": 4096}, "encoder_hid_dim"),
        ("unet/config.json", {"out_channels": 8}, "out_channels"),
        ("unet/config.json", {"addition_embed_type": "image"}, "image"),
        ("unet/config.json", {"secret": 3}, "secret"),
        ("unet/config.json", {"quantization_config": {"quant_method": "bitsandbytes"}}, "bitsand"),
        ("unet/config.json", {"use_linear_projection": True}, "shape"),
        ("unet/config.json", {"layers_per_block": 2}, "missing"),
        ("vae/config.json", {"latents_mean": [0.1] * 4}, "latents_mean"),
        ("vae/config.json", {"scaling_factor": "0.1"}, "scaling_factor"),
        ("vae/config.json", {"scaling_factor": 0}, "scaling_factor"),
        ("vae/config.json", {"scaling_factor": None}, "scaling_factor"),
        ("vae/config.json", {"_class_name": "AsymmetricAutoencoderKL"}, "Asymmetric"),
        ("vae/config.json", {"latent_channels": 16}, "latent_channels"),
        ("text_encoder/config.json", {"num_hidden_layers": 2}, "missing"),
        ("text_encoder/config.json", {"hidden_size": 8}, "shape"),
    ],
)
def test_a_folders_setting_is_used_or_refused_by_name(
    tmp_path: Path, file: str, change: dict[str, object], said: str
) -> None:
    path = write_folder(tmp_path / "m" / "x") / file
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    assert said in reason(tmp_path / "m")


@pytest.mark.parametrize("task", ["Img2Img", "Inpaint", ""])
def test_the_task_a_folder_was_saved_for_decides_nothing(tmp_path: Path, task: str) -> None:
    path = write_folder(tmp_path / "m" / "x") / "model_index.json"
    index = {"_class_name": f"StableDiffusion{task}Pipeline"}
    path.write_text(json.dumps(json.loads(path.read_text()) | index))
    assert only(tmp_path / "m").family == "sd15"


@pytest.mark.parametrize(
    ("part", "key"),
    [("unet", "surprise.weight"), ("vae", "decoder.surprise"), ("text_encoder", "surprise")],
)
def test_a_tensor_that_nobody_knows_refuses_a_folder(tmp_path: Path, part: str, key: str) -> None:
    folder = write_folder(tmp_path / "m" / "x") / part
    (file,) = folder.glob("*.safetensors")
    save_file({**load_file(file), key: torch.zeros(1)}, file)
    assert key in reason(tmp_path / "m")


@pytest.mark.parametrize(
    "lacking",
    [
        "model.diffusion_model.out.2.weight",
        "model.diffusion_model.time_embed.0.bias",
        "first_stage_model.encoder.conv_in.bias",
        "first_stage_model.post_quant_conv.weight",
        "cond_stage_model.transformer.text_model.final_layer_norm.bias",
    ],
)
def test_one_missing_tensor_is_noticed_before_anybody_queues(tmp_path: Path, lacking: str) -> None:
    write_file(tmp_path / "m" / "x.safetensors", {k: s for k, s in SD15.items() if k != lacking})
    assert lacking in reason(tmp_path / "m")


def test_a_tensor_of_another_shape_is_noticed(tmp_path: Path) -> None:
    key = "model.diffusion_model.out.2.weight"
    write_file(tmp_path / "m" / "x.safetensors", {**SD15, key: (4, 9, 3, 3)})
    assert key in reason(tmp_path / "m")


@pytest.mark.parametrize(
    "key",
    [
        "model.diffusion_model.time_embed.cond_proj.weight",
        "model.diffusion_model.surprise",
        "surprise",
        "first_stage_model.decoder.surprise.weight",
        "cond_stage_model.surprise",
        "sampling.sigma_data",
    ],
)
def test_a_tensor_that_nobody_knows_is_refused_by_name(tmp_path: Path, key: str) -> None:
    write_file(tmp_path / "m" / "x.safetensors", {**SD15, key: (1,)})
    assert key in reason(tmp_path / "m")


@pytest.mark.parametrize(
    "key",
    [
        "model_ema.diffusion_modelout2weight",
        "betas",
        "sqrt_one_minus_alphas_cumprod",
        "cond_stage_model.transformer.text_model.embeddings.position_ids",
        "cond_stage_model.logit_scale",
        "first_stage_model.loss.discriminator.main.0.weight",
        "optimizer_states.0",
        "global_step",
    ],
)
def test_what_training_left_behind_is_harmless(tmp_path: Path, key: str) -> None:
    write_file(tmp_path / "m" / "x.safetensors", {**SD15, key: (1,)})
    assert only(tmp_path / "m").family == "sd15"


def test_a_text_encoder_that_lost_a_level_of_its_names_has_the_same_numbers(
    tmp_path: Path,
) -> None:
    for architecture, prefix in (("sd1", "cond_stage_model"), ("sdxl", "conditioner.embedders.0")):
        tensors, _ = the_single_file(architecture)
        lost = {
            key.replace(f"{prefix}.transformer.text_model.", f"{prefix}.transformer."): tensor
            for key, tensor in tensors.items()
        }
        assert lost.keys() != tensors.keys()
        right = loaded(tensors, architecture, tmp_path)
        found = loaded(lost, architecture, tmp_path)
        assert all(torch.equal(found[key], right[key]) for key in right)
