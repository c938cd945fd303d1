#!/bin/sh
# Makes the virtual environment and installs the project into it, with the CPU build of PyTorch.
# Usage: scripts/install.sh VENV [EXTRA]      EXTRA: dev (default), chaos (dev and a fuzzer), clip, ocr, quantise
set -eu

venv=$1
extra=${2-dev}
cd "$(dirname "$0")/.."

find_python() {
    for candidate in "${PYTHON:-}" python3.11 python3 python; do
        if [ -n "$candidate" ] && command -v "$candidate" >/dev/null 2>&1 &&
            [ "$("$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2])')" = 3.11 ]; then
            echo "$candidate"
            return
        fi
    done
    echo "Python 3.11 is needed and was not found; set PYTHON to its path" >&2
    exit 1
}

pinned() { # the exact version that constraints.txt asks for
    sed -n "s/^$1==//p" constraints.txt
}

usable() { # a virtual environment of Python 3.11 that has pip; an interrupted first run leaves less
    "$venv/bin/python" -c 'import sys, pip; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null
}

if ! usable; then
    python=$(find_python)
    if [ -e "$venv" ] && [ ! -e "$venv/pyvenv.cfg" ] && [ -n "$(ls -A "$venv")" ]; then
        echo "$venv is there and is no virtual environment; move it away or set VENV" >&2
        exit 1
    fi
    "$python" -m venv --clear "$venv"
fi
pip="$venv/bin/python -m pip --disable-pip-version-check --quiet"

# PyTorch first and alone. A plain install would bring gigabytes of CUDA packages, and an index added to the
# main call would be asked for every package. A CPU wheel that pip finds on this machine is taken, else
# PyTorch's own CPU index; "+cpu" names that build.
torch=$(pinned torch)
vision=$(pinned torchvision)
if ! "$venv/bin/python" -c "import torch, sys; sys.exit(torch.__version__.split('+')[0] != '$torch')" 2>/dev/null; then
    echo "Installing PyTorch $torch (CPU build)"
    if ! $pip install --no-index --no-deps "torch==$torch+cpu" 2>/dev/null; then
        # The index carries the matching torchvision too; without it the next step takes the usual one.
        $pip install --no-deps --index-url https://download.pytorch.org/whl/cpu "torch==$torch" "torchvision==$vision"
    fi
fi
# Without its dependencies, so that pip never replaces the CPU build of PyTorch.
$pip install --no-deps --constraint constraints.txt "torchvision==$vision"

echo "Installing Binderlens"
target=.
[ -z "$extra" ] || target=".[$extra]"
$pip install --constraint constraints.txt --editable "$target"
"$venv/bin/python" - <<'PY'
import torch

if torch.version.cuda is not None:
    raise SystemExit("a CUDA build of PyTorch was installed; remove the virtual environment and try again")
PY
