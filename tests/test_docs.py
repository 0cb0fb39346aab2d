"""The documents say what is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import start
from bot.chat.commands.tree import COMMANDS, MENUS
from bot.settings import NAMES
from bot.trials.bench.bench import MEASUREMENTS
from generation.families.family import FAMILIES
from generation.samplers import SAMPLERS, SCHEDULERS

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted(
    path for pattern in ("*.md", "docs/*.md", "docs/decisions/*.md") for path in ROOT.glob(pattern)
)

LINK = re.compile(r"(?<!\\)\[(?:[^\]]|\n)*?\]\(([^)\s]+)\)")
PATH = re.compile(r"`([\w.-]+/[\w./-]*|[\w-]+\.(?:py|toml|txt|md))`")


def text(name: str | Path) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def table(of: str, heading: str) -> list[str]:
    """The first column of the table with that heading, without its code marks."""
    after = of.split(f"| {heading} |", 1)[1].splitlines()[2:]
    rows = []
    for line in after:
        if not line.startswith("|"):
            break
        rows.append(line.split("|")[1].strip().strip("`"))
    return rows


def anchors(document: str) -> set[str]:
    """The names under which GitHub lets headings be linked to."""
    headings = re.findall(r"^#+ (.+)$", document, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in headings}


def test_the_readme_lists_the_commands_that_exist() -> None:
    shown = table(text("README.md"), "Command")
    assert set(shown) ^ {f"/{command.name}" for command in COMMANDS} == set()
    assert len(shown) == len(COMMANDS)


def test_every_sampler_and_scheduler_has_its_line() -> None:
    document = text("docs/samplers.md")
    for heading, known in (("name | what it is", SAMPLERS), ("name | levels", SCHEDULERS)):
        assert set(table(document, heading)) ^ known.keys() == set()


def test_the_families_of_models_that_people_bring_are_explained() -> None:
    document = text("docs/models.md")
    brought = [family.name for family in FAMILIES.values() if not family.few_words]
    assert [name for name in brought if f"(`{name}`)" not in document] == []


def test_the_readme_lists_the_message_menus_that_exist() -> None:
    shown = table(text("README.md"), "In a message's menu (Apps)")
    assert sorted(shown) == sorted(menu.name for menu in MENUS)


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_what_is_to_be_typed_exists(path: Path) -> None:
    typed = re.findall(
        r"(?:^|`|&& )(?:make|python3? start\.py)\s([a-z-]+)", text(path), re.MULTILINE
    )
    assert typed or named(path) not in ("README.md", "CONTRIBUTING.md", "docs/operations.md")
    assert set(typed) <= set(start.COMMANDS)


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_links_lead_somewhere(path: Path) -> None:
    for target in LINK.findall(re.sub(r"```.*?```", "", text(path), flags=re.DOTALL)):
        if re.match(r"https?://", target):
            continue
        file, _, anchor = target.partition("#")
        linked = (path.parent / file).resolve() if file else path
        assert linked.exists(), f"{named(path)} links to {target}"
        if anchor:
            assert anchor in anchors(text(linked)), f"{named(path)} links to {target}"


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md"])
def test_files_that_are_named_exist(document: str) -> None:
    made = ("var/", ".venv/", "config.toml", "models/")  # by running it, or by its owner
    for name in PATH.findall(text(document)):
        if not name.startswith(made) and not name.startswith(("path/", "0")):
            assert (ROOT / name).exists(), f"{document} names {name}"


OURS = re.compile(r"`((?:bot|generation|prompting|storage|tests|docs)/[\w./-]+)`")


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_files_of_ours_that_are_named_exist(path: Path) -> None:
    if path.name != "CHANGELOG.md":  # which says where things were
        assert [name for name in OURS.findall(text(path)) if not (ROOT / name).exists()] == []


def test_every_decision_is_in_their_index() -> None:
    index = text("docs/decisions/README.md")
    records = [p.name for p in (ROOT / "docs" / "decisions").glob("[0-9]*.md")]
    assert records
    assert sorted(set(re.findall(r"\((\d{4}-[\w-]+\.md)\)", index))) == sorted(records)


def test_decisions_are_numbered_once() -> None:
    numbers = [p.name[:4] for p in (ROOT / "docs" / "decisions").glob("[0-9]*.md")]
    assert len(numbers) == len(set(numbers))


def test_settings_named_in_documents_exist() -> None:
    for path in DOCUMENTS:
        for name in re.findall(r"\bATELIER_([A-Z_]+)\b", text(path)):
            known = name.lower() in NAMES or name in ("CONFIG", "THREADS")
            assert known, f"{named(path)} names ATELIER_{name}"


def test_performance_says_how_it_was_measured() -> None:
    document = text("docs/performance.md")
    assert "make bench" in document
    for name in MEASUREMENTS:
        assert f"`{name}`" in document


def test_changes_begin_with_what_is_not_released() -> None:
    assert text("CHANGELOG.md").split("\n## ", 2)[1].startswith("Unreleased")
