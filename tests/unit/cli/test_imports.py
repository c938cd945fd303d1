"""Help must come at once, so it must not load what only work needs."""

from __future__ import annotations

import json
import subprocess
import sys

PROGRAM = """
import json, sys
from app.cli import main
for args in (["--help"], ["gallery", "--help"], ["identify", "--help"], ["serve", "--help"]):
    sys.argv = ["binderlens", *args]
    try:
        main()
    except SystemExit as exited:
        assert not exited.code
print(json.dumps(sorted(name for name in sys.modules if "." not in name)), file=sys.stderr)
"""


def test_help_loads_neither_torch_nor_the_database_driver() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=True
    )
    loaded = set(json.loads(done.stderr.splitlines()[-1]))
    assert "Usage" in done.stdout
    assert "typer" in loaded
    assert loaded.isdisjoint({"torch", "open_clip", "asyncpg", "uvicorn"})
