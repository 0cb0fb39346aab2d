"""The painter as a page: its parts with their names, and what its script says.  Pure.

Invariant: every tool has a name that can be read and heard, in the visitor's language.
"""

from __future__ import annotations

from html import escape

from bot.languages.speaking import mark, tr
from bot.web.document import framed, icon
from generation.parameters import PROMPT

SHOWN = 160  # letters of the picture's own words

# What the script says by itself; {n} is a number that it fills in.
_SAID = {
    "empty": mark("Nothing is painted yet: paint over what is to change."),
    "full": mark("All of it is painted: leave free what is to stay."),
    "sending": mark("Sending…"),
    "offline": mark("Nothing was sent: I cannot be reached. Your mask is still here; try again."),
    "lost": mark("The picture did not load. Open the link again."),
    "over": mark("The time of this link is over. Press 🖌️ under the picture again for a new one."),
    "minutes": mark("{n} min left"),
    "size": mark("{n} px"),
    "zoom": mark("{n} %"),
    "painted": mark("{n} % painted"),
}

_TOOLS = (
    ("brush", mark("Brush"), "B"),
    ("eraser", mark("Eraser"), "E"),
    ("hand", mark("Move"), "H"),
)
_DEEDS = (
    ("undo", mark("Undo"), "Control+Z"),
    ("redo", mark("Redo"), "Control+Y"),
    ("invert", mark("Invert"), "I"),
    ("clear", mark("Clear"), "X"),
)
_ZOOMS = (
    ("out", mark("Zoom out"), "-"),
    ("fit", mark("Whole picture"), "0"),
    ("in", mark("Zoom in"), "+"),
)


def painter_page(*, number: int, shown: str, link: str, seconds: float) -> str:
    """The page for a picture; `shown` is what it shows, `seconds` how long the link still works."""
    data = {
        "picture": f"{link}/picture",
        "seconds": round(seconds),
        "said": {name: tr(text) for name, text in _SAID.items()},
    }
    body = f"""<main class="painter" id="painter">
{_head(number)}
{_stage(number, shown)}
{_toolbar()}
{_sending(shown)}
</main>
{_done()}"""
    title = tr("Atelier: {title}", title=tr("Paint a mask"))
    return framed(title, body, style="painter.css", script="painter.js", data=data)


def _head(number: int) -> str:
    about = escape(tr("Picture #{number}", number=number))
    return f"""<header class="head">
<h1>{icon("brush")}{escape(tr("Paint a mask"))}</h1>
<p class="quiet"><span>{about}</span> · <span id="left"></span></p>
</header>"""


def _stage(number: int, shown: str) -> str:
    said = tr(
        "Picture #{number}: {shown}. Arrow keys move the brush, the space bar paints.",
        number=number,
        shown=shown[:SHOWN] or "?",
    )
    zooms = "".join(
        _button(f"zoom-{name}", text, key, f"zoom-{name}", named=False)
        for name, text, key in _ZOOMS
    )
    hint = escape(tr("Paint over what is to change. Two fingers or the wheel zoom."))
    return f"""<div class="stage" id="stage" tabindex="0" role="application"
 aria-label="{escape(said)}">
<canvas id="view"></canvas>
<p class="hint" id="hint">{hint}</p>
<div class="zooms" role="group" aria-label="{escape(tr("Zoom"))}">
{zooms}<output id="zoom" class="unseen"></output>
</div>
</div>"""


def _toolbar() -> str:
    tools = "".join(
        _button(name, text, key, name, pressed=name == "brush") for name, text, key in _TOOLS
    )
    deeds = "".join(_button(name, text, key, name) for name, text, key in _DEEDS)
    return f"""<div class="tools" role="toolbar" aria-label="{escape(tr("Tools"))}">
<div class="choice" role="group" aria-label="{escape(tr("What the finger does"))}">{tools}</div>
<label class="size"><span>{escape(tr("Size"))}</span>
<input type="range" id="size" min="1" max="100" value="55" aria-keyshortcuts="[ ]">
<output id="size-said" for="size"></output></label>
<div class="deeds" role="group" aria-label="{escape(tr("Changes"))}">{deeds}</div>
</div>"""


def _sending(shown: str) -> str:
    own = shown[:SHOWN] or tr("a red hat")
    keys = escape(tr("Keys: B brush, E eraser, H move, [ and ] size, Ctrl+Z undo, + and − zoom."))
    return f"""<form class="send" id="send">
<label for="words">{escape(tr("What shall be there (as it was, when left empty)"))}</label>
<div class="words">
<input id="words" type="text" maxlength="{PROMPT.longest}" autocomplete="off" enterkeyhint="send"
 placeholder="{escape(own)}">
<button class="button main" id="use" type="submit" disabled>{escape(tr("Use this mask"))}</button>
</div>
<p id="said" class="said" role="status" aria-live="polite"></p>
<p class="keys">{keys}</p>
</form>"""


def _done() -> str:
    """What the page shows once the mask was taken."""
    return f"""<template id="done"><div class="card"><p class="mark">{icon("done")}</p>
<h1 tabindex="-1">{escape(tr("Your mask is in the conversation"))}</h1><p class="text"></p>
<a class="button main" rel="noreferrer">{escape(tr("Back to the conversation"))}</a></div>
</template>"""


def _button(
    name: str, text: str, key: str, drawn: str, *, named: bool = True, pressed: bool | None = None
) -> str:
    said = escape(tr(text))
    state = f' aria-pressed="{str(pressed).lower()}"' if pressed is not None else ""
    label = f"<span>{said}</span>" if named else f'<span class="unseen">{said}</span>'
    return (
        f'<button class="button tool" type="button" id="{name}" title="{said} ({escape(key)})" '
        f'aria-keyshortcuts="{escape(key)}"{state}>{icon(drawn)}{label}</button>'
    )
