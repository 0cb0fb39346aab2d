"""What makes the same recipe give the same bits here, and what "here" is.

The invariant: `switch_on` runs before the first tensor is made, and what it switches is written
into `Environment.flags`, so that no later reader has to guess.  A switch is not believed but
probed: `probe` draws with a small network twice, and the answer is part of every picture's
environment.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path

import torch
from torch import Tensor, nn

from generation.picture import Environment

# cuBLAS is deterministic over several streams only with a fixed workspace; read at its first use.
WORKSPACE = ":4096:8"

FLAGS = (
    "deterministic algorithms; no cudnn.benchmark; no TF32; no reduced-precision reduction; "
    f"CUBLAS_WORKSPACE_CONFIG={WORKSPACE}; aligned weights; VAE decodes one at a time"
)

_LIBRARIES = (
    *("numpy", "peft", "pillow", "safetensors", "tokenizers"),
    # By which clips and sounds are read that a recipe begins with.
    *("av", "scipy", "soundfile"),
)


def switch_on(threads: int) -> None:
    """Everything that torch offers for repeatable results."""
    os.environ["CUBLAS_WORKSPACE_CONFIG"] = WORKSPACE
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    # Filling fresh memory with NaN finds reads of it, and costs time on every allocation.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction = False
    torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = False


def pick_device(wish: str) -> torch.device:
    """ "auto" takes the first of cuda, mps and cpu that is there."""
    if wish == "cuda" and not torch.cuda.is_available():
        raise SystemExit("there is no such CUDA device here")
    if wish != "auto":
        return torch.device(wish)
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def here(device: torch.device) -> Environment:
    """This environment, with the probe's answer."""
    return Environment(
        device=device.type,
        hardware=_hardware(device),
        driver=_driver(device),
        python=platform.python_version(),
        torch=torch.__version__,
        diffusers=_version("diffusers"),
        transformers=_version("transformers"),
        libraries=", ".join(f"{name} {_version(name)}" for name in _LIBRARIES),
        threads=torch.get_num_threads(),
        flags=FLAGS,
        probe=probe(device),
    )


def probe(device: torch.device) -> str:
    """ "exact", or which of the promises does not hold on this device.

    "repeat": the same input twice; "content": what shared the batch; "between": another input in
    between.
    """
    with torch.inference_mode():
        network = _Network().to(device)
        generator = torch.Generator().manual_seed(0)
        one, other, third = (torch.randn((1, 4, 32, 32), generator=generator) for _ in range(3))

        def run(*lanes: Tensor) -> Tensor:
            out: Tensor = network(torch.cat(lanes).to(device))
            return out.cpu()

        first, pair = run(one), run(one, other)
        repeats = torch.equal(first, run(one))
        content = torch.equal(pair[0], run(one, third)[0])
        run(other)
        between = torch.equal(first, run(one)) and torch.equal(pair, run(one, other))
    failed = [
        name
        for name, holds in (("repeat", repeats), ("content", content), ("between", between))
        if not holds
    ]
    return "differs: " + ", ".join(failed) if failed else "exact"


class _Network(nn.Module):
    """The operations of a UNet, small: convolution, norm, attention, linear."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.into = nn.Conv2d(4, 64, 3, padding=1)
            self.norm = nn.GroupNorm(8, 64)
            self.qkv = nn.Linear(64, 192)
            self.down = nn.Conv2d(64, 64, 3, stride=2, padding=1)
            self.out = nn.Conv2d(64, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.down(nn.functional.silu(self.norm(self.into(x))))
        batch, channels, height, width = x.shape
        tokens = x.flatten(2).transpose(1, 2)
        q, k, v = self.qkv(tokens).view(batch, -1, 3, 4, channels // 4).permute(2, 0, 3, 1, 4)
        mixed = nn.functional.scaled_dot_product_attention(q, k, v)
        mixed = mixed.transpose(1, 2).reshape(batch, -1, channels).transpose(1, 2)
        out: Tensor = self.out(x + mixed.reshape(batch, channels, height, width))
        return out


def _hardware(device: torch.device) -> str:
    if device.type == "cuda":
        major, minor = torch.cuda.get_device_capability(device)
        return f"{torch.cuda.get_device_name(device)}, compute capability {major}.{minor}"
    return f"{_processor()}, {torch.backends.cpu.get_cpu_capability()}"


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _driver(device: torch.device) -> str:
    if device.type != "cuda":
        return ""
    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        said = subprocess.run(query, capture_output=True, text=True, timeout=10, check=True).stdout
        driver = said.splitlines()[0].strip()
    except (OSError, subprocess.SubprocessError, IndexError):
        driver = "unknown"
    return f"{driver}, CUDA {torch.version.cuda}, cuDNN {_cudnn()}"


def _cudnn() -> object:
    return torch.backends.cudnn.version()  # type: ignore[no-untyped-call]


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "none"
