"""Each kind of adapter draws what its formula says, compared with weights changed in float64."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from generation.catalog.header import read_header
from generation.catalog.loras.plan import read_plan
from generation.errors import UnusableWeights
from generation.recipe import Adapter, Sha256, Weights
from generation.worker.adapters.switching import switch, unload
from tests.given import loaded, tinymodels
from tests.given.loaded import clips
from tests.given.plain_diffusers import in_memory_of_its_own, stock_pipeline

UNET, BLOCK = "lora_unet_down_blocks_1_", "down_blocks.1."
PLACE = f"{UNET}attentions_0_transformer_blocks_0_"
DOTTED = f"{BLOCK}attentions.0.transformer_blocks.0."
QUERY, KEY = f"{PLACE}attn1_to_q", f"{PLACE}attn2_to_k"
CONV = f"{UNET}resnets_0_conv1"  # 64 x 32 x 3 x 3
PATHS = {
    QUERY: f"{DOTTED}attn1.to_q",
    KEY: f"{DOTTED}attn2.to_k",
    CONV: f"{BLOCK}resnets.0.conv1",
    f"{UNET}attentions_0_proj_in": f"{BLOCK}attentions.0.proj_in",
    f"{PLACE}norm1": f"{DOTTED}norm1",
    f"{UNET}resnets_0_norm1": f"{BLOCK}resnets.0.norm1",
    f"{PLACE}attn1_to_out_0": f"{DOTTED}attn1.to_out.0",
    "lora_unet_conv_out": "conv_out",
}


def random(*shape: int, seed: int = 1, size: float = 0.5) -> Tensor:
    generator = torch.Generator().manual_seed(seed + 7 * sum(shape))
    return torch.randn(*shape, generator=generator) * size


def output_of(unet: Any) -> Tensor:
    """What it makes of fixed noise and words."""
    out: Tensor = unet(random(1, 4, 8, 8, size=1.0), 500, random(1, 77, 32, size=1.0)).sample
    return out


class Bench:
    """The tiny SD 1.x, changed by files of one layer or a few."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.model = folder, loaded.sd15()
        self.recipe = loaded.recipe_of("sd1")
        self.modules: dict[str, Any] = dict(self.model.parts["unet"].named_modules())

    def switch(
        self,
        tensors: Mapping[str, Tensor],
        strength: float = 1.0,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        file = self.folder / "x.safetensors"
        save_file({k: v.contiguous() for k, v in tensors.items()}, file, dict(metadata or {}))
        weights = Weights(name="x", sha256=Sha256("1" * 64))
        self.model.adapters.clear()
        adapter = Adapter(kind="lora", weights=weights, strength=strength, control=None)
        switch(self.model, replace(self.recipe, adapters=(adapter,)), lambda _: file)

    def output(self) -> Tensor:
        """What the UNet makes of them now."""
        with torch.no_grad():
            return output_of(self.model.parts["unet"])

    def by_formula(self, changes: Mapping[str, Mapping[str, Tensor]]) -> Tensor:
        """The same, with these differences in the weights and biases themselves."""
        switch(self.model, self.recipe, lambda _: self.folder)
        before = []
        for layer, differences in changes.items():
            for name, difference in differences.items():
                parameter = getattr(self.modules[PATHS[layer]], name)
                before.append((parameter, parameter.data))
                parameter.data = (parameter.data.double() + difference.double()).float()
        try:
            return self.output()
        finally:
            for parameter, data in reversed(before):
                parameter.data = data

    def weight(self, layer: str) -> Tensor:
        weight: Tensor = self.modules[PATHS[layer]].weight.data
        return weight.double()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    plain = made.output()
    yield made
    switch(made.model, made.recipe, lambda _: tmp_path)
    assert torch.equal(made.output(), plain)


Case = tuple[dict[str, Tensor], dict[str, dict[str, Tensor]]]


def a_lora(alpha: float | None, dtype: torch.dtype) -> Case:
    down, up = random(3, 64).to(dtype), random(64, 3).to(dtype)
    factor = 1.0 if alpha is None else alpha / 3
    tensors = {f"{QUERY}.lora_down.weight": down, f"{QUERY}.lora_up.weight": up}
    if alpha is not None:
        tensors[f"{QUERY}.alpha"] = torch.tensor([alpha]).to(dtype)
    return tensors, {QUERY: {"weight": factor * (up.double() @ down.double())}}


def a_locon() -> Case:
    down, up = random(2, 32, 3, 3), random(64, 2, 1, 1)
    flat_down, flat_up = random(2, 64), random(64, 2)  # flat factors of a 1x1 convolution
    proj = f"{UNET}attentions_0_proj_in"
    return (
        {
            f"{CONV}.lora_down.weight": down,
            f"{CONV}.lora_up.weight": up,
            f"{CONV}.alpha": torch.tensor(1.0),
            f"{proj}.lora_down.weight": flat_down,
            f"{proj}.lora_up.weight": flat_up,
        },
        {
            CONV: {"weight": (up.flatten(1) @ down.flatten(1) / 2).reshape(64, 32, 3, 3)},
            proj: {"weight": (flat_up @ flat_down).reshape(64, 64, 1, 1)},
        },
    )


def a_locon_with_a_middle() -> Case:
    down, mid, up = random(2, 32, 1, 1), random(2, 2, 3, 3), random(64, 2, 1, 1)
    names = {"lora_down.weight": down, "lora_mid.weight": mid, "lora_up.weight": up}
    weight = torch.einsum("or,rskl,si->oikl", up.flatten(1), mid, down.flatten(1))
    return {f"{CONV}.{k}": v for k, v in names.items()}, {CONV: {"weight": weight}}


def a_loha() -> Case:
    names = ("w1_a", "w1_b", "w2_a", "w2_b")
    parts = [random(64, 2, seed=n) if n % 2 == 0 else random(2, 288, seed=n) for n in range(4)]
    tensors = {f"{CONV}.hada_{n}": t for n, t in zip(names, parts, strict=True)}
    tensors[f"{CONV}.alpha"] = torch.tensor(1.0)
    one, two = parts[0] @ parts[1], parts[2] @ parts[3]
    return tensors, {CONV: {"weight": (one * two / 2).reshape(64, 32, 3, 3)}}


def a_loha_with_cores() -> Case:
    tensors: dict[str, Tensor] = {}
    sides = []
    for n in (1, 2):
        core, first, second = random(3, 3, 3, 3, seed=n), random(3, 64, seed=n), random(3, 32)
        tensors |= {f"{CONV}.hada_t{n}": core, f"{CONV}.hada_w{n}_a": first}
        tensors[f"{CONV}.hada_w{n}_b"] = second
        sides.append(torch.einsum("rskl,ro,si->oikl", core, first, second))
    return tensors, {CONV: {"weight": sides[0] * sides[1]}}


def a_lokr(whole: bool) -> Case:
    one = random(8, 4)
    if whole:
        two = random(8, 16)
        tensors = {"lokr_w1": one, "lokr_w2": two, "alpha": torch.tensor(99.0)}
        return {f"{QUERY}.{k}": v for k, v in tensors.items()}, {
            QUERY: {"weight": torch.kron(one, two)}
        }
    core, first, second = random(2, 2, 3, 3), random(2, 8), random(2, 8)
    tensors = {"lokr_w1": one, "lokr_t2": core, "lokr_w2_a": first, "lokr_w2_b": second}
    tensors["alpha"] = torch.tensor(1.0)
    two = torch.einsum("rskl,ro,si->oikl", core, first, second)
    weight = torch.kron(one[:, :, None, None].double(), two.double().contiguous()) / 2
    return {f"{CONV}.{k}": v for k, v in tensors.items()}, {CONV: {"weight": weight}}


def a_factorised_lokr() -> Case:
    a, b, c, d = random(8, 2), random(2, 4), random(8, 2), random(2, 16)
    names = {"lokr_w1_a": a, "lokr_w1_b": b, "lokr_w2_a": c, "lokr_w2_b": d}
    tensors = {f"{QUERY}.{k}": v for k, v in names.items()}
    tensors[f"{QUERY}.alpha"] = torch.tensor(3.0)
    return tensors, {QUERY: {"weight": 1.5 * torch.kron(a @ b, c @ d)}}


def norms_and_biases() -> Case:
    norm, group, out = f"{PLACE}norm1", f"{UNET}resnets_0_norm1", f"{PLACE}attn1_to_out_0"
    last, last_bias = random(4, 32, 3, 3), random(4)
    return (
        {
            f"{norm}.w_norm": random(64),
            f"{norm}.b_norm": random(64, seed=2),
            f"{group}.diff": random(32),
            f"{group}.diff_b": random(32, seed=2),
            f"{out}.diff_b": random(64, seed=3),
            "lora_unet_conv_out.diff": last,
            "lora_unet_conv_out.diff_b": last_bias,
            f"{CONV}.diff_b": random(64, seed=4),
        },
        {
            norm: {"weight": random(64), "bias": random(64, seed=2)},
            group: {"weight": random(32), "bias": random(32, seed=2)},
            out: {"bias": random(64, seed=3)},
            "lora_unet_conv_out": {"weight": last, "bias": last_bias},
            CONV: {"bias": random(64, seed=4)},
        },
    )


CASES: dict[str, Case] = {
    "LoRA": a_lora(1.0, torch.float32),
    "LoRA without alpha": a_lora(None, torch.float32),
    "LoRA in fp8": a_lora(1.0, torch.float8_e4m3fn),
    "LoCon": a_locon(),
    "LoCon with a middle": a_locon_with_a_middle(),
    "LoHa": a_loha(),
    "LoHa with cores": a_loha_with_cores(),
    "LoKr, whole": a_lokr(whole=True),
    "LoKr with a core": a_lokr(whole=False),
    "LoKr in factors": a_factorised_lokr(),
    "norms and biases": norms_and_biases(),
}


@pytest.mark.parametrize("strength", [1.0, -0.6])
@pytest.mark.parametrize("name", CASES)
def test_a_kind_draws_its_formula(bench: Bench, name: str, strength: float) -> None:
    tensors, changes = CASES[name]
    bench.switch(tensors, strength)
    ours = bench.output()
    scaled = {
        layer: {what: strength * change for what, change in differences.items()}
        for layer, differences in changes.items()
    }
    formula = bench.by_formula(scaled)
    assert (formula - bench.output()).abs().max() > 2e-3  # it does something
    assert (ours - formula).abs().max() < 1e-4


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_lora_in_half_precision_is_added_up_in_full(bench: Bench, dtype: torch.dtype) -> None:
    """Its alpha over its rank, 1/4, is exact in every precision."""
    down, up = random(4, 64).to(dtype), random(64, 4).to(dtype)
    tensors = {f"{QUERY}.lora_down.weight": down, f"{QUERY}.lora_up.weight": up}
    bench.switch({**tensors, f"{QUERY}.alpha": torch.tensor(1.0)})
    ours = bench.output()
    assert (
        ours - bench.by_formula({QUERY: {"weight": up.double() @ down.double() / 4}})
    ).abs().max() < 1e-4


@pytest.mark.parametrize("rows", [True, False])
@pytest.mark.parametrize("layer", [QUERY, KEY, CONV])
@pytest.mark.parametrize("strength", [1.0, 0.4])
def test_a_dora_of_kohyas_has_its_magnitudes(
    bench: Bench, layer: str, rows: bool, strength: float
) -> None:
    """The strength is of the whole change, as in A1111 and ComfyUI."""
    weight = bench.weight(layer)
    out, inner, *kernel = weight.shape
    down, up = random(2, inner, *kernel), random(out, 2, *[1] * len(kernel))
    count, dim = (out, 0) if rows else (inner, 1)
    scale = random(count).abs() + 0.5
    shape = [1] * weight.ndim
    shape[dim] = count
    bench.switch(
        {
            f"{layer}.lora_down.weight": down,
            f"{layer}.lora_up.weight": up,
            f"{layer}.alpha": torch.tensor(1.0),
            f"{layer}.dora_scale": scale.reshape(shape),
        },
        strength,
    )
    ours = bench.output()
    whole = weight + (up.flatten(1).double() @ down.flatten(1).double() / 2).reshape(weight.shape)
    others = [d for d in range(weight.ndim) if d != dim]
    norm = whole.pow(2).sum(others, keepdim=True).sqrt()
    wanted = whole * scale.double().reshape(shape) / norm
    formula = bench.by_formula({layer: {"weight": strength * (wanted - weight)}})
    assert (ours - formula).abs().max() < 1e-4


def test_a_dora_of_pefts_is_drawn_as_peft_draws_it(bench: Bench) -> None:
    weight = bench.weight(QUERY)
    down, up, magnitude = random(4, 64), random(64, 4), random(64).abs() + 0.5
    dotted = f"unet.{PATHS[QUERY]}"
    tensors = {
        f"{dotted}.lora_A.weight": down,
        f"{dotted}.lora_B.weight": up,
        f"{dotted}.lora_magnitude_vector": magnitude,
    }
    bench.switch(tensors)
    ours = bench.output()
    whole = weight + up.double() @ down.double()
    wanted = whole * (magnitude.double() / whole.norm(dim=1))[:, None]
    formula = bench.by_formula({QUERY: {"weight": wanted - weight}})
    assert (ours - formula).abs().max() < 1e-4
    assert torch.equal(ours, stock(bench, tensors))


def stock(
    bench: Bench, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None
) -> Tensor:
    """The UNet's output with the file loaded by diffusers; its UNet is another one."""
    from diffusers import UNet2DConditionModel

    pipe = stock_pipeline(bench.model)
    pipe.unet = UNet2DConditionModel.from_pretrained(
        loaded.folder_of(bench.model), subfolder="unet"
    )
    file = bench.folder / "stock.safetensors"
    save_file({k: v.contiguous() for k, v in tensors.items()}, file, dict(metadata or {}))
    pipe.load_lora_weights(bench.folder, weight_name=file.name, adapter_name="x")
    pipe.set_adapters(["x"], [1.0])
    with torch.no_grad():
        return output_of(pipe.unet)


def test_a_lora_of_sdxl_in_compvis_names_is_stock_bit_for_bit(tmp_path: Path) -> None:
    from diffusers import StableDiffusionXLPipeline

    shapes: dict[str, tuple[int, ...]] = {
        "lora_unet_input_blocks_3_1_transformer_blocks_1_attn2_to_k": (64, 80),
        "lora_unet_input_blocks_3_0_in_layers_2": (64, 32, 3, 3),
        "lora_unet_input_blocks_2_0_op": (32, 32, 3, 3),
        "lora_unet_middle_block_1_transformer_blocks_0_ff_net_2": (64, 256),
        "lora_unet_output_blocks_1_2_conv": (64, 64, 3, 3),
        "lora_te1_text_model_encoder_layers_0_mlp_fc1": (37, 32),
        "lora_te2_text_model_encoder_layers_0_self_attn_out_proj": (48, 48),
        "lora_te2_text_projection": (32, 48),
    }
    file, tensors = tmp_path / "x.safetensors", {}
    for layer, (rows, columns, *kernel) in shapes.items():
        tensors[f"{layer}.lora_down.weight"] = random(4, columns, *kernel)
        tensors[f"{layer}.lora_up.weight"] = random(rows, 4, *[1] * len(kernel))
    save_file(tensors, file)
    pipe = StableDiffusionXLPipeline.from_pretrained(tinymodels.sdxl(), add_watermarker=False)
    pipe.load_lora_weights(tmp_path, weight_name=file.name, adapter_name="x")
    pipe.set_adapters(["x"], [0.7])
    for module in (pipe.unet, pipe.text_encoder, pipe.text_encoder_2):
        in_memory_of_its_own(module)

    model, recipe = loaded.sdxl(), loaded.recipe_of("sdxl")
    adapter = Adapter(
        kind="lora", weights=Weights(name="x", sha256=Sha256("2" * 64)), strength=0.7, control=None
    )
    switch(model, replace(recipe, adapters=(adapter,)), lambda _: file)
    ids = torch.tensor([[5, 6, 7, 8]])
    more = {"text_embeds": random(1, 32), "time_ids": torch.ones(1, 6)}
    fixed = (random(1, 4, 8, 8), 500, random(1, 77, 80))
    try:
        with torch.no_grad():
            for ours, theirs in (
                (clips(model)[0].encoder, pipe.text_encoder),
                (clips(model)[1].encoder, pipe.text_encoder_2),
            ):
                assert torch.equal(ours(ids)[0], theirs(ids)[0])
            ours = model.parts["unet"](*fixed, added_cond_kwargs=more).sample
            assert torch.equal(ours, pipe.unet(*fixed, added_cond_kwargs=more).sample)
    finally:
        unload(model)


METADATA: list[dict[str, object]] = [
    {"lora_alpha": 16},
    {"lora_alpha": 16, "use_rslora": True},
    {"lora_alpha": 16, "alpha_pattern": {"attn1.to_q": 2.0}},
    {"lora_alpha": 3, "rank_pattern": {f"^{PATHS[KEY]}": 2}},
    {"lora_alpha": 16, "use_dora": True},
]


@pytest.mark.parametrize("said", METADATA)
def test_the_alpha_of_the_metadata_counts_as_in_stock_diffusers(
    bench: Bench, said: dict[str, object]
) -> None:
    rank = 2 if "rank_pattern" in said else 4
    tensors = {
        f"unet.{PATHS[QUERY]}.lora_A.weight": random(4, 64),
        f"unet.{PATHS[QUERY]}.lora_B.weight": random(64, 4),
        f"unet.{PATHS[KEY]}.lora_A.weight": random(rank, 32),
        f"unet.{PATHS[KEY]}.lora_B.weight": random(64, rank),
    }
    if "use_dora" in said:
        for layer in (QUERY, KEY):
            tensors[f"unet.{PATHS[layer]}.lora_magnitude_vector"] = random(64).abs() + 0.5
    config = {"r": 4, "peft_type": "LORA", "target_modules": [PATHS[QUERY], PATHS[KEY]], **said}
    metadata = {
        "format": "pt",
        "lora_adapter_metadata": json.dumps({f"unet.{k}": v for k, v in config.items()}),
    }
    bench.switch(tensors, metadata=metadata)
    ours = bench.output()
    assert torch.equal(ours, stock(bench, tensors, metadata))
    bench.switch(tensors)  # the metadata did count
    assert not torch.equal(ours, bench.output())


SPELLINGS = {
    "PEFT": (f"unet.{PATHS[QUERY]}", "lora_A.weight", "lora_B.weight"),
    "PEFT with a name": (f"unet.{PATHS[QUERY]}", "lora_A.default.weight", "lora_B.default.weight"),
    "diffusers": (f"unet.{PATHS[QUERY]}", "lora.down.weight", "lora.up.weight"),
    "diffusers in 2023": (
        f"unet.{DOTTED}attn1.processor.to_q_lora",
        "down.weight",
        "up.weight",
    ),
    "CompVis": ("lora_unet_input_blocks_3_1_transformer_blocks_0_attn1_to_q", *("",) * 2),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_draws_the_same_with_its_alpha(bench: Bench, spelling: str) -> None:
    layer, down, up = SPELLINGS[spelling]
    numbers = random(3, 64), random(64, 3), torch.tensor(1.0)
    kohya = dict(zip(("lora_down.weight", "lora_up.weight", "alpha"), numbers, strict=True))
    bench.switch({f"{QUERY}.{k}": v for k, v in kohya.items()})
    right = bench.output()
    ends = (down or "lora_down.weight", up or "lora_up.weight", "alpha")
    spelled = {f"{layer}.{end}": t for end, t in zip(ends, numbers, strict=True)}
    if "2023" in spelling:
        spelled[f"unet.{PATHS[QUERY]}.alpha"] = spelled.pop(f"{layer}.alpha")
    bench.switch(spelled)
    assert torch.equal(bench.output(), right)


def test_ranks_and_alphas_that_differ_between_layers_are_kept(bench: Bench) -> None:
    """Trap: diffusers 0.42 loses alphas that differ, silently."""
    tensors: dict[str, Tensor] = {}
    changes = {}
    for layer, columns, rank, alpha in ((QUERY, 64, 2, 1.0), (KEY, 32, 5, 8.0)):
        down, up = random(rank, columns), random(64, rank)
        tensors |= {f"{layer}.lora_down.weight": down, f"{layer}.lora_up.weight": up}
        tensors[f"{layer}.alpha"] = torch.tensor(alpha)
        changes[layer] = {"weight": up @ down * alpha / rank}
    bench.switch(tensors)
    ours = bench.output()
    assert (ours - bench.by_formula(changes)).abs().max() < 1e-4


def test_a_layer_given_twice_under_compvis_name_counts_once(bench: Bench) -> None:
    tensors, _ = CASES["LoRA"]
    other = "lora_unet_input_blocks_3_1_transformer_blocks_0_attn1_to_q"
    doubled = {**tensors, **{k.replace(QUERY, other): v.clone() for k, v in tensors.items()}}
    bench.switch(tensors)
    right = bench.output()
    bench.switch(doubled)
    assert torch.equal(bench.output(), right)


def test_an_alpha_that_is_no_number_is_refused(bench: Bench) -> None:
    tensors, _ = CASES["LoRA"]
    with pytest.raises(UnusableWeights, match="alpha nan"):
        bench.switch({**tensors, f"{QUERY}.alpha": torch.tensor(float("nan"))})


def test_a_plan_holds_every_tensor(tmp_path: Path) -> None:
    for tensors, _ in CASES.values():
        file = tmp_path / "x.safetensors"
        save_file({k: v.contiguous() for k, v in tensors.items()}, file)
        header = read_header(file, "x")
        plan = read_plan(header.shapes, header.metadata, "x", layers_per_block=1)
        held = [key for change in plan.changes for key in change.keys.values()]
        assert sorted(held) == sorted(tensors)
