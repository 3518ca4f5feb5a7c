"""Trains the student.

usage: train_student.py OUT.pt [steps] [init=FILE] [blocks=N] [lac] [silver=NAME,NAME] [epochs=N] [lr=X] [tables=X] [features=FILE] [threads=N] [own=N] [seed=N] [bi=N] [tri=N]
`lac`: only the first lessons, LAC's tags of sample.txt.  `tables` multiplies the step of the tables of characters and n-grams.  Otherwise the labelled sets, our own text and the silver text.
"""
import copy, os, random, sys, time
import numpy as np, torch, torch.nn.functional as F
import names
from common import DATA, KINDS, RULES, load, score, spans_of, tags_of
from student import DILATIONS, GAP, Features, Student, count_features
from decode import decode_all

DEVS = ["cluener", "weibo", "resume", "address", "own"]


def chunks(items, size):
    part, total = [], 0
    for x in items:
        part.append(x)
        total += len(x[0]) + GAP
        if total >= size:
            yield part
            part, total = [], 0
    if part:
        yield part


def tensors(features, texts):
    ids, bi, tri, starts = features.stream([features.ids(t) for t in texts])
    return torch.from_numpy(ids), torch.from_numpy(bi), torch.from_numpy(tri), starts


def spread(values, starts, total, like):
    """Per-text arrays laid into the stream."""
    out = np.full((total,) + values[0].shape[1:], like, values[0].dtype)
    for v, s in zip(values, starts):
        out[s:s + len(v)] = v
    return torch.from_numpy(out)


def evaluate(model, features, bias=0.0, sets=DEVS):
    model.eval()
    out = {}
    for d in sets:
        rows, pairs = load(d + ".dev"), []
        for part in chunks([(r["t"], r) for r in rows], 30000):
            ids, bi, tri, starts = tensors(features, [t for t, _ in part])
            with torch.no_grad():
                y = model(ids, bi, tri)[0].numpy()
            y[:, 0] += bias
            for (t, r), path in zip(part, decode_all(y, [(s, s + len(t)) for (t, _), s in zip(part, starts)])):
                pairs.append((r["s"], spans_of(path)))
        out[d] = score(pairs)
    model.train()
    return out


def show(result):
    for d, s in result.items():
        print("  %-8s" % d, "  ".join("%s P %.3f R %.3f F %.4f (%d)" % ((k,) + s[k]) for k in KINDS), flush=True)


SWAP_PLACES = []


def swap(row, rate=0.3):
    """Some Chinese names become other names, some places other places."""
    text, spans, at = "", [], 0
    for a, b, kind in row["s"]:
        text += row["t"][at:a]
        value = row["t"][a:b]
        if kind == "PER" and random.random() < rate and b - a in (2, 3) and value[0] in names.COMMON + names.RARE:
            value = names.surname() + names.given()
        elif kind == "PER" and random.random() < rate and ("·" in value or b - a > 4):
            value = names.transliterated()
        elif kind == "ADR" and random.random() < rate * 0.5 and b - a < 8:
            value = random.choice(SWAP_PLACES) if random.random() < 0.6 else names.place()
        spans.append([len(text), len(text) + len(value), kind])
        text, at = text + value, b
    return {"t": text + row["t"][at:], "s": spans}


def gold_items(own=15000):
    """One epoch of labelled and generated text, as (text, hard tags)."""
    rows = []
    for d, times in [("cluener", 1), ("weibo", 2), ("resume", 1), ("address", 1)]:
        part = load(d + ".train")
        if d == "cluener" and not SWAP_PLACES:
            SWAP_PLACES.extend(r["t"][a:b] for r in part for a, b, k in r["s"] if k == "ADR")
        if d == "address":
            part = random.sample(part, 2500)
        rows += [swap(r) if d in ("cluener", "weibo", "resume") else r for r in part * times]
    rows += random.sample(load("own.train"), own)
    return [(r["t"], np.array(tags_of(r["t"], r["s"]), np.int64)) for r in rows]


def make_features(n_bi, n_tri):
    texts = [(t, 1) for t in random.sample(open(DATA + "/plain.txt", encoding="utf8").read().splitlines(), 350000)]
    texts = [(t.split("\t", 1)[1], w) for t, w in texts]
    for d in ["cluener", "weibo", "resume", "address"]:
        texts += [(r["t"], 4) for r in load(d + ".train")]
    texts += [(p + c + k, 3) for p, c, k in names.REGIONS] + [(r["t"], 1) for r in load("own.train")[:5000]]
    texts += [(t, 3) for t in named_parts()]
    return count_features(texts, 5600, n_bi, n_tri)


# LAC's tags of persons, places and organisations.
NAMED = range(16, 22)


def named_parts():
    """What LAC takes for a name of a person, place or organisation, with a character to either side."""
    text = open(DATA + "/sample.txt", encoding="utf8").read().splitlines()
    tags, at = np.load(DATA + "/sample.lac.npy"), 0
    for t in text:
        inside = np.isin(tags[at:at + len(t)], list(NAMED))
        edges = np.flatnonzero(np.diff(np.concatenate([[0], inside.astype(np.int8), [0]])))
        for a, b in zip(edges[::2], edges[1::2]):
            yield t[max(0, a - 1):b + 1]
        at += len(t)


def main(out, options):
    seed = int(options.get("seed", 1))
    random.seed(seed), torch.manual_seed(seed), np.random.seed(seed)
    torch.set_num_threads(int(options.get("threads", 1)))
    if "features" in options:
        features, saved = torch.load(options["features"], weights_only=False)["features"], None
    elif "init" in options:
        saved = torch.load(options["init"], weights_only=False)
        features = saved["features"]
    else:
        features, saved = make_features(int(options.get("bi", 34000)), int(options.get("tri", 34000))), None
    print("features", features.size, len(features.bigrams), len(features.trigrams), flush=True)
    lessons, own = "lac" in options, int(options.get("own", 15000))
    # The first lessons may have had more blocks; what is left over is dropped.
    model = Student(features, aux=59 if lessons else 0, dilations=DILATIONS[:int(options.get("blocks", 5))])
    if saved:
        print(model.load_state_dict(saved["state"], strict=False))
    if lessons:
        texts = open(DATA + "/sample.txt", encoding="utf8").read().splitlines()
        tags = np.load(DATA + "/sample.lac.npy").astype(np.int64)
        ends = np.cumsum([len(t) for t in texts])
        texts = [t for t, e in zip(texts, ends) if e <= len(tags)]
        source = [(t, tags[e - len(t):e]) for t, e in zip(texts, ends)]
    else:
        source = gold_items(own)
    silver = []
    for name in filter(None, options.get("silver", "").split(",")):
        soft, at = np.load(DATA + "/%s.npy" % name), 0
        for t in open(DATA + "/%s.txt" % name, encoding="utf8").read().split("\n"):
            if at + len(t) > len(soft):
                break
            silver.append((t, soft[at:at + len(t)]))
            at += len(t)
    silver = [x for x in silver if x[0]]
    epochs, size = int(options.get("epochs", 1)), int(options.get("size", 6000))
    total = sum(len(x[0]) + GAP for x in source) * epochs // size + sum(len(x[0]) + GAP for x in silver) * epochs // size + 2
    lr = float(options.get("lr", 2e-3))
    tables = [p for n, p in model.named_parameters() if n.split(".")[0] in ("bi", "tri", "char")]
    rest = [p for n, p in model.named_parameters() if n.split(".")[0] not in ("bi", "tri", "char")]
    opt = torch.optim.Adam([{"params": tables, "lr": lr * float(options.get("tables", 1))}, {"params": rest, "lr": lr}], fused=True)
    sched = torch.optim.lr_scheduler.LambdaLR(opt, lambda s: min(1, (s + 1) / 100) * max(0.01, 1 - s / total))
    # The mean of the last steps' weights is what is kept: it generalises better than any one of them.
    mean = copy.deepcopy(model)
    pairs = list(zip(mean.parameters(), model.parameters()))
    start, step, running = time.time(), 0, 0.0
    for epoch in range(epochs):
        items = source if lessons or epoch == 0 else gold_items(own)
        work = [("hard", c) for c in chunks(random.sample(items, len(items)), size)]
        work += [("soft", c) for c in chunks(random.sample(silver, len(silver)), size)]
        random.shuffle(work)
        for form, part in work:
            ids, bi, tri, starts = tensors(features, [x[0] for x in part])
            with torch.autocast("cpu", torch.bfloat16):
                y, aux = model(ids, bi, tri)
            if form == "hard":
                target = spread([x[1] for x in part], starts, len(ids), -100)
                loss = F.cross_entropy((aux if lessons else y).float(), target)
            else:
                soft = spread([np.asarray(x[1], np.float32) for x in part], starts, len(ids), 0)
                loss = -(soft * F.log_softmax(y.float(), -1)).sum() / sum(len(x[0]) for x in part)
            opt.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(rest, 5.0)
            opt.step(), sched.step()
            with torch.no_grad():
                keep = min(0.995, 1 - 1 / (step + 2))
                for m, p in pairs:
                    m.lerp_(p, 1 - keep)
            step, running = step + 1, running * 0.98 + loss.item() * 0.02
            if step % 100 == 0:
                print(step, total, round(running / (1 - 0.98 ** step), 4), round(time.time() - start), flush=True)
        torch.save({"state": mean.state_dict(), "features": features, "dilations": model.dilations}, out)
        if not lessons:
            print("epoch", epoch)
            show(evaluate(mean, features, sets=DEVS if epoch % 2 or epoch == epochs - 1 else ["cluener"]))


if __name__ == "__main__":
    main(sys.argv[1], dict((a.split("=", 1) + [""])[:2] for a in sys.argv[2:]))
