#!/usr/bin/env bash
# Installs what rushes is compared with into a Python environment of its own: benches/peers/setup.sh DIR
set -euo pipefail

if [[ $# -ne 1 ]]; then
    echo "usage: $0 DIR" >&2
    exit 2
fi
python3 -m venv "$1"
"$1/bin/python" -m pip install --quiet --disable-pip-version-check \
    OpenEXR==3.5.3 openimageio==3.2.2.0 numpy
"$1/bin/python" -c 'import numpy, OpenEXR, OpenImageIO; print("ready: OpenEXR", OpenEXR.__version__)'
