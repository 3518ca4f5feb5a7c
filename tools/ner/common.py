"""Shared by all scripts: paths, labels, sentence splits and the span score."""
import hashlib, json, os

SHARED = os.environ.get("LIUHEN_SHARED", "/work/shared/data/ner")
SCRATCH = os.environ.get("LIUHEN_SCRATCH", "/work/scratch/ner")
DATA = os.path.join(SCRATCH, "data")
RULES = os.path.join(os.path.dirname(__file__), "../../crates/kinds/rules")
KINDS = ["PER", "ADR", "ORG"]
# O, then B I E S of each kind: the order is also that of the weights file.
TAGS = ["O"] + [p + "-" + k for k in KINDS for p in "BIES"]


def held_back(text):
    """A tenth of all sentences, chosen by their own hash, is never trained on."""
    return hashlib.md5(text.encode()).digest()[0] % 10 == 0


def tags_of(text, spans):
    out = [0] * len(text)
    for start, end, kind in spans:
        base = 1 + 4 * KINDS.index(kind)
        if end - start == 1:
            out[start] = base + 3
        else:
            out[start:end] = [base] + [base + 1] * (end - start - 2) + [base + 2]
    return out


def spans_of(tags):
    """Spans of a well formed tag sequence."""
    out, start = [], None
    for i, t in enumerate(tags):
        if t == 0:
            start = None
            continue
        kind, part = (t - 1) // 4, (t - 1) % 4
        if part == 3:
            out.append((i, i + 1, KINDS[kind]))
        elif part == 0:
            start = i
        elif part == 2 and start is not None:
            out.append((start, i + 1, KINDS[kind]))
            start = None
    return out


def score(pairs):
    """pairs of (gold spans, found spans) -> {kind: (precision, recall, F1, gold count)}"""
    count = {k: [0, 0, 0] for k in KINDS}
    for gold, found in pairs:
        gold, found = {tuple(s) for s in gold}, {tuple(s) for s in found}
        for s in gold:
            count[s[2]][1] += 1
        for s in found:
            count[s[2]][2] += 1
            count[s[2]][0] += s in gold
    out = {}
    for k, (hit, n_gold, n_found) in count.items():
        p, r = hit / max(1, n_found), hit / max(1, n_gold)
        out[k] = (round(p, 4), round(r, 4), round(2 * p * r / max(1e-9, p + r), 4), n_gold)
    return out


def load(name):
    with open(os.path.join(DATA, name + ".jsonl"), encoding="utf8") as f:
        return [json.loads(line) for line in f]


def save(name, rows):
    with open(os.path.join(DATA, name + ".jsonl"), "w", encoding="utf8") as f:
        for row in rows:
            f.write(json.dumps(row, ensure_ascii=False) + "\n")
