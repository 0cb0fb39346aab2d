"""A medium is a file and a row: what each promises, and that nothing else knows one by its name.

`TEXT` is a medium that the program has never heard of.  Where a table says that it is what
architectures make, it is drawn, kept, found and compared as images are.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bot.chat.uploads import fitting
from bot.dispatch.saving import Saver
from bot.pages import whereabouts
from bot.studio.opening import Opening
from generation.errors import BadPicture
from generation.families.family import ARCHITECTURES
from generation.fleet import wire
from generation.fleet.conversation import Conversation
from generation.fleet.wire import BrokenFrame, Finished, Ready, Render
from generation.media.image import IMAGE
from generation.media.medium import Medium
from generation.media.table import MEDIA, carried, medium_of
from generation.picture import UNKNOWN, Fingerprint, Verdict, compare
from generation.recipe import Recipe, Sha256
from generation.tasks import Task
from generation.worker.jobs import Jobs
from storage.files import Files
from storage.pictures import Pictures
from storage.tickets import Tickets
from tests.given import loaded
from tests.given.builders import A_SOUND, a_recipe, a_recipe_of, an_environment, changed, noisy_png
from tests.given.meshes import A_FORM
from tests.given.pausing import Table
from tests.given.stored import asked, opened
from tests.given.text_medium import TEXT
from tests.given.works import A_CLIP, a_clip, clip_content

RECIPE = a_recipe(width=64, height=32)
CONTENT = bytes(range(256)) * 24  # as many bytes as the canvas has, three a pixel
# A work of each medium that is no picture, and none or one of another shape.
WORKS: dict[str, tuple[Recipe, bytes, Recipe | None]] = {
    "video": (A_CLIP, clip_content(A_CLIP), a_clip(frames=5)),
    "mesh": (a_recipe_of(Task.TEXT_TO_3D), A_FORM.content, None),
    "audio": (
        replace(a_recipe_of(Task.TEXT_TO_AUDIO), sound=replace(A_SOUND, seconds=0.384)),
        CONTENT,
        replace(a_recipe_of(Task.TEXT_TO_AUDIO), sound=replace(A_SOUND, seconds=0.5)),
    ),
}

TEXTS_ONLY = {IMAGE.name: TEXT}  # in this house, what architectures call an image is a text
BOTH = {**MEDIA, TEXT.name: TEXT}

EVERY = pytest.mark.parametrize("medium", BOTH.values(), ids=BOTH)


def _work(medium: Medium) -> tuple[Recipe, bytes, Recipe | None]:
    """A recipe, its content, and a recipe that this cannot be the content of."""
    usual = RECIPE, CONTENT, changed(RECIPE, width=32, height=32)
    return WORKS.get(medium.name, usual)


@EVERY
def test_the_recipe_and_the_content_that_come_out_of_a_file_went_in(medium: Medium) -> None:
    recipe, content, _ = _work(medium)
    file = medium.write(content, recipe, {})
    assert medium.recipe_in(file) == recipe
    assert medium.digest_in(file) == medium.digest(content) != medium.digest(content[:-1])
    assert medium.fault(file, recipe) is None
    assert medium.is_light(file)
    assert medium.suffix in medium.titles


@EVERY
def test_a_workers_file_that_is_cut_or_of_another_size_is_refused(medium: Medium) -> None:
    recipe, content, other = _work(medium)
    file = medium.write(content, recipe, {})
    assert all(medium.fault(file[:length], recipe) for length in range(len(file)))
    assert medium.fault(file + b"\n<script>", recipe)
    assert other is None or medium.fault(file, other)
    with pytest.raises(BadPicture):
        medium.digest_in(file[: len(file) // 2])


@EVERY
def test_a_file_is_known_as_what_it_is(medium: Medium) -> None:
    recipe, content, _ = _work(medium)
    assert carried(medium.write(content, recipe, {}), BOTH) == (recipe, medium)
    assert carried(b"nothing of ours", BOTH) is None
    others = {name: other for name, other in BOTH.items() if other != medium}
    assert carried(medium.write(content, recipe, {}), others) is None


def test_what_every_architecture_makes_is_a_medium() -> None:
    assert {architecture.medium for architecture in ARCHITECTURES} <= set(MEDIA)
    assert all(name == medium.name for name, medium in MEDIA.items())


def test_a_family_that_is_gone_made_images() -> None:
    assert medium_of(replace(RECIPE, family="forgotten")) is MEDIA["image"]


def test_a_larger_file_is_shown_as_its_medium_makes_it_smaller() -> None:
    shrinking = replace(TEXT, smaller=lambda file, most: [(".md", file[: most // 2])])
    file, limit = TEXT.write(CONTENT, RECIPE, {}), 1_000
    assert fitting([file], [7], [TEXT], 10**6) == (("7.txt", file),)
    assert fitting([file], [7], [shrinking], limit) == (("7.md", file[:500]),)
    for refused in (0, 1):  # nothing is smaller
        assert fitting([file], [7], [TEXT], limit, shrunk=refused) == (("7.txt", file),)
    several = fitting([file, noisy_png(300)], [7, 8], [TEXT, IMAGE], limit)
    assert [name for name, _ in several] == ["7.txt", "8.jpg"]


def test_beside_a_smaller_file_stands_which_exact_one_is_kept() -> None:
    medium = replace(TEXT, titles={".txt": "text", ".md": "Markdown"})
    told = whereabouts.smaller(["7.md"], [medium], [7])
    assert told.startswith("-# Shown as Markdown: ")
    assert "the exact text; " in told
    assert whereabouts.smaller(["7.txt", "8.png"], [medium, IMAGE], [7, 8]) == ""


# -- from the device to the verdict --------------------------------------------------------


def drawn_as_texts(recipe: Recipe) -> Finished:
    """What a worker says in a house where images are texts."""
    table = Table(cache=loaded.cache_of())
    table.jobs = Jobs(loaded.cache_of(), table._say, TEXTS_ONLY)
    table.draw(recipe)
    [finished] = [report for report in table.heard if isinstance(report, Finished)]
    return finished


def taken(recipe: Recipe, finished: Finished) -> None:
    """The bot's side of it: it was asked for, and is what was asked for."""
    talk = Conversation(TEXTS_ONLY)
    talk.said(Ready(environment=an_environment(), memory_bytes=1))
    talk.asked(Render(job=finished.job, recipe=recipe, inputs=(), preview_every=0))
    talk.said(wire.Drawn(job=finished.job, seconds=1.0, loading_seconds=0.0))
    cut = replace(finished, file=finished.file[:-1])
    with pytest.raises(BrokenFrame, match="no whole text"):
        talk.said(cut)
    talk.said(finished)


async def test_a_medium_that_nobody_knew_is_drawn_kept_found_and_compared(tmp_path: Path) -> None:
    recipe = changed(loaded.recipe_of("sd1"), steps=1, sigmas=(1.0, 0.0))
    finished = drawn_as_texts(recipe)
    assert finished.file.startswith(b"a text of ours")
    taken(recipe, finished)
    async with opened(tmp_path / "db") as database:
        tickets, files = Tickets(database), Files(tmp_path / "files", (".txt",))
        saver = Saver(tickets, files, clock=lambda: 1.0, media=TEXTS_ONLY)
        request, [ticket] = await tickets.add(asked(), [recipe], [1.0])
        lease = saver.start(ticket.job, "seat 0")
        await saver.keep(lease, ticket.job, an_environment(), finished)
        [picture] = await Pictures(database).of_request(request.id)
    assert files.path(picture.png_sha256).suffix == ".txt"
    file = files.read(picture.png_sha256)
    assert file == finished.file

    found = await Opening(media=TEXTS_ONLY).carried(file)
    assert found == (recipe, picture.pixels_sha256)
    again = drawn_as_texts(recipe)
    here = Fingerprint(environment=an_environment(), pixels_sha256=Sha256(again.pixels_sha256))
    assert compare(picture.fingerprint, here).verdict is Verdict.IDENTICAL
    edited = TEXT.digest_in(TEXT.write(b"other", recipe, {}))
    stranger = Fingerprint(environment=UNKNOWN, pixels_sha256=edited)
    assert compare(stranger, here).verdict is Verdict.ELSEWHERE
