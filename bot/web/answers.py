"""Answers of the bot's own pages: a document, a file, a few values, or why not.

Invariant: every answer has HEADERS.  Nothing is kept by anybody, framed, sniffed, or told to
another site; no script, style or picture comes from elsewhere, and none stands in a document.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from aiohttp import web

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
        "media-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
}


def document(html: str, status: int = 200) -> web.Response:
    """A page."""
    return web.Response(text=html, content_type="text/html", status=status, headers=HEADERS)


def file(data: bytes, kind: str) -> web.Response:
    """Bytes of that media type."""
    return web.Response(body=data, content_type=kind, headers=HEADERS)


def values(said: Mapping[str, object], status: int = 200) -> web.Response:
    """For a script of ours."""
    text = json.dumps(said, ensure_ascii=False)
    return web.Response(text=text, content_type="application/json", status=status, headers=HEADERS)
