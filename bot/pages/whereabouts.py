"""What people read about a picture that could not be shown where, or as, it belongs.

Pure.  Every sentence says why, and what to do about it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import PurePath

from bot.languages.amounts import all_of, listed
from bot.languages.speaking import mark, name_of, tr
from bot.pages.quoting import quoted
from bot.pages.replies import MAX_CONTENT, called
from bot.studio.ladder import Refusal
from generation.media.medium import Medium
from storage.tickets import Held, Request

_WHY = {
    Refusal.REFERENCE: mark("Discord does not let me answer there"),
    Refusal.SIZE: mark("Discord takes no file of that size there"),
    Refusal.FORM: mark("Discord refuses the message"),
    Refusal.CLOSED: mark("I may not post pictures there"),
    Refusal.GONE: mark("the channel is gone"),
}

_OTHER = mark("something went wrong on my side")


def reason(why: str, missing: Sequence[str] = ()) -> str:
    """Why a result was refused, as a clause; `missing` are permissions that we lack."""
    if missing and why in (Refusal.CLOSED, Refusal.REFERENCE):
        return tr("I lack {permissions} there", permissions=permissions(missing))
    return tr(_WHY[Refusal(why)] if why in set(Refusal) else _OTHER)


def permissions(names: Sequence[str]) -> str:
    """Permissions by Discord's own names."""
    return listed(f"*{tr(name)}*" for name in names)


def held(request: Request, why: str) -> str:
    """The progress message of a result that no place takes."""
    if why in (tr(_WHY[Refusal.GONE]), tr(_OTHER)):
        said = tr(
            "📮 It is done, but {why}. I keep it, and show it when I am asked again (`/queue`, "
            "say).",
            why=why,
        )
    else:
        said = tr(
            "📮 It is done, but {why}. I keep it, and show it here as soon as I may; a moderator "
            "can help.",
            why=why,
        )
    return f"{_head(request)}\n{said}"


def sent_directly(request: Request, why: str) -> str:
    """The progress message of a result that its owner got by direct message."""
    said = tr("📬 It is done. {why}, so I sent it to its owner directly.", why=_sentence(why))
    return f"{_head(request)}\n{said}"


def directly(request: Request, why: str) -> str:
    """Above a result in a direct message."""
    channel = request.origin.channel
    return tr(
        "📬 This belongs into {channel}. {why}, so I bring it to you.",
        channel=f"<#{channel}>",
        why=_sentence(why),
    )


def waiting(request: Request) -> str:
    """The progress message while Discord does not answer."""
    said = tr("🖼️ It is done. Discord does not take it just now; I keep trying.")
    return f"{_head(request)}\n{said}"


def elsewhere(request: Request) -> str:
    """The progress message that could not be taken away."""
    return f"{_head(request)}\n{tr('🖼️ It is done.')}"


def smaller(names: Sequence[str], media: Sequence[Medium], numbers: Sequence[int]) -> str:
    """Beside files that are not the exact ones; "" where all are.  Names are `12.jpg`."""
    pairs = [
        ("".join(PurePath(name).suffixes), medium)
        for name, medium in zip(names, media, strict=False)
    ]
    other = [(suffix, medium) for suffix, medium in pairs if suffix not in medium.suffixes]
    if not other:
        return ""
    used = dict.fromkeys(medium.titles[suffix] for suffix, medium in other)
    exact = dict.fromkeys(medium.titles[medium.suffix] for _, medium in other)
    command = f"/{name_of('reproduce')}"
    which = f"`{command} {name_of('picture')}:#{numbers[0]}`" if numbers else f"`{command}`"
    return tr(
        "-# Shown as {used}: Discord takes no larger file here. I keep the exact {exact}; 📄 tells "
        "its recipe, and {which} where larger files may be sent brings it back.",
        used=_both(used),
        exact=_both(exact),
        which=which,
    )


def _both(kinds: Iterable[str]) -> str:
    """Kinds of files, of which there are two at most."""
    return all_of(tr(kind) for kind in kinds)


def with_lines(text: str, *, above: str = "", below: str = "") -> str:
    """A message with a line before and one after; what is too long is cut in the middle."""
    room = MAX_CONTENT - sum(len(line) + 1 for line in (above, below) if line)
    return "\n".join(part for part in (above, text[:room], below) if part)


def held_page(held: Sequence[Held]) -> str:
    """Below /queue: what is done and has no place; "" when there is nothing."""
    lines = [
        tr(
            "📮 **{words}** for {channel} is done, but {why}. I try once more now.",
            words=quoted(one.words, 80),
            channel=f"<#{one.channel}>",
            why=reason(one.reason.partition(":")[0]),
        )
        for one in held[:5]
    ]
    if len(held) > 5:
        lines.append(tr("📮 and {n} more.", n=len(held) - 5))
    return "\n".join(lines)


def _head(request: Request) -> str:
    return f"**{called(request.words, 200)}**"


def _sentence(clause: str) -> str:
    return clause[:1].upper() + clause[1:]
