"""The rules of the house that no linter knows."""

from __future__ import annotations

import ast
import gc
import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import start

ROOT = Path(__file__).parent.parent
PACKAGES = ("bot", "generation", "prompting", "storage")

# Sizes are a smell detector, not a law: beyond SMELL is worth a look, and printed; beyond LIMIT
# is too much.
SMELL_LINES, LIMIT_LINES = 300, 600
LIMIT_FUNCTION = 60  # ruff warns of tangled ones long before
USUAL_FUNCTION = 22  # nine of ten are no longer

# Those that may be longer, as there is nothing in them but a list.
LISTS = {"bot/studio/studio.py: __init__"}  # the studio's parts, each made of those before it

# Who unpickles, and why it is harmless there.
MAY_UNPICKLE = {"bot/sandbox/speed.py"}  # what it has pickled itself, in memory: deep copies

SAY_NOTHING = {"utils", "util", "common", "core", "base", "manager", "helpers", "misc", "lib"}


@cache
def files() -> tuple[Path, ...]:
    """Every file of the project, whether committed yet or not."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode == 0:
        found = [ROOT / name for name in listed.stdout.split("\0") if name]
    else:  # an archive without its history
        kept = [ROOT / name for name in (*PACKAGES, "tests", "docs")]
        found = [p for folder in kept for p in folder.rglob("*") if "__pycache__" not in p.parts]
    return tuple(sorted(path for path in found if path.is_file()))


@cache
def parsed() -> dict[str, ast.Module]:
    gc.disable()  # it would go through all trees again and again, and find none to be let go
    try:
        return {
            path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
            for path in files()
            if path.suffix == ".py"
        }
    finally:
        gc.enable()


def sources(*, tests: bool = True) -> Iterator[tuple[str, ast.Module]]:
    for name, tree in parsed().items():
        if tests or not name.startswith("tests/"):
            yield name, tree


def texts() -> Iterator[tuple[str, str]]:
    """Every file that is text, but this one, which names what is forbidden."""
    for path in files():
        if path == Path(__file__).resolve():
            continue
        try:
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def called(call: ast.Call) -> str:
    return ast.unparse(call.func)


def test_the_bot_never_loads_torch() -> None:
    """All of it is imported, in a fresh process, but for the programs that are others' to run."""
    code = """
import importlib, pkgutil, sys
for name in ("bot", "storage", "prompting", "generation"):
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(package.__path__, name + "."):
        parts = module.name.split(".")
        if {"worker", "starter", "modules", "training"} & set(parts[1:]) or parts[-1] == "__main__":
            continue
        try:
            importlib.import_module(module.name)
        except ModuleNotFoundError as missing:
            if missing.name != "ray":  # an extra, and its two programs are run by name
                raise
print(sorted({"torch", "diffusers", "transformers", "peft", "accelerate"} & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_names_say_something() -> None:
    for path in files():
        parts = path.relative_to(ROOT).with_suffix("").parts
        assert not SAY_NOTHING & set(parts), path


def test_every_module_says_what_it_is_for() -> None:
    silent = [name for name, tree in sources() if tree.body and not ast.get_docstring(tree)]
    assert silent == []


DOTTED = re.compile(r"`((?:bot|generation|prompting|storage)(?:\.\w+)+)`")


def test_what_a_docstring_names_is_where_it_says() -> None:
    """A module, or a module and something in it; else a move leaves signs that point nowhere."""
    known = dict(texts())
    for name, text in known.items():
        for dotted in DOTTED.findall(text) if name.endswith(".py") else ():
            module, _, last = dotted.rpartition(".")
            here, there = dotted.replace(".", "/"), module.replace(".", "/")
            if f"{here}.py" in known or f"{here}/__init__.py" in known:
                continue
            holder = known.get(f"{there}.py", known.get(f"{there}/__init__.py", ""))
            assert re.search(rf"\b{last}\b", holder), f"{name}: {dotted}"


# Public classes that share a name, and why each of them keeps it.
MORE_THAN_ONCE = {
    "Scene": "what a training program makes up; one draws it, the other says it",
}


def test_a_name_of_a_class_means_one_thing() -> None:
    """Somebody who searches for a name finds what it is, not four things that it may be."""
    found: dict[str, list[str]] = {}
    for name, tree in sources(tests=False):
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found.setdefault(node.name, []).append(name)
    doubled = {c: files for c, files in found.items() if len(files) > 1}
    assert set(doubled) <= set(MORE_THAN_ONCE), doubled


def test_a_room_hands_nothing_on() -> None:
    """Else whoever needs one module of it loads all of them, and circles come back."""
    for name, tree in sources(tests=False):
        if name.endswith("/__init__.py"):
            assert not [n for n in tree.body if isinstance(n, ast.ImportFrom)], name


# Where families and architectures are called by their names.
KNOW_FAMILIES = (
    *("generation/families/", "generation/worker/engines/", "tests/"),
    *("generation/training/", "generation/simulator/", "generation/worker/trials/", "bot/trials/"),
    "generation/trials/",
    "prompting/",  # dialects are called as their families are
)
MAY_NAME_FAMILIES = {
    "bot/app.py": "the folder of the built-in model",
    "generation/fleet/cluster/host.py": "the same folder",
    "generation/catalog/loras/strangers.py": "what trainers write into files that are refused",
}


def test_only_families_and_engines_know_an_architecture_by_its_name() -> None:
    """Whoever needs an `if` elsewhere has found what the port lacks."""
    from generation.families.family import ARCHITECTURES, FAMILIES

    known = {*FAMILIES, *(one.name for one in ARCHITECTURES)}
    found = {
        f"{name}:{node.lineno}"
        for name, tree in sources(tests=False)
        if not name.startswith(KNOW_FAMILIES) and name not in MAY_NAME_FAMILIES
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and node.value in known
    }
    assert found == set()


def test_only_their_tables_know_the_modules_of_architectures() -> None:
    from generation.families.architecture import Architecture

    described = {
        node.module
        for name, tree in parsed().items()
        if name.startswith("generation/families/rows/")
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module is not None
        for imported in [importlib.import_module(node.module)]
        if any(isinstance(getattr(imported, a.name), Architecture) for a in node.names)
    }
    assert described
    engines = {
        name.removesuffix(".py").replace("/", ".")
        for name in parsed()
        if name.startswith("generation/worker/engines/")
    } - {"generation.worker.engines.engine", "generation.worker.engines.table"}
    for name, tree in sources(tests=False):
        if not name.startswith(KNOW_FAMILIES):
            imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
            assert not imported & (described | engines), name


def test_how_many_steps_there_are_is_the_workers_to_say() -> None:
    for name, tree in sources(tests=False):
        if name.startswith(("bot/dispatch/", "generation/fleet/")):
            read = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
            assert not read & {"sampling", "sigmas"}, name


# What people send is no work of ours, nor are faces in the simulated Discord, nor what lies beside
# weights.
MAY_NAME_SUFFIXES = (
    *("bot/chat/intake.py", "bot/sandbox/"),
    *("generation/catalog/previews.py", "generation/sources/fetching.py"),
    "generation/interchange/comfy/written.py",  # names pictures for another program's folder
)


def test_what_is_imported_is_pinned() -> None:
    """What merely lies in somebody's environment is missing on the next machine."""
    pins = re.findall(r"^([\w.-]+)==", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    pinned, brought = {_plain(name) for name in pins}, packages_distributions()
    for file, tree in sources():
        for name in sorted(_imported(tree)):
            whose = {_plain(one) for one in brought.get(name, ())} - {"atelier"}
            assert not whose or whose & pinned, f"{file} imports {name}, which is pinned nowhere"


def _imported(tree: ast.Module) -> Iterator[str]:
    """The first words of the modules that it imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module.split(".")[0]


def _plain(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


def test_only_its_own_file_and_the_table_know_a_medium() -> None:
    """Whoever needs to know which medium a work is of asks the table; then a new one is a row."""
    from generation.media.table import MEDIA

    suffixes = {medium.suffix for medium in MEDIA.values()}
    for name, tree in sources(tests=False):
        if name.startswith("generation/media/"):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and node.value in suffixes:
                assert name.startswith(MAY_NAME_SUFFIXES), f"{name}:{node.lineno}"
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
                "generation.media"
            ):
                known = {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
                assert not known & {f"generation.media.{medium}" for medium in MEDIA}, name


def test_the_bots_front_door_shows_thirteen_rooms_at_most() -> None:
    """Folders and files, as `ls bot` shows them."""
    rooms = [
        p for p in (ROOT / "bot").iterdir() if p.suffix == ".py" or (p / "__init__.py").exists()
    ]
    assert len([p for p in rooms if p.name != "__init__.py"]) <= 13


def test_a_docstring_names_what_it_speaks_of() -> None:
    """Its subject is the noun of the signature, and no pronoun of which one has to guess."""
    pronoun = re.compile(r"(It|Its|They|Their|Nobody)\b")
    found = [
        f"{name}:{node.lineno}: {text.splitlines()[0]}"
        for name, tree in sources(tests=False)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        if pronoun.match(text := ast.get_docstring(node) or "")
    ]
    assert found == []


def test_files_stay_readable(capsys: pytest.CaptureFixture[str]) -> None:
    smells: list[str] = []
    too_much: list[str] = []
    for name, tree in sources(tests=False):
        lines = max((node.end_lineno or 0 for node in tree.body), default=0)
        if lines > SMELL_LINES:
            (too_much if lines > LIMIT_LINES else smells).append(f"{name}: {lines} lines")
    with capsys.disabled():
        print(f"\nworth a look (over {SMELL_LINES} lines): {', '.join(smells)}" if smells else "")
    assert too_much == []


def test_functions_stay_readable() -> None:
    lengths: dict[str, int] = {}
    for name, tree in sources(tests=False):
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                lengths[f"{name}: {node.name} in line {node.lineno}"] = lines
    too_much = {name for name, lines in lengths.items() if lines > LIMIT_FUNCTION}
    assert {name.partition(" in line")[0] for name in too_much} <= LISTS, too_much
    assert sorted(lengths.values())[len(lengths) * 9 // 10] <= USUAL_FUNCTION


def test_nothing_unpickles() -> None:
    """A pickle can run code; what a stranger may have written is never opened as one."""
    found = []
    for name, tree in sources(tests=False):
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or name in MAY_UNPICKLE:
                continue
            safely = any(
                k.arg == "weights_only" and isinstance(k.value, ast.Constant) and k.value.value
                for k in node.keywords
            )
            opens = re.fullmatch(r"(pickle|dill|joblib|marshal)\.loads?", called(node))
            if opens or (called(node) == "torch.load" and not safely):
                found.append(f"{name}:{node.lineno}")
    assert found == []


def test_nothing_is_evaluated() -> None:
    for name, tree in sources(tests=False):
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                assert called(node) not in ("eval", "exec", "os.system"), f"{name}:{node.lineno}"


def test_fakes_are_written_not_patched() -> None:
    for name, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                imported = ast.unparse(node)
                assert "mock" not in imported, f"{name}:{node.lineno}: {imported}"


def test_tests_import_no_tests() -> None:
    """What several of them need lies in tests/given/; a test may be thrown away alone."""
    for name, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module and name.startswith("tests/"):
                assert not node.module.startswith("tests.test_"), f"{name}:{node.lineno}"


def test_no_place_of_packages_is_written_down() -> None:
    """Where packages come from is the installing machine's to decide."""
    hosts = ["pypi.org", "pythonhosted.org", "download.pytorch.org", "--index-url", "--find-links"]
    for name, text in texts():
        for host in hosts:
            assert host not in text, f"{name} names {host}"


def test_no_machine_s_own_paths_are_written_down() -> None:
    for name, text in texts():
        found = re.search(r"(?<![\w.])/(work|root|home/\w+|Users/\w+)/\w", text)
        assert found is None, f"{name}: {found and found.group()}"


def test_the_readme_shows_the_folders_that_exist() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"^([a-z]+)/ +\S", readme, re.MULTILINE))
    assert {*PACKAGES, "tests", "docs"} <= shown
    for folder in shown:
        assert (ROOT / folder).is_dir(), folder


def test_the_suite_draws_the_same_examples_every_time_and_test_all_throws_dice() -> None:
    code = "import hypothesis; from tests import conftest; print(hypothesis.settings().derandomize)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["True"]
    assert "--hypothesis-profile=dice" in start.COMMANDS["test-all"][1]


# What is told for the places where things were asked: no person is answered with it.
FOR_THE_BOT = {
    "KnownMessages": {
        "answering",
        "check",
        "is_for_one",
        "say_progress_is",
        "with_progress",
        "sending_directly",
    },
    "OpenRequests": {
        "open",
        "ended",
        "request_of",
        "standing",
        "is_open",
        "is_drawing",
        "requests",
        "in_guild",
        "waiting_of",
    },
    "Delivery": {"outcome"},
    "Offers": {"checkpoint_of"},  # of recipes that the gallery has let through
    "Weeklies": {"best"},  # for everybody who reads the channel
    "Opening": {"carried"},  # of bytes that the person has just sent
    "Safety": {"judge"},  # before anybody is shown it
}


def test_whatever_the_studio_does_with_stored_things_it_does_for_somebody() -> None:
    """A new way in cannot forget the rights: without an asker there is nothing to call."""
    parts = list(_parts_of_the_studio())
    assert {"Requests", "Gallery", "Defaults", "Studio"} <= {part for _, part in parts}
    for file, part in parts:
        for method in _methods(file, part):
            if method.name.startswith("_") or method.name in FOR_THE_BOT.get(part, ()):
                continue
            arguments = [*method.args.args, *method.args.kwonlyargs]
            said = [ast.unparse(a.annotation) for a in arguments if a.annotation is not None]
            names = " ".join([*said, ast.unparse(method.returns) if method.returns else ""])
            if re.search(r"RequestId|PictureId|StoredPicture|Recipe\b", names):
                assert re.search(r"\b(Asker|Origin|Wish|Reply)\b", names), f"{part}.{method.name}"


def _parts_of_the_studio() -> Iterator[tuple[str, str]]:
    """The file and the class of all that hangs on a studio in public, and of the studio itself."""
    studio = "bot/studio/studio.py"
    yield studio, "Studio"
    comes_from = {
        alias.name: f"{node.module.replace('.', '/')}.py"
        for node in ast.walk(parsed()[studio])
        if isinstance(node, ast.ImportFrom) and node.module is not None
        for alias in node.names
    }
    [init] = [method for method in _methods(studio, "Studio") if method.name == "__init__"]
    given = {a.arg: ast.unparse(a.annotation) for a in init.args.kwonlyargs if a.annotation}
    for node in ast.walk(init):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Attribute):
            made = (
                called(node.value) if isinstance(node.value, ast.Call) else ast.unparse(node.value)
            )
            part = given.get(made, made)
            if not node.targets[0].attr.startswith("_"):
                yield comes_from[part], part


def test_the_bots_face_reaches_what_is_stored_through_the_studio_alone() -> None:
    """Every module that speaks to Discord; what it imports of storage are names and values."""
    forbidden = {"Pictures", "Tickets", "Files", "Wordings", "Outbox", "Database", "Stores"}
    may_tell_the_place = {
        "bot/chat/announcer.py",
        "bot/chat/posting.py",
    }  # what is shown where it was asked
    for name, tree in sources(tests=False):
        if not name.startswith("bot/") or name.startswith(("bot/sandbox/", "bot/trials/soak/")):
            continue
        imported = [node for node in ast.walk(tree) if isinstance(node, ast.Import)]
        if not any(alias.name == "discord" for node in imported for alias in node.names):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                assert not forbidden & {alias.name for alias in node.names}, f"{name} imports"
            if isinstance(node, ast.Attribute):
                private = node.attr in {
                    "stores",
                    "_stores",
                    "_admission",
                    "_dispatcher",
                    "_drawings",
                }
                assert not private, f"{name}:{node.lineno}"
            if isinstance(node, ast.Call) and name not in may_tell_the_place:
                told = called(node).endswith(("messages.with_progress", "delivery.outcome"))
                assert not told, f"{name}:{node.lineno}"


def _methods(file: str, of: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(parsed()[file]):
        if isinstance(node, ast.ClassDef) and node.name == of:
            for part in node.body:
                if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield part
