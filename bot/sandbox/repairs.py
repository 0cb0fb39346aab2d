"""SimCord's page, repaired where a newcomer would stumble.

A repair is an exact piece of text that must occur once in SimCord's file.  Where it does not, the
file is served as it is and the log says so: a missing repair is a blemish, not an outage.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger(__name__)

STATIC = Path(__file__).with_name("static")
TYPED_COMMAND = (STATIC / "typed_command.js").read_text("utf-8")


@dataclass(frozen=True, slots=True)
class Repair:
    """In the page's file `path`, `old` becomes `new`."""

    path: str
    old: str
    new: str


WELCOME = """<strong>Welcome to #studio!</strong>
<span>The bot here is the real one; only Discord is played, in memory, on this machine.</span>
<span><code>/imagine a red flower</code> asks for a picture; type <code>/</code> to see more.</span>
<span>The built-in model draws a flower, tree, house, fish, cat, boat, mushroom, cup, star, heart,
moon or car, and nothing else; <code>/help</code> says the rest.</span>
<span>Reply to a picture with new words, and it becomes the start of the next one.</span>
<span>Upload your own with <b>+</b>, and mention <b>@Atelier</b> beside your words.</span>
<span>You are Ann, a moderator, or Ben: switch at the side.</span>"""

REPAIRS = (
    # A select among pictures does not open: the list is drawn anew, the pictures are 0 pixels high
    # for a moment, the select leaves the window and the page closes its list.  Reserve their room.
    Repair(
        "/media.js",
        "    image.width = width;\n    image.height = height;\n  }\n  trigger.append(image);",
        "    image.width = width;\n    image.height = height;\n"
        "    const fit = Math.min(1, 550 / width, 350 / height);\n"
        "    if (className.includes('attachment')) {\n"
        "      image.style.width = `${Math.round(width * fit)}px`;\n"
        "      image.style.height = `${Math.round(height * fit)}px`;\n"
        "    }\n  }\n  trigger.append(image);",
    ),
    Repair(
        "/select-drafts.js",
        "cancelDropdown(wrap.dataset.controlKey);\n        continue;",
        "list.style.top = '-9999px';\n        continue;",
    ),
    # An option that completes itself offers its first choices before anything is typed.
    Repair(
        "/commands.js",
        'const current = String(field.value || "");\n',
        'const current = String(field.value || "");\n'
        '            if (!current) queryAutocomplete(option, "");\n',
    ),
    Repair(
        "/commands.js",
        '? "Loading options failed" : "No options match"',
        '? "Loading options failed"\n'
        '      : autocomplete.state === "loading" ? "Loading options…" : "No options match"',
    ),
    # A choice made with Enter closes its list; here the field took the focus and opened it again.
    Repair(
        "/commands.js",
        "    renderCompose({ focus: Boolean(next) });\n  }\n",
        "    renderCompose({ focus: Boolean(next) });\n    if (!next) clearPopup();\n  }\n",
    ),
    # A command that is typed or pasted in one go: behind its name and a blank its words go into its
    # first option, and Enter sends it.
    Repair(
        "/commands.js",
        "    matches = matchCommands(catalog?.entries || [], query);\n"
        "    if (!matches.length) { closeBrowse(); return; }\n",
        "    if (takeTyped(query)) return;\n"
        "    matches = matchCommands(catalog?.entries || [], query);\n"
        '    if (!query) matches.sort((a, b) => Number(b.invocation === "imagine")\n'
        '      - Number(a.invocation === "imagine"));\n'
        "    if (!matches.length) { closeBrowse(); return; }\n",
    ),
    Repair(
        "/commands.js",
        '!canOpen() || value.includes("\\n") || !value.startsWith("/")',
        '!canOpen() || !value.startsWith("/")',
    ),
    Repair(
        "/commands.js",
        "  /** @param {CommandEntry} entry */\n  function select(entry) {\n",
        TYPED_COMMAND + "  /** @param {CommandEntry} entry */\n  function select(entry) {\n",
    ),
    # What is being typed survives a look at other messages or another size of the window.
    Repair(
        "/commands.js",
        "contextId !== newContext || contextGeneration !== newGeneration || viewerId",
        "contextId !== newContext || viewerId",
    ),
    # Escape closes a list first and then the command, which leaves nothing behind.
    Repair(
        "/commands.js",
        'if (event.key === "Escape") { clearPopup(); return true; }',
        'if (event.key === "Escape") {\n'
        "      if (popup && !popupElement().hidden) clearPopup(); else exitCommand();\n"
        "      return true;\n    }",
    ),
    Repair(
        "/commands.js",
        "const invocation = `/${currentDraft().invocation}`;",
        'const invocation = "";',
    ),
    # Enter sends a value that stands there already, and an option that was left empty; it chooses
    # from the list what was begun, or what the arrows were moved to.
    Repair(
        "/commands.js",
        "        if (active instanceof HTMLElement) { active.click(); return true; }\n",
        "        const typed = String(event.target.value || '').trim().toLowerCase();\n"
        "        const label = active?.querySelector('.command-suggestion-label')?.textContent;\n"
        "        const settled = [active?.dataset.value, label].some(\n"
        "          (text) => String(text || '').toLowerCase() === typed);\n"
        "        const meant = list?.dataset.moved || (typed && !settled);\n"
        "        if (meant && active instanceof HTMLElement) { active.click(); return true; }\n",
    ),
    Repair(
        "/commands.js",
        "      return Boolean(suggestionListbox?.handleKey(event));\n",
        "      const shown = popupElement().querySelector('[role=\"listbox\"]');\n"
        "      if (shown instanceof HTMLElement) shown.dataset.moved = 'true';\n"
        "      return Boolean(suggestionListbox?.handleKey(event));\n",
    ),
    # Room for the words of a prompt.
    Repair("/commands.js", "Math.min(24, Math.max(2, ", "Math.min(56, Math.max(2, "),
    # The list of a command's further options says what each is for.
    Repair(
        "/commands.js",
        '"command-suggestion-ellipsis", "…"',
        '"command-suggestion-ellipsis", value.description || "…"',
    ),
    Repair("/", "<title>SimCord Preview</title>", "<title>#studio · Atelier sandbox</title>"),
    Repair(
        "/",
        "<strong>SimCord</strong><small>Preview</small>",
        "<strong>The House</strong><small>simulated, on this machine only</small>",
    ),
    Repair("/", '"brand-mark" aria-hidden="true">S<', '"brand-mark" aria-hidden="true">H<'),
    Repair(
        "/",
        '<label class="viewer-control">Viewing as',
        '<span class="sandbox-channel"><span>#</span> studio</span>\n'
        '        <label class="viewer-control">You are',
    ),
    Repair("/", "No messages in this channel.", WELCOME),
    Repair("/", "</head>", '<link rel="stylesheet" href="/sandbox.css"></head>'),
    Repair("/", "</body>", '<script type="module" src="/sandbox.js"></script></body>'),
)


def repaired(path: str, text: str) -> str:
    """The page's file with our repairs in it."""
    for repair in REPAIRS:
        if repair.path == path:
            if text.count(repair.old) == 1:
                text = text.replace(repair.old, repair.new)
            else:
                log.warning("a repair of %s found no place: %r", path, repair.old[:60])
    return text
