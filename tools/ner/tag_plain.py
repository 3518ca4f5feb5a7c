"""Tags a sample of the unlabelled text with LAC (one tag number per character), for the student's first lessons.

usage: tag_plain.py CHARS_PER_SOURCE   (writes sample.txt and sample.lac.npy)
"""
import os, random, sys
import numpy as np
from common import DATA
from lac import Lac


def main(limit):
    random.seed(5)
    rows = {}
    for line in open(os.path.join(DATA, "plain.txt"), encoding="utf8"):
        source, text = line.rstrip("\n").split("\t", 1)
        rows.setdefault(source, []).append(text.strip())
    picked = []
    for texts in rows.values():
        random.shuffle(texts)
        total = 0
        for t in texts:
            if total > limit:
                break
            total += len(t)
            picked.append(t)
    random.shuffle(picked)
    with open(os.path.join(DATA, "sample.txt"), "w", encoding="utf8") as f:
        f.writelines(t + "\n" for t in picked)
    lac, tags = Lac(), []
    for k in range(0, len(picked), 20000):
        tags += [e.argmax(1).astype(np.uint8) for e in lac.emissions(picked[k:k + 20000])]
        print(k, flush=True)
    np.save(os.path.join(DATA, "sample.lac.npy"), np.concatenate(tags))


main(int(sys.argv[1]))
