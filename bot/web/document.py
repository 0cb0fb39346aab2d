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
    style: str,
    script: str = "",
    up: str = "../",
    data: Mapping[str, object] | None = None,
) -> str:
    """A whole document of HTML that is safe already; `data` is what its script is told.

    `up` leads from its address to where the pages begin.
    """
    told = escape(json.dumps(data or {}, ensure_ascii=False))
    program = f'<script src="{up}static/{script}" defer></script>' if script else ""
    return f"""<!doctype html>
<html lang="{escape(spoken())}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<meta name="color-scheme" content="light dark">
<title>{escape(title)}</title>
<link rel="icon" href="{up}static/icon.svg">
<link rel="stylesheet" href="{up}static/atelier.css">
<link rel="stylesheet" href="{up}static/{style}">
{program}
</head>
<body data-told="{told}">
{body}
</body>
</html>
"""


def notice(title: str, said: str, *, up: str) -> str:
    """A page that says one thing."""
    body = (
        '<main class="notice"><div class="card"><p class="mark" aria-hidden="true">🖌️</p>'
        f"<h1>{escape(title)}</h1><p>{escape(said)}</p></div></main>"
    )
    return framed(tr("Atelier: {title}", title=title), body, style="notice.css", up=up)
