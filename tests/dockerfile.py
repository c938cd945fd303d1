"""Runs the steps of a Dockerfile without Docker: in a clean directory tree, by chroot, as its own user.

What the base image would bring (a C library, a shell, Python 3.11) is mounted from this machine; everything
the steps make lies in the tree. Needs root and mount namespaces.
"""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shlex
import shutil
import string
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

#: Of this machine, in the place of the base image.
_MOUNTS = ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/dev", "/proc", "/sys")
#: How this machine's pip finds packages; an image would have the internet.
_PASSED_ON = re.compile(r"PIP_\w+|\w+_proxy|\w+_PROXY|SSL_CERT_FILE|REQUESTS_CA_BUNDLE")


@dataclass(frozen=True)
class Step:
    """One instruction."""

    name: str
    text: str


@dataclass
class Stage:
    """What one FROM has become: a tree, and how programs are run in it."""

    root: Path
    folder: str = "/"
    user: str | None = None
    environment: dict[str, str] = field(default_factory=dict)
    arguments: dict[str, str] = field(default_factory=dict)
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)
    #: Each step that adds a layer, with what it added in bytes.
    layers: list[tuple[str, int]] = field(default_factory=list)

    def start(self, argv: Sequence[str], **changes: str) -> subprocess.Popen[str]:
        """Starts a program in the tree, as the stage's user."""
        user = [] if self.user is None else [f"--userspec={self.user}:{self.user}"]
        inside = shlex.join(
            ["chroot", *user, str(self.root), "/bin/sh", "-c", f'cd {self.folder}; exec "$@"', "sh"]
        )
        script = f'{_mounting(self.root)}\nexec {inside} "$@"'
        return subprocess.Popen(
            ["unshare", "--mount", "sh", "-euc", script, "sh", *argv],
            env={**_base_environment(), **self.arguments, **self.environment, **changes},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, argv: Sequence[str], timeout_s: float = 900, **changes: str) -> str:
        """Runs a program to its end; returns what it printed, and fails where it does."""
        started = self.start(argv, **changes)
        out, _ = started.communicate(timeout=timeout_s)
        assert started.returncode == 0, f"{argv} ended with {started.returncode}:\n{out}"
        return out


def read_steps(dockerfile: Path) -> list[Step]:
    """The instructions, with their lines joined and remarks left out."""
    lines = [line for line in dockerfile.read_text().splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n", "", "\n".join(lines))
    return [Step(*line.split(None, 1)) for line in joined.splitlines() if line.strip()]


def build(context: Path, folder: Path) -> Stage:
    """Follows every step; returns the last stage. An instruction that is not known fails."""
    stages: dict[str, Stage] = {}
    stage: Stage | None = None
    for step in read_steps(context / "Dockerfile"):
        if step.name == "FROM":
            parts = step.text.split(" AS ")
            stage = stages[parts[-1]] = Stage(_new_root(folder / f"stage-{len(stages)}"))
            continue
        assert stage is not None
        _follow(step, stage, stages, context)
    assert stage is not None
    return stage


def _follow(step: Step, stage: Stage, stages: Mapping[str, Stage], context: Path) -> None:
    match step.name:
        case "RUN":
            _layer(stage, step, lambda: stage.run(["/bin/sh", "-c", step.text]))
        case "COPY":
            _layer(stage, step, lambda: _copy(step.text, stage, stages, context))
        case "VOLUME" | "EXPOSE":
            assert stage.user is not None, "the volume must belong to the user that runs"
        case _:
            _note(step, stage)


def _note(step: Step, stage: Stage) -> None:
    """An instruction that changes how the next ones are followed, or how the image is run."""
    match step.name:
        case "ARG":
            name, _, default = step.text.partition("=")
            stage.arguments[name] = default.strip('"')
        case "ENV":
            known = {**_base_environment(), **stage.environment}
            for word in shlex.split(step.text):
                name, _, value = word.partition("=")
                stage.environment[name] = string.Template(value).substitute(known)
        case "WORKDIR":
            stage.folder = step.text
            _inside(stage.root, step.text).mkdir(parents=True, exist_ok=True)
        case "USER":
            stage.user = step.text
        case "HEALTHCHECK":
            stage.health = json.loads(step.text.partition("CMD ")[2])
        case "CMD":
            stage.command = json.loads(step.text)
        case _:
            raise AssertionError(f"no such instruction here: {step.name}")


def _layer(stage: Stage, step: Step, make: object) -> None:
    before = size_bytes(stage.root)
    assert callable(make)
    make()
    stage.layers.append((f"{step.name} {step.text[:60]}", size_bytes(stage.root) - before))


def _copy(text: str, stage: Stage, stages: Mapping[str, Stage], context: Path) -> None:
    *sources, target = text.split()
    place = _inside(stage.root, target if target.startswith("/") else f"{stage.folder}/{target}")
    if sources[0].startswith("--from="):
        other = stages[sources.pop(0).removeprefix("--from=")]
        [source] = sources
        shutil.copytree(_inside(other.root, source), place, symlinks=True, dirs_exist_ok=True)
        return
    for name in sources:
        for path in sorted(context.glob(f"{name}/**/*")) if (context / name).is_dir() else [context / name]:
            relative = path.relative_to(context)
            if path.is_file() and is_sent(context, relative):
                into = place / (relative.relative_to(name) if (context / name).is_dir() else relative.name)
                into.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, into)
        assert place.exists(), f"{name} is not sent to the builder; see .dockerignore"


def is_sent(context: Path, relative: Path) -> bool:
    """Whether ``.dockerignore`` lets a file reach the builder: the last line that matches decides."""
    sent = True
    for line in (context / ".dockerignore").read_text().splitlines():
        pattern = line.strip().removeprefix("!")
        if pattern and any(_matches(str(one), pattern) for one in (relative, *relative.parents)):
            sent = line.startswith("!")
    return sent


def _matches(path: str, pattern: str) -> bool:
    if pattern.startswith("**/"):
        return fnmatch.fnmatch(path.rpartition("/")[2], pattern[3:])
    return pattern == "**" or (path.count("/") == pattern.count("/") and fnmatch.fnmatch(path, pattern))


def size_bytes(folder: Path) -> int:
    """What a tree takes on disk, the accounts' files that every tree has left out."""
    out = subprocess.run(
        ["du", "-sk", "--exclude", "etc", str(folder)], capture_output=True, text=True, check=True
    )
    return int(out.stdout.split()[0]) * 1024


def _new_root(root: Path) -> Path:
    for mount in (*_MOUNTS, sys.base_prefix, "/tmp", "/var/lib", "/opt", "/srv"):
        _inside(root, mount).mkdir(parents=True, exist_ok=True)
    _inside(root, "/tmp").chmod(0o1777)
    shutil.copytree("/etc", root / "etc", symlinks=True)
    for name in ("passwd", "shadow", "group", "gshadow"):
        # No base image has accounts of ours, as this machine may.
        path = root / "etc" / name
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join(line for line in lines if "binderlens" not in line))
    for folder in (root, *root.iterdir()):
        if folder.name != "tmp":
            folder.chmod(0o755)
    return root


def _mounting(root: Path) -> str:
    """The commands that put this machine's programs into the tree; gone with the namespace."""
    places = [place for place in (*_MOUNTS, sys.base_prefix) if Path(place).is_dir()]
    # Where this machine keeps packages for pip.
    places += [str(path) for path in Path("/opt").iterdir() if path.is_dir() and path.name != "venv"]
    lines = []
    for place in places:
        _inside(root, place).mkdir(parents=True, exist_ok=True)
        lines.append(shlex.join(["mount", "--rbind", place, str(_inside(root, place))]))
    return "\n".join(lines)


def _inside(root: Path, path: str) -> Path:
    return root / path.lstrip("/")


def _base_environment() -> dict[str, str]:
    passed_on = {name: value for name, value in os.environ.items() if _PASSED_ON.fullmatch(name)}
    return {**passed_on, "PATH": f"{sys.base_prefix}/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"}
