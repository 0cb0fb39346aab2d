"""The settings of this installation: one frozen value from config.toml and the environment.

Its one invariant: a Settings that exists is valid.  Whatever is wrong is said at once, all of it,
each in a sentence that says what to do, because a person fixing a configuration wants one round.

The environment wins over the file: `DISCORD_TOKEN` for the token, `ATELIER_<NAME>` for the rest
(folders are separated as in PATH, other lists by commas).  Relative folders are meant from where
the file lies.
"""

from __future__ import annotations

import ipaddress
import math
import os
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from generation.fleet.local_seats import Gpus
from generation.parameters import COUNT
from generation.sources.places import CIVITAI, HUGGINGFACE, MODELSCOPE
from prompting.textfile import decoded
from prompting.writers.llama import CONTEXT
from prompting.writers.writer import DEADLINE

PREFIX = "ATELIER_"
TOKEN_VARIABLE = "DISCORD_TOKEN"
CONFIG_VARIABLE = "ATELIER_CONFIG"  # names the file; it is no setting

DEVICES = ("auto", "cuda", "mps", "cpu")
ASSIST = ("auto", "on", "off")
LOG_LEVELS = ("debug", "info", "warning", "error")
LOG_FORMATS = ("text", "json")
# Discord's own names; whoever has it may delete other people's pictures.
PERMISSIONS = (
    "administrator",
    "ban_members",
    "kick_members",
    "manage_channels",
    "manage_guild",
    "manage_messages",
    "moderate_members",
)


class SettingsInvalid(Exception):
    """The configuration has mistakes; `problems` names all of them."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Secret:
    """Text that shows itself only when asked by name, so that no log or traceback prints it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text, for the one place that needs it."""
        return self._text

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a secret is not to be written down")


class _Mistake(Exception):
    """A value that a setting cannot take; the text says what it can, as in "must be ..."."""


# A reader turns what the file or the environment holds into the setting's value.  `base` is the
# folder that relative paths are meant from.
_Reader = Callable[[object, Path], Any]


def _whole(low: int, high: int) -> _Reader:
    def read(value: object, _: Path) -> int:
        if isinstance(value, str) and re.fullmatch(r"\s*[+-]?\d+\s*", value):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise _Mistake(f"must be a whole number from {low} to {high}")
        return value

    return read


def _number(low: float, high: float) -> _Reader:
    def read(value: object, _: Path) -> float:
        if isinstance(value, str):
            try:
                value = float(value)
            except ValueError:
                value = math.nan
        good = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not good or not low <= float(value) <= high:  # type: ignore[arg-type]  # also refuses NaN
            raise _Mistake(f"must be a number from {low:g} to {high:g}")
        return float(value)  # type: ignore[arg-type]  # a number, as `good` says

    return read


def _switch(value: object, _: Path) -> bool:
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if isinstance(value, str):
        value = words.get(value.strip().lower())
    if not isinstance(value, bool):
        raise _Mistake("must be true or false")
    return value


def _one_of(allowed: tuple[str, ...]) -> _Reader:
    def read(value: object, _: Path) -> str:
        if isinstance(value, str) and value.strip().lower() in allowed:
            return value.strip().lower()
        hint = ""
        if isinstance(value, str) and (
            near := get_close_matches(value.lower(), allowed, n=1, cutoff=0.7)  # gpu is not cpu
        ):
            hint = f"; did you mean {near[0]}?"
        raise _Mistake(f"must be one of {', '.join(allowed)}{hint}")

    return read


def _device(value: object, base: Path) -> str:
    """A kind of device; which cards of that kind is what `gpus` says."""
    text = value.strip().lower() if isinstance(value, str) else ""
    if card := re.fullmatch(r"cuda:(\d+)", text):
        raise _Mistake(f'must be "cuda"; the setting gpus says which cards: gpus = [{card[1]}]')
    return str(_one_of(DEVICES)(value, base))


def _assist_device(value: object, _: Path) -> str:
    """Where the language model is: "cpu", or a card as in "gpu", "idle" and "gpu:1"."""
    text = value.strip().lower() if isinstance(value, str) else ""
    if re.fullmatch(r"cpu|(gpu|idle)(:\d{1,2})?", text) is None:
        raise _Mistake(
            'must be "cpu", "gpu" (beside the pictures) or "idle" (while nothing is drawn), the '
            'last two with a card\'s number if there are several, as in "gpu:1"'
        )
    return text


def _text(value: object, _: Path) -> str | None:
    if not isinstance(value, str):
        raise _Mistake("must be text in quotes")
    return value.strip() or None


def _token(value: object, _: Path) -> Secret | None:
    # What is found is never repeated: it may be a token with one character too many.
    if not isinstance(value, str):
        raise _Mistake("must be text in quotes")
    text = value.strip()
    if text.startswith("Bot "):
        raise _Mistake("must be the token alone, without the word Bot before it")
    if re.search(r"[\s\"']", text):
        raise _Mistake("must have no spaces or quotes inside; copy it again from where you got it")
    return Secret(text) if text else None


def _texts(value: object, _: Path) -> tuple[str, ...]:
    """A list of texts; in the environment, separated by commas."""
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise _Mistake("must be a list of texts in quotes")
    return tuple(item.strip() for item in items if item.strip())


def _ids(value: object, _: Path) -> tuple[int, ...]:
    """Discord's ids of people; in the environment, separated by commas."""
    items = value.split(",") if isinstance(value, str) else value
    texts = [str(item).strip() for item in items] if isinstance(items, list) else ["?"]
    if not all(re.fullmatch(r"\d{1,19}", text) for text in texts if text):
        raise _Mistake("must be a list of Discord ids such as [123456789012345678]")
    return tuple(int(text) for text in texts if text)


def _weights(value: object, base: Path) -> Mapping[str, float]:
    """ "name=2" items as a table; a weight is a positive number."""
    table: dict[str, float] = {}
    for item in _texts(value, base):
        name, _, number = item.rpartition("=")
        try:
            weight = float(number)
        except ValueError:
            weight = 0.0
        if not name.strip() or not 0.01 <= weight <= 100.0:
            raise _Mistake('must be a list like ["name=2"], with weights from 0.01 to 100')
        table[name.strip()] = weight
    return table


def _gpus(value: object, _: Path) -> Gpus:
    """ "all", the first so many, or a list of indices (in the environment: 0,2)."""
    if isinstance(value, str):
        text = value.strip().lower()
        if text == "all":
            return "all"
        if re.fullmatch(r"\d+", text):
            return int(text)
        value = (
            [int(n) for n in text.split(",")] if re.fullmatch(r"\d+(\s*,\s*\d+)+", text) else None
        )
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if isinstance(value, list) and value and all(type(n) is int and n >= 0 for n in value):
        return tuple(dict.fromkeys(value))
    raise _Mistake('must be "all", a number of cards, or a list of their numbers such as [0, 2]')


def _address(value: object, _: Path) -> str | None:
    """Where a Ray cluster is."""
    text = value.strip() if isinstance(value, str) else None
    if text is None or not re.fullmatch(r"|auto|[^\s:/]+:\d{1,5}", text):
        raise _Mistake('must be like "10.0.0.1:6379", the address that ray start --head shows')
    return text or None


def _web_address(value: object, _: Path) -> str:
    """Where a place of models is."""
    text = value.strip().rstrip("/") if isinstance(value, str) else ""
    if not re.fullmatch(r"https?://[\w.-]+(:\d{1,5})?(/[\w./-]*)?", text):
        raise _Mistake('must be an address such as "https://mirror.example"')
    return text


def _own_address(value: object, base: Path) -> str | None:
    """How others reach the bot's own pages."""
    return _web_address(value, base) if not isinstance(value, str) or value.strip() else None


def _listen(value: object, _: Path) -> str:
    """An address of this machine."""
    text = value.strip() if isinstance(value, str) else ""
    try:
        return "127.0.0.1" if text == "localhost" else str(ipaddress.ip_address(text))
    except ValueError:
        raise _Mistake(
            'must be an address of this machine such as "127.0.0.1", or "0.0.0.0" for all of them'
        ) from None


def _folder(value: object, base: Path) -> Path:
    """A folder that is there or can be made."""
    if not isinstance(value, str) or not value.strip():
        raise _Mistake("must be the name of a folder")
    folder = base / Path(value.strip()).expanduser()
    there = next(p for p in (folder, *folder.parents) if p.exists() or p == p.parent)
    if not there.is_dir():
        raise _Mistake(f"must be a folder, and {there} is a file")
    if not os.access(there, os.W_OK):
        raise _Mistake(f"must be a folder that can be written to, and {there} cannot")
    return folder


def _folders(value: object, base: Path) -> tuple[Path, ...]:
    """Folders that are there."""
    names = value.split(os.pathsep) if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(n, str) and n.strip() for n in names):
        raise _Mistake("must be a list of folders")
    folders = tuple(base / Path(name.strip()).expanduser() for name in names)
    missing = [str(folder) for folder in folders if not folder.is_dir()]
    if missing:
        raise _Mistake(f"must be folders that exist, and these do not: {', '.join(missing)}")
    return folders


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything the owner of an installation decides.  `config.example.toml` explains each."""

    token: Secret | None = field(default=None, metadata={"read": _token})
    data: Path = field(default=Path("var"), metadata={"read": _folder})
    models: tuple[Path, ...] = field(default=(), metadata={"read": _folders})
    huggingface: str = field(default=HUGGINGFACE, metadata={"read": _web_address})
    huggingface_token: Secret | None = field(default=None, metadata={"read": _token})
    modelscope: str = field(default=MODELSCOPE, metadata={"read": _web_address})
    modelscope_token: Secret | None = field(default=None, metadata={"read": _token})
    civitai: str = field(default=CIVITAI, metadata={"read": _web_address})
    civitai_token: Secret | None = field(default=None, metadata={"read": _token})
    default_model: str | None = field(default=None, metadata={"read": _text})
    device: str = field(default="auto", metadata={"read": _device})
    gpus: Gpus = field(default="all", metadata={"read": _gpus})
    cpu_workers: int = field(default=1, metadata={"read": _whole(0, 64)})
    cluster: str | None = field(default=None, metadata={"read": _address})
    cluster_port: int = field(default=8421, metadata={"read": _whole(0, 65535)})
    cluster_cache_gib: int = field(default=200, metadata={"read": _whole(1, 100_000)})
    guild: int | None = field(default=None, metadata={"read": _whole(1, 2**63 - 1)})
    shards: int = field(default=1, metadata={"read": _whole(0, 10_000)})
    message_content: bool = field(default=False, metadata={"read": _switch})
    max_waiting_per_person: int = field(default=16, metadata={"read": _whole(1, 1000)})
    max_seconds_per_person: float = field(default=1800.0, metadata={"read": _number(10, 1_000_000)})
    role_weights: Mapping[str, float] = field(default_factory=dict, metadata={"read": _weights})
    relaxed_roles: tuple[str, ...] = field(default=(), metadata={"read": _texts})
    server_weights: Mapping[str, float] = field(default_factory=dict, metadata={"read": _weights})
    safety_scorer: str | None = field(default=None, metadata={"read": _text})
    direct_messages: bool = field(default=True, metadata={"read": _switch})
    user_installs: bool = field(default=False, metadata={"read": _switch})
    newcomer_days: float = field(default=7.0, metadata={"read": _number(0, 3650)})
    max_count: int = field(default=COUNT.high, metadata={"read": _whole(COUNT.low, COUNT.high)})
    preview_every: int = field(default=4, metadata={"read": _whole(0, 150)})
    progress_seconds: float = field(default=3.0, metadata={"read": _number(3, 60)})
    owners: tuple[int, ...] = field(default=(), metadata={"read": _ids})
    moderator_permission: str = field(
        default="manage_messages", metadata={"read": _one_of(PERMISSIONS)}
    )
    assist: str = field(default="auto", metadata={"read": _one_of(ASSIST)})
    assist_model: str | None = field(default=None, metadata={"read": _text})
    assist_fetch: bool = field(default=False, metadata={"read": _switch})
    assist_server: str | None = field(default=None, metadata={"read": _text})
    assist_server_model: str | None = field(default=None, metadata={"read": _text})
    assist_server_key: Secret | None = field(default=None, metadata={"read": _token})
    assist_threads: int = field(default=1, metadata={"read": _whole(1, 256)})
    assist_deadline: float = field(default=DEADLINE, metadata={"read": _number(1, 600)})
    assist_context: int = field(default=CONTEXT, metadata={"read": _whole(1024, 131_072)})
    assist_device: str = field(default="cpu", metadata={"read": _assist_device})
    assist_gpu_layers: int = field(default=-1, metadata={"read": _whole(-1, 1000)})
    forbidden_words: tuple[str, ...] = field(default=(), metadata={"read": _texts})
    allowed_phrases: tuple[str, ...] = field(default=(), metadata={"read": _texts})
    keep_files_days: int = field(default=0, metadata={"read": _whole(0, 36500)})
    sandbox_port: int = field(default=8420, metadata={"read": _whole(0, 65535)})
    open_browser: bool = field(default=True, metadata={"read": _switch})
    log_level: str = field(default="info", metadata={"read": _one_of(LOG_LEVELS)})
    log_format: str = field(default="text", metadata={"read": _one_of(LOG_FORMATS)})
    metrics_port: int = field(default=0, metadata={"read": _whole(0, 65535)})
    web_on: bool = field(default=False, metadata={"read": _switch})
    web_listen: str = field(default="127.0.0.1", metadata={"read": _listen})
    web_port: int = field(default=8422, metadata={"read": _whole(0, 65535)})
    web_address: str | None = field(default=None, metadata={"read": _own_address})

    @property
    def fetched_models(self) -> Path:
        """Where models go that are fetched: the first folder of `models`, else one of our own."""
        return self.models[0] if self.models else self.data / "models"

    @property
    def model_folders(self) -> tuple[Path, ...]:
        """Where models may lie."""
        own = self.fetched_models
        return self.models or ((own,) if own.is_dir() else ())

    @classmethod
    def load(cls, path: Path | None, environ: Mapping[str, str]) -> Settings:
        """Read the file, if one is named, and the environment.  Raises SettingsInvalid."""
        problems: list[str] = []
        found: dict[str, Any] = {}
        file = _file(path, problems)
        base = path.parent if path is not None else Path()
        for where, values, origin in (
            (path.name if path is not None else "", file, base),
            ("the environment", _variables(environ, problems), Path()),
        ):
            for name, (label, value) in values.items():
                try:
                    found[name] = _READERS[name](value, origin)
                except _Mistake as mistake:
                    shown = "" if name in SECRETS else f" is {value!r:.80}, but"
                    problems.append(f"{label} in {where}{shown} {mistake}")
        if problems:
            raise SettingsInvalid(tuple(problems))
        return cls(**found)


_READERS: dict[str, _Reader] = {f.name: f.metadata["read"] for f in fields(Settings)}
NAMES = tuple(_READERS)
SECRETS = frozenset(name for name, reader in _READERS.items() if reader is _token)


def forget_secrets(environ: MutableMapping[str, str]) -> None:
    """What this process starts has no use for them, and so never sees them."""
    for name in (TOKEN_VARIABLE, *(PREFIX + name.upper() for name in SECRETS)):
        environ.pop(name, None)


# Where a value was found: the setting's name -> what the person calls it there, and the value.
_Found = dict[str, tuple[str, object]]


def _file(path: Path | None, problems: list[str]) -> _Found:
    if path is None:
        return {}
    try:
        data = tomllib.loads(decoded(path.read_bytes()))
    except FileNotFoundError:
        problems.append(f"{path} does not exist; copy config.example.toml to that name")
        return {}
    except UnicodeDecodeError as error:
        problems.append(
            f"{path.name} is not in UTF-8 (byte {error.start + 1}): save it again as UTF-8"
        )
        return {}
    except OSError as error:
        problems.append(f"{path} cannot be read: {error.strerror or error}")
        return {}
    except tomllib.TOMLDecodeError as error:
        # The error's text names line and column, and never the value, which may be a token.
        problems.append(f"{path.name} is no TOML: {error}; text needs quotes, a list [brackets]")
        return {}
    except RecursionError:
        problems.append(f"{path.name} has brackets within brackets beyond all measure")
        return {}
    return _known(_named(data), path.name, problems)


def _named(data: Mapping[str, object]) -> Iterator[tuple[str, str, object]]:
    """Label, name and value of each line: `port` below `[web]`, or `web.port`, is web_port."""
    for name, value in data.items():
        if isinstance(value, dict) and name not in _READERS and _is_table(name):
            for key, inner in value.items():
                yield f"{name}.{key}", f"{name}_{key}", inner
        else:
            yield name, name, value


def _is_table(name: str) -> bool:
    return any(known.startswith(f"{name}_") for known in NAMES)


def _variables(environ: Mapping[str, str], problems: list[str]) -> _Found:
    ours = [
        (name, name.removeprefix(PREFIX).lower(), value)
        for name, value in environ.items()
        if name.startswith(PREFIX) and name != CONFIG_VARIABLE
    ]
    if TOKEN_VARIABLE in environ:
        ours.append((TOKEN_VARIABLE, "token", environ[TOKEN_VARIABLE]))
    return _known(ours, "the environment", problems)


def _known(given: Iterable[tuple[str, str, object]], where: str, problems: list[str]) -> _Found:
    found: _Found = {}
    for label, name, value in given:
        if name in _READERS:
            found[name] = (label, value)
            continue
        near = get_close_matches(name.lower(), NAMES, n=1)
        hint = f"; did you mean {near[0]}?" if near else "; config.example.toml lists them"
        problems.append(f"{label} in {where} is no setting{hint}")
    return found
