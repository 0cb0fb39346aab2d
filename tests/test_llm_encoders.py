"""Language models that read prompts: their tensors, their names, and what a file tells of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from generation.catalog.partconfigs import CONFIGS, config_of
from generation.families.architecture import Network, Part, Shapes, with_told
from generation.families.networks import UMT5
from generation.families.text.encoder import encoder
from generation.families.text.language import (
    gemma_tokenizer,
    llama_tokenizer,
    mistral_tokenizer,
    qwen_tokenizer,
)
from generation.worker.loading.building import class_of, numbers_of, skeleton
from generation.worker.loading.stored import stored_file
from tests.given.languagemodels import NETWORKS, made, saved, small

Sized = tuple[str, dict[str, object], dict[str, object]]


def words(width: int, inner: int, layers: int, heads: int, **more: object) -> dict[str, object]:
    found = {"hidden_size": width, "intermediate_size": inner, "num_hidden_layers": layers}
    return {**found, "num_attention_heads": heads, **more}


_EYES_OF_8B = {
    "deepstack_visual_indexes": (8, 16, 24),
    "depth": 27,
    "hidden_size": 1152,
    "intermediate_size": 4304,
    "out_hidden_size": 4096,
}
# What is published under these names, beside what `configs/` has: (of the words, of the tower).
SIZES: Mapping[str, Sized] = {
    "Qwen3 0.6B": ("qwen3", words(1024, 3072, 28, 16), {}),
    "Qwen3 1.7B": ("qwen3", words(2048, 6144, 28, 16), {}),
    "Qwen3 8B": ("qwen3", words(4096, 12288, 36, 32), {}),
    "Qwen2.5-VL 3B": (
        "qwen2.5-vl",
        words(2048, 11008, 36, 16, num_key_value_heads=2, vocab_size=151936),
        {"out_hidden_size": 2048},
    ),
    "Qwen3-VL 8B": ("qwen3-vl", words(4096, 12288, 36, 32), _EYES_OF_8B),
    "Qwen3-VL 2B": ("qwen3-vl", words(2048, 6144, 28, 16), {"out_hidden_size": 2048}),
    "Gemma 2 9B": ("gemma2", words(3584, 14336, 42, 16, num_key_value_heads=8), {}),
    "Llama 3.2 3B": ("llama3.1", words(3072, 8192, 28, 24, head_dim=128), {}),
}


def tensors_of(network: Network, config: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    kind = class_of(network.module, network.name)
    with torch.device("meta"):
        module = kind(kind.config_class.from_dict(dict(config)))
    return {key: tuple(tensor.shape) for key, tensor in module.state_dict().items()}


def sized(name: str) -> tuple[str, dict[str, Any]]:
    """The config of a published size."""
    of, words, tower = SIZES[name]
    config: dict[str, Any] = config_of(CONFIGS / "text" / of)
    if "text_config" not in config:
        return of, {**config, **words}
    inner, eyes = config["text_config"], config["vision_config"]
    return of, {**config, "text_config": inner | words, "vision_config": eyes | tower}


@pytest.mark.parametrize("name", SIZES)
def test_tensors_of_published_sizes_are_those_of_the_modules_and_tell_their_config(
    name: str,
) -> None:
    of, config = sized(name)
    network = NETWORKS[of]
    right = tensors_of(network, config)
    assert network.tensors(config) == right
    usual = config_of(CONFIGS / "text" / of)
    assert network.tensors(with_told(usual, network.told(right))) == right


@pytest.mark.parametrize("name", NETWORKS)
def test_small_ones_are_written_down_too(name: str) -> None:
    config = small(name)
    assert NETWORKS[name].tensors(config) == tensors_of(NETWORKS[name], config)
    deeper = small(name, num_hidden_layers=5, num_key_value_heads=4)
    assert NETWORKS[name].tensors(deeper) == tensors_of(NETWORKS[name], deeper)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("odd", [{"hidden_size": "wide"}, {"num_hidden_layers": 2**30}])
def test_a_config_that_is_not_understood_has_no_blueprint(
    name: str, odd: dict[str, object]
) -> None:
    assert NETWORKS[name].tensors(small(name, **odd)) is None


@pytest.mark.parametrize("name", NETWORKS)
def test_a_model_of_another_type_is_no_such_encoder(name: str) -> None:
    network = NETWORKS[name]
    assert network.fault(small(name)) is None
    assert network.fault({**small(name), "model_type": "phi3"}) is not None


# How releases of transformers, and others, have named one layer and one tensor of the tower.
NAMES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "qwen3": {"layers.2.mlp.up_proj.weight": ("model.layers.2.mlp.up_proj.weight",)},
    "qwen2.5-vl": {
        "language_model.layers.2.mlp.up_proj.weight": (
            "model.layers.2.mlp.up_proj.weight",
            "model.language_model.layers.2.mlp.up_proj.weight",
            "language_model.model.layers.2.mlp.up_proj.weight",
        ),
        "visual.blocks.1.attn.qkv.weight": (
            "visual.blocks.1.attn.qkv.weight",
            "model.visual.blocks.1.attn.qkv.weight",
        ),
    },
    "qwen3-vl": {
        "language_model.norm.weight": ("model.norm.weight", "model.language_model.norm.weight"),
        "visual.pos_embed.weight": ("visual.pos_embed.weight", "model.visual.pos_embed.weight"),
    },
    "mistral-small-3": {
        "embed_tokens.weight": (
            "model.embed_tokens.weight",
            "language_model.model.embed_tokens.weight",
            "model.language_model.embed_tokens.weight",
        )
    },
}


@pytest.mark.parametrize("name", NAMES)
def test_names_of_every_release_are_those_of_today(name: str) -> None:
    for today, olders in NAMES[name].items():
        assert today in tensors_of(NETWORKS[name], small(name))
        for older in (today, *olders):
            assert NETWORKS[name].modern(older) == today


@pytest.mark.parametrize("name", NETWORKS)
def test_the_stock_class_with_its_output_saves_names_that_are_read_here(name: str) -> None:
    """What folders hold: the class that writes, of which only that that reads is built."""
    import transformers

    network, config = NETWORKS[name], small(name)
    writes = network.name.removesuffix("Model").removesuffix("Text") + (
        "ForConditionalGeneration" if "vision_config" in config else "ForCausalLM"
    )
    kind = getattr(transformers, writes)
    with torch.device("meta"):
        module = kind(kind.config_class.from_dict(config))
    found = {network.modern(key) for key in module.state_dict()}
    spare = found - tensors_of(network, config).keys()
    assert found >= tensors_of(network, config).keys()
    assert all(key.startswith(network.harmless) for key in spare)


def part_of(name: str, prefix: str = "text_encoders.llm.transformer.") -> Part:
    return encoder(NETWORKS[name], config=f"text/{name}", prefix=prefix, tokenizer=qwen_tokenizer())


@pytest.mark.parametrize("name", NETWORKS)
def test_a_single_file_has_one_name_for_each_tensor_however_it_is_spelled(name: str) -> None:
    part, config = part_of(name), small(name)
    own = tensors_of(NETWORKS[name], config)
    layout = part.layout(own, config)
    assert len(layout) == len(own)
    assert all(part.spelling(key) == key for key in layout)
    for key, theirs in zip(own, layout, strict=True):
        assert part.spelling(part.prefix + key) == theirs
    assert part.spelling("vae.layers.0") == "vae.layers.0"


@pytest.mark.parametrize("name", NETWORKS)
def test_a_single_file_tells_its_size_under_every_spelling(name: str) -> None:
    part, config = part_of(name), config_of(CONFIGS / "text" / name)
    own = NETWORKS[name].tensors(config)
    assert own is not None
    layout = part.layout(own, config)
    bare: Shapes = {part.prefix + key: shape for key, shape in own.items()}
    assert part.told(layout) == part.told(bare) != {}
    assert NETWORKS[name].tensors(with_told(config, part.told(layout))) == own
    assert part.told({"model.diffusion_model.x": (1,)}) == {}


@pytest.mark.parametrize("name", NETWORKS)
def test_numbers_are_read_as_the_stock_library_reads_them(name: str, tmp_path: Path) -> None:
    """Saved in bf16 and read so: the frequencies of positions stay as exact as its own."""
    network, config = NETWORKS[name], small(name)
    folder = saved(made(network, config).to(torch.bfloat16), tmp_path)
    kind = class_of(network.module, network.name)
    stock = kind.from_pretrained(folder, dtype=torch.bfloat16).eval()
    ours = loaded(network, folder, torch.bfloat16)
    ids = torch.tensor([[5, 9, 200, 31, 7, 11]])
    stock_out = stock(input_ids=ids, output_hidden_states=True, use_cache=False)
    ours_out = ours(input_ids=ids, output_hidden_states=True, use_cache=False)
    assert len(ours_out.hidden_states) == len(stock_out.hidden_states)
    for mine, theirs in zip(ours_out.hidden_states, stock_out.hidden_states, strict=True):
        assert torch.equal(mine, theirs)
    for (key, mine), (_, theirs) in zip(ours.named_buffers(), stock.named_buffers(), strict=True):
        assert mine.dtype == torch.float32, key
        assert torch.equal(mine.to(theirs.dtype), theirs), key


def loaded(network: Network, folder: Path, dtype: torch.dtype) -> Any:
    """As the loader builds a part of a folder."""
    from generation.worker.residence import Residence

    file = stored_file(folder / "model.safetensors", "it")
    lie = {network.modern(key): (file[key],) for key in file.floats}
    module = skeleton(network, folder, dtype)
    numbers = numbers_of(module, lambda key: lie.get(network.modern(key)), "it", "encoder")
    Residence(module, numbers).enter(torch.device("cpu"))
    return module


@pytest.mark.parametrize("name", ["qwen2.5-vl", "qwen3-vl"])
def test_a_file_without_a_tower_gives_a_model_that_reads_words_alike(
    name: str, tmp_path: Path
) -> None:
    from generation.worker.residence import Residence

    network, config = NETWORKS[name], small(name)
    whole = made(network, config)
    file = stored_file(saved(whole, tmp_path) / "model.safetensors", "it")
    words = {network.modern(k): (file[k],) for k in file.floats if "visual." not in k}
    shapes = {key: stored[0].shape for key, stored in words.items()}
    told = network.told(shapes)
    assert told["vision_config"] is None
    blind = skeleton(network, {**config, "vision_config": None}, torch.float32)
    numbers = numbers_of(blind, lambda key: words.get(network.modern(key)), "it", "encoder")
    Residence(blind, numbers).enter(torch.device("cpu"))
    assert network.tensors({**config, "vision_config": None}) == shapes
    ids = torch.tensor([[5, 9, 200, 31]])
    mine = blind(input_ids=ids, use_cache=False)
    theirs = whole(input_ids=ids, use_cache=False)
    assert torch.equal(mine.last_hidden_state, theirs.last_hidden_state)


@pytest.mark.parametrize("gated", ["gated-gelu", "relu"])
def test_umt5_has_distances_in_each_layer(gated: str) -> None:
    config: dict[str, object] = {
        "d_model": 32,
        "d_kv": 8,
        "d_ff": 48,
        "num_heads": 4,
        "num_layers": 3,
    }
    config = {**config, "vocab_size": 100, "feed_forward_proj": gated}
    found, right = UMT5.tensors(config), tensors_of(UMT5, config)
    assert found is not None
    spare = {key for key in right if key.startswith(UMT5.harmless)}
    assert found == {key: right[key] for key in right.keys() - spare}
    assert sum("relative_attention_bias" in key for key in found) == 3


def test_configs_of_older_releases_are_read() -> None:
    """Qwen2.5-VL's were flat, and Mistral Small's are inside that of a model with a tower."""
    nested = small("qwen2.5-vl")
    flat = {**nested["text_config"], **nested, "model_type": "qwen2_5_vl"}
    del flat["text_config"]
    right = NETWORKS["qwen2.5-vl"].tensors(nested)
    assert NETWORKS["qwen2.5-vl"].tensors(flat) == right
    assert tensors_of(NETWORKS["qwen2.5-vl"], flat) == right


def test_a_mistral_beside_a_tower_is_read_without_it(tmp_path: Path) -> None:
    from transformers import Mistral3Config, Mistral3ForConditionalGeneration

    words, network = small("mistral-small-3"), NETWORKS["mistral-small-3"]
    eyes = {"hidden_size": 32, "intermediate_size": 24, "num_hidden_layers": 1}
    eyes = {**eyes, "num_attention_heads": 2, "head_dim": 16, "image_size": 56, "patch_size": 14}
    config = Mistral3Config(
        text_config=words, vision_config={"model_type": "pixtral", **eyes}, image_token_index=10
    )
    whole = Mistral3ForConditionalGeneration(config).eval()
    folder = saved(whole, tmp_path)
    said = json.loads((folder / "config.json").read_text())
    assert network.fault(said) is None
    found = {network.modern(key) for key in stored_file(folder / "model.safetensors", "it").floats}
    expected = network.tensors(said)
    assert expected is not None
    assert found >= expected.keys()
    assert all(key.startswith(network.harmless) for key in found - expected.keys())
    ids = torch.tensor([[5, 9, 200, 31]])
    mine = loaded(network, folder, torch.float32)(input_ids=ids, use_cache=False)
    theirs = whole.model.language_model(input_ids=ids, use_cache=False)
    assert torch.equal(mine.last_hidden_state, theirs.last_hidden_state)


@pytest.mark.parametrize("kind", [mistral_tokenizer, gemma_tokenizer, llama_tokenizer])
def test_a_folder_says_all_of_its_tokenizer(kind: Any, tmp_path: Path) -> None:
    from tokenizers import Tokenizer as Fast
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace

    wanted = kind("words")
    home = tmp_path / "words"
    home.mkdir()
    fast = Fast(WordLevel({"a": 0, "fox": 1, "<pad>": 2}, unk_token="a"))
    fast.pre_tokenizer = Whitespace()
    fast.save(str(home / "tokenizer.json"))
    for name in wanted.classes[2:]:
        processor = name.endswith("Processor")
        says = {"processor_class": name} if processor else {"tokenizer_class": name}
        said = {"pad_token": "<pad>", "padding_side": "left", **says}
        (home / "tokenizer_config.json").write_text(json.dumps(said))
        built = class_of(wanted.module, wanted.classes[0]).from_pretrained(
            tmp_path, subfolder="words", local_files_only=True
        )
        assert built("a fox").input_ids == [0, 1]
        assert built.pad_token_id == 2
