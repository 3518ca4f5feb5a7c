"""Faces by deface and fields by privacy-mask, beside ours, in one run over the same pictures.

    pip install deface==1.5.0 privacy-mask==0.3.5 onnxruntime
    cargo build --release -p liuhen-bench-sight
    python bench/peers/pictures_by_others.py faces FOLDER target/release/liuhen-bench-sight MODELS
    python bench/peers/pictures_by_others.py fields N target/release/liuhen-bench-sight MODELS

`faces`: every picture of a folder; deface as it comes (threshold 0.2, onnxruntime, at the size of the
picture). Seconds are from file to boxes, networks loaded before, on both sides.
`fields`: N drawn photographs of documents (`liuhen-bench-sight draw`, seed 7); privacy-mask as it comes.
A field counts as covered when boxes cover nine tenths of each of its lines.
"""

import glob
import json
import os
import subprocess
import sys
import tempfile
import time


def overlap(one, two):
    """Intersection over union of two boxes, left, top, width, height."""
    across = min(one[0] + one[2], two[0] + two[2]) - max(one[0], two[0])
    down = min(one[1] + one[3], two[1] + two[3]) - max(one[1], two[1])
    if across <= 0 or down <= 0:
        return 0.0
    shared = across * down
    return shared / (one[2] * one[3] + two[2] * two[3] - shared)


def faces(folder, ours, models):
    import cv2
    from deface.centerface import CenterFace

    network = CenterFace()
    network(cv2.imread(sorted(glob.glob(folder + "/*"))[0]), threshold=0.2)
    said = subprocess.run([ours, "faces-of", folder, models], check=True, capture_output=True, text=True)
    total = {"pictures": 0, "ours": 0, "could not tell": 0, "deface": 0, "only ours": 0, "only deface": 0}
    seconds = {"ours": 0.0, "deface": 0.0}
    for line in said.stdout.splitlines():
        mine = json.loads(line)
        path = os.path.join(folder, mine["picture"])
        start = time.perf_counter()
        found, _ = network(cv2.imread(path)[:, :, ::-1], threshold=0.2)
        seconds["deface"] += time.perf_counter() - start
        seconds["ours"] += mine["seconds"]
        theirs = [[left, top, right - left, foot - top] for left, top, right, foot, _ in found.tolist()]
        every = mine["faces"] + mine["could_not_tell"]
        lone = [one for one in theirs if all(overlap(one, two) < 0.3 for two in every)]
        own = [one for one in mine["faces"] if all(overlap(one, two) < 0.3 for two in theirs)]
        total["pictures"] += 1
        total["ours"] += len(mine["faces"])
        total["could not tell"] += len(mine["could_not_tell"])
        total["deface"] += len(theirs)
        total["only ours"] += len(own)
        total["only deface"] += len(lone)
        print(mine["picture"], "ours", len(mine["faces"]), "could not tell", len(mine["could_not_tell"]),
              "deface", len(theirs), "only ours", [[round(v) for v in one[:4]] for one in own],
              "only deface", [[round(v) for v in one] for one in lone])
    print(total)
    print({name: round(value, 2) for name, value in seconds.items()}, "seconds")


def covered(place, boxes):
    """The share of a quadrilateral within any of these boxes (left, top, right, foot)."""
    (a, b, c, d), inside = place, 0
    for column in range(60):
        for row in range(8):
            along, across = (column + 0.5) / 60, (row + 0.5) / 8
            top = [a[i] + (b[i] - a[i]) * along for i in (0, 1)]
            low = [d[i] + (c[i] - d[i]) * along for i in (0, 1)]
            x, y = (top[i] + (low[i] - top[i]) * across for i in (0, 1))
            inside += any(box[0] <= x < box[2] and box[1] <= y < box[3] for box in boxes)
    return inside / 480


def fields(count, ours, models):
    from mask_engine.pipeline import run_pipeline

    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([ours, "draw", str(count), folder], check=True, stdout=subprocess.DEVNULL)
        hidden = whole = 0
        start = time.perf_counter()
        for path in sorted(glob.glob(folder + "/*.jpg")):
            found = run_pipeline(path, dry_run=True).detections
            boxes = [[box[0], box[1], box[0] + box[2], box[1] + box[3]] for box in (one.bbox for one in found)]
            with open(path[:-4] + ".json") as truth:
                for field in json.load(truth)["fields"]:
                    whole += 1
                    hidden += all(covered(place, boxes) >= 0.9 for place in field["places"])
        took = time.perf_counter() - start
    print(f"privacy-mask: {hidden} of {whole} fields ({100 * hidden / whole:.1f}%), {took / count:.2f} s a picture")
    start = time.perf_counter()
    said = subprocess.run([ours, "cards", str(count), models], check=True, capture_output=True, text=True).stdout
    took = time.perf_counter() - start
    row = next(line for line in said.splitlines() if line.startswith("| all |"))
    print("ours: fields, found, as a line, not at all, painted over", row, f"{took / count:.2f} s a picture, drawing included")


if __name__ == "__main__":
    verb, what, program, weights = sys.argv[1:5]
    {"faces": faces, "fields": lambda count, *rest: fields(int(count), *rest)}[verb](what, program, weights)
