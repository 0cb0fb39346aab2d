"""What the doctor finds of the assistant: who would find words here, how large it is, and where.

It loads no model: what a GGUF is, its header says; whether llama.cpp was built for a card is asked
in a process of its own.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

from bot.app import word_settings
from bot.cli.findings import Finding, good, note
from bot.settings import Settings
from bot.studio.words_on_card import Place
from prompting.errors import Unreadable, WriterUnavailable
from prompting.writers import installed
from prompting.writers.fetch import HubName, fetch
from prompting.writers.ggufile import read_header
from prompting.writers.ladder import BUILT_IN, WriterConfig
from prompting.writers.openai import OpenAIWriter

BUILD_FOR_CARD = f'CMAKE_ARGS="-DGGML_CUDA=on" {installed.HOW_TO_GET}'
ASK_SECONDS = 60.0
_SUPPORTS = "import llama_cpp; print(llama_cpp.llama_supports_gpu_offload())"


def assistant(settings: Settings) -> Finding:
    """Who finds words, and why it is not the one that the settings name."""
    config, place = word_settings(settings).writer, Place.of(settings.assist_device)
    engine = "llama.cpp" if installed.is_there() else "numpy"
    fallback = f"the built-in assistant writes ({engine}, {_size(BUILT_IN)}, on the processor)"
    if not config.chosen:
        return _built_in(fallback, settings.assist_device)
    try:
        return _model(config, place) if config.model else _server(config)
    except WriterUnavailable as failure:
        advice = "mend assist_model or assist_server, or leave them out"
        if not installed.is_there() and config.model:
            advice = f"run: {installed.HOW_TO_GET}"
        return note("assistant", f"{failure.reason}; {fallback}", advice)


def _built_in(found: str, device: str) -> Finding:
    """The built-in assistant, which nobody asked to be another one."""
    if installed.is_there():
        found = f"{found}; chat models can: llama.cpp {installed.version()} is here"
    else:
        found = f"{found}; chat models need llama.cpp: {installed.HOW_TO_GET}"
    if device == "cpu":
        return good("assistant", found)
    told = f"{found}; assist_device is {device}, and no model is named"
    return note("assistant", told, "name a GGUF in assist_model")


def _model(config: WriterConfig, place: Place) -> Finding:
    """The configured GGUF.  Raises WriterUnavailable."""
    if not installed.is_there():
        raise WriterUnavailable("llama.cpp is not installed here")
    path = Path(config.model)
    if config.model.startswith("hub:"):
        name = HubName.parse(config.model.removeprefix("hub:"))
        path = asyncio.run(fetch(name, folder=config.cache, allowed=False))
    found = f"{path.name} writes (llama.cpp {installed.version()}, {_size(path)}"
    if place.kind == "cpu":
        return good("assistant", f"{found}, on the processor, threads: {config.threads})")
    layers = "all layers" if config.gpu_layers is None else f"{config.gpu_layers} layers"
    when = "while nothing is drawn" if place.kind == "idle" else "beside the pictures"
    found = f"{found}, {layers} on card {place.card} {when})"
    if not _built_for_card():
        told = f"{found}, but llama.cpp was built for the processor alone"
        return note("assistant", told, f"run: {BUILD_FOR_CARD}")
    return good("assistant", found)


def _server(config: WriterConfig) -> Finding:
    """The configured server, which is asked for its models.  Raises WriterUnavailable."""

    async def asked() -> str:
        writer = await OpenAIWriter.open(config.server, config.server_model, key=config.server_key)
        await writer.close()
        return writer.name

    return good("assistant", f"{asyncio.run(asked())} writes")


def _size(path: Path) -> str:
    """ "105 MB, 30 layers".  Raises WriterUnavailable for what is no GGUF."""
    try:
        header = read_header(path)
        layers = header.whole(f"{header.text('general.architecture')}.block_count")
    except FileNotFoundError as error:
        raise WriterUnavailable(f"there is no file {path.name}") from error
    except OSError as error:
        raise WriterUnavailable(f"{path.name} cannot be read: {error.strerror}") from error
    except Unreadable as error:
        raise WriterUnavailable(f"{path.name}: {error.reason}") from error
    return f"{header.size_bytes / 1e6:.0f} MB, {layers} layers"


def _built_for_card() -> bool:
    try:
        asked = subprocess.run(
            [sys.executable, "-c", _SUPPORTS],
            capture_output=True,
            text=True,
            timeout=ASK_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return asked.stdout.split()[-1:] == ["True"]
