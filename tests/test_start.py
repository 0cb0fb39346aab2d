"""The launcher: a second call takes no time, an interrupted one leaves no lie behind.

The environment here is a folder whose `python` is a small script that plays pip, so that nothing
is fetched; one slow test makes a real one.
"""

from __future__ import annotations

import ast
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

import start

ROOT = Path(__file__).parent.parent

posix = pytest.mark.skipif(os.name == "nt", reason="the fake python is a script with a #! line")

PYPROJECT = """
[project]
dependencies = ["alpha>=1"]
[project.optional-dependencies]
dev = ["beta>=2"]
"""


class Machine:
    """A project folder with an environment whose python plays pip."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.env = start.Env(root / ".venv")
        self.env.python.parent.mkdir(parents=True)
        (root / "pyproject.toml").write_text(PYPROJECT)
        (root / "constraints.txt").write_text("alpha==1.5\n")
        self.lacking = "\0"
        self.pip_says("Successfully installed", status=0)

    def lacks(self, package: str) -> None:
        """From now on that package is not there."""
        self.lacking = package
        output, status = self.said
        self.pip_says(output, status=status)

    def pip_says(self, output: str, *, status: int) -> None:
        """From now on pip prints this and exits so."""
        self.said = output, status
        code = f"""\
            #!{sys.executable}
            import os, sys
            if {self.lacking!r} in " ".join(sys.argv) and "-c" == sys.argv[1]:
                sys.exit(1)
            if "install" in sys.argv:
                open({str(self.root / "cmake")!r}, "w").write(os.environ.get("CMAKE_ARGS", ""))
                with open({str(self.root / "calls")!r}, "a") as calls:
                    calls.write(" ".join(sys.argv[1:]) + "\\n")
                print({output!r})
                sys.exit({status})
            """
        self.env.python.write_text(textwrap.dedent(code))
        self.env.python.chmod(0o755)

    def ensure(self, *, developers: bool = False) -> None:
        start.ensure(self.env, self.root, developers=developers)

    @property
    def calls(self) -> list[str]:
        path = self.root / "calls"
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@posix
def test_the_first_call_installs_the_pinned_dependencies_and_not_us(machine: Machine) -> None:
    machine.ensure()
    (call,) = machine.calls
    assert call.endswith(f"-c {machine.root / 'constraints.txt'} alpha>=1")


@posix
def test_a_second_call_installs_nothing(machine: Machine) -> None:
    machine.ensure()
    machine.ensure()
    assert len(machine.calls) == 1


@posix
def test_developers_tools_come_when_they_are_needed(machine: Machine) -> None:
    machine.ensure()
    machine.ensure(developers=True)
    machine.ensure()
    assert len(machine.calls) == 2
    assert machine.calls[1].endswith("alpha>=1 beta>=2")


@posix
def test_developers_need_no_second_installation_to_run_the_bot(machine: Machine) -> None:
    machine.ensure(developers=True)
    machine.ensure()
    assert len(machine.calls) == 1


@posix
@pytest.mark.parametrize("file", ["pyproject.toml", "constraints.txt", ".venv/pyvenv.cfg"])
def test_other_pins_or_another_python_install_again(machine: Machine, file: str) -> None:
    machine.ensure()
    path = machine.root / file
    old = path.read_text() if path.exists() else ""
    path.write_text(old.replace("1", "1.2") + "\n#\n")
    machine.ensure()
    assert len(machine.calls) == 2


@posix
def test_a_setting_of_a_linter_installs_nothing(machine: Machine) -> None:
    machine.ensure()
    with (machine.root / "pyproject.toml").open("a") as file:
        file.write("[tool.ruff]\nline-length = 100\n")
    machine.ensure()
    assert len(machine.calls) == 1


@posix
def test_a_failed_installation_leaves_no_stamp_and_is_taken_up_again(machine: Machine) -> None:
    machine.pip_says("NewConnectionError: getaddrinfo failed", status=1)
    with pytest.raises(start.SetupFailed, match="no network"):
        machine.ensure()
    assert not machine.env.unfinished.exists()
    machine.pip_says("Successfully installed", status=0)
    machine.ensure()
    assert len(machine.calls) == 2


@posix
def test_failing_while_unpacking_marks_the_environment_as_unusable(machine: Machine) -> None:
    said = "Installing collected packages: alpha\nERROR: No space left on device"
    machine.pip_says(said, status=1)
    with pytest.raises(start.SetupFailed, match="The disk is full"):
        machine.ensure()
    assert machine.env.unfinished.exists()


@pytest.mark.slow
def test_an_unusable_environment_is_made_anew(tmp_path: Path) -> None:
    env = start.Env(tmp_path / ".venv")
    env.python.parent.mkdir(parents=True)
    env.python.write_text("half a python")
    env.unfinished.touch()
    start.make_environment(env)
    assert start.quiet(env, "-m", "pip", "-V") == 0
    assert not env.unfinished.exists()


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("OSError: [Errno 28] No space left on device", "The disk is full."),
        ("NewConnectionError(...)\nERROR: No matching distribution found for torch", "no network"),
        ("ERROR: No matching distribution found for torch==2.13.0", "torch has no ready build"),
        ("SSLError(SSLCertVerificationError)", "certificate"),
        ("ResolutionImpossible", "lacks a version"),
        (
            "CMake Error: CMAKE_CXX_COMPILER not set, after EnableLanguage\n"
            "  ERROR: Failed building wheel for llama-cpp-python",
            "sudo apt install build-essential",
        ),
        ("Could NOT find CUDAToolkit\nERROR: Failed building wheel for x", "unset them"),
        ("PermissionError: [Errno 13] Permission denied: '.venv'", "may not be written"),
        ("something new", "It failed."),
    ],
)
def test_a_failure_is_explained_in_a_sentence(output: str, sentence: str) -> None:
    said = start.explain(output, "It failed.")
    assert sentence in said
    assert output.splitlines()[-1] in said


def test_many_lines_of_pip_become_few(capsys: pytest.CaptureFixture[str]) -> None:
    progress = start.InstallProgress()
    for line in (
        "Collecting torch==2.13.0",
        "  Downloading torch-2.13.0-cp311-none-linux_x86_64.whl (190.1 MB)",
        "Collecting rich>=14",
        "  Downloading rich-15.0.0-py3-none-any.whl (310 kB)",
        "  Building wheel for slow (pyproject.toml): started",
        "  Building wheel for slow (pyproject.toml): finished with status 'done'",
        "Installing collected packages: torch, rich",
    ):
        progress.hear(line + "\n")
    progress.stop()
    assert capsys.readouterr().err.splitlines() == [
        "  downloading torch 2.13.0 (190.1 MB) ...",
        "  compiling slow ...",
        "  unpacking 2 packages ...",
    ]


@posix
def test_llama_is_built_when_it_is_asked_for_with_its_pin(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    with (machine.root / "pyproject.toml").open("a") as file:
        file.write('llama = ["llama-cpp-python==9.9"]\n')
    start.build_llama(machine.env, machine.root)
    assert "9.9 is here already" in capsys.readouterr().err
    assert machine.calls == []

    machine.lacks("llama-cpp-python")
    start.build_llama(machine.env, machine.root)
    (call,) = machine.calls
    assert call.endswith("llama-cpp-python==9.9")
    assert "-v" in call.split(), "else the compiler says nothing for minutes"
    assert "-DLLAMA_BUILD_SERVER=OFF" in (machine.root / "cmake").read_text()


@posix
def test_a_build_without_a_compiler_says_what_to_install(machine: Machine) -> None:
    with (machine.root / "pyproject.toml").open("a") as file:
        file.write('llama = ["llama-cpp-python==9.9"]\n')
    machine.pip_says("No CMAKE_CXX_COMPILER could be found.", status=1)
    machine.lacks("llama-cpp-python")
    with pytest.raises(start.SetupFailed, match="There is no C\\+\\+ compiler here"):
        start.build_llama(machine.env, machine.root)


def test_a_compiler_says_how_far_it_is_when_it_is_silent_for_long(
    capsys: pytest.CaptureFixture[str],
) -> None:
    progress = start.InstallProgress()
    progress.hear("  Building wheel for llama-cpp-python (pyproject.toml): started\n")
    progress.hear("  [113/214] Building CXX object vendor/llama.cpp/src/llama-model.cpp.o\n")
    assert progress.doing == "compiling, step 113 of 214"
    progress.hear("  [ 45%] Building CXX object llama-graph.cpp.o\n")
    assert progress.doing == "compiling, 45%"
    progress.spoke -= progress.SILENCE
    for _ in range(100):
        if (said := capsys.readouterr().err) and "so far" in said:
            break
        time.sleep(0.1)
    progress.stop()
    assert "compiling, 45%, 0 s so far" in said.replace("1 s", "0 s")


def test_setup_knows_no_other_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert start.main(["setup", "--with-lama"]) == 2
    assert "--with-llama" in capsys.readouterr().err


def test_old_pythons_can_read_the_file() -> None:
    source = (ROOT / "start.py").read_text(encoding="utf-8")
    ast.parse(source, feature_version=(3, 6))
    assert "from __future__" not in source  # annotations came with 3.7


def test_an_old_python_is_told_what_to_do() -> None:
    pretend = "import sys; sys.version_info = (3, 9, 2); exec(open('start.py').read())"
    done = subprocess.run(
        [sys.executable, "-c", pretend], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "needs Python 3.11 or newer; this is Python 3.9" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("status", [0, 1, 2, 77])
def test_the_status_of_the_command_is_ours(status: int) -> None:
    assert start.run([sys.executable, "-c", f"raise SystemExit({status})"]) == status


def test_modules_are_compiled_once_also_in_a_container(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    child = "import sys; raise SystemExit(3 if sys.dont_write_bytecode else 0)"
    assert start.run([sys.executable, "-c", child]) == 0


@posix
def test_a_killed_command_is_told_as_shells_do() -> None:
    kill = f"import os; os.kill(os.getpid(), {int(signal.SIGKILL)})"
    assert start.run([sys.executable, "-c", kill]) == 137


@posix
@pytest.mark.parametrize(("sent", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_command_ends_with_us(tmp_path: Path, sent: signal.Signals, status: int) -> None:
    ready = tmp_path / "ready"
    child = f"import pathlib, time; pathlib.Path({str(ready)!r}).touch(); time.sleep(60)"
    launcher = f"import sys, start; sys.exit(start.run([sys.executable, '-c', {child!r}]))"
    process = subprocess.Popen(
        [sys.executable, "-c", launcher], cwd=ROOT, start_new_session=True, stderr=subprocess.PIPE
    )
    while not ready.exists() and process.poll() is None:
        time.sleep(0.01)
    if sent is signal.SIGINT:
        os.killpg(process.pid, sent)  # as a terminal does
    else:
        process.send_signal(sent)
    process.communicate(timeout=50)  # less than the child would take
    assert process.returncode == status


def test_an_unknown_command_is_a_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    assert start.main(["dmeo"]) == 2
    said = capsys.readouterr().err
    assert "no command 'dmeo'" in said
    assert "Did you mean demo?" in said


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert start.main([]) == 0
    shown = capsys.readouterr().out
    assert all(f"\n  {name} " in shown for name in start.COMMANDS)


def test_make_knows_the_same_commands() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (named,) = re.findall(r"^COMMANDS := (.*)$", makefile, re.MULTILINE)
    assert named.split() == list(start.COMMANDS)


def test_dependencies_are_pinned() -> None:
    """Each direct dependency has its line in constraints.txt, and every line is one version."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in lines)
    pinned = {line.split("==")[0].lower().replace("_", "-") for line in lines}
    wanted = {
        re.split(r"[<>=!~ ;\[]", each)[0].lower().replace("_", "-")
        for each in start.requirements(ROOT, developers=True)
    }
    assert wanted <= pinned
