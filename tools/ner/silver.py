"""The teacher's opinion of unlabelled text, as probabilities of tags for the student to imitate.

usage: silver.py TEACHER.pt NAME CHARS [FIRST_LINE]   (writes NAME.txt and NAME.npy)
"""
import os, sys, time
import numpy as np, torch
from common import DATA
from encoder import Pack
from lac import Lac
from teacher import PACK, Teacher, batch, batches, features


def main(source, name, limit, first=0):
    saved = torch.load(source, weights_only=False)
    pack, lac = Pack(PACK), Lac()
    model = Teacher(pack, len(saved["chars"]) + 1, saved["lac"])
    model.load_state_dict(saved["state"], strict=False)
    model.eval()
    done, start = 0, time.time()
    with open(os.path.join(DATA, "sample.txt"), encoding="utf8") as f:
        texts = [l.rstrip("\n") for l in f][first:]
    soft = []
    with open(os.path.join(DATA, name + ".txt"), "w", encoding="utf8") as out:
        for k in range(0, len(texts), 3000):
            rows = features([{"t": t, "d": "cluener"} for t in texts[k:k + 3000]], pack, lac, saved["chars"], False)
            for part in batches(rows, 4000, False):
                with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
                    y = model(batch(part, pack)).float().softmax(-1).numpy()
                for r, p in zip(part, y):
                    out.write(r["t"] + "\n")
                    soft.append(p[:len(r["t"])].astype(np.float16))
                    done += len(r["t"])
            print(done, round(time.time() - start), flush=True)
            out.flush()
            np.save(os.path.join(DATA, name + ".npy"), np.concatenate(soft))
            if done >= limit:
                break


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ.get("THREADS", "1")))
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
