#!/usr/bin/env bash
# Gathers photographs that packages on PyPI carry, and the peers, into a scratch folder.
# They are never committed: each keeps its own licence.
# Use: bench/pictures/fetch.sh FOLDER
set -euo pipefail
into=$(mkdir -p "$1" && cd "$1" && pwd)
mkdir -p "$into/packages" "$into/photos" "$into/peers"
pip download --quiet --no-deps --dest "$into/packages" scikit-image==0.26.0 scikit-learn
pip download --quiet --no-deps --no-binary :all: --dest "$into/packages" face_recognition==1.3.0
python3 - "$into" <<'PYTHON'
import glob, os, sys, tarfile, zipfile

into = sys.argv[1]
wanted = {
    "scikit_image*.whl": ["astronaut.png", "chelsea.png", "coffee.png", "hubble_deep_field.jpg",
                          "motorcycle_left.png", "page.png", "retina.jpg", "rocket.jpg"],
    "scikit_learn*.whl": ["china.jpg", "flower.jpg"],
}
for pattern, names in wanted.items():
    with zipfile.ZipFile(glob.glob(os.path.join(into, "packages", pattern))[0]) as wheel:
        for member in wheel.namelist():
            if os.path.basename(member) in names:
                with open(os.path.join(into, "photos", os.path.basename(member)), "wb") as out:
                    out.write(wheel.read(member))
with tarfile.open(glob.glob(os.path.join(into, "packages", "face_recognition*.tar.gz"))[0]) as sdist:
    for member in sdist.getmembers():
        if member.name.endswith(("tests/test_images/obama.jpg", "tests/test_images/biden.jpg")):
            with open(os.path.join(into, "photos", os.path.basename(member.name)), "wb") as out:
                out.write(sdist.extractfile(member).read())
PYTHON
pip install --quiet --target "$into/peers" blind-watermark==0.4.4 opencv-python-headless numpy PyWavelets pillow onnxruntime
pip install --quiet --target "$into/peers" --no-deps invisible-watermark==0.2.0
ls "$into/photos"
