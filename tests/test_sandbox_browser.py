"""The sandbox as somebody meets it: in a browser, without a reload, for a whole visit."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from bot.app import App
from bot.sandbox.realtime import live_env
from tests.given.apps import an_idle_app
from tests.given.browser import CHROMIUM, Browser
from tests.given.fakes import FakeWorker
from tests.given.sample_bot import SampleBot
from tests.given.visits import PICTURES, READY, visit, visit_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here (apt-get install chromium)"),
]


def blue_png(folder: Path) -> Path:
    out = io.BytesIO()
    Image.new("RGB", (200, 150), "#3366cc").save(out, "PNG")
    path = folder / "mine.png"
    path.write_bytes(out.getvalue())
    return path


async def test_a_visit_with_everything_in_it(tmp_path: Path) -> None:
    bot = SampleBot(seconds=6.0, edit_every=0.3)

    def script(browser: Browser) -> None:
        browser.screenshot("01-welcome")
        ask_with_options(browser)
        watch_the_progress(browser)
        bot.seconds = 0.5  # the rest is not watched
        press_choose_and_fill_in(browser)
        reply_and_use_the_menu(browser)
        upload_as_somebody_else(browser, blue_png(tmp_path))

    await visit(bot, script)
    assert bot.received == [blue_png(tmp_path).read_bytes()]


async def test_the_studio_in_a_browser(tmp_path: Path) -> None:
    worker, loop = FakeWorker(step_seconds=0.05), asyncio.get_running_loop()

    def go_on() -> None:
        loop.call_soon_threadsafe(worker.gate.set)

    async with (
        an_idle_app(tmp_path, worker, progress_seconds=0.5) as app,
        app.on_discord() as client,
    ):
        holding = asyncio.create_task(hold_at_a_step(app, worker))
        await visit(client, lambda browser: meet_the_studio(browser, go_on))
        await holding


async def test_what_is_typed_or_pasted_in_one_go_is_drawn(tmp_path: Path) -> None:
    async with an_idle_app(tmp_path, FakeWorker()) as app, app.on_discord() as client:
        await visit(client, type_and_paste)


def type_and_paste(browser: Browser) -> None:
    """The first thing that the README says, to the letter; then what people do with keys."""
    browser.click("#channel-composer-input")
    browser.type("/imagine a red flower")
    browser.press("Enter")
    browser.until(f"{PICTURES} === 1")
    browser.click("#channel-composer-input")
    browser.paste("/imagine two\nblue cars count:2\n")
    browser.until("document.querySelector('input[data-option=prompt]').value === 'two blue cars'")
    browser.press("Enter")
    browser.until(f"{PICTURES} === 3")
    browser.click("#channel-composer-input")
    browser.type("/")
    # A result's list of pictures has options, too, which are not open.
    first = "[...document.querySelectorAll('[role=option]')].find((o) => o.getClientRects().length)"
    browser.until(f"{first}?.innerText.includes('/imagine')")
    browser.press("Escape")
    browser.press("Backspace")
    leave_a_command(browser)
    say_what_is_no_command(browser)


def leave_a_command(browser: Browser) -> None:
    """Escape twice, and nothing is left of it; an option that stays empty fills nothing in."""
    browser.type("/settings ")
    browser.until("document.querySelector('.command-row') !== null")
    browser.press("Escape")
    browser.press("Escape")
    browser.until("document.querySelector('.command-row') === null")
    assert browser.js("document.querySelector('#channel-composer-input').value") == ""
    browser.type("/settings ")
    browser.until("document.querySelector('.command-row') !== null")
    browser.press("Enter")
    browser.sees("What you draw with here")


def say_what_is_no_command(browser: Browser) -> None:
    """It is not posted, and stays to be mended."""
    browser.click("#channel-composer-input")
    browser.type("/imagin a cat")
    browser.press("Enter")
    browser.sees("There is no command /imagin")
    assert browser.js("document.querySelector('#channel-composer-input').value") == "/imagin a cat"


async def test_whoever_reads_old_messages_still_sees_what_they_say(tmp_path: Path) -> None:
    def script(browser: Browser) -> None:
        browser.until("!document.querySelector('#history-older').hidden")
        browser.scroll("#channel-timeline", -20_000)
        browser.click("#history-older")
        browser.until("!document.querySelector('#history-newer').hidden")
        browser.click("#channel-composer-input")
        browser.type("this is new")
        browser.press("Enter")
        browser.until(
            "document.querySelector('#channel-message-list').innerText.includes('is new')"
        )
        browser.until("document.querySelector('#history-newer').hidden")

    async with (
        an_idle_app(tmp_path, FakeWorker()) as app,
        app.on_discord() as client,
        live_env(client) as env,
    ):
        for number in range(120):
            await env.ann.send(env.studio, f"message {number}")
        await visit_of(env, script, seen="message 119")


async def test_on_a_phone_a_picture_s_buttons_take_five_rows(tmp_path: Path) -> None:
    def script(browser: Browser) -> None:
        browser.resize(width=390, height=800)
        browser.until("document.querySelector('#action-status').textContent.includes('Viewport')")
        browser.click("#channel-composer-input")
        browser.type("/imagine a red flower")
        browser.press("Enter")
        browser.until(f"{PICTURES} === 1")
        browser.until("!document.body.innerText.includes('Cancel')")  # of the progress, which goes
        # Until the page's own letters are there, wider ones hold their place.
        browser.until("document.fonts.status === 'loaded'")
        browser.screenshot("31-phone")
        where = "[...document.querySelectorAll('.component-button')].map((b) => b.offsetTop)"
        tops = browser.js(where)
        assert len(set(tops)) <= 5, tops
        assert browser.js("document.documentElement.scrollWidth <= innerWidth")
        lefts = "[...document.querySelectorAll('.component-button')].map((b) => b.offsetLeft)"
        assert browser.js(f"Math.min(...{lefts})") >= 0
        assert browser.js("document.querySelector('#toolbar').offsetHeight < 60")

    async with an_idle_app(tmp_path, FakeWorker()) as app, app.on_discord() as client:
        await visit(client, script)


@pytest.mark.parametrize(("name", "width"), [("phone", 390), ("desk", 1200)])
async def test_one_of_four_pictures_is_picked_and_edited_in_a_form(
    tmp_path: Path, name: str, width: int
) -> None:
    def script(browser: Browser) -> None:
        browser.resize(width=width, height=900)
        browser.until(f"innerWidth === {width} && {READY}")
        browser.click("#channel-composer-input")
        browser.paste("/imagine a red flower count:4 seed:40")
        browser.until("document.querySelector('input[data-option=seed]')?.value === '40'")
        browser.press("Enter")
        browser.until(f"{PICTURES} === 4 && {READY}")
        browser.screenshot(f"41-{name}-four")
        browser.click(".select-trigger, [role=combobox]", text="Picture 1", last=True)
        browser.sees("Picture 3 of 4")
        browser.screenshot(f"42-{name}-which")
        browser.click("[role=option]", text="Picture 3")
        browser.sees("(edited)")
        browser.until(READY)
        browser.click("button", text="Edit", last=True)
        browser.sees("What it must not show")
        browser.screenshot(f"43-{name}-form")
        fields = "[...document.querySelectorAll('#modal-root .modal-input')]"
        assert browser.js(f"{fields}.length") == 5
        assert browser.js(f"{fields}[0].value") == "a red flower"
        assert browser.js("document.documentElement.scrollWidth <= innerWidth")
        browser.js(f"{fields}[0].select()")
        browser.type("a blue flower")
        browser.click("#modal-root button", text="Submit")
        browser.until(f"{PICTURES} === 5")
        browser.sees("red → blue; seed, size, model stay")
        browser.screenshot(f"44-{name}-edited")
        browser.click("a[href*='/channels/']", text="#")
        browser.until("document.querySelector('.sandbox-found')?.innerText.includes('Picture 3')")

    async with an_idle_app(tmp_path, FakeWorker()) as app, app.on_discord() as client:
        await visit(client, script)


async def hold_at_a_step(app: App, worker: FakeWorker) -> None:
    """The first picture waits to be looked at."""
    while not any(standing.step >= 2 for standing in app.studio.open_requests.standings()):  # noqa: ASYNC110  # it tells nobody
        await asyncio.sleep(0.01)
    worker.gate.clear()


def meet_the_studio(browser: Browser, go_on: Callable[[], None]) -> None:
    """The real bot, with a worker that doodles."""
    browser.click("#channel-composer-input")
    browser.type("/imagine")
    browser.sees("say what it shows")
    browser.press("Enter")
    browser.until("document.activeElement.dataset.option === 'prompt'")
    browser.type("a red flower")
    browser.click("button", text="more")
    browser.click(".command-suggestion", text="sampler")
    browser.sees("euler_ancestral")  # offered before anything is typed
    browser.type("euler_a")
    browser.until("document.querySelectorAll('.command-suggestion').length === 2")  # one is CFG++
    browser.press("Enter")
    browser.until(
        "document.querySelector('input[data-option=sampler]').value === 'euler_ancestral'"
    )
    browser.screenshot("21-studio-command")
    browser.press("Enter")
    browser.until(r"/ [2-9]\/20/.test(document.body.innerText)")
    browser.screenshot("22-studio-progress")
    go_on()
    browser.until(f"{PICTURES} === 1")
    browser.sees("euler_ancestral karras")
    browser.click("button", text="Reproduce")
    browser.sees("IDENTICAL")
    browser.until(f"{PICTURES} === 2")
    browser.screenshot("23-studio-identical")
    browser.hover(".channel-message", text="IDENTICAL")
    browser.click("[aria-label='Reply']", last=True)
    browser.type("make it night")
    browser.press("Enter")
    browser.sees("made from #2")
    browser.until(f"{PICTURES} === 3")
    browser.click("button", text="Recipe", last=True)
    browser.sees("recipe    r1-")
    browser.screenshot("24-studio-reply-and-recipe")


def ask_with_options(browser: Browser) -> None:
    """A slash command with a number and an option that completes itself."""
    browser.click("#channel-composer-input")
    browser.type("/ima")
    browser.sees("Draw a picture")
    browser.screenshot("02-commands")
    browser.press("Enter")
    browser.until("document.activeElement.dataset.option === 'prompt'")
    browser.type("a red flower")
    browser.click("button", text="more")
    browser.sees("How many steps")
    browser.screenshot("03-options")
    browser.click(".command-suggestion", text="steps")
    browser.until("document.activeElement.dataset.option === 'steps'")
    browser.type("12")
    browser.click("button", text="more")
    browser.click(".command-suggestion", text="style")
    browser.until("document.activeElement.dataset.option === 'style'")
    browser.type("oil")
    browser.click(".command-suggestion", text="oil painting")
    browser.screenshot("04-filled-in")
    browser.press("Enter")
    browser.sees("Queued with 12 steps.")


def watch_the_progress(browser: Browser) -> None:
    """Edits appear by themselves, then the picture."""
    seen: set[str] = set()
    end = time.monotonic() + 60
    while not browser.js(PICTURES) and time.monotonic() < end:
        text = browser.js("document.querySelector('#channel-message-list').innerText")
        steps = [line for line in text.splitlines() if "step " in line]
        if steps and not seen:
            browser.screenshot("05-progress")
        seen.update(steps)
        time.sleep(0.1)
    assert len(seen) >= 2, seen
    browser.until(f"{PICTURES} === 1")
    browser.until("document.querySelector('.attachment-image').naturalWidth === 128")
    browser.screenshot("06-picture")


def press_choose_and_fill_in(browser: Browser) -> None:
    """A button, a select among pictures, a form."""
    browser.click("button", text="Again")
    browser.until(f"{PICTURES} === 2")
    browser.click(".select-trigger, [role=combobox]", text="Draw it as", last=True)
    browser.sees("watercolour")
    browser.screenshot("07-select")
    browser.click("[role=option]", text="watercolour")
    browser.until(f"{PICTURES} === 3")
    browser.sees("a red flower, oil painting, watercolour")
    browser.click("button", text="Change", last=True)
    browser.sees("Other words")
    browser.screenshot("08-form")
    browser.js("document.querySelector('#modal-root input, #modal-root textarea').select()")
    browser.type("a green tree")
    browser.click("#modal-root button", text="Submit")
    browser.until(f"{PICTURES} === 4")
    browser.sees("a green tree")


def reply_and_use_the_menu(browser: Browser) -> None:
    """New words for a picture, and a command from the picture's menu."""
    browser.hover(".channel-message", text="a green tree", last=True)
    browser.click("[aria-label='Reply']", last=True)
    browser.sees("Replying to Atelier")
    browser.type("at night")
    browser.press("Enter")
    browser.until(f"{PICTURES} === 5")
    browser.screenshot("09-reply")
    browser.hover(".channel-message", text="at night", last=True)
    browser.click(".message-context-actions [aria-label='Apps']", last=True)
    browser.sees("Look closer")
    browser.screenshot("10-menu")
    browser.click(".sandbox-menu button", text="Look closer")
    browser.sees("picture.png: ")
    browser.sees("Only you can see this")


def upload_as_somebody_else(browser: Browser, picture: Path) -> None:
    """Ben does not see what only Ann may see; he sends a picture of his own."""
    browser.choose("#viewer-picker", "Ben")
    browser.until("!document.body.innerText.includes('picture.png: ')")
    browser.choose_file("#sandbox-files", picture)
    browser.sees("mine.png")
    browser.click("#channel-composer-input")
    browser.type("@Atelier like this")
    browser.screenshot("11-upload")
    browser.press("Enter")
    browser.until(f"{PICTURES} === 7")  # his, and what was made of it
    browser.sees("@Ben")
    browser.screenshot("12-ben")
