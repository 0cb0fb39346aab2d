"""Weights in fewer bits mean what their formula says, and layers that keep them compute alike."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from generation.catalog.heads import contents_of, head_of
from generation.errors import BrokenWeights, UnusableWeights
from generation.worker.loading.packing import keep_packed
from generation.worker.loading.stored import Filler, Stored, StoredNumbers, stored_file
from generation.worker.packed import PackedLinear, weight_of
from generation.worker.residence import Residence, tensors_of
from generation.worker.unpacking import unpacked
from tests.given import quantising

LEGACY = ("Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0")


def weights(rows: int = 192, columns: int = 128) -> Tensor:
    return torch.randn(rows, columns, generator=torch.Generator().manual_seed(5))


@pytest.mark.parametrize("kind", quantising.KINDS)
@pytest.mark.parametrize("rows", [32, 128, 192])
def test_a_packed_weight_means_what_its_formula_says(kind: str, rows: int) -> None:
    lies = quantising.packed(weights(rows), kind)
    sides = {"scale": lies["weight_scale"]}
    if "weight_scale_2" in lies:
        sides["second"] = lies["weight_scale_2"]
    group = 16 if kind == "int8_convrot" else None
    found = unpacked(kind.removesuffix("_convrot"), lies["weight"], sides, group)
    meant = torch.from_numpy(quantising.unpacked(lies, kind))
    assert torch.allclose(found.double(), meant, rtol=2e-6, atol=2e-6)
    assert (found - weights(rows)).abs().mean() < 0.2  # and it is the weight, but for rounding


def stored(path: Path) -> tuple[list[str], dict[str, Stored]]:
    file = stored_file(path, "x")
    contents = contents_of(path, file.header, "x")
    return list(contents.packed), {key: file.unpacked(key, contents) for key in contents.shapes}


def read(one: Stored, shape: Sequence[int]) -> Tensor:
    into = torch.empty(*shape)
    with Filler(may_go_on=lambda: True) as filler:
        filler.fill(into, one)
    return into


class Two(nn.Module):
    """A network of two layers; the first is three in one, as attention is in single files."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(128, 128) for _ in range(3))
        self.out = nn.Linear(128, 192, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.out(torch.tanh(self.q(x) * self.k(x) + self.v(x)))
        return found


def tensors() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(1)
    whole = torch.randn(384, 128, generator=generator)
    bias = torch.randn(384, generator=generator)
    return {"qkv.weight": whole, "qkv.bias": bias, "out.weight": weights()}


KEYS = {"qkv.weight", "out.weight"}
THREES = {"q": 0, "k": 1, "v": 2}


def built(path: Path, *, keeping: bool) -> nn.Module:
    """The network with a file's numbers, its weights packed where they can be, or not."""
    _, lie = stored(path)

    def lies(key: str) -> Sequence[Stored] | None:
        name, _, end = key.partition(".")
        if name in THREES:
            return [lie[f"qkv.{end}"].share(THREES[name], 3)]
        return [lie[key]] if key in lie else None

    module: nn.Module = Two()
    where = keep_packed(module, lies) if keeping else lies
    names = {id(tensor): key for key, tensor in module.named_parameters()}
    pieces = [where(names[id(tensor)]) or () for tensor in tensors_of(module)]
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    Residence(module, StoredNumbers(pieces)).enter(torch.device("cpu"))
    return module


def file_of(kind: str, folder: Path) -> Path:
    if kind in LEGACY:
        return quantising.write_gguf(folder / "x.gguf", tensors(), kind, KEYS)
    save_file(quantising.in_file(tensors(), kind, KEYS), folder / "x.safetensors")
    return folder / "x.safetensors"


@pytest.mark.parametrize("kind", [*quantising.KINDS, *LEGACY])
def test_a_layer_that_keeps_its_weight_packed_computes_what_one_does_that_unpacked_it(
    kind: str, tmp_path: Path
) -> None:
    path = file_of(kind, tmp_path)
    kept, plain = built(path, keeping=True), built(path, keeping=False)
    layers = [layer for layer in kept.modules() if isinstance(layer, nn.Linear)]
    assert len(layers) == 4
    assert all(isinstance(layer, PackedLinear) for layer in layers)
    x = torch.randn(3, 128, generator=torch.Generator().manual_seed(2))
    assert torch.equal(kept(x), plain(x))
    whole = torch.cat([weight_of(kept.get_submodule(name)) for name in THREES])
    right = quantising.meant if kind in quantising.KINDS else quantising.meant_by_gguf
    meant = right(tensors(), kind, KEYS)
    assert torch.allclose(whole, meant["qkv.weight"], rtol=2e-6, atol=1e-6)
    less = {"fp8": 0.4, "mxfp8": 0.4, "int8": 0.4, "int8_convrot": 0.4, "Q8_0": 0.4}
    size = sum(tensor.nbytes for tensor in tensors_of(kept))
    assert size < less.get(kind, 0.3) * sum(tensor.nbytes for tensor in tensors_of(plain))


def test_rows_that_part_a_tile_of_scales_are_unpacked_when_they_are_read(tmp_path: Path) -> None:
    save_file(quantising.in_file({"a.weight": weights()}, "nvfp4", {"a.weight"}), tmp_path / "x.st")
    (tmp_path / "x.st").rename(tmp_path / "x.safetensors")
    _, lie = stored(tmp_path / "x.safetensors")
    whole = read(lie["a.weight"], (192, 128))
    for nth in range(3):
        assert torch.equal(read(lie["a.weight"].share(nth, 3), (64, 128)), whole.chunk(3)[nth])


def test_who_asks_a_network_for_its_precision_hears_that_of_its_other_numbers(
    tmp_path: Path,
) -> None:
    kept = built(file_of("fp8", tmp_path), keeping=True)
    assert {p.dtype for p in kept.parameters()} == {torch.uint8, torch.float32}
    layer = kept.get_submodule("q")
    assert isinstance(layer, PackedLinear)
    assert (layer.weight.shape, layer.weight.dtype) == ((128, 128), torch.float32)


def test_a_gguf_file_has_the_shapes_of_its_tensors_and_no_lists(tmp_path: Path) -> None:
    header = head_of(quantising.write_gguf(tmp_path / "x.gguf", tensors(), "Q8_0", KEYS), "x")
    assert dict(header.shapes) == {key: tuple(one.shape) for key, one in tensors().items()}
    assert header.dtypes == {"qkv.weight": "Q8_0", "qkv.bias": "F32", "out.weight": "Q8_0"}
    assert header.metadata["general.architecture"] == "tiny"


@pytest.mark.parametrize("length", [3, 24, 100, -1])
def test_a_gguf_file_that_is_cut_short_is_noticed(length: int, tmp_path: Path) -> None:
    path = quantising.write_gguf(tmp_path / "x.gguf", tensors(), "Q8_0", KEYS)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(BrokenWeights):
        head_of(path, "x")


def test_a_type_of_llama_cpp_that_is_not_read_is_named(tmp_path: Path) -> None:
    path = quantising.write_gguf(tmp_path / "x.gguf", {"a.weight": weights()}, "Q8_0", {"a.weight"})
    data = path.read_bytes()
    at = data.index(b"a.weight") + len(b"a.weight") + 4 + 16
    path.write_bytes(data[:at] + (16).to_bytes(4, "little") + data[at + 4 :])
    with pytest.raises(UnusableWeights, match="IQ2_XXS"):
        head_of(path, "x")
