"""The doctor: finds what is wrong, says what to do, and never shows the token."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from pathlib import Path

import pytest

from bot.cli import doctor, machine
from bot.cli.doctor import examine
from bot.cli.findings import Finding, Health
from bot.cli.listening import own_pages
from bot.settings import Secret, Settings
from prompting.writers import installed
from storage.database import Database

TOKEN = "FAKE.token-for.tests"


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


def answer(**facts: object) -> tuple[str, ...]:
    """A program that answers as torch would."""
    said = {"version": "2", "cuda": "", "built_for": "", "free": 0, "total": 0, "mps": False}
    return python(f"print({json.dumps({**said, **facts})!r})")


def no_torch() -> Finding:
    """Asking the real one takes seconds."""
    return Finding(what="device", state=Health.GOOD, found="the processor")


def by_name(findings: list[Finding]) -> dict[str, list[Finding]]:
    named: dict[str, list[Finding]] = {}
    for finding in findings:
        named.setdefault(finding.what, []).append(finding)
    return named


def test_whatever_is_wrong_comes_with_a_deed(tmp_path: Path) -> None:
    (tmp_path / "broken.safetensors").write_bytes(b"no weights")
    (tmp_path / "old.ckpt").write_bytes(b"no weights either")
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "atelier.sqlite3").write_bytes(b"no database" * 1000)
    config = tmp_path / "config.toml"
    config.write_text('data = "var"\nmodels = ["."]\ndefault_model = "nosuch"\ndevice = "cpu"\n')
    findings = list(examine(config, {"DISCORD_TOKEN": TOKEN}, device=no_torch))
    named = by_name(findings)
    assert all(f.advice for f in findings if f.state is Health.WRONG)
    assert {"broken.safetensors", "old.ckpt"} <= {f.found.split(":")[0] for f in named["refused"]}
    assert any("nosuch" in f.found for f in named["models"])
    assert named["database"][0].state is Health.WRONG
    assert TOKEN not in repr(findings)


def test_mistaken_settings_are_all_named_and_nothing_else_fails(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text("max_count = 90\ndevcie = 'cpu'\n")
    named = by_name(list(examine(config, {}, device=no_torch)))
    assert len(named["settings"]) == 2
    assert all(f.state is Health.WRONG for f in named["settings"])
    assert "machine" in named


def test_the_answer_for_programs_is_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config.toml"
    config.write_text("max_count = 90\n")
    assert doctor.doctor(config, {}, as_json=True, online=False, device=no_torch) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["well"] is False
    assert any(f["state"] == "wrong" and "max_count" in f["found"] for f in said["findings"])


def test_people_read_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "config.toml"
    config.write_text("max_count = 90\n")
    doctor.doctor(config, {}, as_json=False, online=False, device=no_torch)
    shown = capsys.readouterr().out
    assert "→ mend that line" in shown
    assert "1 to mend" in shown


@pytest.mark.parametrize(
    ("facts", "found"),
    [
        ({}, "the processor"),
        ({"cuda": "Fast Card", "free": 2**30, "total": 2**31}, "Fast Card, 2.0 GiB (1.0 GiB free)"),
        ({"mps": True}, "Apple GPU"),
    ],
)
def test_the_device_is_what_torch_says(facts: dict[str, object], found: str) -> None:
    finding = machine.torch(answer(**facts))
    assert finding.state is Health.GOOD
    assert found in finding.found


@pytest.mark.parametrize(("device", "wrong"), [("cuda", True), ("auto", False), ("cpu", False)])
def test_a_card_that_is_wanted_and_not_there_is_wrong(
    tmp_path: Path, device: str, wrong: bool
) -> None:
    environ = {"ATELIER_DEVICE": device, "ATELIER_DATA": str(tmp_path)}
    found = by_name(list(examine(None, environ, device=no_torch)))["device"]
    assert [f.state is Health.WRONG for f in found] == ([False, True] if wrong else [False])


def test_a_torch_that_dies_is_a_finding_and_no_crash() -> None:
    finding = machine.torch(python("raise ImportError('libcudart.so.13: cannot open')"))
    assert finding.state is Health.WRONG
    assert "libcudart.so.13" in finding.found
    assert finding.advice


def test_installed_libraries_are_the_pinned_ones() -> None:
    assert machine.libraries().state is Health.GOOD


@pytest.mark.parametrize(
    ("here", "encodes", "said"),
    [
        ({"av", "soundfile"}, True, ""),
        ({"av"}, True, "pip install -c constraints.txt soundfile"),
        ({"soundfile"}, False, "pip install -c constraints.txt av"),
        (set(), False, "pip install -c constraints.txt av soundfile"),
        ({"av", "soundfile"}, False, "the av that pip brings"),
    ],
)
def test_what_clips_and_sounds_lack_is_a_note_with_what_to_install(
    here: set[str], encodes: bool, said: str
) -> None:
    finding = machine.encoders(here.__contains__, lambda: encodes)
    assert finding.state is (Health.NOTE if said else Health.GOOD)
    assert finding.advice.endswith(said)
    assert all(name in finding.found for name in {"av", "soundfile"} - here)


def test_here_nothing_is_lacking_for_clips_and_sounds() -> None:
    assert machine.encoders().state is Health.GOOD


def test_a_taken_port_is_noticed() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        assert machine.port(other.getsockname()[1]).state is Health.NOTE
    assert machine.port(0).state is Health.GOOD


def test_a_token_that_others_can_read_is_a_note(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(f"token = '{TOKEN}'\n")
    config.chmod(0o644)
    finding = doctor.token(Secret(TOKEN), config)
    if sys.platform != "win32":
        assert finding.advice == f"chmod 600 {config}"
        config.chmod(0o600)
    assert doctor.token(Secret(TOKEN), config).state is Health.GOOD
    assert TOKEN not in repr(finding)


def test_the_bot_at_work_is_no_illness(tmp_path: Path) -> None:
    path = tmp_path / "atelier.sqlite3"
    environ = {"ATELIER_DATA": str(tmp_path)}

    async def look() -> tuple[Finding, Finding]:
        database = await Database.open(path)
        during = await doctor.database(path)
        all_of_it = await asyncio.to_thread(lambda: [*examine(None, environ, device=no_torch)])
        assert "sandbox" not in by_name(all_of_it)  # its port is the bot's own
        await database.close()
        return during, await doctor.database(path)

    during, after = asyncio.run(look())
    assert during.state is Health.NOTE
    assert "process" in during.found
    assert after.state is Health.GOOD
    assert "0 pictures wait" in after.found


def test_looking_for_a_database_makes_none(tmp_path: Path) -> None:
    asyncio.run(doctor.database(tmp_path / "atelier.sqlite3"))
    assert list(tmp_path.iterdir()) == []


def test_little_room_is_told(tmp_path: Path) -> None:
    assert machine.disk(tmp_path / "not" / "yet").found.endswith(f"free for {tmp_path}/not/yet")
    assert Settings().data.name == "var"


def found(folder: Path, **settings: str) -> Finding:
    """What is said of the assistant with these settings."""
    environ = {f"ATELIER_{name.upper()}": value for name, value in settings.items()}
    (finding,) = by_name(list(examine(None, environ, device=no_torch)))["assistant"]
    assert "\n" not in finding.found, f"one line, in {folder}"
    return finding


def test_the_doctor_says_who_finds_words_and_how_to_get_llama(tmp_path: Path) -> None:
    usual = found(tmp_path)
    assert usual.state is Health.GOOD
    assert "the built-in assistant writes (" in usual.found
    assert "4 MB, 4 layers, on the processor" in usual.found
    assert "llama.cpp" in usual.found
    if not installed.is_there():
        assert installed.HOW_TO_GET in usual.found


def test_the_doctor_says_why_a_chosen_model_does_not_write(tmp_path: Path) -> None:
    gone = found(tmp_path, assist_model=str(tmp_path / "gone.gguf"))
    assert gone.state is Health.NOTE
    assert "the built-in assistant writes" in gone.found
    assert ("there is no file" in gone.found) == installed.is_there()
    assert bool(gone.advice)
    server = found(tmp_path, assist_server="http://127.0.0.1:9/v1")
    assert "no connection to the server" in server.found
    lonely = found(tmp_path, assist_device="idle")
    assert (lonely.state, lonely.advice) == (Health.NOTE, "name a GGUF in assist_model")


@pytest.mark.parametrize(
    ("lines", "state", "said"),
    [
        ("", Health.GOOD, "off"),
        ("on = true", Health.NOTE, "nobody reaches that from elsewhere"),
        ("on = true\naddress = 'https://a.example'", Health.GOOD, "https://a.example"),
        ("on = true\naddress = 'http://a.example:8422/b'", Health.NOTE, "HTTPS"),
        ("on = true\naddress = 'http://localhost:8422'", Health.GOOD, "localhost"),
    ],
)
def test_the_doctor_says_where_links_to_the_own_pages_lead(
    tmp_path: Path, lines: str, state: Health, said: str
) -> None:
    config = tmp_path / "config.toml"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config.write_text(f"[web]\nport = {port}\n{lines}")
    finding = own_pages(Settings.load(config, {}), at_work=False)
    assert finding.state is state
    assert said in finding.found + finding.advice


def test_the_doctor_sees_that_the_own_pages_cannot_have_their_port(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings = Settings(data=tmp_path, web_on=True, web_port=taken.getsockname()[1])
        assert "cannot be had" in own_pages(settings, at_work=False).found
        assert "cannot be had" not in own_pages(settings, at_work=True).found
