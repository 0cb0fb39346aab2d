"""Who runs the bot adds models from chat; nobody else does, and nothing else is reached by it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import torch
from safetensors.torch import save

from tests.given.apps import a_studio
from tests.given.model_places import Asked, Reply, hub, serving

CONTENT = save({"emb_params": torch.ones(2, 768)})
FILES = {"me/tiny": {"embeddings/fine.safetensors": CONTENT}}


async def test_whoever_runs_the_bot_adds_a_model_and_it_is_there_at_once(tmp_path: Path) -> None:
    with serving(hub(FILES)) as server:
        async with a_studio(tmp_path, huggingface=server.address) as studio:
            ann = studio.world.ann
            studio.client.owners = {studio.world.env.ann.id}
            await ann.command("models add", what="hf:me/tiny")
            said = await ann.sees("is here")
            assert "`fine.safetensors`" in said.content
            await studio.app.model_folders.changed()
            assert studio.app.catalog.find("fine", "embedding").size_bytes == len(CONTENT)
            assert not [m for m in studio.world.ben.messages() if "fine" in m.content]


async def test_nobody_else_adds_models_and_no_server_is_asked(tmp_path: Path) -> None:
    with serving(hub(FILES)) as server:
        async with a_studio(tmp_path, huggingface=server.address) as studio:
            await studio.world.ben.command("models add", what="hf:me/tiny")
            await studio.world.ben.sees("Only whoever runs this bot")
            assert await studio.world.ben.complete("models add", "what", "z-image") == []
        assert server.asked == []


async def test_addresses_and_files_of_this_machine_are_not_taken_from_chat(tmp_path: Path) -> None:
    (tmp_path / "mine.safetensors").write_bytes(CONTENT)
    with serving(hub(FILES)) as server:
        async with a_studio(tmp_path) as studio:
            ann = studio.world.ann
            studio.client.owners = {studio.world.env.ann.id}
            await ann.command("models add", what=f"{server.address}/me/tiny")
            first = await ann.sees("none of the places")
            await ann.command("models add", what=str(tmp_path / "mine.safetensors"))
            await ann.sees("on this machine", after=first)
        assert server.asked == []


async def test_one_that_is_under_way_can_be_stopped(tmp_path: Path) -> None:
    asking = asyncio.Event()
    loop = asyncio.get_running_loop()

    def answer(one: Asked) -> Reply:
        if "/resolve/" in one.path:
            loop.call_soon_threadsafe(asking.set)
            return Reply(status=429, headers={"Retry-After": "60"})
        return hub(FILES)(one)

    with serving(answer) as server:
        async with a_studio(tmp_path, huggingface=server.address) as studio:
            ann = studio.world.ann
            studio.client.owners = {studio.world.env.ann.id}
            await ann.command("models add", what="hf:me/tiny")
            await asyncio.wait_for(asking.wait(), 30)
            await ann.command("models add", what="z-image-turbo")
            await ann.sees("fetching another")
            await ann.command("models stop")
            await ann.sees("Stopped. What has come")
