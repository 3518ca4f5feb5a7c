"""The teacher's opinion of unlabelled text, as probabilities of tags for the student to imitate.

usage: silver.py TEACHER.pt NAME CHARS [PART OF]   (writes NAME.txt and NAME.npy)
Lines of sample.txt in which LAC sees a name of a person, place or organisation come first, longer ones before
short ones; of OF equal parts, only one is labelled.  Everything is saved every so often.
"""
import os, random, sys, time
import numpy as np, torch
from common import DATA
from encoder import Pack
from lac import Lac
from teacher import PACK, Teacher, batch, batches, features
from train_student import NAMED


def pick(limit, part, of):
    """Lines worth the teacher's time, in an order of their own."""
    random.seed(9)
    tags, at, best = np.load(os.path.join(DATA, "sample.lac.npy")), 0, []
    for t in open(os.path.join(DATA, "sample.txt"), encoding="utf8").read().splitlines():
        named = int(np.isin(tags[at:at + len(t)], list(NAMED)).sum())
        at += len(t)
        # Headlines are short and alike, and markup teaches nothing.
        worth = (named > 0) + (len(t) >= 18) + 0.8 * random.random()
        if len(t) >= 6 and "<" not in t and "&" not in t:
            best.append((-worth, t))
    best.sort()
    out, total = [], 0
    for _, t in best:
        if total >= limit:
            break
        out.append(t)
        total += len(t)
    random.shuffle(out)
    return out[part::of]


def main(source, name, limit, part=0, of=1):
    saved = torch.load(source, weights_only=False)
    pack, lac = Pack(PACK), Lac()
    model = Teacher(pack, len(saved["chars"]) + 1, saved["lac"])
    model.load_state_dict(saved["state"], strict=False)
    model.eval().to(torch.bfloat16)
    done, start, soft = 0, time.time(), []
    texts = pick(limit, part, of)
    print("lines", len(texts), "characters", sum(map(len, texts)), flush=True)
    with open(os.path.join(DATA, name + ".txt"), "w", encoding="utf8") as out:
        for k in range(0, len(texts), 6000):
            rows = features([{"t": t, "d": "cluener"} for t in texts[k:k + 6000]], pack, lac, saved["chars"], False)
            for some in batches(rows, 5000, False):
                b = batch(some, pack)
                b["lac"] = b["lac"].to(torch.bfloat16)
                with torch.inference_mode():
                    y = model(b).float().softmax(-1).numpy()
                for r, p in zip(some, y):
                    out.write(r["t"] + "\n")
                    soft.append(p[:len(r["t"])].astype(np.float16))
                    done += len(r["t"])
            print(done, round(time.time() - start), flush=True)
            out.flush()
            np.save(os.path.join(DATA, name + ".npy"), np.concatenate(soft))


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ.get("THREADS", "1")))
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
