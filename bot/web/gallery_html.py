"""The gallery as pages of HTML: the wall of thumbnails, and one picture with its tree.  Pure.

Invariant: every picture has its wish as its text, and all that a filter says stays in every link,
so that an address shows the same again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from urllib.parse import urlencode

from bot.languages.speaking import mark, tr, trn
from bot.pages.lineage_page import link_to, step
from bot.pages.quoting import plain
from bot.pages.recipe_page import recipe_rows
from bot.studio.gallery_pages import GalleryAsked, GalleryPage, PageCursor, Shelf
from bot.web.document import framed, icon
from bot.web.family_tree import TreeNode
from bot.web.refusals import unmarked
from generation.media.table import medium_of
from generation.tasks import AUDIO, IMAGE, VIDEO
from storage.ids import PictureId
from storage.pictures import StoredPicture

ALT, LINE = 300, 200  # letters of a wish: as a picture's text, in a line of the tree

SHELVES = {
    Shelf.OWN: mark("Yours"),
    Shelf.FAVOURITES: mark("Your favourites"),
    Shelf.CHANNEL: mark("This channel"),
    Shelf.SERVER: mark("This server"),
}
IN_A_SERVER = (Shelf.CHANNEL, Shelf.SERVER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Which page somebody looks at."""

    link: str
    query: Mapping[str, str]
    member: bool  # whether the link is of a server


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """A picture, and where its file lies from where the pages begin."""

    picture: StoredPicture
    address: str
    stars: int
    veiled: bool  # in chat it is hidden until somebody clicks it


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What is offered in the filters."""

    models: tuple[str, ...]
    styles: tuple[str, ...]


def wall_html(
    look: Look, page: GalleryPage, shots: Sequence[Shot], *, choices: Choices, refused: str = ""
) -> str:
    """A page of thumbnails with its filters; `refused`: why nothing could be looked for."""
    title = tr("Gallery")
    query = {**_query_of(page.asked), **_cursor(page.here)}
    body = f"""<main class="gallery">
<header class="top"><h1>{icon("gallery")}{escape(title)}</h1></header>
{_filters(look, page.asked, choices)}
{_notes(page, refused)}
<ul class="wall" aria-label="{escape(tr("Pictures, the newest first"))}">
{"".join(_thumbnail(look, shot, query) for shot in shots)}
</ul>
{_turning(look, page)}
</main>"""
    return _framed(title, body, up="../")


def picture_html(look: Look, shot: Shot, tree: TreeNode, shots: Mapping[PictureId, Shot]) -> str:
    """A picture, how it was drawn, what it came from and what came of it."""
    picture = shot.picture
    title = tr("Picture #{number}", number=picture.id)
    back = f"../{look.link}{_behind(look.query)}"
    body = f"""<main class="gallery one">
<header class="top"><a class="button" href="{escape(back)}">{icon("back")}
<span>{escape(tr("Gallery"))}</span></a><h1>{escape(title)}</h1></header>
<div class="sides"><figure>{_file(shot)}</figure>
<div class="about"><p class="wish">{escape(wish_of(picture))}</p>
{_facts(shot)}</div>
{_family(look, tree, shots, picture.id)}
<details class="drawn" open><summary>{escape(tr("Recipe"))}</summary>
<dl class="recipe">{_rows(picture)}</dl></details></div>
</main>"""
    return _framed(title, body, up="../../")


def wish_of(picture: StoredPicture) -> str:
    """What it shows, in words: what was typed, or what was drawn where nothing was."""
    said = picture.words.strip() or picture.recipe.described.strip()
    return said or tr("Picture #{number}", number=picture.id)


def _framed(title: str, body: str, *, up: str) -> str:
    return framed(tr("Atelier: {title}", title=title), body, style="gallery.css", up=up)


# -- the wall -------------------------------------------------------------------------------------


def _filters(look: Look, asked: GalleryAsked, choices: Choices) -> str:
    shelves = [each for each in Shelf if look.member or each not in IN_A_SERVER]
    chosen = "".join(
        f'<label class="shelf"><input type="radio" name="shelf" value="{each}"'
        f"{_checked(each is asked.shelf)}><span>{escape(tr(SHELVES[each]))}</span></label>"
        for each in shelves
    )
    more = any((asked.model, asked.style, asked.since, asked.until)) or _ticked(asked)
    return f"""<form class="filters" method="get" role="search">
<fieldset class="shelves"><legend class="unseen">{escape(tr("Whose pictures"))}</legend>{chosen}
</fieldset>
<div class="seek"><label class="unseen" for="words">{escape(tr("Words"))}</label>
<input id="words" type="search" name="words" maxlength="200" value="{escape(asked.words)}"
 placeholder="{escape(tr("Words of the wish"))}" enterkeyhint="search">
<button class="button main" type="submit">{icon("search")}
<span class="word">{escape(tr("Search"))}</span></button></div>
<details class="more"{" open" if more else ""}><summary>{escape(tr("More filters"))}</summary>
<div class="fields">{_fields(asked, choices)}</div></details>
</form>"""


def _fields(asked: GalleryAsked, choices: Choices) -> str:
    mine, starred = asked.person is not None, asked.starred_by is not None
    ticks = [("mine", tr("Only mine"), mine and asked.shelf is not Shelf.OWN)]
    ticks += [
        ("starred", tr("Only my favourites"), starred and asked.shelf is not Shelf.FAVOURITES)
    ]
    days = (
        ("since", tr("From"), _day(asked.since)),
        ("until", tr("Until"), _day(asked.until - 1 if asked.until is not None else None)),
    )
    parts = [
        _listed("model", tr("Model"), asked.model, choices.models),
        _listed("style", tr("Style"), asked.style, choices.styles),
        *(
            f'<label>{escape(said)}<input type="date" name="{name}" value="{value}"></label>'
            for name, said, value in days
        ),
        *(
            f'<label class="tick"><input type="checkbox" name="{name}" value="1"{_checked(on)}>'
            f"<span>{escape(said)}</span></label>"
            for name, said, on in ticks
        ),
    ]
    return "".join(parts)


def _listed(name: str, said: str, value: str, offered: Sequence[str]) -> str:
    options = "".join(f'<option value="{escape(each)}"></option>' for each in offered)
    return (
        f'<label>{escape(said)}<input name="{name}" list="{name}s" maxlength="200" '
        f'value="{escape(value)}" autocomplete="off"></label><datalist id="{name}s">{options}'
        "</datalist>"
    )


def _notes(page: GalleryPage, refused: str) -> str:
    said = []
    if refused:
        said.append(refused)
    elif not page.pictures:
        said.append(tr("Nothing was found that you may see here. Leave out a filter."))
    if not page.complete:
        said.append(
            tr("Pictures from before an update are still being read; more will be found soon.")
        )
    return "".join(f'<p class="note" role="status">{escape(text)}</p>' for text in said)


def _thumbnail(look: Look, shot: Shot, query: Mapping[str, str]) -> str:
    wish = wish_of(shot.picture)
    canvas = shot.picture.recipe.canvas
    size = f' width="{canvas.width}" height="{canvas.height}"' if canvas is not None else ""
    stars = f'<span class="stars">{escape(_stars(shot.stars))}</span>' if shot.stars else ""
    return (
        f'<li><a href="{look.link}/{shot.picture.id}{escape(_behind(query))}">'
        f'<img src="../{shot.address}/small" alt="{escape(wish[:ALT])}" loading="lazy" '
        f'decoding="async"{size}{_veil(shot)}><span class="under">'
        f'<span class="number">#{shot.picture.id}</span>{stars}</span></a></li>'
    )


def _veil(shot: Shot) -> str:
    return ' class="veiled"' if shot.veiled else ""


def _turning(look: Look, page: GalleryPage) -> str:
    ways = ((page.newer, tr("Newer"), "back", "prev"), (page.older, tr("Older"), "on", "next"))
    links = "".join(
        f'<a class="button {way}" rel="{way}" '
        f'href="{escape(look.link + _behind({**_query_of(page.asked), **_cursor(cursor)}))}">'
        f"{icon(drawn)}<span>{escape(said)}</span></a>"
        for cursor, said, drawn, way in ways
        if cursor is not None
    )
    return f'<nav class="turning" aria-label="{escape(tr("Pages"))}">{links}</nav>'


def _query_of(asked: GalleryAsked) -> dict[str, str]:
    """The question as it stands in an address."""
    said = {
        "shelf": asked.shelf.value,
        "words": asked.words,
        "model": asked.model,
        "style": asked.style,
        "since": _day(asked.since),
        "until": _day(asked.until - 1 if asked.until is not None else None),
        "mine": "1" if asked.person is not None and asked.shelf is not Shelf.OWN else "",
        "starred": "1" if _starred(asked) else "",
    }
    return {name: value for name, value in said.items() if value}


def _starred(asked: GalleryAsked) -> bool:
    return asked.starred_by is not None and asked.shelf is not Shelf.FAVOURITES


def _ticked(asked: GalleryAsked) -> bool:
    return _starred(asked) or (asked.person is not None and asked.shelf is not Shelf.OWN)


def _cursor(cursor: PageCursor) -> dict[str, str]:
    found = {"before": cursor.before, "after": cursor.after}
    return {name: str(number) for name, number in found.items() if number is not None}


def _behind(query: Mapping[str, str]) -> str:
    return f"?{urlencode(query)}" if query else ""


def _checked(on: bool) -> str:
    return " checked" if on else ""


def _day(moment: float | None) -> str:
    return datetime.fromtimestamp(moment, UTC).date().isoformat() if moment is not None else ""


def _stars(count: int) -> str:
    return trn("★ {n}", "★ {n}", count)


# -- one picture ----------------------------------------------------------------------------------


def _file(shot: Shot) -> str:
    """The whole picture, with its wish for whoever does not see it."""
    address, wish = f"../../{shot.address}", wish_of(shot.picture)
    if not shot.picture.kept or shot.picture.deleted:
        gone = tr("Its file is gone; /reproduce draws it again from its recipe.")
        return f'<p class="note">{escape(gone)}</p>'
    medium, said = medium_of(shot.picture.recipe).name, escape(wish[:ALT])
    if medium == IMAGE:
        return f'<a href="{address}"><img src="{address}" alt="{said}"></a>'
    still = f'<a href="{address}"><img src="{address}/small" alt="{said}"></a>'
    if medium == VIDEO:  # a short one may be an animated picture, which its still opens
        return (
            f'{still}<video controls loop muted playsinline preload="none" '
            f'poster="{address}/small" src="{address}"></video>'
        )
    if medium == AUDIO:
        return f'{still}<audio controls preload="none" src="{address}"></audio>'
    # A form turns; whoever wants none of that on pages sees it still.
    return (
        f'<a href="{address}"><picture><source srcset="{address}/small" '
        f'media="(prefers-reduced-motion: reduce)"><img src="{address}/turning" alt="{said}">'
        "</picture></a>"
    )


def _facts(shot: Shot) -> str:
    picture = shot.picture
    when = datetime.fromtimestamp(picture.drawn_at, UTC)
    facts = [
        f'<time datetime="{when.isoformat(timespec="seconds")}">{when:%Y-%m-%d %H:%M} UTC</time>'
    ]
    if shot.stars:
        facts.append(f"<span>{escape(_stars(shot.stars))}</span>")
    if address := link_to(picture):
        said = escape(tr("Show it in the conversation"))
        facts.append(f'<a href="{escape(address)}" rel="noreferrer">{said}</a>')
    return f'<p class="facts">{"".join(facts)}</p>'


def _rows(picture: StoredPicture) -> str:
    return "".join(
        f"<dt>{escape(tr(name))}</dt><dd>{escape(value)}</dd>"
        for name, value in recipe_rows(picture)
    )


def _family(look: Look, tree: TreeNode, shots: Mapping[PictureId, Shot], here: PictureId) -> str:
    title = escape(tr("How it came about, and what came of it"))
    if not tree.made:
        said = escape(tr("It was drawn from words, and nothing was made of it yet."))
        return f'<section class="family"><h2>{title}</h2><p class="note">{said}</p></section>'
    branch = _branch(look, tree, None, shots, here)
    return f'<section class="family"><h2>{title}</h2><ul class="tree">{branch}</ul></section>'


def _branch(
    look: Look,
    node: TreeNode,
    before: StoredPicture | None,
    shots: Mapping[PictureId, Shot],
    here: PictureId,
) -> str:
    """A picture with what was made of it below."""
    picture = node.picture
    made = "".join(_branch(look, child, picture, shots, here) for child in node.made)
    below = f"<ul>{made}</ul>" if made else ""
    current = ' aria-current="page"' if picture.id == here else ""
    change = unmarked(step(before, picture)) if before is not None else ""
    said = change or wish_of(picture)
    seen = picture.kept and not picture.deleted
    small = (
        f'<img src="../../{shots[picture.id].address}/small" alt="" loading="lazy"'
        f"{_veil(shots[picture.id])}>"
        if seen
        else '<span class="gone"></span>'
    )
    return (
        f'<li><a href="{picture.id}{escape(_behind(look.query))}"{current}>{small}'
        f'<span class="what"><span class="number">#{picture.id}</span> '
        f"{escape(plain(said, LINE))}</span></a>{below}</li>"
    )
