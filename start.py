"""The launcher: `python start.py COMMAND` sets up what the command needs, then runs it.

It needs nothing but Python's standard library, and does the same on Windows, macOS and Linux.  The
set-up is a virtual environment in `.venv` beside this file with the pinned dependencies of
`pyproject.toml`.  Its one invariant: the stamp in `.venv` is written last, so an environment that
carries the stamp of the present pins is complete, and a second call goes straight to the command.

An old Python must be able to read this file far enough to say that it is too old: no syntax newer
than 3.6, and nothing newer is executed above that line.
"""

import contextlib
import difflib
import hashlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

OLDEST = (3, 11)

if sys.version_info < OLDEST:
    sys.exit(
        f"Atelier needs Python {OLDEST[0]}.{OLDEST[1]} or newer; this is Python "
        f"{sys.version_info[0]}.{sys.version_info[1]}.\n"
        "Install a newer one from python.org or your system's packages, and start this file with "
        "it, for instance: python3.12 start.py demo"
    )

HERE = Path(__file__).resolve().parent

# A worker of pytest for each core that helps; a file's tests share what they set up.
SUITE = ["-m", "pytest", "-n", "auto", "--maxprocesses", "4", "--dist", "loadfile"]

# What each command runs, as arguments to the environment's Python.  The rest of the command line
# is passed on.
COMMANDS = {
    "demo": ("a scripted conversation with the real bot, in this terminal", ["-m", "bot", "demo"]),
    "run": ("the bot: on Discord with DISCORD_TOKEN, else in your browser", ["-m", "bot", "run"]),
    "test": ("the test suite", SUITE),
    "test-all": (
        "the test suite with its slow tests, and examples that nobody has seen",
        [*SUITE, "-m", "", "--hypothesis-profile=dice"],
    ),
    "test-cluster": (
        "the tests on a real Ray cluster, on this machine",
        ["-m", "pytest", "-m", "", "tests/test_cluster.py"],
    ),
    "check": ("format, lint, types, import contracts, docs", []),
    "draw": ('draw without Discord: draw "a red flower" --seed 7', ["-m", "bot", "draw"]),
    "reproduce": ("draw a picture again and compare: reproduce FILE", ["-m", "bot", "reproduce"]),
    "change": (
        'change a picture as a reply would: change FILE "make it night" --draw',
        ["-m", "bot", "change"],
    ),
    "describe": ("what a picture shows, as prompts: describe FILE", ["-m", "bot", "describe"]),
    "score": ("how well words fit a picture: score FILE WORDS ...", ["-m", "bot", "score"]),
    "import": ("what a picture of any program says: import FILE", ["-m", "bot", "import"]),
    "models": ("the models found on this machine", ["-m", "bot", "models"]),
    "doctor": ("what is here, what is wrong, what to do", ["-m", "bot", "doctor"]),
    "backup": ("copy what people made: backup FOLDER", ["-m", "bot", "backup"]),
    "restore": ("check a backup and put it back: restore FOLDER", ["-m", "bot", "restore"]),
    "completion": (
        "for your shell: source <(python start.py completion)",
        ["-m", "bot", "completion"],
    ),
    "simulate": (
        "who waits how long under which rule; the queue's targets",
        ["-m", "generation.simulator"],
    ),
    "bench": ("measure; one table, and var/bench.json", ["-m", "bot", "bench"]),
    "soak": ("a day in a quarter of an hour, with mishaps; audited", ["-m", "bot", "soak"]),
    "setup": (
        "only make the environment, with the developers' tools; --with-llama builds llama.cpp too",
        [],
    ),
}
COMMANDS["completion"][1].extend(COMMANDS)
NEEDS_DEVELOPERS_TOOLS = {"test", "test-all", "test-cluster", "check", "setup"}
NEEDS_RAY = {"test-all", "test-cluster"}

CODE = ["bot", "generation", "prompting", "storage", "tests", "start.py"]
CHECKS = [
    ("format", ["-m", "ruff", "format", "--check", "."]),
    ("lint", ["-m", "ruff", "check", "."]),
    ("types", ["-m", "mypy", *CODE]),
    ("imports", ["-c", "from importlinter.cli import lint_imports_command as c; c()"]),
    ("docs", ["-m", "pytest", "tests/test_docs.py", "tests/test_house_rules.py"]),
]


WITH_LLAMA = "--with-llama"

# What the assistant does not need of llama.cpp: with it, compiling takes twice as long.
SPARED = (
    "-DLLAVA_BUILD=OFF -DLLAMA_BUILD_TOOLS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_TESTS=OFF "
    "-DLLAMA_BUILD_SERVER=OFF -DLLAMA_BUILD_APP=OFF -DLLAMA_OPENSSL=OFF -DGGML_OPENMP=OFF"
)

KINDS = ["run", "developers", "cluster"]  # of environments; each has what the one before has


class SetupFailed(Exception):
    """The environment could not be made; the text says why and what to do."""


class Env:
    """The virtual environment beside this file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        windows = os.name == "nt"
        self.python = folder / ("Scripts/python.exe" if windows else "bin/python")
        self.log = folder / "install.log"
        # Its presence means that an installer was killed in mid-work and left who knows what.
        self.unfinished = folder / "install.unfinished"

    def stamp(self, kind: str) -> Path:
        """The file that says for which pins the environment is complete."""
        return self.folder / (f"installed-{kind}.stamp")


def main(arguments: list[str]) -> int:
    """Set up, run, and return the exit status of what ran."""
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(usage())
        return 0
    name, rest = arguments[0], arguments[1:]
    if name not in COMMANDS:
        near = difflib.get_close_matches(name, COMMANDS, n=1)
        guess = f"  Did you mean {near[0]}?" if near else ""
        say(f"There is no command {name!r}.{guess}\n\n{usage()}")
        return 2
    if name == "setup" and not set(rest) <= {WITH_LLAMA}:
        say(f"setup knows one option: {WITH_LLAMA}")
        return 2
    env = Env(HERE / ".venv")
    try:
        ensure(env, HERE, developers=name in NEEDS_DEVELOPERS_TOOLS, cluster=name in NEEDS_RAY)
        if name == "setup":
            if WITH_LLAMA in rest:
                build_llama(env, HERE)
            return 0
        if name == "check":
            return check(env)
        return run([str(env.python), *COMMANDS[name][1], *rest])
    except SetupFailed as failure:
        say(str(failure))
        return 1
    except KeyboardInterrupt:
        say("\nStopped.")
        return 130


def usage() -> str:
    lines = ["usage: python start.py COMMAND [options of the command]", ""]
    lines += [f"  {name:12} {what}" for name, (what, _) in COMMANDS.items()]
    return "\n".join(lines)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


# --- set-up -----------------------------------------------------------------------------------


def ensure(env: Env, root: Path, *, developers: bool, cluster: bool = False) -> None:
    """Bring the environment to the present pins; at once when it is there.  Raises SetupFailed."""
    kind = "cluster" if cluster else "developers" if developers else "run"
    wanted = requirements(root, developers=developers, cluster=cluster)
    pins = fingerprint(wanted, (root / "constraints.txt").read_bytes(), env)
    if env.python.exists() and read(env.stamp(kind)) == pins:
        return
    started = time.monotonic()
    make_environment(env)
    install(env, root, wanted)
    # What developers need includes what the bot needs, and what a cluster needs, both.
    for each in KINDS[: KINDS.index(kind) + 1]:
        has = requirements(root, developers=each != "run", cluster=each == "cluster")
        digest = fingerprint(has, (root / "constraints.txt").read_bytes(), env)
        env.stamp(each).write_text(digest, encoding="utf-8")
    say(f"Set up in {spell(time.monotonic() - started)}.")


def project(root: Path) -> "dict[str, Any]":
    """What pyproject.toml says of the project."""
    import tomllib

    read_: dict[str, Any] = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    return dict(read_["project"])


def requirements(root: Path, *, developers: bool, cluster: bool = False) -> list[str]:
    """The project's dependencies; the project itself is run from its folder, never packaged."""
    ours = project(root)
    wanted: list[str] = list(ours["dependencies"])
    if developers:
        wanted += ours["optional-dependencies"]["dev"]
    if cluster:
        wanted += ours["optional-dependencies"]["cluster"]
    return wanted


def fingerprint(wanted: list[str], constraints: bytes, env: Env) -> str:
    """Changes when the pins change, or the Python under the environment."""
    digest = hashlib.sha256("\n".join(wanted).encode() + b"\0" + constraints)
    digest.update(read(env.folder / "pyvenv.cfg").encode())
    return digest.hexdigest()


def make_environment(env: Env) -> None:
    """A virtual environment with pip in it; one that an interrupted install left is made anew."""
    if env.python.exists() and not env.unfinished.exists() and quiet(env, "-m", "pip", "-V") == 0:
        return
    say(f"Making a virtual environment in {env.folder.name} ...")
    made = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", str(env.folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode == 0:
        return
    output = made.stdout + made.stderr
    if "ensurepip" in output:
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        raise SetupFailed(
            "This Python comes without pip.  On Debian and Ubuntu: "
            f"sudo apt install python{version}-venv"
        )
    raise SetupFailed(explain(output, "The virtual environment could not be made."))


def install(env: Env, root: Path, wanted: list[str]) -> None:
    """Let pip install, and say what it is at.  Raises SetupFailed."""
    say(
        "Installing torch and what else is pinned in constraints.txt: "
        "some minutes the first time, no time later."
    )
    command = [str(env.python), "-m", "pip", "install", "--progress-bar", "off"]
    command += ["--disable-pip-version-check", "--no-input"]
    # Compiling every module of torch takes longer than the first start, which compiles its own.
    command += ["--no-compile", "-c", str(root / "constraints.txt"), *wanted]
    env.unfinished.touch()
    progress = InstallProgress()
    try:
        status, output = listen(command, env.log, progress)
    finally:
        progress.stop()
    if status == 0 or not progress.unpacking:
        env.unfinished.unlink()
    if status != 0:
        raise SetupFailed(explain(output, "pip could not install what is needed."))


def build_llama(env: Env, root: Path) -> None:
    """Compile llama.cpp, pinned as in pyproject.toml, and say what it is at.  Raises SetupFailed.

    CMAKE_ARGS of the environment are heeded beside ours: -DGGML_CUDA=on builds for an NVIDIA card.
    """
    (pin,) = project(root)["optional-dependencies"]["llama"]
    wanted = "import importlib.metadata as m; assert m.version('llama-cpp-python') == '{}'".format(
        pin.partition("==")[2]
    )
    chosen = os.environ.get("CMAKE_ARGS", "")
    if not chosen and quiet(env, "-c", wanted) == 0:
        say(f"{pin} is here already; with CMAKE_ARGS set it is compiled again.")
        return
    say(f"Compiling {pin}: some minutes on several cores, ten on one.")
    started = time.monotonic()
    command = [str(env.python), "-m", "pip", "install", "-v", "--progress-bar", "off"]
    command += ["--disable-pip-version-check", "--no-input"]
    command += ["--force-reinstall", "--no-deps", "--no-cache-dir"] if chosen else []
    command += ["-c", str(root / "constraints.txt"), pin]
    building = {"CMAKE_ARGS": f"{SPARED} {chosen}".strip()}
    if "CMAKE_BUILD_PARALLEL_LEVEL" not in os.environ:
        building["CMAKE_BUILD_PARALLEL_LEVEL"] = str(os.cpu_count() or 1)
    progress = InstallProgress()
    try:
        status, output = listen(command, env.log, progress, building)
    finally:
        progress.stop()
    if status != 0:
        raise SetupFailed(explain(output, "llama.cpp could not be built."))
    say(f"llama.cpp is there, after {spell(time.monotonic() - started)}.")


def listen(
    command: list[str],
    log: Path,
    progress: "InstallProgress",
    more: "dict[str, str] | None" = None,
) -> tuple[int, str]:
    """Run pip with its lines going to the log and to `progress`; its status and last lines.

    `more` is added to its environment.
    """
    environ = {**os.environ, "PYTHONUTF8": "1", "PIP_USER": "0", "PYTHONUNBUFFERED": "1"}
    environ.update(more or {})
    tail: list[str] = []
    pip = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        env=environ,
        cwd=HERE,
    )
    with pip, log.open("w", encoding="utf-8") as kept:
        for line in pip.stdout or ():
            tail = [*tail[-200:], line]
            progress.hear(line)
            with contextlib.suppress(OSError):  # a full disk, of which pip itself will tell
                kept.write(line)
    return pip.returncode, "".join(tail)


class InstallProgress:
    """Turns pip's many lines into few, and speaks up when it is silent for long."""

    SILENCE = 15.0  # seconds
    BIG = 20.0  # megabytes; smaller downloads are not worth a line

    def __init__(self) -> None:
        self.started = self.spoke = time.monotonic()
        self.doing = "looking for packages"
        self.unpacking = False
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self._speak_up, daemon=True)
        self.thread.start()

    def hear(self, line: str) -> None:
        """Take one line of pip's."""
        download = re.match(r"\s*Downloading (\S+?)-(\d\S*?)-\S+ \(([\d.]+) (kB|MB|GB)\)", line)
        if download:
            name, version, size, unit = download.groups()
            self.doing = f"downloading {name} {version} ({size} {unit})"
            if float(size) * {"kB": 0.001, "MB": 1.0, "GB": 1000.0}[unit] >= self.BIG:
                self._say(self.doing)
        elif line.startswith("Collecting nvidia-"):
            self._say_once_about_gpus()
        elif line.startswith("Collecting "):
            self.doing = "looking for " + line.split()[1]
        elif line.lstrip().startswith("Building wheel for ") and "started" in line:
            self.doing = "compiling " + line.split()[3]
            self._say(self.doing)
        elif re.match(r"\s*\[\s*\d+(?:/\d+|%)\]", line):  # as ninja and make count
            step = line[line.index("[") + 1 : line.index("]")].strip()
            number, _, whole = step.partition("/")
            self.doing = f"compiling, step {number} of {whole}" if whole else f"compiling, {step}"
        elif line.startswith("Installing collected packages:"):
            self.unpacking = True
            count = line.count(",") + 1
            self.doing = f"unpacking {count} packages"
            self._say(self.doing)

    def stop(self) -> None:
        self.stopped.set()
        self.thread.join()

    def _say(self, text: str) -> None:
        self.spoke = time.monotonic()
        say(f"  {text} ...")

    gpu_said = False

    def _say_once_about_gpus(self) -> None:
        if not self.gpu_said and not has_nvidia():
            self._say(
                "this is the torch build for NVIDIA GPUs, several GB, and no such GPU is here; "
                "CONTRIBUTING.md says how to choose the small one (Ctrl-C stops this)"
            )
        self.gpu_said = True

    def _speak_up(self) -> None:
        while not self.stopped.wait(1.0):
            if time.monotonic() - self.spoke >= self.SILENCE:
                since = spell(time.monotonic() - self.started)
                self._say(f"{self.doing}, {since} so far")


def has_nvidia() -> bool:
    return Path("/proc/driver/nvidia").exists() or Path("/dev/dxg").exists()


# A pattern in pip's output, and what it means.  The first that is found is told.
MEANINGS = [
    (r"No space left on device|not enough space on the disk|Errno 28", "The disk is full."),
    (
        r"NewConnectionError|NameResolutionError|Name or service not known|getaddrinfo failed|"
        r"Temporary failure in name resolution|Connection refused|ConnectTimeout|ProxyError|"
        r"Network is unreachable|Read timed out|ReadTimeoutError|Max retries exceeded",
        "The packages could not be fetched: no network, or a proxy that does not answer.",
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED|SSLError",
        "The package index showed a certificate nobody trusts.",
    ),
    (
        r"No matching distribution found for (?P<what>[^\s=<>!~]+)|Requires-Python",
        "{what} has no ready build for this Python and this machine; try Python 3.12.",
    ),
    (
        r"ResolutionImpossible",
        "The package index that pip uses here lacks a version that constraints.txt pins.",
    ),
    (
        r"CMAKE_C(?:XX)?_COMPILER not set|No CMAKE_C(?:XX)?_COMPILER could be found|"
        r"Could not find (?:a )?compiler",
        "There is no C++ compiler here.  On Debian and Ubuntu: sudo apt install build-essential; "
        "on macOS: xcode-select --install; on Windows: Build Tools for Visual Studio, with C++.",
    ),
    (
        r"CUDA Toolkit not found|Failed to find nvcc|Could NOT find CUDAToolkit",
        "CMAKE_ARGS ask for CUDA, and its toolkit (nvcc) is not here: install it, or unset them.",
    ),
    (
        r"Failed building wheel|error: command .* failed|Microsoft Visual C\+\+",
        "A package has no ready build for this Python and this machine; try Python 3.12.",
    ),
    (r"Permission denied|Access is denied|Errno 13", "This folder may not be written to."),
]


def explain(output: str, otherwise: str) -> str:
    """One sentence on what went wrong, and the last lines for those who want to know more."""
    sentence = otherwise
    for pattern, meaning in MEANINGS:
        found = re.search(pattern, output)
        if found:
            what = found.groupdict().get("what") or "A package"
            sentence = meaning.format(what=what)
            break
    last = [line.rstrip() for line in output.splitlines() if line.strip()][-6:]
    return "{}  Nothing is lost: start again when that is mended.\n\n{}".format(
        sentence,
        "\n".join("    " + line[:200] for line in last),
    )


def quiet(env: Env, *arguments: str) -> int:
    return subprocess.run(
        [str(env.python), *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    ).returncode


def read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""


def spell(seconds: float) -> str:
    """65.2 as "1 min 5 s"."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


# --- running ----------------------------------------------------------------------------------


def environment() -> "dict[str, str]":
    """What a command finds in its environment.

    Images of containers often tell Python to keep no compiled modules.  As pip compiled none, every
    process that draws would compile what it loads again: 15 s of a core where 6 s are enough.
    """
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONUTF8": "1"}


def run(command: list[str]) -> int:
    """Run the command in the project's folder and return its exit status.

    Ctrl-C reaches it directly, as it sits at the same terminal; here it is only waited out.
    SIGTERM, which comes to us alone, is handed on.
    """
    children: list[subprocess.Popen[bytes]] = []
    told: list[int] = []

    def hear(number: int, _: object) -> None:
        told.append(number)
        if number == signal.SIGTERM:
            for child in children:
                child.terminate()

    # Before it is started: whoever is told to end in between must not leave it behind.
    before = {number: signal.signal(number, hear) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        child = subprocess.Popen(command, cwd=HERE, env=environment())
        children.append(child)
        if signal.SIGTERM in told:
            child.terminate()
        status = child.wait()
        return status if status >= 0 else 128 - status
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def check(env: Env) -> int:
    """Run every check, also after one has failed, so that one call tells everything."""
    failed = []
    for name, arguments in CHECKS:
        say(f"== {name}")
        status = run([str(env.python), *arguments])
        if status == 130:
            return 130
        if status:
            failed.append(name)
    say("== " + ("failed: " + ", ".join(failed) if failed else "all checks passed"))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
