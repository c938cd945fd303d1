"""Every operation of the OpenAPI document, fuzzed by schemathesis with all of its checks."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from app.settings import PROJECT_ROOT
from benchmarks.chaos.dose import Dose
from benchmarks.chaos.ground import Ground
from benchmarks.chaos.promises import Outcome
from benchmarks.chaos.served import LONGEST_REQUEST_S, Served, serving

#: The suite's own, for a service that lives as long as this part.
_KEY = "chaos-key-of-one-run-0123456789abcdef"
_SHOWN_CHARACTERS = 8000
_HOOKS = "benchmarks.chaos.schemathesis_hooks"
#: The check that fails where a request that fits the schema is refused.
_REJECTED = "ST202"
#: What is refused there no schema can say: bytes that are no picture, a stage without its time, a moment that
#: lies after another one, a correction of neither a detection nor a scan.
_BEYOND_THE_SCHEMA = frozenset(
    {"POST /identify", "GET /scans", "GET /quality", "POST /corrections", "Stateful tests"}
)


def fuzzer() -> str:
    """Path of the program.

    Raises:
        RuntimeError: it is not installed, so nothing can be shown.
    """
    beside = Path(sys.executable).with_name("schemathesis")
    found = os.environ.get("SCHEMATHESIS") or (
        str(beside) if beside.exists() else shutil.which("schemathesis")
    )
    if not found:
        raise RuntimeError(
            "schemathesis is not installed: install the extra `chaos`, or name it by SCHEMATHESIS"
        )
    return found


def fuzzed(ground: Ground, dose: Dose) -> Outcome:
    """One worker; as many examples for each operation as the time allows."""
    outcome = Outcome()
    report = ground.work / "schemathesis.json"
    with serving(ground.copy("contract"), {"API_KEYS": f"chaos:admin:{_KEY}"}) as served:
        done = _run(served, report, dose)
        faults = served.faults_in_log()
    made = json.loads(report.read_text(encoding="utf-8"))
    broken = [f"{code} of {', '.join(sorted(operations))}" for code, operations in _failures(made)]
    tested, cases = made["operations"]["tested"], made["test_cases"]["generated"]
    outcome.measured(operations=tested, cases=cases, beyond_the_schema=sorted(_BEYOND_THE_SCHEMA))
    all_tested = tested == made["operations"]["total"] > 0
    outcome.promise("every operation is tested", all_tested, f"{tested}, {cases} requests")
    outcome.promise("no check fails that the schema can say", not broken, broken or "none")
    outcome.promise("schemathesis met no error of its own", not made["errors"], made["errors"] or "none")
    outcome.promise("the log tells of no fault of ours", not faults, faults[:5] or "none")
    if broken:
        print(done.stdout[-_SHOWN_CHARACTERS:])
    return outcome


def _failures(made: Mapping[str, Any]) -> Iterator[tuple[str, set[str]]]:
    """Codes of the checks that failed, each with the operations for which that says something."""
    for failure in made["failures"]:
        operations = set(failure["operations"])
        if failure["code"] == _REJECTED:
            operations -= _BEYOND_THE_SCHEMA
        if operations:
            yield f"{failure['code']} ({failure['title']})", operations


def _run(served: Served, report: Path, dose: Dose) -> subprocess.CompletedProcess[str]:
    command = [fuzzer(), "run", f"{served.url}/openapi.json", "--checks", "all", "--workers", "1"]
    command += ["--max-examples", str(dose.times), "--max-time", str(int(dose.seconds)), "--seed", "1"]
    command += ["--header", f"Authorization: Bearer {_KEY}", "--request-timeout", str(LONGEST_REQUEST_S)]
    command += ["--report-json-path", str(report), "--no-color", "--continue-on-failure"]
    return subprocess.run(  # noqa: S603
        command,
        capture_output=True,
        text=True,
        check=False,
        cwd=report.parent,
        env=os.environ | {"SCHEMATHESIS_HOOKS": _HOOKS, "PYTHONPATH": str(PROJECT_ROOT)},
    )
