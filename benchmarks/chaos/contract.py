"""Every operation of the OpenAPI document, fuzzed by schemathesis with all of its checks."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.chaos.dose import Dose
from benchmarks.chaos.ground import Ground
from benchmarks.chaos.promises import Outcome
from benchmarks.chaos.served import LONGEST_REQUEST_S, Served, serving

#: The suite's own, for a service that lives as long as this part.
_KEY = "chaos-key-of-one-run-0123456789abcdef"
_SHOWN_CHARACTERS = 3000


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
    said = done.stdout[-_SHOWN_CHARACTERS:]
    cases = _count_cases(report)
    outcome.measured(cases=cases, said=[line for line in said.splitlines() if line.strip()][-12:])
    outcome.promise("requests were made to every operation", cases > 0, cases)
    outcome.promise("no check of schemathesis fails", done.returncode == 0, f"exit status {done.returncode}")
    outcome.promise("the log tells of no fault of ours", not faults, faults[:5] or "none")
    if done.returncode != 0:
        print(done.stdout[-4 * _SHOWN_CHARACTERS :], done.stderr[-_SHOWN_CHARACTERS:])
    return outcome


def _run(served: Served, report: Path, dose: Dose) -> subprocess.CompletedProcess[str]:
    command = [fuzzer(), "run", f"{served.url}/openapi.json", "--checks", "all", "--workers", "1"]
    command += ["--max-examples", str(dose.times), "--max-time", str(int(dose.seconds)), "--seed", "1"]
    command += ["--header", f"Authorization: Bearer {_KEY}", "--request-timeout", str(LONGEST_REQUEST_S)]
    command += ["--report-json-path", str(report), "--no-color", "--continue-on-failure"]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=report.parent)  # noqa: S603


def _count_cases(report: Path) -> int:
    """How many requests it made, by its own report."""
    return int(json.loads(report.read_text(encoding="utf-8"))["test_cases"]["total"])
