"""Quantises a trained student, calibrates it on held-back text and writes the weights file.

usage: export.py STUDENT.pt OUT.bin
"""
import struct, sys
import numpy as np, torch
from common import KINDS, load, score, spans_of
from decode import decode
from student import HALF, Student
from train_student import DEVS, chunks, gold_items, show, tensors

# Largest activation of the last layer and of the blocks, and largest weight of the blocks.
TOP, NARROW_TOP, HEAVIEST = 2047.0, 63.0, 63


def eight_bits(w, most=127):
    """Rows of integers and a factor for each row."""
    f = np.maximum(np.abs(w).max(1), 1e-8) / most
    return np.clip(np.rint(w / f[:, None]), -most, most).astype(np.int8), f.astype(np.float32)


class Quantised:
    """The student as the Rust code computes it, in numpy."""

    def __init__(self, model, features):
        p = {k: v.detach().numpy().astype(np.float32) for k, v in model.named_parameters()}
        self.features = features
        tables = [p["char.weight"], p["bi.weight"][1:], p["tri.weight"][1:]]
        self.scale = max(np.quantile(np.abs(t), 0.9999) for t in tables if t.size) / 127
        self.tables = [np.clip(np.rint(t / self.scale), -127, 127).astype(np.int8) for t in tables]
        self.tables[0][0] = 0
        self.scale = np.float32(self.scale)
        self.blocks = []
        for i, d in enumerate(model.dilations):
            w, f = eight_bits(p["points.%d.weight" % i], HEAVIEST)
            self.blocks.append([d, p["taps.%d" % i], p["shift.%d" % i], 1.0, w, f, p["points.%d.bias" % i]])
        w, f = eight_bits(p["out.weight"])
        self.last = [w, f, p["out.bias"]]
        self.quantum = 1.0
        self.measure()

    def measure(self):
        """The largest activation seen in each layer sets its step."""
        items = gold_items()[::11]
        self.seen = [0.0] * (len(self.blocks) + 1)
        for part in chunks(items, 20000):
            self.run([t for t, _ in part], watch=True)
        for i, b in enumerate(self.blocks):
            b[3] = np.float32(NARROW_TOP / self.seen[i])
            b[1], b[2] = b[1] * b[3], b[2] * b[3]
        self.quantum = np.float32(TOP / (self.seen[-1] * 1.1))

    def run(self, texts, watch=False):
        ids, bi, tri, starts = (np.asarray(v) for v in tensors(self.features, texts))
        keep = (ids > 0)[:, None]
        pad = lambda t: np.concatenate([np.zeros((1, t.shape[1]), np.int8), t])
        x = self.tables[0][ids].astype(np.int32)
        x[:, :HALF] += pad(self.tables[1])[bi]
        x[:, HALF:] += pad(self.tables[2])[tri]
        roll = lambda v, by: np.roll(v, -by, 0)
        h = (x * keep).astype(np.float32) * self.scale
        for i, (d, taps, shift, quantum, w, f, b) in enumerate(self.blocks):
            u = ((shift + roll(h, -d) * taps[0]) + h * taps[1]) + roll(h, d) * taps[2]
            if watch:
                self.seen[i] = max(self.seen[i], float(np.quantile((u * keep).max(1), 0.999)))
                h = (h + np.maximum(u, 0) @ (w.astype(np.float32) * f[:, None]).T + b) * keep
                continue
            q = np.rint(np.clip(u, 0, NARROW_TOP))
            h = (h + (q.astype(np.float64) @ w.T.astype(np.float64)).astype(np.float32) * (f / quantum) + b) * keep
        if watch:
            self.seen[-1] = max(self.seen[-1], float(h.max()))
            return None
        q = np.rint(np.clip(h * self.quantum, 0, TOP))
        y = (q.astype(np.float64) @ self.last[0].T.astype(np.float64)).astype(np.float32) * (self.last[1] / self.quantum) + self.last[2]
        return [y[s:s + len(t)] for s, t in zip(starts, texts)]


def tag(model, rows):
    out = []
    for part in chunks([(r["t"], r) for r in rows], 30000):
        out += model.run([t for t, _ in part])
    return out


def margins(y, path, spans):
    for a, b, k in spans:
        own = y[np.arange(a, b), path[a:b]]
        rest = y[a:b].copy()
        rest[np.arange(b - a), path[a:b]] = -1e9
        yield float((own - rest.max(1)).min()), k


def calibrate(found):
    """For each kind, the share of right spans in twenty steps of the margin, made to rise."""
    tables = []
    for kind in KINDS:
        pairs = sorted((m, ok) for m, k, ok in found if k == kind)
        n = max(1, len(pairs) // 20)
        groups = [pairs[i:i + n] for i in range(0, len(pairs), n)]
        blocks = [[float(np.mean([m for m, _ in g])), float(np.mean([ok for _, ok in g])), len(g)] for g in groups]
        rising = []
        for b in blocks:
            rising.append(b)
            while len(rising) > 1 and rising[-2][1] >= rising[-1][1]:
                (m1, s1, n1), (m2, s2, n2) = rising[-2:]
                rising[-2:] = [[(m1 * n1 + m2 * n2) / (n1 + n2), (s1 * n1 + s2 * n2) / (n1 + n2), n1 + n2]]
        tables.append([(m, min(0.99, s)) for m, s, _ in rising])
    return tables


def confidence(points, margin):
    return float(np.interp(margin, [m for m, _ in points], [s for _, s in points]))


def check(found):
    """A table from every other span, tried on the rest: what share was right in each band?"""
    tables = calibrate(found[::2])
    rest = [(confidence(tables[KINDS.index(k)], m), ok) for m, k, ok in found[1::2]]
    for low, high in [(0.5, 0.6), (0.6, 0.7), (0.7, 0.8), (0.8, 0.9), (0.9, 0.97), (0.97, 1.01)]:
        band = [ok for c, ok in rest if low <= c < high]
        print("  confidence from %.2f: %d spans, %.3f right" % (low, len(band), np.mean(band) if band else 0))


def write(path, q, tables):
    f32 = lambda v: np.asarray(v, "<f4").tobytes()
    u32 = lambda v: struct.pack("<I", v)
    ft = q.features
    out = b"LHSQ\x02\0\0\0" + u32(len(ft.chars)) + u32(len(ft.bigrams)) + u32(len(ft.trigrams))
    out += b"".join(u32(ord(c)) for c in ft.chars) + b"".join(u32(int(k)) for k in ft.bigrams)
    out += b"".join(struct.pack("<IB", int(k) & 0xFFFFFFFF, int(k) >> 32) for k in ft.trigrams)
    out += b"".join(t.tobytes() for t in q.tables)
    out += f32(q.scale) + u32(len(q.blocks))
    for d, taps, shift, quantum, w, f, b in q.blocks:
        out += u32(d) + f32(taps) + f32(shift) + w.tobytes() + f32(f / quantum) + f32(b)
    out += f32(q.quantum) + q.last[0].tobytes() + f32(q.last[1] / q.quantum) + f32(q.last[2])
    for points in tables:
        out += u32(len(points)) + b"".join(struct.pack("<ff", *p) for p in points)
    h = 0xCBF29CE484222325
    for byte in out:
        h = ((h ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    with open(path, "wb") as f:
        f.write(out + struct.pack("<Q", h))
    print(path, len(out) + 8)


def main(source, target):
    saved = torch.load(source, weights_only=False)
    model = Student(saved["features"], dilations=saved["dilations"])
    model.load_state_dict(saved["state"], strict=False)
    q = Quantised(model, saved["features"])
    found, result = [], {}
    for d in DEVS:
        rows, pairs = load(d + ".dev"), []
        for r, y in zip(rows, tag(q, rows)):
            path = decode(y)
            spans = spans_of(path)
            pairs.append((r["s"], spans))
            gold = {tuple(s) for s in r["s"]}
            # The generated text is too easy to tell how sure to be.
            if d != "own":
                found += [(m, k, s in gold) for (m, k), s in zip(margins(y, np.array(path), spans), spans)]
        result[d] = score(pairs)
    show(result)
    check(found)
    write(target, q, calibrate(found))


if __name__ == "__main__":
    main(*sys.argv[1:3])
