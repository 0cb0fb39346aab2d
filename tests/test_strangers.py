"""What cannot be drawn yet is called by its name, told from the names of its tensors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from generation.catalog import recognition, strangers
from generation.catalog.catalog import Catalog
from generation.errors import UnusableWeights

Shapes = dict[str, tuple[int, ...]]

UNET = "model.diffusion_model."
SPECIAL = {
    "SDXL": ("input_blocks.4.1.transformer_blocks.0.attn2.to_k.weight", 2048),
    "SD": ("input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight", 768),
}


def unet(kind: str = "SD", *, width: int | None = None, channels: int = 4) -> Shapes:
    key, usual = SPECIAL[kind]
    return {
        f"{UNET}input_blocks.0.0.weight": (320, channels, 3, 3),
        f"{UNET}{key}": (320, width or usual),
        "first_stage_model.decoder.conv_in.weight": (512, 4, 3, 3),
    }


FILES: list[tuple[Shapes, str]] = [
    (unet(channels=5), "depth-to-image"),
    (unet(channels=7), "x4 upscaler"),
    (unet(channels=11), "11 channels"),
    (unet(width=1024) | {"noise_augmentor.time_embed.0.weight": (1,)}, "unCLIP"),
    (unet("SDXL") | {"edm_mean": (1, 4, 1, 1)}, "Playground 2.5"),
    (unet("SDXL") | {"edm_vpred.sigma_max": ()}, "CosXL"),
    ({"distilled_guidance_layer.in_proj.bias": (5,), "nerf_blocks.0.x": (1,)}, "Chroma Radiance"),
    (
        {
            "transformer_blocks.0.img_mod.1.weight": (9, 3),
            "time_text_embed.addition_t_embedding.weight": (2, 9),
        },
        "Qwen-Image-Layered, which takes a picture apart into several",
    ),
    ({"cap_embedder.0.weight": (1,), "layers.0.attention.wq.weight": (1,)}, "Lumina-Next"),
    ({"face_adapter.fuser_blocks.0.k_norm.weight": (5,)}, "Wan-Animate"),
    ({"blocks.0.cross_attn.kv_linear.weight": (1,), "blocks.0.mlp.fc1.bias": (1,)}, "PixArt"),
    ({"double_layers.0.attn.w2q.weight": (1,)}, "AuraFlow"),
    ({f"{UNET}perceiver.latent_queries": (512, 3584), "layers.0.cross_attn_gate": (1,)}, "Fibo 2"),
    (
        {"cond_type_embedding.weight": (3, 9), "double_blocks.0.img_attn_q.weight": (9, 9)},
        "HunyuanVideo 1.5 as its makers keep it",
    ),
    (
        {"txt_in.individual_token_refiner.blocks.0.x": (1,), "double_blocks.0.img_attn.x": ()},
        "Huny",
    ),
    ({"down_blocks.0.0.channelwise.0.weight": (1, 1)}, "Stable Cascade"),
    ({"control_model.input_blocks.0.0.weight": (320, 4, 3, 3)}, "ControlNet"),
    ({"controlnet_cond_embedding.conv_in.weight": (16, 3, 3, 3)}, "ControlNet"),
    ({"body.0.block1.weight": (1, 1, 3, 3)}, "T2I-Adapter"),
    ({"ip_adapter.1.to_k_ip.weight": (1, 1), "image_proj.proj.weight": (1, 1)}, "IP-Adapter"),
    ({"down_blocks.2.motion_modules.0.x": (1,)}, "motion module for SDXL"),
    ({"conv_first.weight": (64, 3, 3, 3), "body.0.weight": (64, 64, 3, 3)}, "upscaler"),
    ({"params_ema.conv_first.weight": (64, 3, 3, 3)}, "upscaler"),
    ({"encoder.block.0.layer.0.SelfAttention.q.weight": (1, 1)}, "T5"),
    ({"text_model.encoder.layers.0.mlp.fc1.weight": (1, 1)}, "CLIP"),
    ({"input_blocks.0.0.weight": (320, 4, 3, 3)}, "a UNet of a build that nothing here draws with"),
    ({"conv_in.weight": (320, 4, 3, 3), "down_blocks.0.resnets.0.conv1.weight": ()}, "a UNet of a"),
    ({"unet.input_blocks.0.0.weight": (320, 5, 3, 3)}, "depth-to-image"),
    ({"conv_in.weight": (256, 7, 3, 3), "down_blocks.0.resnets.0.conv1.weight": ()}, "x4 upscaler"),
    ({"decoder.conv_in.weight": (512, 4, 3, 3)}, "without its encoder"),
    ({"1.weight": (64, 4, 3, 3), "3.conv.0.weight": (64, 64, 3, 3)}, "TAESD"),
]


@pytest.mark.parametrize(("shapes", "title"), FILES)
def test_a_strange_file_is_called_by_its_name(shapes: Shapes, title: str) -> None:
    with pytest.raises(UnusableWeights) as refused:
        recognition.of_file(shapes, "x")
    assert title in refused.value.reason
    assert refused.value.reason.endswith("not supported yet")


@pytest.mark.parametrize(
    ("class_name", "title"),
    [
        ("FluxPipeline", None),
        ("FluxPriorReduxPipeline", "FLUX.1 Redux"),
        ("Flux2KleinPipeline", None),
        ("StableDiffusion3Pipeline", None),
        ("QwenImageEditPipeline", None),
        (
            "QwenImageLayeredPipeline",
            "Qwen-Image-Layered, which takes a picture apart into several",
        ),
        ("WanAnimatePipeline", "Wan-Animate"),
        ("LTXConditionPipeline", None),
        ("LTX2Pipeline", None),
        ("LTX2HDRPipeline", "LTX-2 by a pipeline of another kind"),
        ("KolorsPipeline", "Kolors"),
        ("BriaFibo2Pipeline", "Fibo 2"),
        ("BriaFiboEditPipeline", "Fibo"),
        ("StableCascadeDecoderPipeline", "Stable Cascade"),
        ("StableDiffusionXLInpaintPipeline", None),
        ("StableDiffusionInstructPix2PixPipeline", None),
        ("StableDiffusionXLPipeline", None),
        ("StableDiffusionPipeline", None),
        ("StableDiffusionXLImg2ImgPipeline", None),
    ],
)
def test_a_pipelines_class_tells_the_family(class_name: str, title: str | None) -> None:
    assert strangers.pipeline(class_name) == title


def test_a_strange_folder_is_called_by_its_name_and_hides_no_other(tmp_path: Path) -> None:
    folder = tmp_path / "models" / "aura"
    folder.mkdir(parents=True)
    index = {"_class_name": "AuraFlowPipeline", "vae": ["diffusers", "AutoencoderKL"]}
    (folder / "model_index.json").write_text(json.dumps(index))
    catalog = Catalog([tmp_path / "models"], tmp_path / "digests.json")
    catalog.scan()
    assert [e.reason for e in catalog.refused()] == ["AuraFlow, not supported yet"]


def test_a_card_does_not_talk_a_known_stranger_in(tmp_path: Path) -> None:
    """What is refused by name stays refused: a card helps only where nothing is known."""
    from tests.given.thinmodels import write_file

    write_file(tmp_path / "models" / "f.safetensors", {"double_layers.0.attn.w2q.weight": (1,)})
    card = tmp_path / "models" / "f.safetensors.atelier.toml"
    card.write_text('family = "sdxl"\nkind = "checkpoint"\n')
    catalog = Catalog([tmp_path / "models"], tmp_path / "digests.json")
    catalog.scan()
    assert catalog.entries() == ()
    assert "AuraFlow" in catalog.refused()[0].reason


@pytest.mark.parametrize(("name", "said"), [("unet.ONNX", "ONNX"), ("x.sft", ".safetensors")])
def test_files_of_other_formats_are_listed_with_what_they_are(
    tmp_path: Path, name: str, said: str
) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / name).write_bytes(b"GGUF")
    catalog = Catalog([tmp_path / "models"], tmp_path / "digests.json")
    catalog.scan()
    (refused,) = catalog.refused()
    assert refused.name == name
    assert said in refused.reason
