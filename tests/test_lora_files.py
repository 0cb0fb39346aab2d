"""Claims about LoRA files as people have them: what a catalog says before anybody queues."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from generation.catalog.recognition import Anatomy, of_file
from generation.errors import UnknownWeights, UnusableWeights

Shapes = Mapping[str, tuple[int, ...]]

DOWN_BLOCK = "down_blocks.1.attentions.0.transformer_blocks.0"
SD15_LAYER, SDXL_LAYER = (640, 768), (640, 2048)
ENDS = {
    "kohya": ("lora_down.weight", "lora_up.weight"),
    "peft": ("lora_A.weight", "lora_B.weight"),
    "peft with a name": ("lora_A.default.weight", "lora_B.default.weight"),
    "diffusers": ("lora.down.weight", "lora.up.weight"),
    "linear layer": ("lora_linear_layer.down.weight", "lora_linear_layer.up.weight"),
}


def lora(layer: str, rows: int, columns: int, ends: str = "kohya", rank: int = 4) -> Shapes:
    """A layer's two tensors."""
    down, up = ENDS[ends]
    return {f"{layer}.{down}": (rank, columns), f"{layer}.{up}": (rows, rank)}


def cross(prefix: str = "lora_unet_", size: tuple[int, int] = SD15_LAYER) -> Shapes:
    """A layer that tells the families apart, as kohya spells it."""
    return lora(f"{prefix}{DOWN_BLOCK.replace('.', '_')}_attn2_to_k", *size)


def refusal(shapes: Shapes, metadata: Mapping[str, str] | None = None) -> str:
    with pytest.raises(UnusableWeights) as raised:
        of_file(shapes, "x", metadata or {})
    return raised.value.reason


def family(shapes: Shapes, metadata: Mapping[str, str] | None = None) -> str:
    anatomy = of_file(shapes, "x", metadata or {})
    assert anatomy == Anatomy(kind="lora", family=anatomy.family)
    return anatomy.family


SPELLED: list[Shapes] = [
    cross(),
    cross("lycoris_"),
    lora(f"unet.{DOWN_BLOCK}.attn2.to_k", *SD15_LAYER, "peft"),
    lora(f"unet.{DOWN_BLOCK}.attn2.to_k", *SD15_LAYER, "peft with a name"),
    lora(f"unet.{DOWN_BLOCK}.attn2.to_k", *SD15_LAYER, "diffusers"),
    {
        f"unet.{DOWN_BLOCK}.attn2.processor.to_k_lora.down.weight": (4, 768),
        f"unet.{DOWN_BLOCK}.attn2.processor.to_k_lora.up.weight": (640, 4),
    },
    {
        f"{DOWN_BLOCK}.attn2.processor.to_k_lora.down.weight": (4, 768),
        f"{DOWN_BLOCK}.attn2.processor.to_k_lora.up.weight": (640, 4),
        f"{DOWN_BLOCK}.attn2.processor.to_out_lora.down.weight": (4, 640),
        f"{DOWN_BLOCK}.attn2.processor.to_out_lora.up.weight": (640, 4),
    },
    lora("text_encoder.text_model.encoder.layers.0.mlp.fc1", 3072, 768, "linear layer"),
    lora("text_encoder.encoder.layers.0.mlp.fc1", 3072, 768, "peft"),
    {
        "text_encoder.text_model.encoder.layers.0.self_attn.to_q_lora.down.weight": (4, 768),
        "text_encoder.text_model.encoder.layers.0.self_attn.to_q_lora.up.weight": (768, 4),
    },
    lora("lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k", *SD15_LAYER),
    lora("diffusion_model.input_blocks.4.1.transformer_blocks.0.attn2.to_k", *SD15_LAYER, "peft"),
    {  # a LoCon's convolutions, 4-D and flat
        **{f"lora_unet_{k}": v for k, v in lora("conv_in", 320, 36).items()},
        "lora_unet_mid_block_attentions_0_proj_in.lora_down.weight": (4, 1280, 1, 1),
        "lora_unet_mid_block_attentions_0_proj_in.lora_up.weight": (1280, 4, 1, 1),
        **cross(),
    },
]


@pytest.mark.parametrize("shapes", SPELLED)
def test_every_spelling_is_read(shapes: Shapes) -> None:
    assert family(shapes) == "sd15"


XL: list[Shapes] = [
    cross(size=SDXL_LAYER),
    lora("lora_unet_input_blocks_4_1_transformer_blocks_1_attn2_to_k", *SDXL_LAYER),
    lora("lora_unet_output_blocks_2_2_conv", 1280, 1280 * 9),
    lora("lora_unet_label_emb_0_0", 1280, 2816),
    lora("lora_te1_text_model_encoder_layers_0_mlp_fc1", 3072, 768),
    lora("lora_te2_text_projection", 1280, 1280),
    lora("text_encoder_2.text_model.encoder.layers.31.mlp.fc1", 5120, 1280, "peft"),
]


@pytest.mark.parametrize("shapes", XL)
def test_a_lora_of_sdxl_is_told_by_its_layers(shapes: Shapes) -> None:
    assert family(shapes) == "sdxl"


@pytest.mark.parametrize(
    ("shapes", "known"),
    [
        (cross(size=(640, 1024)), "sd2"),
        (lora("lora_te_text_model_encoder_layers_22_self_attn_q_proj", 1024, 1024), "sd2"),
        (lora("unet.down_blocks.1.attentions.0.proj_in", 768, 768, "peft"), "sdxl-refiner"),
        (lora("lora_unet_label_emb_0_0", 1536, 2560), "sdxl-refiner"),
    ],
)
def test_a_lora_of_their_kin_is_told_by_its_layers(shapes: Shapes, known: str) -> None:
    assert family(shapes) == known


def test_layers_that_are_alike_are_the_elder_familys_unless_the_trainer_says_otherwise() -> None:
    """2.x has the widths of 1.x but for words, and the refiner one of XL's text encoders."""
    block = "unet.down_blocks.0.attentions.0.transformer_blocks.0"  # XL has no such one
    alike = lora(f"{block}.attn1.to_k", 320, 320, "peft")
    assert family(alike) == "sd15"
    assert family(alike, {"ss_base_model_version": "sd_v2_v"}) == "sd2"
    encoder = lora("lora_te2_text_projection", 1280, 1280)
    said = {"modelspec.architecture": "stable-diffusion-xl-v1-refiner/lora"}
    assert family(encoder, said) == "sdxl-refiner"


def test_where_both_families_have_the_layers_the_trainer_is_believed_and_else_the_owner_asked() -> (
    None
):
    both = lora("lora_unet_down_blocks_0_resnets_0_conv1", 320, 320 * 9)
    assert family(both, {"modelspec.architecture": "stable-diffusion-xl-v1-base/lora"}) == "sdxl"
    assert family(both, {"ss_base_model_version": "sd_v1"}) == "sd15"
    with pytest.raises(UnknownWeights, match="alike"):
        of_file(both, "x")


def test_a_layer_that_fits_no_family_is_named() -> None:
    with pytest.raises(UnknownWeights, match=r"down_blocks\.1.*attn2\.to_k is 64x32"):
        of_file(cross(size=(64, 32)), "x")


NORM = f"lora_unet_{DOWN_BLOCK.replace('.', '_')}_norm1"

DRAWN: list[Shapes] = [
    {f"{NORM}.w_norm": (640,), f"{NORM}.b_norm": (640,)},
    {f"{NORM}.diff": (640,), f"{NORM}.diff_b": (640,), "lora_unet_conv_out.diff": (4, 320, 3, 3)},
    {"lora_unet_conv_out.diff_b": (4,)},
    {  # a LoHa
        "lora_unet_conv_in.hada_w1_a": (320, 4),
        "lora_unet_conv_in.hada_w1_b": (4, 36),
        "lora_unet_conv_in.hada_w2_a": (320, 4),
        "lora_unet_conv_in.hada_w2_b": (4, 36),
        "lora_unet_conv_in.alpha": (),
    },
    {"lora_unet_conv_in.lokr_w1": (8, 2), "lora_unet_conv_in.lokr_w2": (40, 2, 3, 3)},
    {
        "lora_unet_conv_in.lokr_w1_a": (8, 1),
        "lora_unet_conv_in.lokr_w1_b": (1, 2),
        "lora_unet_conv_in.lokr_t2": (4, 4, 3, 3),
        "lora_unet_conv_in.lokr_w2_a": (4, 40),
        "lora_unet_conv_in.lokr_w2_b": (4, 2),
    },
    {  # a LoCon with a kernel in the middle
        "lora_unet_conv_in.lora_down.weight": (2, 4, 1, 1),
        "lora_unet_conv_in.lora_mid.weight": (2, 2, 3, 3),
        "lora_unet_conv_in.lora_up.weight": (320, 2, 1, 1),
    },
    {f"{next(iter(cross())).partition('.')[0]}.dora_scale": (640, 1)},
    {f"{next(iter(cross())).partition('.')[0]}.dora_scale": (1, 768)},
    {"bundle_emb.my.hero.string_to_param.*": (2, 768)},
    {"bundle_emb.hero.emb_params": (768,)},
]


@pytest.mark.parametrize("more", DRAWN)
def test_kinds_that_can_be_drawn_are_listed(more: Shapes) -> None:
    assert family({**cross(), **more}) == "sd15"


REFUSED: list[tuple[Shapes, str]] = [
    ({"lora_unet_x.oft_blocks": (4, 8, 8)}, "an OFT"),
    ({"lora_unet_x.weight": (64,), "lora_unet_x.on_input": ()}, "an IA3"),
    ({f"lora_unet_x.{k}.weight": (2, 2) for k in ("a1", "a2", "b1", "b2")}, "a GLoRA"),
    ({**cross(), "lora_unet_conv_in.bias_indices": (2, 4)}, "conv_in.bias_indices"),
    ({**cross(), "lora_unet_nothing.lora_down.weight": (4, 4)}, "lora_unet_nothing.lora_down"),
    ({**cross(), "bundle_emb.a.b.c": (2, 768)}, "cannot be drawn"),
    ({**cross(), "lora_unet_conv_in.alpha": ()}, "conv_in has alpha and nothing"),
    ({"lora_unet_conv_in.lora_down.weight": (4, 36)}, "conv_in has no up"),
    ({"lora_unet_conv_in.hada_w1_a": (320, 4)}, "has no w1_b"),
    ({**lora("lora_unet_conv_in", 320, 36), "lora_unet_conv_in.diff": (320,)}, "as a lora and as"),
    ({f"{NORM}.w_norm": (640,), f"{NORM}.diff": (640,)}, "two tensors for one"),
    ({**cross(), "lora_unet_conv_in.diff_b": (2, 2)}, "bias that is no row"),
    (lora("base_model.model.conv_in", 320, 36, "peft"), "alpha is kept in another file"),
]


@pytest.mark.parametrize(("shapes", "said"), REFUSED)
def test_what_cannot_be_drawn_is_refused_by_name(shapes: Shapes, said: str) -> None:
    assert said in refusal(shapes)


def test_integers_are_quantised_and_refused_except_as_an_alpha() -> None:
    layer = "lora_unet_conv_in"
    shapes = {**lora(layer, 320, 36), f"{layer}.alpha": ()}
    kinds = dict.fromkeys(shapes, "F8_E4M3") | {f"{layer}.alpha": "I64"}
    assert of_file({**shapes, **cross()}, "x", dtypes=kinds).kind == "lora"
    for files in (shapes, {"emb_params": (2, 768)}):
        with pytest.raises(UnusableWeights, match=r"quantised \(I8\)"):
            of_file(files, "x", dtypes=dict.fromkeys(files, "I8"))


def test_a_long_list_of_keys_is_cut() -> None:
    shapes = {f"lora_unet_x{n}.lora_down.weight": (4, 4) for n in range(7)}
    assert refusal({**cross(), **shapes}).endswith("(4 more)")


STRANGERS: list[tuple[Shapes, str]] = [
    (lora("lora_prior_unet_x", 9, 9), "Stable Cascade"),
    (lora("base_model.model.model.layers.0.self_attn.q_proj", 9, 9, "peft"), "a language model"),
]


@pytest.mark.parametrize(("shapes", "said"), STRANGERS)
def test_a_lora_of_a_family_that_cannot_be_drawn_yet_is_named(shapes: Shapes, said: str) -> None:
    reason = refusal(shapes)
    assert said in reason
    assert reason.endswith(", not supported yet")


def test_a_lora_of_wans_is_of_wan_by_its_files_names() -> None:
    shapes = lora("diffusion_model.blocks.0.cross_attn.k", 5120, 5120, "peft")
    assert of_file(shapes, "x").family == "wan-2.1"


def adapter(**settings: object) -> dict[str, str]:
    """Metadata as diffusers' trainers write it."""
    usual = {"r": 4, "lora_alpha": 16, "peft_type": "LORA", "lora_bias": False, **settings}
    return {"lora_adapter_metadata": json.dumps({f"unet.{k}": v for k, v in usual.items()})}


PEFT = lora(f"unet.{DOWN_BLOCK}.attn2.to_k", *SD15_LAYER, "peft")


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        (adapter(r=8), "rank 8"),
        (adapter(lora_bias=True), "lora_bias True"),
        (adapter(arrow_config={"top_k": 2}), "arrow_config"),
        (adapter(init_lora_weights="pissa"), "init_lora_weights"),
        (adapter(use_dora=True), "a DoRA without the magnitudes"),
        (adapter(peft_type="LOKR"), "LOKR"),
        (adapter(lora_alpha=float("nan")), "lora_alpha"),
        (adapter(lora_alpha="16"), "no number as lora_alpha"),
        (adapter(alpha_pattern={"(a+)+$": 2}), "alpha_pattern"),
        ({"lora_adapter_metadata": "[" * 100_000}, "not readable"),
        ({"lora_adapter_metadata": '{"te9.r": 4}'}, "te9.r"),
        ({"ss_network_alpha": "2.0", "ss_network_dim": "4"}, "ss_network_alpha 2"),
        ({"lora_alpha": "8"}, "lora_alpha 8"),
    ],
)
def test_a_setting_that_would_stay_unused_is_refused_by_name(
    metadata: Mapping[str, str], said: str
) -> None:
    assert said in refusal(PEFT, metadata)


def test_settings_of_the_training_are_harmless() -> None:
    training = {"target_modules": ["to_k"], "lora_dropout": 0.1, "init_lora_weights": "gaussian"}
    assert family(PEFT, adapter(**training)) == "sd15"
    assert family(PEFT, {"ss_network_alpha": "4", "ss_network_dim": "4"}) == "sd15"
    with_tensor = {**PEFT, f"unet.{DOWN_BLOCK}.attn2.to_k.alpha": ()}
    assert family(with_tensor, {"ss_network_alpha": "2"}) == "sd15"


EMBEDDINGS: list[tuple[Shapes, str]] = [
    ({"clip_g": (4, 1280)}, "half an SDXL embedding"),
    ({"clip_l": (4, 768), "clip_g": (3, 1280)}, "4 vectors in clip_l, 3 in clip_g"),
    ({"<s0>": (1, 768), "<s1>": (1, 768)}, "2 words"),
    ({"emb_params": (76, 768)}, "76 vectors"),
]


@pytest.mark.parametrize(("shapes", "said"), EMBEDDINGS)
def test_an_embedding_that_cannot_be_used_is_refused_with_the_reason(
    shapes: Shapes, said: str
) -> None:
    assert said in refusal(shapes)


@pytest.mark.parametrize(
    ("shapes", "known"),
    [
        ({"string_to_param.*": (8, 768), "string_to_token.*": ()}, "sd15"),
        ({"text_encoders_0": (2, 768), "text_encoders_1": (2, 1280)}, "sdxl"),
        ({"emb_params": (4, 1024)}, "sd2"),
    ],
)
def test_embeddings_of_other_programs_are_read(shapes: Shapes, known: str) -> None:
    assert of_file(shapes, "x") == Anatomy(kind="embedding", family=known)
