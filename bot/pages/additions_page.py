"""What an owner reads while a model is fetched, and when it is here.  Pure."""

from __future__ import annotations

from collections.abc import Sequence

from bot.pages.quoting import code, plain
from generation.sources.adding import Added
from generation.sources.release import Release

OWNERS_ONLY = (
    "Only whoever runs this bot adds models. (They may name you under `owners` in the settings.)"
)
ASKING = "📥 Asking what that is…"
STOPPED = "✋ Stopping it. What has come so far is kept, and goes on from there another time."
NOTHING = "Nothing is being fetched."
_NOTES = 5


def coming(said: str, releases: Sequence[Release], done: int) -> str:
    """How far it is."""
    if not releases:
        return ASKING
    files, size = sum(len(one.files) for one in releases), sum(one.size for one in releases)
    what = "1 file" if files == 1 else f"{files} files"
    far = f"{_gb(done)} of {_gb(size)}" if size else _gb(done)
    share = f" ({min(100, 100 * done // size)} %)" if size else ""
    return f"📥 Fetching {code(said)}: {what}, {far}{share}. `/models stop` ends it."


def arrived(said: str, added: Added) -> str:
    """What is here now, and what there is to know of it."""
    names = ", ".join(code(path.name) for path in added.paths)
    lines = [f"✅ {code(said)} is here: {names}. It can be drawn with in a moment."]
    lines += [f"-# {plain(note, 250)}" for note in added.notes[:_NOTES]]
    return "\n".join(lines)


def _gb(count: int) -> str:
    return f"{count / 1e9:.1f} GB"
