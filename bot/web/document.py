"""The frame of every page of ours, as HTML, and what a page says that has nothing else to show.

Pure.  Invariant: whatever is put into it as text or as an attribute is escaped, and addresses are
relative, so that a reverse proxy may serve the pages below any path.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape

from bot.languages.speaking import spoken, tr


def framed(
    title: str,
    body: str,
    *,
    style: str = "",
    script: str = "",
    up: str = "../",
    data: Mapping[str, object] | None = None,
) -> str:
    """A whole document of HTML that is safe already; `data` is what its script is told.

    `up` leads from its address to where the pages begin.
    """
    own = f'<link rel="stylesheet" href="{up}static/{style}">' if style else ""
    told = escape(json.dumps(data or {}, ensure_ascii=False))
    program = f'<script type="module" src="{up}static/{script}"></script>' if script else ""
    return f"""<!doctype html>
<html lang="{escape(spoken())}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<meta name="color-scheme" content="light dark">
<title>{escape(title)}</title>
<link rel="icon" href="{up}static/icon.svg">
<link rel="stylesheet" href="{up}static/atelier.css">
{own}
{program}
</head>
<body data-told="{told}">
{body}
</body>
</html>
"""


def icon(name: str) -> str:
    """One of our drawings, for whoever sees; its name stands beside it."""
    return (
        '<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">'
        f"{_ICONS[name]}</svg>"
    )


_ICONS = {
    "brush": '<path d="M20.2 3.8 9.8 12.700l2.6 2.6 8.9-10.400a.8.8 0 0 0-1.1-1.100z"/>'
    '<path d="M8.6 13.900c-2.3.1-3 1.7-3.2 3.3-.1.9-.5 1.7-1.4 2.2 2.8 1.5 7.3 1 7.2-2.9"/>',
    "eraser": '<path d="m14.5 4.5 5 5-9 9.500h-4L3.5 16z"/><path d="m9 10 5.5 5M12 19h8"/>',
    "hand": '<path d="M12 3v18M3 12h18M12 3 9.5 5.500M12 3l2.5 2.500M12 21l-2.5-2.500M12 21l2.5-2.5'
    'M3 12l2.5-2.500M3 12l2.5 2.500M21 12l-2.5-2.500M21 12l-2.5 2.5"/>',
    "undo": '<path d="M8 5 4 9l4 4"/><path d="M4 9h10a5.5 5.5 0 0 1 0 11H9"/>',
    "redo": '<path d="m16 5 4 4-4 4"/><path d="M20 9H10a5.5 5.5 0 0 0 0 11h5"/>',
    "invert": '<circle cx="12" cy="12" r="8.5"/>'
    '<path class="solid" d="M12 3.500a8.5 8.5 0 0 1 0 17z"/>',
    "clear": '<path d="M5 7h14M10 7V4.500h4V7M7 7l1 12.500h8L17 7M10.5 11v5M13.5 11v5"/>',
    "gallery": '<rect x="3.5" y="3.5" width="7" height="7" rx="2"/>'
    '<rect x="13.5" y="3.5" width="7" height="7" rx="2"/>'
    '<rect x="3.5" y="13.5" width="7" height="7" rx="2"/>'
    '<rect x="13.5" y="13.5" width="7" height="7" rx="2"/>',
    "search": '<circle cx="11" cy="11" r="6.5"/><path d="m16 16 4.5 4.5"/>',
    "back": '<path d="m14.5 5-7 7 7 7"/>',
    "on": '<path d="m9.5 5 7 7-7 7"/>',
    "done": '<path d="m4.5 12.5 5 5L20 6.5"/>',
    "zoom-in": '<path d="M12 5v14M5 12h14"/>',
    "zoom-out": '<path d="M5 12h14"/>',
    "zoom-fit": '<path d="M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5"/>',
}


def notice(title: str, said: str, *, up: str) -> str:
    """A page that says one thing."""
    body = (
        f'<main class="notice"><div class="card"><p class="mark">{icon("brush")}</p>'
        f"<h1>{escape(title)}</h1><p>{escape(said)}</p></div></main>"
    )
    return framed(tr("Atelier: {title}", title=title), body, up=up)
