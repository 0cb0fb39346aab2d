"""Claims about the worker's small parts: failures, memory, previews, switches, the command line."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
import torch
from PIL import Image

from generation import errors
from generation.errors import GenerationError, OutOfMemory, RenderFailed
from generation.families.architecture import Stage
from generation.fleet.wire import Failed, decode, encode, failure
from generation.job import JobId
from generation.picture import Environment
from generation.recipe import Precision
from generation.worker import exactness
from generation.worker.__main__ import _only, _options
from generation.worker.codecs.previews import Previewer
from generation.worker.engines.table import ENGINES
from generation.worker.failures import is_fatal, report, translated
from generation.worker.loading.loader import opened
from generation.worker.memory import memory
from tests.given import loaded, tinymodels
from tests.given.builders import a_recipe

EVERY_ERROR: list[GenerationError] = [
    errors.OutOfRange("width", 68, "a multiple of 8"),
    errors.NoSuchName("sampler", "zauber", ("euler",)),
    errors.BadPicture("it is cut short"),
    errors.UnusableWeights("m", "it does not fit"),
    errors.PickleRefused("m.ckpt"),
    errors.BrokenWeights("m", "cut short"),
    errors.MissingWeights("m", "0" * 64),
    errors.WeightsChanged("m", "0" * 64, "1" * 64),
    errors.OutOfMemory(5, 3),
    errors.OutOfMemory(),
    errors.Cancelled(),
    errors.RenderFailed("RuntimeError: no"),
]


@pytest.mark.parametrize("error", EVERY_ERROR, ids=lambda e: type(e).__name__)
def test_every_error_crosses_the_pipe_as_itself(error: GenerationError) -> None:
    frame = encode(report(JobId(3), error))
    head = int.from_bytes(frame[:4])
    received = decode(frame[8 : 8 + head], frame[8 + head :])
    assert isinstance(received, Failed)
    again = failure(received)
    assert type(again) is type(error)
    assert (again.facts, str(again)) == (error.facts, str(error))


@pytest.mark.parametrize(
    ("error", "fatal", "becomes"),
    [
        (torch.AcceleratorError("CUDA error: an illegal memory access", 0), True, RenderFailed),
        (RuntimeError("CUDA error: device-side assert triggered"), True, RenderFailed),
        (RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR"), True, RenderFailed),
        (torch.OutOfMemoryError("CUDA out of memory."), False, OutOfMemory),
        (RuntimeError("CUDA error: out of memory"), False, OutOfMemory),
        (RuntimeError("MPS backend out of memory"), False, OutOfMemory),
        (
            RuntimeError(
                "[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"
            ),
            False,
            OutOfMemory,
        ),
        (MemoryError(), False, OutOfMemory),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False, RenderFailed),
        (KeyError("nothing"), False, RenderFailed),
        (errors.Cancelled(), False, errors.Cancelled),
    ],
)
def test_foreign_errors_are_told_apart(
    error: BaseException, fatal: bool, becomes: type[Exception]
) -> None:
    assert is_fatal(error) is fatal
    assert type(translated(error, free_bytes=3)) is becomes


def test_a_recipes_need_grows_with_its_pixels_and_with_cfg() -> None:
    def need(**changes: object) -> int:
        engine, of_decode = ENGINES["sdxl"], {"block_out_channels": [128]}
        configs = {"unet": {"block_out_channels": [320]}, "vae": of_decode}
        recipe = a_recipe(**changes)
        return max(engine.activation_bytes(recipe, configs, 2, stage) for stage in Stage)

    assert need(width=256) == 2 * need(width=128)
    assert need(cfg=1.0) <= need(cfg=7.0)
    # Measured with fake tensors: SDXL at 1024x1024 in 16 bits peaks in the VAE, at 1.5 GiB.
    assert 1.3 < need(width=1024, height=1024) / 2**30 < 1.8


def test_weights_are_counted_in_the_precision_they_are_drawn_in() -> None:
    recipe = loaded.recipe_of("sd1")
    few = replace(recipe, precision=Precision.BF16)
    full, half = (opened(each, tinymodels.sd15(), None).model() for each in (recipe, few))
    modules = loaded.sd15().parts.modules.values()
    count = sum(p.numel() for module in modules for p in module.parameters())
    counters = full.bytes - 4 * count  # of positions, which are no floats
    assert half.bytes == 2 * count + counters
    assert 0 <= counters < 2000


def test_there_is_some_memory_and_not_all_of_it_is_free() -> None:
    cpu = torch.device("cpu")
    assert 0 < memory.free_bytes(cpu) < memory.total_bytes(cpu)
    memory.clean(cpu)


def test_a_preview_is_a_small_jpeg_of_the_pictures_shape() -> None:
    previewer = loaded.sd15().fit_previewer()
    for (height, width), size in (((8, 8), (64, 64)), ((64, 96), (256, 171)), ((1, 500), (256, 1))):
        data = previewer.jpeg(torch.randn((1, 4, height, width)))
        with Image.open(io.BytesIO(data)) as image:
            assert image.format == "JPEG"
            assert image.size == size
    assert previewer.jpeg(torch.full((1, 4, 8, 8), torch.nan))


def test_the_preview_function_is_fitted_and_not_a_table() -> None:
    """A VAE whose latents are the colours themselves is previewed in exactly these colours."""
    previewer = Previewer(factors=torch.eye(4, 3), offset=torch.zeros(3), scale=8)
    red = torch.zeros(1, 4, 8, 8)
    red[:, 0] = 1.0
    with Image.open(io.BytesIO(previewer.jpeg(red))) as image:
        r, g, b = image.getpixel((32, 32))  # type: ignore[misc]  # an RGB pixel
    assert r > 250
    assert max(g, b) < 5
    one, two = loaded.sd15().fit_previewer(), loaded.sdxl().fit_previewer()
    assert one.factors.shape == two.factors.shape == (4, 3)


def test_the_environment_names_everything_that_touches_bits() -> None:
    exactness.switch_on(threads=1)
    here = exactness.here(torch.device("cpu"))
    assert isinstance(here, Environment)
    assert here.probe == "exact"
    assert here.torch == torch.__version__
    assert torch.backends.cpu.get_cpu_capability() in here.hardware
    assert {"numpy", "av", "scipy", "soundfile"} <= {
        each.split(" ")[0] for each in here.libraries.split(", ")
    }
    assert "CUBLAS_WORKSPACE_CONFIG" in here.flags
    assert here == exactness.here(torch.device("cpu"))


def test_the_switches_are_on() -> None:
    exactness.switch_on(threads=1)
    assert torch.get_num_threads() == 1
    assert torch.are_deterministic_algorithms_enabled()
    assert not torch.backends.cudnn.benchmark
    assert not torch.backends.cudnn.allow_tf32
    assert not torch.backends.cuda.matmul.allow_tf32


def test_the_probe_says_which_promise_does_not_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    class Moody(torch.nn.Module):
        calls = 0

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            Moody.calls += 1
            return x + Moody.calls

    monkeypatch.setattr(exactness, "_Network", Moody)
    assert exactness.probe(torch.device("cpu")) == "differs: repeat, content, between"


def test_the_command_line_understands_sizes() -> None:
    options = _options(
        ["--digests", "d", "--memory-limit", "1.5G", "--models", "a", "--models", "b"]
    )
    assert options.memory_limit == 3 * 2**29
    assert [str(folder) for folder in options.models] == ["a", "b"]
    assert _options(["--digests", "d"]).memory_limit is None
    with pytest.raises(SystemExit):
        _options(["--digests", "d", "--device", "toaster"])
    assert _options(["--digests", "d", "--host-memory", "8G"]).host_memory == 2**33
    assert _options(["--digests", "d", "--resting-memory", "8G"]).resting_memory == 2**33


def test_a_worker_of_one_card_sees_no_other() -> None:
    assert _options(["--digests", "d", "--device", "cuda:1"]).device == "cuda:1"
    assert _only(1, {}) == "1"
    assert _only(1, {"CUDA_VISIBLE_DEVICES": "3, GPU-5ab1"}) == "GPU-5ab1"
    with pytest.raises(SystemExit, match="no card 2"):
        _only(2, {"CUDA_VISIBLE_DEVICES": "0,1"})
