"""Brings the four labelled sets and the unlabelled text to one form.

Writes {set}.train.jsonl and {set}.dev.jsonl with rows {"t": text, "s": [[start, end, kind]...]},
and plain.txt with unlabelled sentences from the given git snapshots.
"""
import json, os, random, re, subprocess, sys
from common import DATA, SHARED, held_back, save

CLUENER = {"name": "PER", "address": "ADR", "organization": "ORG", "company": "ORG", "government": "ORG"}
WEIBO = {"PER.NAM": "PER", "LOC.NAM": "ADR", "GPE.NAM": "ADR", "ORG.NAM": "ORG"}
RESUME = {"NAME": "PER", "LOC": "ADR", "ORG": "ORG"}


def disjoint(spans):
    out = []
    for s in sorted(spans, key=lambda s: (s[0] - s[1], s[0])):
        if all(s[1] <= o[0] or s[0] >= o[1] for o in out):
            out.append(s)
    return sorted(out)


def cluener():
    for line in open(os.path.join(SHARED, "cluener.train.jsonl"), encoding="utf8"):
        row = json.loads(line)
        spans = [[a, b + 1, CLUENER[k]] for k, names in row["label"].items() if k in CLUENER
                 for places in names.values() for a, b in places]
        yield {"t": row["text"], "s": disjoint(spans)}


def columns(path, kinds, cut=1):
    """Files with a token and a tag per line; blank lines between sentences."""
    text, spans, kind = "", [], None
    for line in open(os.path.join(SHARED, path), encoding="utf8"):
        parts = line.split()
        if len(parts) < 2:
            if text:
                yield {"t": text, "s": spans}
            text, spans, kind = "", [], None
            continue
        token, tag = parts[0][:cut] if cut else parts[0], parts[-1]
        part, name = (tag.split("-", 1) + [""])[:2] if tag != "O" else ("O", "")
        mapped = kinds.get(name)
        if mapped and kind == name and part not in "BS" and spans and spans[-1][1] == len(text):
            spans[-1][1] = len(text) + len(token)
        elif mapped:
            spans.append([len(text), len(text) + len(token), mapped])
        text, kind = text + token, name
    if text:
        yield {"t": text, "s": spans}


def address():
    for row in columns("address.train.txt", {}, cut=0):
        yield {"t": row["t"], "s": [[0, len(row["t"]), "ADR"]]}


def write(name, rows):
    rows = list(rows)
    train = [r for r in rows if not held_back(r["t"])]
    dev = [r for r in rows if held_back(r["t"])]
    save(name + ".train", train)
    save(name + ".dev", dev)
    print(name, len(train), len(dev), sum(len(r["t"]) for r in rows))


def blobs(repo, pattern):
    git = ["git", "--git-dir=" + repo]
    names = subprocess.run(git + ["-c", "core.quotePath=false", "ls-tree", "-r", "HEAD"], capture_output=True, text=True).stdout
    shas = [l.split()[2] for l in names.splitlines() if re.search(pattern, l.split("\t")[1])]
    out = subprocess.run(git + ["cat-file", "--batch"], input="\n".join(shas), capture_output=True, text=True, errors="replace").stdout
    return out


def sentences(text):
    for line in text.splitlines():
        line = re.sub(r"\s+", " ", line.strip().strip("#").strip())
        if len(line) < 8 or not re.search(r"[一-鿿]", line):
            continue
        part = ""
        for piece in re.findall(r"[^。！？；]+[。！？；]?[”」]?", line):
            if part and len(part) + len(piece) > 90:
                yield part[:160]
                part = ""
            part += piece
            if len(part) > 30:
                yield part[:160]
                part = ""
        if len(part) >= 6:
            yield part[:160]


def plain(mirror):
    seen, counts = set(), {}
    with open(os.path.join(DATA, "plain.txt"), "w", encoding="utf8") as f:
        def put(source, s):
            if s not in seen and 5 < len(s) and sum("一" <= c <= "鿿" for c in s) > len(s) / 2:
                seen.add(s)
                counts[source] = counts.get(source, 0) + len(s)
                f.write(source + "\t" + s + "\n")
        for s in sentences(blobs(mirror + "/DuckBurnIncense+xin-wen-lian-bo/repo", r"^news/")):
            put("cctv", s)
        for name in ["weibo-trending-hot-search", "zhihu-trending-hot-questions"]:
            for s in re.findall(r"^\d+\. \[(.+?)\]\(", blobs(mirror + "/justjavac+" + name + "/repo", r"^archives/"), re.M):
                put(name.split("-")[0], s.strip())
    print({k: v for k, v in counts.items()}, len(seen))


if __name__ == "__main__":
    os.makedirs(DATA, exist_ok=True)
    write("cluener", cluener())
    write("weibo", columns("weibo.train.conll", WEIBO))
    write("resume", columns("resume.train.bmes", RESUME))
    write("address", address())
    if len(sys.argv) > 1:
        plain(sys.argv[1])
