"""A transcript as one HTML page that looks like the channel; pictures beside it, by relative path.

Pure: values in, text out.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from bot.sandbox.avatars import avatar
from bot.sandbox.transcript import Doing, MessageHistory, MessageState

TEMPLATE = Path(__file__).with_name("static") / "transcript.html"
PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".gif")
CLIPS, SOUNDS = (".mp4", ".webm"), (".flac", ".wav", ".ogg", ".mp3")
MADE = (*PICTURES, *CLIPS, *SOUNDS, ".glb")  # all that a conversation leaves behind

# Discord's Markdown as far as bots use it, over escaped text; the order matters.
MARKS = (
    (r"```(?:\w+\n)?(.+?)```", r"<pre>\1</pre>"),
    (r"`([^`\n]+)`", r"<code>\1</code>"),
    (r"\*\*(.+?)\*\*", r"<b>\1</b>"),
    (r"(?<!\w)[*_](?!\s)([^*_\n]+?)[*_](?!\w)", r"<i>\1</i>"),
    (r"(?m)^-# (.+)$", r"<small>\1</small>"),
    (r"(?m)^#{1,3} (.+)$", r"<b class=title>\1</b>"),
    (r"\[([^\]\n]+)\]\((https?://[^)\s]+)\)", r'<a href="\2">\1</a>'),
)


def page(
    items: Sequence[MessageHistory | Doing],
    names: Mapping[int, str],
    *,
    title: str,
    verdict: str | None,
) -> str:
    """The whole page."""
    body = "\n".join(
        _doing(item) if isinstance(item, Doing) else _entry(item, names) for item in items
    )
    good = verdict == "IDENTICAL"
    end = f'<p class="verdict {"good" if good else "bad"}">{escape(verdict or "no verdict")}</p>'
    text = TEMPLATE.read_text("utf-8")
    for place, content in (
        ("title", escape(title)),
        ("faces", _faces(items)),
        ("body", body + end),
    ):
        text = text.replace("{{" + place + "}}", content)
    return text


def plain(entry: MessageHistory, names: Mapping[int, str]) -> str:
    """A message's last state in one line."""
    state = entry.states[-1]
    text = re.sub(r"\s*\n\s*", " · ", _timed(state) or " ".join(state.embeds))
    text = re.sub(r"<@!?(\d+)>", lambda found: f"@{names.get(int(found[1]), '?')}", text)
    text = re.sub(r"\*\*|`|\\(?=\W)", "", text)
    files = f" [{', '.join(state.files)}]" if state.files else ""
    faces = f" ({'  '.join(state.buttons)})" if state.buttons else ""
    return f"{text}{files}{faces}".strip()


def _doing(doing: Doing) -> str:
    who = f"{_avatar(doing.person)}<b>{escape(doing.person)}</b>"
    return f"<p class=doing>{who} {_markdown(doing.what, {})}</p>"


def _entry(entry: MessageHistory, names: Mapping[int, str]) -> str:
    badge = "<span class=app>APP</span>" if entry.bot else ""
    above = entry.answers or entry.used
    parts = [
        f"<div class=above>↱ {_markdown(above, names)}</div>" if above else "",
        _avatar(entry.author),
        f"<header><b>{escape(entry.author)}</b>{badge}"
        f"<time>{entry.written.astimezone():%H:%M:%S}</time>"
        f"{'<em>deleted when the picture came</em>' if entry.deleted else ''}</header>",
    ]
    if len(entry.states) > 1:
        parts.append(_states(entry.states, names))
    else:
        parts.append(_state(entry.states[0], names))
    if entry.only_for:
        parts.append(f"<div class=only>👁 Only {escape(entry.only_for)} can see this</div>")
    kind = "message deleted" if entry.deleted else "message"
    return f'<article class="{kind}">{"".join(parts)}</article>'


def _states(states: Sequence[MessageState], names: Mapping[int, str]) -> str:
    """A message that was edited: each of its states, with the second it came."""
    steps = "".join(
        f"<li><span class=second>{state.at:.1f} s</span><div>{_state(state, names)}</div></li>"
        for state in states
    )
    return f"<ol class=states>{steps}</ol>"


def _state(state: MessageState, names: Mapping[int, str]) -> str:
    embeds = "".join(f"<div class=embed>{_markdown(e, names)}</div>" for e in state.embeds)
    faces = "".join(f"<span class=button>{escape(face)}</span>" for face in state.buttons)
    return (
        (f"<div class=text>{_markdown(_timed(state), names)}</div>" if state.text else "")
        + (f"<div class=files>{''.join(map(_file, state.files))}</div>" if state.files else "")
        + embeds
        + (f"<div class=row>{faces}</div>" if faces else "")
    )


def _file(name: str) -> str:
    link = escape(name, quote=True)
    if name.lower().endswith(PICTURES):
        return f'<a href="{link}"><img src="{link}" alt="{link}"></a>'
    if name.lower().endswith(CLIPS):
        return f'<video src="{link}" controls loop muted playsinline></video>'
    if name.lower().endswith(SOUNDS):
        return f'<audio src="{link}" controls></audio>'
    return f'<a class=file href="{link}">📄 {link}</a>'


def _avatar(name: str) -> str:
    return f'<span class="avatar of-{escape(name, quote=True)}"></span>'


def _faces(items: Sequence[MessageHistory | Doing]) -> str:
    """A style for each person's avatar, with the picture in it."""
    people = {item.person if isinstance(item, Doing) else item.author for item in items}
    return "\n".join(
        f".of-{escape(name)} {{ background-image:"
        f' url("data:image/png;base64,{b64encode(avatar(name)).decode()}"); }}'
        for name in sorted(people)
    )


def _timed(state: MessageState) -> str:
    """The text with Discord's timestamps as they read at its time: "in 12 s"."""

    def relative(found: re.Match[str]) -> str:
        seconds = round(int(found[1]) - state.clock)
        return f"in {seconds} s" if seconds > 0 else "now"

    return re.sub(r"<t:(\d+)(?::\w)?>", relative, state.text)


def _markdown(text: str, names: Mapping[int, str]) -> str:
    html = escape(text, quote=False)
    for pattern, replacement in MARKS:
        html = re.sub(pattern, replacement, html, flags=re.DOTALL if "pre" in replacement else 0)
    return re.sub(
        r"&lt;@!?(\d+)&gt;",
        lambda found: f"<span class=mention>@{escape(names.get(int(found[1]), 'someone'))}</span>",
        html,
    )
