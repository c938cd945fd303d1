"""Without PyTorch the bundled encoder is served, and what needs it says so in one line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from app.domain.errors import ConfigurationError
from app.inference.clip_extra import clip_extra
from app.settings import PROJECT_ROOT

PROGRAM = """
import sys
for name in ("torch", "torchvision", "open_clip", "timm", "huggingface_hub"):
    sys.modules[name] = None  # importing it raises ModuleNotFoundError
{work}
"""
LOAD = """
from pathlib import Path
from app.inference.loading import load_encoder
print(load_encoder(Path({folder!r}), threads=1, runtime={runtime!r}).info.name)
"""
COMMAND = """
from app.cli import main
sys.argv = ["binderlens", *{arguments!r}]
main()
"""


def run(work: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM.format(work=work)],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
        cwd=tmp_path,
        env={"PYTHONPATH": str(PROJECT_ROOT), "PATH": "/usr/bin:/bin", "DATA_DIR": str(tmp_path)},
    )


def test_the_bundled_encoder_needs_no_torch(tmp_path: Path) -> None:
    folder = str(PROJECT_ROOT / "models" / "compact")
    done = run(LOAD.format(folder=folder, runtime="auto"), tmp_path)
    assert done.stdout.strip() == "compact", done.stderr


def test_by_torch_it_cannot_be_computed_and_the_extra_is_named(tmp_path: Path) -> None:
    folder = str(PROJECT_ROOT / "models" / "compact")
    done = run(LOAD.format(folder=folder, runtime="torch"), tmp_path)
    assert "ConfigurationError: this needs PyTorch" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    "arguments", [["models", "export", "compact"], ["models", "fetch", "ViT-L-14/laion400m_e32"]]
)
def test_a_command_that_needs_torch_fails_with_one_line(arguments: list[str], tmp_path: Path) -> None:
    done = run(COMMAND.format(arguments=arguments), tmp_path)
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith("binderlens: this needs PyTorch and open_clip")
    assert "`clip`" in line


def test_the_encoders_that_are_here_are_listed_without_torch(tmp_path: Path) -> None:
    done = run(COMMAND.format(arguments=["models", "list"]), tmp_path)
    assert done.returncode == 0, done.stderr
    assert "compact" in done.stdout


def test_another_missing_module_is_our_own_fault() -> None:
    with pytest.raises(ModuleNotFoundError), clip_extra():
        import no_such_module_of_ours  # noqa: F401
    with pytest.raises(ConfigurationError), clip_extra():
        raise ModuleNotFoundError("no", name="torch.nn")
