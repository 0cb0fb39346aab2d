"""A small bot for the tests of the sandbox: it has one of everything that the sandbox must carry.

It draws coloured squares in a child process, which takes `seconds` for each, and edits its progress
message meanwhile.  It knows nothing of the sandbox.
"""

from __future__ import annotations

import asyncio
import base64
import io
import json
import re
import sys
import time
from collections.abc import Coroutine
from typing import Any

import discord
from discord import app_commands

STYLES = ("photo", "oil painting", "pixel art", "watercolour")
PAINTER = """
import base64, io, json, sys, time, zlib
from PIL import Image
for line in sys.stdin:
    order = json.loads(line)
    for step in range(1, 11):
        time.sleep(order["seconds"] / 10)
        print(json.dumps({"step": step}), flush=True)
    colour = zlib.crc32(order["prompt"].encode()).to_bytes(4, "big")[:3]
    out = io.BytesIO()
    Image.new("RGB", (128, 128), tuple(colour)).save(out, "PNG")
    print(json.dumps({"png": base64.b64encode(out.getvalue()).decode()}), flush=True)
"""


class Again(discord.ui.DynamicItem[discord.ui.Button[Any]], template=r"again:(?P<prompt>.*)"):
    """🎲: the same words once more."""

    def __init__(self, prompt: str) -> None:
        custom_id = f"again:{prompt[:80]}"
        super().__init__(discord.ui.Button(label="Again", emoji="🎲", custom_id=custom_id))
        self.prompt = prompt

    @classmethod
    async def from_custom_id(
        cls, _: discord.Interaction, __: discord.ui.Item[Any], match: re.Match[str]
    ) -> Again:
        return cls(match["prompt"])

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        await interaction.response.defer()
        bot: SampleBot = interaction.client
        assert isinstance(interaction.channel, discord.TextChannel)
        bot.spawn(bot.draw(interaction.channel, self.prompt, interaction.user))


class Change(discord.ui.DynamicItem[discord.ui.Button[Any]], template=r"change:(?P<prompt>.*)"):
    """✏️: other words, asked for in a form."""

    def __init__(self, prompt: str) -> None:
        super().__init__(
            discord.ui.Button(label="Change", emoji="✏️", custom_id=f"change:{prompt[:80]}")
        )
        self.prompt = prompt

    @classmethod
    async def from_custom_id(
        cls, _: discord.Interaction, __: discord.ui.Item[Any], match: re.Match[str]
    ) -> Change:
        return cls(match["prompt"])

    async def callback(self, interaction: discord.Interaction) -> None:
        await interaction.response.send_modal(Words(self.prompt))


class Style(discord.ui.DynamicItem[discord.ui.Select[Any]], template=r"style:(?P<prompt>.*)"):
    """A choice of styles."""

    def __init__(self, prompt: str) -> None:
        super().__init__(
            discord.ui.Select(
                custom_id=f"style:{prompt[:80]}",
                placeholder="Draw it as ...",
                options=[discord.SelectOption(label=style) for style in STYLES],
            )
        )
        self.prompt = prompt

    @classmethod
    async def from_custom_id(
        cls, _: discord.Interaction, __: discord.ui.Item[Any], match: re.Match[str]
    ) -> Style:
        return cls(match["prompt"])

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        await interaction.response.defer()
        bot: SampleBot = interaction.client
        assert isinstance(interaction.channel, discord.TextChannel)
        words = f"{self.prompt}, {self.item.values[0]}"
        bot.spawn(bot.draw(interaction.channel, words, interaction.user))


class Words(discord.ui.Modal, title="Other words"):
    """The form behind ✏️."""

    words: discord.ui.TextInput[Words] = discord.ui.TextInput(label="Prompt", max_length=80)

    def __init__(self, prompt: str) -> None:
        super().__init__()
        self.words.default = prompt

    async def on_submit(self, interaction: discord.Interaction[Any]) -> None:
        await interaction.response.defer()
        bot: SampleBot = interaction.client
        assert isinstance(interaction.channel, discord.TextChannel)
        bot.spawn(bot.draw(interaction.channel, self.words.value, interaction.user))


class SampleBot(discord.Client):
    """Draws squares."""

    def __init__(
        self, *, seconds: float = 1.0, edit_every: float = 0.5, verdict: str = "IDENTICAL"
    ) -> None:
        intents = discord.Intents.default()
        super().__init__(intents=intents, allowed_mentions=discord.AllowedMentions.none())
        self.seconds, self.edit_every, self.verdict = seconds, edit_every, verdict
        self.tree = app_commands.CommandTree(self)
        self.tree.add_command(imagine)
        self.tree.add_command(reproduce)
        self.tree.add_command(video)
        self.tree.add_command(sound)
        self.tree.add_command(model3d)
        self.tree.add_command(whoami)
        self.tree.add_command(look_closer)
        self.received: list[bytes] = []  # pictures that people sent
        self._tasks: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Lock()
        self._painter: asyncio.subprocess.Process | None = None

    async def setup_hook(self) -> None:
        self._painter = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", PAINTER),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        self.add_dynamic_items(Again, Change, Style)
        await self.tree.sync()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._painter is not None and self._painter.returncode is None:
            self._painter.kill()
            await self._painter.wait()
            self._painter._transport.close()  # type: ignore[attr-defined]  # or it warns at exit
        await super().close()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def draw(
        self,
        channel: discord.TextChannel,
        prompt: str,
        person: discord.abc.User,
        reply_to: discord.Message | None = None,
    ) -> None:
        """A progress message, edited in real time, then the picture as a message of its own."""
        progress = await channel.send(f"**{prompt}** ░░░░░░░░░░ waiting")
        edited = time.monotonic()
        async with self._turn:
            painter = self._painter
            assert painter is not None
            assert painter.stdin is not None
            assert painter.stdout is not None
            order = json.dumps({"prompt": prompt, "seconds": self.seconds})
            painter.stdin.write(order.encode() + b"\n")
            while "png" not in (report := json.loads(await painter.stdout.readline())):
                step = report["step"]
                if time.monotonic() - edited >= self.edit_every:
                    edited = time.monotonic()
                    bar = "█" * step + "░" * (10 - step)
                    await progress.edit(content=f"**{prompt}** {bar} step {step} of 10")
        view = discord.ui.View(timeout=None)
        for item in (Again(prompt), Change(prompt), Style(prompt)):
            view.add_item(item)
        picture = discord.File(io.BytesIO(base64.b64decode(report["png"])), "picture.png")
        text = f"**{prompt}** for {person.mention}"
        reference = reply_to.to_reference(fail_if_not_exists=False) if reply_to else None
        if reference is not None:
            await channel.send(text, file=picture, view=view, reference=reference)
        else:
            await channel.send(text, file=picture, view=view)
        await progress.delete()

    async def on_message(self, message: discord.Message) -> None:
        if message.author.bot or not (message.content or message.attachments):
            return
        for attachment in message.attachments:
            self.received.append(await attachment.read())
        if isinstance(message.channel, discord.TextChannel):
            words = message.clean_content.replace("@Atelier", "").strip() or "this"
            self.spawn(self.draw(message.channel, words, message.author, message))


@app_commands.command(description="Draw a picture")
@app_commands.describe(
    prompt="What to draw", steps="How many steps", style="How it looks", image="Where to start"
)
async def imagine(
    interaction: discord.Interaction[Any],
    prompt: str,
    steps: app_commands.Range[int, 1, 50] = 20,
    style: str | None = None,
    image: discord.Attachment | None = None,
) -> None:
    bot: SampleBot = interaction.client
    if image is not None:
        bot.received.append(await image.read())
    words = f"{prompt}, {style}" if style else prompt
    await interaction.response.send_message(f"Queued with {steps} steps.", ephemeral=True)
    assert isinstance(interaction.channel, discord.TextChannel)
    bot.spawn(bot.draw(interaction.channel, words, interaction.user))


@imagine.autocomplete("style")
async def styles(_: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
    return [app_commands.Choice(name=s, value=s) for s in STYLES if current.lower() in s]


@app_commands.command(description="Draw a picture again")
@app_commands.describe(picture="The link of its message")
async def reproduce(interaction: discord.Interaction[Any], picture: str) -> None:
    bot: SampleBot = interaction.client
    await interaction.response.send_message("Queued.", ephemeral=True)
    channel = interaction.channel
    assert isinstance(channel, discord.TextChannel)

    async def compare() -> None:
        before = await channel.fetch_message(int(picture.rpartition("/")[2]))
        await bot.draw(channel, before.content.split("**")[1], interaction.user)
        await channel.send(f"**{bot.verdict}** to {picture}")

    bot.spawn(compare())


async def _sent(interaction: discord.Interaction, prompt: str, ending: str) -> None:
    made = discord.File(io.BytesIO(b"made"), f"{prompt.replace(' ', '-')}{ending}")
    await interaction.response.send_message("Here it is.", file=made)


@app_commands.command(description="Make a clip")
@app_commands.describe(prompt="What moves")
async def video(interaction: discord.Interaction, prompt: str) -> None:
    await _sent(interaction, prompt, ".mp4")


@app_commands.command(description="Make a sound")
@app_commands.describe(prompt="What is heard")
async def sound(interaction: discord.Interaction, prompt: str) -> None:
    await _sent(interaction, prompt, ".flac")


@app_commands.command(description="Make a form")
@app_commands.describe(prompt="What it is")
async def model3d(interaction: discord.Interaction, prompt: str) -> None:
    await _sent(interaction, prompt, ".glb")


@app_commands.command(description="Only you see the answer")
async def whoami(interaction: discord.Interaction) -> None:
    may = interaction.permissions.manage_messages
    text = f"You are {interaction.user.display_name}" + (", a moderator" if may else "")
    await interaction.response.send_message(text, ephemeral=True)


@app_commands.context_menu(name="Look closer")
async def look_closer(interaction: discord.Interaction, message: discord.Message) -> None:
    sizes = [f"{a.filename}: {a.size} bytes" for a in message.attachments]
    await interaction.response.send_message("\n".join(sizes) or "No picture.", ephemeral=True)


def quick() -> SampleBot:
    """A bot whose pictures are soon there."""
    return SampleBot(seconds=0.05, edit_every=0.01)
