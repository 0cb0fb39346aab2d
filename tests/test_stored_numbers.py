"""Claims about numbers that lie in files: read in pieces, exact, and nowhere else meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import prod
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from generation.catalog.partconfigs import CONFIGS, config_of
from generation.errors import Cancelled, UnusableWeights
from generation.families.architecture import Lies
from generation.families.family import ARCHITECTURES
from generation.families.ldm import open_clip_lies
from generation.worker.loading import stored
from generation.worker.loading.stored import Packing, Stored, StoredNumbers, stored_file
from generation.worker.residence import ALIGNED, Residence

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many pieces per tensor, and no tensor that is a whole number of them."""
    monkeypatch.setattr(stored, "PIECE", 40)


def lying(path: Path, **tensors: Tensor) -> dict[str, Stored]:
    save_file(tensors, path / "x.safetensors")
    file = stored_file(path / "x.safetensors", "x")
    return {key: file[key] for key in tensors}


def read(lie: Stored, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    into = torch.full(shape, 7.0, dtype=dtype)
    StoredNumbers([(lie,)]).read([into], lambda: True)
    return into


def random(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("wanted", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize(
    "lies", [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.float8_e4m3fn]
)
def test_numbers_are_converted_once_and_as_torch_converts_them(
    tmp_path: Path, lies: torch.dtype, wanted: torch.dtype
) -> None:
    tensor = random(5, 9).to(lies)
    found = read(lying(tmp_path, a=tensor, b=tensor.clone())["b"], (5, 9), wanted)
    assert torch.equal(found, tensor.to(wanted))


def test_a_share_of_rows_a_transposed_tensor_and_other_shapes_are_read(tmp_path: Path) -> None:
    tensor = random(6, 4)
    lie = lying(tmp_path, a=tensor)["a"]
    for nth in range(3):
        rows = read(lie.share(nth, 3), (2, 4), torch.float32)
        assert torch.equal(rows, tensor[2 * nth : 2 * nth + 2])
    assert torch.equal(read(lie.share(0, 1, transposed=True), (4, 6), torch.float32), tensor.T)
    assert torch.equal(read(lie, (6, 4, 1, 1), torch.float32), tensor[:, :, None, None])


def test_rows_may_lie_in_pieces_and_in_another_order(tmp_path: Path) -> None:
    tensor = random(6, 4)
    lie = lying(tmp_path, a=tensor)["a"]
    into = torch.empty(6, 4)
    StoredNumbers([(lie.share(1, 2), lie.share(0, 2))]).read([into], lambda: True)
    assert torch.equal(into, torch.cat([tensor[3:], tensor[:3]]))


@pytest.mark.parametrize("factors", [torch.tensor(3.0), torch.arange(1.0, 7.0)[:, None]])
def test_scaled_numbers_are_multiplied_in_fp32(tmp_path: Path, factors: Tensor) -> None:
    weight = random(6, 4).to(torch.float8_e4m3fn)
    lie = lying(tmp_path, weight=weight, scale=factors)
    sides = {"scale": lie["scale"]}
    packing = Packing(kind="fp8", raw=lie["weight"], sides=sides, group=None)
    whole = replace(lie["weight"], dtype=torch.float32, packing=packing)
    expected = (weight.float() * factors).to(torch.float16)
    assert torch.equal(read(whole, (6, 4), torch.float16), expected)
    assert torch.equal(read(whole.share(1, 3), (2, 4), torch.float16), expected[2:4])


def test_a_part_that_is_kept_in_more_bits_is_rounded_to_the_recipes_first(tmp_path: Path) -> None:
    tensor = random(5, 9)
    numbers = StoredNumbers([(lying(tmp_path, a=tensor)["a"],)]).rounded(torch.float16)
    into = torch.empty(5, 9)
    numbers.read([into], lambda: True)
    assert torch.equal(into, tensor.half().float())


def test_q_k_and_v_of_openclip_lie_in_one_tensor() -> None:
    key, projection = "encoder.layers.3.self_attn.k_proj.bias", "text_projection.weight"
    lies = open_clip_lies("x.")({key: (4,), projection: (4, 4)}, {})
    fused = "x.transformer.resblocks.3.attn.in_proj_bias"
    assert lies[key] == (Lies(key=fused, nth=1, of=3),)
    assert lies[projection] == (Lies(key="x.text_projection", transposed=True),)


def test_where_rows_lie_and_which_tensors_a_file_has_are_said_alike() -> None:
    """Of every part of every architecture, by the layout that the catalog judges files by."""
    for architecture in ARCHITECTURES:
        for part in architecture.parts:
            config = config_of(CONFIGS / part.config)
            own = part.network.tensors(config) or {}
            layout, read = part.layout(own, config), dict[str, int]()
            for key, lies in part.where(config).items():
                for one in lies:
                    read[one.key] = read.get(one.key, 0) + prod(layout[one.key]) // one.of
                assert not lies or prod(own[key]) == sum(
                    prod(layout[one.key]) // one.of for one in lies
                )
            assert read == {key: prod(shape) for key, shape in layout.items()}


# Where they are.


class Part(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Parameter(torch.empty(3, 5), requires_grad=False)
        self.two = nn.Parameter(torch.empty(7), requires_grad=False)


def memory_of(part: Part) -> int:
    """Bytes: one number for each tensor whose numbers are nowhere."""
    return sum(p.untyped_storage().nbytes() for p in part.parameters())


def residence(path: Path) -> tuple[Part, Residence, dict[str, Tensor]]:
    tensors = {"one": random(3, 5).half(), "two": random(7).half()}
    lie, part = lying(path, **tensors), Part()
    return part, Residence(part, StoredNumbers([(lie["one"],), (lie["two"],)])), tensors


def test_what_is_nowhere_takes_no_memory_and_comes_back_with_the_same_bits_aligned(
    tmp_path: Path,
) -> None:
    part, where, tensors = residence(tmp_path)
    assert where.bytes == 4 * (15 + 7)
    for _ in range(2):
        assert where.nowhere
        assert memory_of(part) <= 2 * 4
        where.enter(CPU)
        assert where.on_device
        assert torch.equal(part.one, tensors["one"].float())
        assert torch.equal(part.two, tensors["two"].float())
        assert not any(p.data_ptr() % ALIGNED for p in part.parameters())
        where.leave()


def test_a_copy_in_memory_needs_no_file(tmp_path: Path) -> None:
    part, where, tensors = residence(tmp_path)
    where.enter_memory()
    assert where.in_memory
    assert not where.on_device
    (tmp_path / "x.safetensors").unlink()
    where.enter(CPU)
    assert torch.equal(part.one, tensors["one"].float())
    where.leave()
    assert torch.equal(part.one, tensors["one"].float())
    where.forget_copy()
    assert where.nowhere


def test_a_file_that_is_cut_short_meanwhile_is_an_error_and_no_end_of_the_process(
    tmp_path: Path,
) -> None:
    part, where, _ = residence(tmp_path)
    file = tmp_path / "x.safetensors"
    file.write_bytes(file.read_bytes()[:-3])
    with pytest.raises(UnusableWeights, match="cut short"):
        where.enter(CPU)
    assert where.nowhere
    assert memory_of(part) <= 2 * 4


def test_who_is_not_wanted_any_more_reads_no_further_piece(tmp_path: Path) -> None:
    _, where, _ = residence(tmp_path)
    asked: Iterator[bool] = iter([True, False])
    with pytest.raises(Cancelled):
        where.enter(CPU, lambda: next(asked))
    assert where.nowhere
