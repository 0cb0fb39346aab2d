"""The log: the whole story in a file, what matters on the screen.

    log_format = "text"   2026-11-23 01:02:03,456 INFO bot.telemetry.journal: job 12 drawn in 3.4 s
    log_format = "json"   {"time": "2026-11-23T01:02:03.456+00:00", "level": "info", ..., "job": 12}

A line's facts are passed beside its words, as `extra={"job": 12}`; FIELDS names those that the
JSON lines carry.  Invariants: no secret of the settings is ever written, whoever logs it; no line
and no trace is longer than LINE and TRACE, whatever went wrong.

It needs nothing but the standard library: a broken installation can still tell what is wrong.
"""

from __future__ import annotations

import contextlib
import json
import logging
import logging.handlers
import re
import sys
from collections.abc import Callable, Iterable
from copy import copy
from dataclasses import fields
from datetime import UTC, datetime
from io import TextIOWrapper
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bot.settings import SECRETS, Secret, Settings
from storage import private

log = logging.getLogger(__name__)

FIELDS = ("job", "request", "seat", "model", "seconds", "waited", "outcome")
FILE = "atelier.log"
# Their debug lines hold what people wrote (values of SQL, messages of Discord), or are only many.
TALKATIVE = ("aiosqlite", "asyncio", "discord", "matplotlib", "PIL")
LINE = 4_000  # letters
TRACE = 60  # lines: the first third, where it began, and the end, where it went wrong
# Of one letter, "***" would be everywhere, and a key that short keeps nothing secret.
SHORTEST_SECRET = 6


class _Masked(logging.Formatter):
    """Lines in which no secret stands."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        spelt = {form for s in secrets if len(s) >= SHORTEST_SECRET for form in _spellings(s)}
        self._secrets = sorted(spelt, key=len, reverse=True)

    def formatException(self, ei: Any) -> str:  # noqa: N802  # logging's name
        lines = super().formatException(ei).splitlines()
        if len(lines) > TRACE:
            left = f"  ... {len(lines) - TRACE} lines ..."
            lines = [*lines[: TRACE // 3], left, *lines[len(lines) - TRACE + TRACE // 3 :]]
        return "\n".join(line if len(line) <= LINE else line[:LINE] + " ..." for line in lines)

    def mask(self, text: str) -> str:
        """The text, with stars for secrets."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


class Text(_Masked):
    """For people."""

    def format(self, record: logging.LogRecord) -> str:
        return self.mask(super().format(_short(record)))


class Json(_Masked):
    """For programs: one object per line."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self.mask(_short(record).getMessage()),
        }
        for name in FIELDS:
            value = getattr(record, name, None)
            if value is not None:
                plain = isinstance(value, (int, float))
                line[name] = value if plain else self.mask(str(value))
        if record.exc_info:
            line["error"] = self.mask(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)


class _File(logging.handlers.RotatingFileHandler):
    """A full disk costs lines, and one on the screen, not a trace for each of them."""

    told = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # logging's name
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
        elif not self.told:
            self.told = True
            sys.stderr.write(f"The log cannot be written: {error}\n")

    def _open(self) -> TextIOWrapper:
        private.make_file(Path(self.baseFilename))  # the next one too, when this one is full
        return super()._open()

    def reopen_after(self, replacing: Callable[[], object]) -> None:
        """Let go of the file while another takes its place."""
        if self.stream is not None:
            self.stream.close()
        replacing()
        self.stream = self._open()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            super().close()


class _Briefly(_Masked):
    """For a command's screen: what is wrong, without its trace."""

    def format(self, record: logging.LogRecord) -> str:
        return self.mask(_short(record).getMessage())


class _Once(logging.Filter):
    """What goes wrong every second is told once."""

    def __init__(self) -> None:
        super().__init__()
        self._told: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        # Other numbers (of jobs, of seconds) are the same news, other words are not.
        words = re.sub(r"\d+", "", record.getMessage())
        told = words in self._told
        self._told.add(words)
        return not told


def write_log(settings: Settings, *, quiet: bool, said_elsewhere: str = "") -> None:
    """Begin to write.  `quiet` keeps the screen for a command's own words, and for errors, in
    short; those of the logger `said_elsewhere` end in a sentence on the screen anyway."""
    level = getattr(logging, settings.log_level.upper())
    root = logging.getLogger()
    root.setLevel(level)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(max(level, logging.INFO))
    known = _secrets(settings)
    screen = logging.StreamHandler()
    screen.setLevel(logging.ERROR if quiet else level)
    screen.addFilter(lambda r: r.name != said_elsewhere or r.levelno < logging.ERROR)
    screen.setFormatter(_Briefly(known) if quiet else Text(known))
    if quiet:
        screen.addFilter(_Once())
    root.addHandler(screen)
    try:
        private.make_folder(settings.data)
        for old in settings.data.glob(f"{FILE}*"):
            private.keep(old)
        private.make_file(settings.data / FILE)
        file = _File(settings.data / FILE, maxBytes=5_000_000, backupCount=3, encoding="utf-8")
    except OSError as error:
        log.warning("no log file: %s", error)
        return
    file.setFormatter(Json(known) if settings.log_format == "json" else Text(known))
    root.addHandler(file)


def strike_out(data: Path, holds: Callable[[str], bool]) -> int:
    """Take every record out of the log, and of its older files, that holds such a thing.

    Returns how many went.  What is written meanwhile waits.
    """
    writing = [h for h in logging.getLogger().handlers if isinstance(h, _File)]
    ours = [h for h in writing if Path(h.baseFilename).parent == data.resolve()]
    for handler in ours:
        handler.acquire()
    try:
        return sum(_strike_out(path, holds, ours) for path in sorted(data.glob(f"{FILE}*")))
    finally:
        for handler in ours:
            handler.release()


_RECORD = re.compile(r"^(?:\d{4}-\d\d-\d\d |\{)", re.MULTILINE)


def _strike_out(path: Path, holds: Callable[[str], bool], writing: list[_File]) -> int:
    text = path.read_text(encoding="utf-8", errors="replace")
    begins = [found.start() for found in _RECORD.finditer(text)]
    if not begins or begins[0]:
        begins.insert(0, 0)
    records = [text[a:b] for a, b in zip(begins, [*begins[1:], len(text)], strict=True)]
    kept = [record for record in records if not holds(record)]
    if len(kept) == len(records):
        return 0
    new = path.with_name(f"{path.name}.new")
    private.make_file(new)
    new.write_text("".join(kept), encoding="utf-8")
    for handler in writing:
        if Path(handler.baseFilename) == path.resolve():
            handler.reopen_after(lambda: new.replace(path))
            return len(records) - len(kept)
    new.replace(path)
    return len(records) - len(kept)


def wordless(error: BaseException, typed: str) -> BaseException:
    """The error for the log, its trace and chain with it, without what a person typed.

    An error of ours keeps no words; a foreign one may quote what it could not read.
    """
    said = set(re.findall(r"\w{3,}", typed.casefold()))
    return _without(error, said, set())


def _without(error: BaseException, said: set[str], seen: set[int]) -> BaseException:
    kind = type(error)
    quotes = not said.isdisjoint(re.findall(r"\w{3,}", str(error).casefold()))
    told = "(what it says is made of a person's words)" if quotes else str(error)
    copied: BaseException = type(kind.__qualname__, (Exception,), {"__module__": kind.__module__})(
        told
    )
    seen.add(id(error))
    for link in ("__cause__", "__context__"):
        before = getattr(error, link)
        if before is not None and id(before) not in seen:
            setattr(copied, link, _without(before, said, seen))
    copied.__suppress_context__ = error.__suppress_context__
    return copied.with_traceback(error.__traceback__)


def _short(record: logging.LogRecord) -> logging.LogRecord:
    """The record with no more than the begin of its words, and without another's trace of it."""
    short, said = copy(record), record.getMessage()
    if len(said) > LINE:
        said = f"{said[:LINE]} ... ({len(said)} letters)"
    short.msg, short.args, short.exc_text = said, None, None
    return short


def _spellings(secret: str) -> tuple[str, ...]:
    """As it stands, within a repr or JSON, and within an address."""
    within = (repr(secret), ascii(secret), json.dumps(secret))
    return (secret, quote(secret), quote(secret, safe=""), *(text[1:-1] for text in within))


def _secrets(settings: Settings) -> tuple[str, ...]:
    values = (getattr(settings, f.name) for f in fields(Settings) if f.name in SECRETS)
    return tuple(value.reveal() for value in values if isinstance(value, Secret))
