#!/bin/sh
# Writes constraints.txt: the exact version of every package that a fresh install of the ranges in
# pyproject.toml gives today. Needs the torch and torchvision versions of pyproject.toml.
set -eu

cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

{
    sed -n 's/^ *"\(torch==[^"]*\)",$/\1/p' pyproject.toml
    sed -n 's/^ *"\(torchvision==[^"]*\)",$/\1/p' pyproject.toml
} >"$work/constraints.txt"
cp constraints.txt "$work/previous.txt" 2>/dev/null || true
cp "$work/constraints.txt" constraints.txt
if ! scripts/install.sh "$work/venv" chaos; then
    [ ! -f "$work/previous.txt" ] || cp "$work/previous.txt" constraints.txt
    exit 1
fi
{
    echo "# Made by scripts/pin.sh (make pin); do not edit."
    # A local build label such as +cpu is a choice of the installer, not a version.
    "$work/venv/bin/python" -m pip --disable-pip-version-check freeze --exclude-editable --exclude setuptools |
        sed 's/+[a-z0-9.]*$//' | grep -v ' @ '
} >"$work/pinned.txt"
cp "$work/pinned.txt" constraints.txt
echo "constraints.txt: $(grep -c == constraints.txt) packages"
