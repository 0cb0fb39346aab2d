"""What people read about a picture that could not be shown where, or as, it belongs.

Pure.  Every sentence says why, and what to do about it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from bot.languages.amounts import listed as names
from bot.languages.speaking import tr
from bot.pages.quoting import quoted
from bot.pages.replies import MAX_CONTENT
from bot.studio.ladder import Refusal
from generation.media.medium import Medium
from storage.tickets import Held, Request

_WHY = {
    Refusal.REFERENCE: "Discord does not let me answer there",
    Refusal.SIZE: "Discord takes no file of that size there",
    Refusal.FORM: "Discord refuses the message",
    Refusal.CLOSED: "I may not post pictures there",
    Refusal.GONE: "the channel is gone",
}


def reason(why: str, missing: Sequence[str] = ()) -> str:
    """Why a result was refused, as a clause; `missing` are permissions that we lack."""
    if missing and why in (Refusal.CLOSED, Refusal.REFERENCE):
        return f"I lack {listed(missing)} there"
    return _WHY[Refusal(why)] if why in set(Refusal) else "something went wrong on my side"


def listed(permissions: Sequence[str]) -> str:
    """Permissions by Discord's own names."""
    return names(f"*{tr(name)}*" for name in permissions)


def held(request: Request, why: str) -> str:
    """The progress message of a result that no place takes."""
    remedy = (
        "I keep it, and show it when I am asked again (`/queue`, say)"
        if why.startswith(("the channel", "something"))
        else "I keep it, and show it here as soon as I may; a moderator can help"
    )
    return f"{_head(request)}\n📮 It is done, but {why}. {remedy}."


def sent_directly(request: Request, why: str) -> str:
    """The progress message of a result that its owner got by direct message."""
    return f"{_head(request)}\n📬 It is done. {_sentence(why)}, so I sent it to its owner directly."


def directly(request: Request, why: str) -> str:
    """Above a result in a direct message."""
    channel = request.origin.channel
    return f"📬 This belongs into <#{channel}>. {_sentence(why)}, so I bring it to you."


def waiting(request: Request) -> str:
    """The progress message while Discord does not answer."""
    return f"{_head(request)}\n🖼️ It is done. Discord does not take it just now; I keep trying."


def elsewhere(request: Request) -> str:
    """The progress message that could not be taken away."""
    return f"{_head(request)}\n🖼️ It is done."


def smaller(names: Sequence[str], media: Sequence[Medium], numbers: Sequence[int]) -> str:
    """Beside files that are not the exact ones; "" where all are.  Names are `12.jpg`."""
    pairs = [(PurePath(name).suffix, medium) for name, medium in zip(names, media, strict=False)]
    other = [(suffix, medium) for suffix, medium in pairs if suffix != medium.suffix]
    if not other:
        return ""
    used = dict.fromkeys(medium.titles[suffix] for suffix, medium in other)
    exact = dict.fromkeys(medium.titles[medium.suffix] for _, medium in other)
    which = f"`/reproduce picture:#{numbers[0]}`" if numbers else "`/reproduce`"
    return (
        f"-# Shown as {' and '.join(used)}: Discord takes no larger file here. I keep the exact "
        f"{' and '.join(exact)}; 📄 tells its recipe, and {which} where larger files may be "
        "sent brings it back."
    )


def with_lines(text: str, *, above: str = "", below: str = "") -> str:
    """A message with a line before and one after; what is too long is cut in the middle."""
    room = MAX_CONTENT - sum(len(line) + 1 for line in (above, below) if line)
    return "\n".join(part for part in (above, text[:room], below) if part)


def held_page(held: Sequence[Held]) -> str:
    """Below /queue: what is done and has no place; "" when there is nothing."""
    lines = [
        f"📮 **{quoted(one.words, 80)}** for <#{one.channel}> is done, but "
        f"{reason(one.reason.partition(':')[0])}. I try once more now."
        for one in held[:5]
    ]
    if len(held) > 5:
        lines.append(f"📮 and {len(held) - 5} more.")
    return "\n".join(lines)


def _head(request: Request) -> str:
    return f"**{quoted(request.words, 200) or 'A picture'}**"


def _sentence(clause: str) -> str:
    return clause[:1].upper() + clause[1:]
