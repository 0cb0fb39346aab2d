"""Every request that the bot sends in any test is checked against Discord's own rules.

The rules are Discord's OpenAPI document and what its documentation says beside it.  They are kept
outside this repository, in `../shared/discord`; without that folder nothing is checked, and tests
that ask for the fixture `contract`, which has the requests, are skipped.

Invariant: a request that Discord would refuse is refused here, as Discord does it, and the test
fails at its end even where the bot has swallowed the refusal.
"""

from __future__ import annotations

import importlib.util
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from simcord.backend.errors import BackendError
from simcord.http import router

RULES = Path(__file__).parents[3] / "shared" / "discord"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request of the bot, and what Discord would object to."""

    method: str
    path: str
    body: Any
    problems: tuple[str, ...]


@dataclass(slots=True)
class Contract:
    """What the bot has sent so far."""

    requests: list[Request] = field(default_factory=list)

    @property
    def broken(self) -> list[Request]:
        return [request for request in self.requests if request.problems]


@pytest.fixture(autouse=True)
def legal() -> Iterator[Contract | None]:
    """Refuse what Discord would refuse, and fail the test for it."""
    if not (RULES / "openapi.json").exists():
        yield None
        return
    log, dispatch = Contract(), router.dispatch

    def checked(
        backend: Any, method: str, path: str, *, json: Any = None, files: Any = (), **others: Any
    ) -> Any:
        files = list(files or ())
        if method in ("POST", "PUT", "PATCH"):
            request, refusal = _checked(method, path, json, files)
            log.requests.append(request)
            if refusal is not None:
                raise refusal
        return dispatch(backend, method, path, json=json, files=files, **others)

    router.dispatch = checked
    try:
        yield log
    finally:
        router.dispatch = dispatch
    if log.broken:
        pytest.fail("\n".join(f"{r.method} {r.path}: {r.problems}" for r in log.broken))


@pytest.fixture
def contract(legal: Contract | None) -> Contract:
    """What the bot has sent so far in this test."""
    if legal is None:
        pytest.skip("Discord's rules are not beside this repository (../shared/discord)")
    return legal


def _checked(
    method: str, path: str, body: Any, files: list[Any]
) -> tuple[Request, BackendError | None]:
    rules, sizes = load_rules(), {f"files[{i}]": _size(file) for i, file in enumerate(files)}
    if sizes:
        found = rules.check_multipart(method, path, body, sizes)
    else:
        found = rules.check(method, path, body)
    problems = tuple(map(str, found))
    request = Request(method=method, path=path, body=body, problems=problems)
    if not found:
        return request, None
    return request, BackendError(found[0].status, found[0].code, "; ".join(problems)[:400])


@cache
def load_rules() -> Any:
    """The checker, from its file; loading takes 50 ms."""
    spec = importlib.util.spec_from_file_location("discord_rules", RULES / "discord_contract.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look themselves up there
    spec.loader.exec_module(module)
    with warnings.catch_warnings():
        # It opens its document and leaves closing to the garbage collector.
        warnings.simplefilter("ignore", ResourceWarning)
        return module.Contract(str(RULES / "openapi.json"))


def _size(file: Any) -> int:
    stream = getattr(file, "fp", file)
    at = stream.tell()
    size: int = stream.seek(0, 2)
    stream.seek(at)
    return size
