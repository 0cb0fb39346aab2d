"""What an owner reads while a model is fetched, and when it is here.  Pure."""

from __future__ import annotations

from collections.abc import Sequence

from bot.languages.amounts import listed
from bot.languages.speaking import mark, tr, trn
from bot.pages.quoting import code, plain
from generation.sources.adding import Added
from generation.sources.release import Release

OWNERS_ONLY = mark(
    "Only whoever runs this bot adds models. (They may name you under `owners` in the settings.)"
)
ASKING = mark("📥 Asking what that is…")
STOPPED = mark("✋ Stopping it. What has come so far is kept, and goes on from there another time.")
NOTHING = mark("Nothing is being fetched.")
_NOTES = 5


def coming(said: str, releases: Sequence[Release], done: int) -> str:
    """How far it is."""
    if not releases:
        return tr(ASKING)
    files, size = sum(len(one.files) for one in releases), sum(one.size for one in releases)
    if not size:
        return trn(
            "📥 Fetching {what}: {n} file, {done}. `/models stop` ends it.",
            "📥 Fetching {what}: {n} files, {done}. `/models stop` ends it.",
            files,
            what=code(said),
            done=_gb(done),
        )
    return trn(
        "📥 Fetching {what}: {n} file, {done} of {size} ({share} %). `/models stop` ends it.",
        "📥 Fetching {what}: {n} files, {done} of {size} ({share} %). `/models stop` ends it.",
        files,
        what=code(said),
        done=_gb(done),
        size=_gb(size),
        share=min(100, 100 * done // size),
    )


def arrived(said: str, added: Added) -> str:
    """What is here now, and what there is to know of it."""
    names = listed(code(path.name) for path in added.paths)
    lines = [
        tr(
            "✅ {what} is here: {names}. It can be drawn with in a moment.",
            what=code(said),
            names=names,
        )
    ]
    lines += [f"-# {plain(note, 250)}" for note in added.notes[:_NOTES]]
    return "\n".join(lines)


def _gb(count: int) -> str:
    return f"{count / 1e9:.1f} GB"
