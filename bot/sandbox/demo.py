"""`make demo`: a scripted conversation with the real bot in a simulated Discord.

    Ann   /imagine prompt: a red flower      progress edits, then a picture
    Ann   🎲                                 the same words, another seed
    Ann   /reproduce                         the first picture again: IDENTICAL
    Ann   make it blue                       a reply to the first picture: that flower, blue
    Ann   /video prompt: a red heart grows   a clip
    Ann   /sound prompt: a long low hum      a sound, and its waveform
    Ann   /model3d prompt: a blue cube       a form, and how it looks when it turns

The queue, the worker process, the database and the diffusion are the real ones; only Discord is
played.

Invariant: the demo succeeds only when it has read the verdict IDENTICAL from the bot's own message,
and has seen the picture that its reply asked for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import discord
from rich.console import Console
from rich.markup import escape

from bot.sandbox import transcript_page
from bot.sandbox.person import NotSeen, SimulatedPerson, buttons
from bot.sandbox.realtime import LiveEnv, live_env
from bot.sandbox.transcript import MessageHistory, Transcript

PROMPT = "a red flower"
REPLY = "make it blue"
# The other media: what is asked for, and how the file of it may end.
OTHERS = (
    ("video", "a red heart grows", (".mp4", ".webp")),
    ("sound", "a long low hum", (".flac", ".wav")),
    ("model3d", "a blue cube", (".glb",)),
)
VERDICTS = ("IDENTICAL", "ELSEWHERE", "DIVERGED")
PATIENCE_SECONDS = 600.0  # the first picture loads the model, on a slow machine
AGAIN = "🎲"


async def demo(bot: discord.Client, out: Path, *, console: Console | None = None) -> int:
    """Play the conversation; keep its pictures and a page under `out`.

    Returns the exit status: 0 when the bot says IDENTICAL and draws what a reply asks for.
    """
    console = console or Console(highlight=False)
    _empty(out)
    async with live_env(bot) as env:
        transcript = Transcript(env, out)
        transcript.tell = lambda entry: _print(console, entry, transcript.names)
        verdict = None
        try:
            async with transcript.watching():
                verdict = await _converse(env, transcript, console)
        except NotSeen as missing:
            console.print(f"[bold red]The conversation stopped.[/] {escape(str(missing))}")
        written = out / "index.html"
        title = "studio · a conversation with Atelier"
        written.write_text(
            transcript_page.page(transcript.items, transcript.names, title=title, verdict=verdict),
            "utf-8",
        )
    console.print()
    console.print(f"The pictures and the transcript: [bold]{escape(str(written))}[/]")
    colour = "green" if verdict == "IDENTICAL" else "red"
    console.print(f"The verdict: [bold {colour}]{verdict or 'none'}[/]")
    return 0 if verdict == "IDENTICAL" else 1


async def _converse(env: LiveEnv, transcript: Transcript, console: Console) -> str | None:
    """The conversation; the verdict that the bot gave."""
    ann = SimulatedPerson(env, env.ann)

    def doing(what: str) -> None:
        transcript.look()
        transcript.note(ann.name, what)
        console.print(f"{'':8} ▸ [bold magenta]{ann.name}[/] {escape(what)}", soft_wrap=True)

    doing(f"/imagine prompt: {PROMPT}")
    await ann.command("imagine", prompt=PROMPT)
    first = await ann.sees(_is_a_result, seconds=PATIENCE_SECONDS)

    doing(f"presses {AGAIN}")
    await ann.press(first, AGAIN)
    second = await ann.sees(_is_a_result, after=first, seconds=PATIENCE_SECONDS)

    option, value = _reproduce_option(env, ann), _named(first)
    doing(f"/reproduce {option}: {value}")
    await ann.command("reproduce", **{option: value})
    answer = await ann.sees(
        lambda m: m.author.bot and _verdict(m), after=second, seconds=PATIENCE_SECONDS
    )

    doing(f"replies to the first picture: {REPLY}")
    said = await ann.say(REPLY, reply_to=first)
    last = await ann.sees(
        lambda m: _is_a_result(m) and "blue" in m.content, after=said, seconds=PATIENCE_SECONDS
    )

    for command, prompt, endings in OTHERS:
        doing(f"/{command} prompt: {prompt}")
        await ann.command(command, prompt=prompt)
        last = await ann.sees(partial(_ends, endings), after=last, seconds=PATIENCE_SECONDS)
    return _verdict(answer)


def _is_a_result(message: discord.Message) -> bool:
    return bool(message.attachments) and any(str(b.emoji) == AGAIN for b in buttons(message))


def _ends(endings: tuple[str, ...], message: discord.Message) -> bool:
    """Whether a file of the message ends so: a result of another medium."""
    return any(attached.filename.endswith(endings) for attached in message.attachments)


def _verdict(message: discord.Message) -> str | None:
    words = " ".join([message.content, *(f"{e.title} {e.description}" for e in message.embeds)])
    return next((verdict for verdict in VERDICTS if re.search(rf"\b{verdict}\b", words)), None)


def _reproduce_option(env: LiveEnv, ann: SimulatedPerson) -> str:
    """The option of /reproduce that names a picture."""
    commands = env.backend.visible_commands(user_id=ann.id, channel_id=env.studio.id)
    reproduce: dict[str, Any] = next(c for c in commands if c["name"] == "reproduce")
    name: str = reproduce["options"][0]["name"]
    return name


def _named(result: discord.Message) -> str:
    """The picture's number as its message says it, or else the message's link."""
    number = re.search(r"#\d+", result.content)
    return number[0] if number else result.jump_url


def _empty(out: Path) -> None:
    """Make the folder and take an earlier demo's files out of it, and nothing else."""
    out.mkdir(parents=True, exist_ok=True)
    for old in out.iterdir():
        if old.is_file() and old.suffix in (*transcript_page.MADE, ".html", ".json"):
            old.unlink()


def _print(console: Console, entry: MessageHistory, names: Mapping[int, str]) -> None:
    state = entry.states[-1]
    colour = "cyan" if entry.bot else "magenta"
    text = escape(transcript_page.plain(entry, names))
    edited = "[dim]✎[/]" if len(entry.states) > 1 else " "
    console.print(
        f"[dim]{state.at:6.1f} s[/] {edited} [bold {colour}]{escape(entry.author)}[/] {text}",
        soft_wrap=True,
    )
