"""This machine, as far as the bot depends on it: Python, libraries, device, disk, port.

Each function looks at one thing and returns a Finding.
torch is asked in a process of its own: a broken GPU driver can take the asking process with it.
"""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib import metadata
from pathlib import Path

import psutil

from bot.cli.findings import Finding, Health, good, note, wrong
from bot.studio.resources import FULL, Resource, limiting, told
from generation.media import pyav

ROOT = Path(__file__).resolve().parents[2]
SETUP = "run: python start.py setup"
TORCH_SECONDS = 120.0  # a cold disk reads torch for half a minute

LIBRARIES = ("torch", "diffusers", "transformers", "discord.py", "aiosqlite", "pillow", "simcord")

# What the bot does without, and how.
MAY_LACK = {
    "av": "clips are kept as WebP without their sound, and no MP4 that people send is read",
    "soundfile": "sounds are kept as WAV, and of those that people send only WAVs are read",
}

PROCESSOR, APPLE = "the processor", "Apple GPU (mps)"

LITTLE_MEMORY = 2 * 2**30
LITTLE_DISK = 2 * 2**30


def machine() -> Finding:
    """Python, processor and memory."""
    memory = psutil.virtual_memory()
    found = (
        f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, "
        f"{os.cpu_count()} cores, {_gib(memory.total)} memory ({_gib(memory.available)} free)"
    )
    if memory.available < LITTLE_MEMORY:
        return note(
            "machine", found, "little memory is free; close something, or draw small pictures"
        )
    return good("machine", found)


def libraries() -> Finding:
    """What is installed, against what constraints.txt pins."""
    try:
        pins = dict(
            re.findall(r"^([\w.-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
        )
    except OSError:
        pins = {}
    versions, missing, other = [], [], []
    for name in (*LIBRARIES, *MAY_LACK):
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            missing += [name] if name in LIBRARIES else []
            continue
        versions.append(f"{name} {version}")
        # "2.13.0+cpu" is the processor's build of 2.13.0.
        if name in pins and version.split("+")[0] != pins[name]:
            other.append(f"{name} {version} (pinned: {pins[name]})")
    if missing:
        found = "missing: " + ", ".join(missing)
        return wrong("libraries", found, SETUP)
    if other:
        return note(
            "libraries",
            "not the tested versions: " + ", ".join(other),
            f"pictures may differ in their last bits; {SETUP}",
        )
    return good("libraries", ", ".join(versions))


def _is_installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def encoders(
    installed: Callable[[str], bool] = _is_installed, encodes: Callable[[], bool] = pyav.encodes
) -> Finding:
    """What writes clips and sounds as files that everybody plays, and reads them."""
    lacking = [f"{name} is missing: {how}" for name, how in MAY_LACK.items() if not installed(name)]
    if lacking:
        names = " ".join(name for name in MAY_LACK if not installed(name))
        advice = f"run: .venv/bin/python -m pip install -c constraints.txt {names}"
        return note("encoders", "; ".join(lacking), advice)
    if not encodes():
        found = f"this build of av lacks {pyav.ENCODER}: clips are kept as WebP without their sound"
        return note("encoders", found, "install the av that pip brings")
    return good("encoders", f"{pyav.ENCODER} for clips, FLAC for sounds")


_ASK_TORCH = """
import json, torch
cuda = torch.cuda.is_available()
free, total = torch.cuda.mem_get_info() if cuda else (0, 0)
print(json.dumps({
    "version": torch.__version__,
    "cuda": torch.cuda.get_device_name() if cuda else "",
    "built_for": torch.version.cuda or torch.version.hip or "",
    "free": free,
    "total": total,
    "mps": torch.backends.mps.is_available(),
}))
"""


_TORCH = (sys.executable, "-c", _ASK_TORCH)


def card_memory(program: tuple[str, ...] = _TORCH) -> int:
    """Bytes of the graphics card that torch would use; 0 where it sees none."""
    try:
        asked = subprocess.run(
            program, capture_output=True, text=True, timeout=TORCH_SECONDS, check=True
        )
        said = json.loads(asked.stdout)
    except (subprocess.SubprocessError, ValueError):
        return 0
    # What Apple's draws with is the machine's own memory.
    return psutil.virtual_memory().total if said["mps"] else int(said["total"])


def torch(program: tuple[str, ...] = _TORCH) -> Finding:
    """What torch says of itself and of the device it would use."""
    try:
        asked = subprocess.run(
            program, capture_output=True, text=True, timeout=TORCH_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return wrong(
            "device",
            f"torch did not answer within {TORCH_SECONDS:.0f} s",
            'the GPU\'s driver may hang: restart the machine, or set device = "cpu"',
        )
    if asked.returncode != 0:
        last = (asked.stderr.strip().splitlines() or [f"exit status {asked.returncode}"])[-1]
        return wrong("device", f"torch does not start: {last}", SETUP)
    said = json.loads(asked.stdout)
    if said["cuda"]:
        memory = f"{_gib(said['total'])} ({_gib(said['free'])} free)"
        found = f"{said['cuda']}, {memory}, torch {said['version']}"
    elif said["mps"]:
        found = f"{APPLE}, torch {said['version']}"
    else:
        found = f"{PROCESSOR}, torch {said['version']}"
    return good("device", found)


def not_the_wanted(setting: str, found: Finding) -> Iterator[Finding]:
    """What is wrong where the setting `device` names one that torch did not find."""
    there = {PROCESSOR: "cpu", APPLE: "mps"}
    kind = next((kind for name, kind in there.items() if found.found.startswith(name)), "cuda")
    if found.state is Health.GOOD and setting not in ("auto", "cpu", kind):
        yield wrong(
            "device",
            f'device = "{setting}" is set, and torch sees none here: nothing can be drawn',
            'set device = "auto", or see CONTRIBUTING.md (Torch and the GPU)',
        )


def graphics_card() -> Finding:
    """Whether there is an NVIDIA card that the installed torch cannot use."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return good("NVIDIA GPU", "none")
    asked = subprocess.run(
        [tool, "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    if asked.returncode != 0:
        return note(
            "NVIDIA GPU",
            f"the driver does not answer: {asked.stdout.strip() or asked.stderr.strip()}",
            "install or restart NVIDIA's driver; until then the processor draws",
        )
    found = "; ".join(asked.stdout.strip().splitlines())
    if "+cpu" in _version("torch"):
        return note(
            "NVIDIA GPU",
            found,
            "the installed torch is the processor's build; CONTRIBUTING.md (Torch "
            "and the GPU) says how to change it",
        )
    return good("NVIDIA GPU", found)


def disk(data: Path) -> Finding:
    """Room for pictures."""
    there = next(p for p in (data, *data.absolute().parents) if p.exists())
    free = shutil.disk_usage(there).free
    found = f"{_gib(free)} free for {data}"
    if free < LITTLE_DISK:
        return Finding(
            what="disk",
            state=Health.WRONG if free < 100 * 2**20 else Health.NOTE,
            found=found,
            advice="make room, or choose another folder with `data`",
        )
    return good("disk", found)


# What to do about a resource that is too full, by how its name ends.
_DEEDS = {
    "processor": "close what else computes here, or draw smaller pictures",
    "disk": "make room, or choose another folder with `data`",
}
_LESS = "close something, or use files in fewer bits (docs/performance.md, Memory)"


def how_full(found: Sequence[Resource]) -> Finding:
    """How full each resource is, and which one limits."""
    full = limiting(found)
    if full is None:
        return good("resources", told(found))
    return note(
        "resources",
        f"{told(found)}; {full.name} limits, as the first above {FULL:.0%}",
        _DEEDS.get(full.name, _LESS),
    )


def port(number: int) -> Finding:
    """Whether the sandbox can have its port."""
    with socket.socket() as trying:
        # As servers do: a port that was in use a moment ago is free.
        trying.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trying.bind(("127.0.0.1", number))
        except OSError:
            advice = "stop the other program, or choose another sandbox_port (0: any)"
            return note("sandbox", f"port {number} is taken", advice)
    return good("sandbox", f"port {number} is free")


def cluster(address: str) -> Finding:
    """Whether the bot can be a part of its Ray cluster."""
    if importlib.util.find_spec("ray") is None:
        advice = "run: .venv/bin/python -m pip install -c constraints.txt .[cluster]"
        return wrong("cluster", f"cluster is {address}, and Ray is not installed", advice)
    host, _, port = address.partition(":")
    if port:
        try:
            socket.create_connection((host, int(port)), timeout=5).close()
        except OSError as error:
            advice = "start the cluster's head; docs/cluster.md has the command"
            return wrong("cluster", f"nothing answers at {address}: {error}", advice)
    return good("cluster", f"Ray {_version('ray')} at {address}")


def _version(library: str) -> str:
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return ""


def _gib(count: float) -> str:
    return f"{count / 2**30:.1f} GiB"
