"""The small tagger: characters and n-grams as rows of tables, then separable residual blocks.

Everything here has its exact counterpart in crates/detect/src/sequence.
"""
import collections
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F

WIDTH, HALF = 128, 64
DILATIONS = [1, 2, 4, 8, 2]
TAPS, GAP = 3, 8
# Ids below this stand for classes of characters; 0 is outside the text.
CLASSES = ["outside", "han", "latin", "kana", "hangul", "space", "digit", "symbol", "other"]


def fold(c):
    """One character as the features see it."""
    o = ord(c)
    if 0xFF01 <= o <= 0xFF5E:
        o -= 0xFEE0
    if 65 <= o <= 90:
        o += 32
    return chr(o)


def class_of(c):
    o = ord(c)
    if c in " \t\r\n\u3000\u00a0":
        return 5
    if 48 <= o <= 57:
        return 6
    if 0x3400 <= o <= 0x9FFF or 0xF900 <= o <= 0xFAFF or 0x20000 <= o <= 0x3FFFF:
        return 1
    if 0x3040 <= o <= 0x30FF:
        return 3
    if 0xAC00 <= o <= 0xD7AF:
        return 4
    if 0x61 <= o <= 0x7A or 0xC0 <= o <= 0x24F or 0x370 <= o <= 0x4FF:
        return 2
    return 7 if o < 0x3400 or 0x1F000 <= o <= 0x1FAFF else 8


class Features:
    """Characters and n-grams that have a row of their own."""

    def __init__(self, chars, bigrams=(), trigrams=()):
        self.chars = list(chars)
        self.index = {c: len(CLASSES) + i for i, c in enumerate(self.chars)}
        self.size = len(CLASSES) + len(self.chars)
        self.cache = {}
        self.bigrams, self.trigrams = np.array(sorted(bigrams), np.int64), np.array(sorted(trigrams), np.int64)

    def ids(self, text):
        cache, out = self.cache, []
        for c in text:
            i = cache.get(c)
            if i is None:
                f = fold(c)
                i = class_of(f)
                if i not in (5, 6):
                    i = self.index.get(f, i)
                cache[c] = i
            out.append(i)
        return out

    def stream(self, id_lists):
        """All texts in one stream with GAP zeros between: ids, bigram rows, trigram rows, where the texts lie."""
        total = GAP + sum(len(x) + GAP for x in id_lists)
        ids, starts, at = np.zeros(total, np.int64), [], GAP
        for x in id_lists:
            ids[at:at + len(x)] = x
            starts.append(at)
            at += len(x) + GAP
        after, before = np.roll(ids, -1), np.roll(ids, 1)
        valid = ids > 0
        bi = self.row(self.bigrams, ids * 8192 + after, valid)
        tri = self.row(self.trigrams, (before * 8192 + ids) * 8192 + after, valid)
        return ids, bi, tri, starts

    @staticmethod
    def row(keys, wanted, valid):
        """Row number plus one of each key, zero when it has no row."""
        if len(keys) == 0:
            return np.zeros(len(wanted), np.int64)
        at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        return np.where((keys[at] == wanted) & valid, at + 1, 0)


def count_features(texts, n_chars, n_bi, n_tri):
    """The commonest characters and n-grams; texts is a list of (text, weight)."""
    seen = collections.Counter()
    for t, w in texts:
        for c in t:
            seen[c] += w
    folded = collections.Counter()
    for c, n in seen.items():
        f = fold(c)
        if class_of(f) not in (5, 6):
            folded[f] += n
    features = Features([c for c, _ in folded.most_common(n_chars)])
    bi, tri = collections.Counter(), collections.Counter()
    for k in range(0, len(texts), 20000):
        part = texts[k:k + 20000]
        for w in {w for _, w in part}:
            ids, _, _, _ = features.stream([features.ids(t) for t, x in part if x == w])
            after, before = np.roll(ids, -1), np.roll(ids, 1)
            for counter, keys in [(bi, (ids * 8192 + after)[ids > 0]), (tri, ((before * 8192 + ids) * 8192 + after)[ids > 0])]:
                u, n = np.unique(keys, return_counts=True)
                for a, b in zip(u.tolist(), n.tolist()):
                    counter[a] += b * w
        if len(tri) > 6_000_000:
            tri = collections.Counter({a: b for a, b in tri.items() if b > 1})
    best = lambda c, n: [a for a, _ in c.most_common(n)]
    return Features(features.chars, best(bi, n_bi), best(tri, n_tri))


class Student(nn.Module):
    def __init__(self, features, aux=0, dilations=DILATIONS):
        super().__init__()
        self.dilations = list(dilations)
        self.char = nn.Embedding(features.size, WIDTH)
        self.bi = nn.Embedding(len(features.bigrams) + 1, HALF)
        self.tri = nn.Embedding(len(features.trigrams) + 1, HALF)
        for e in (self.char, self.bi, self.tri):
            nn.init.normal_(e.weight, 0, 0.5 if e is self.char else 0.1)
        self.taps = nn.ParameterList()
        self.points = nn.ModuleList()
        self.shift = nn.ParameterList()
        for _ in self.dilations:
            w = torch.randn(TAPS, WIDTH) * 0.3
            w[TAPS // 2] += 0.7
            self.taps.append(nn.Parameter(w))
            self.shift.append(nn.Parameter(torch.zeros(WIDTH)))
            p = nn.Linear(WIDTH, WIDTH)
            nn.init.normal_(p.weight, 0, 0.06)
            self.points.append(p)
        self.out = nn.Linear(WIDTH, 13)
        self.aux = nn.Linear(WIDTH, aux) if aux else None
        self.drop_gram, self.drop = 0.15, 0.1

    def embed(self, ids, bi, tri):
        """Quantised tables are eight bits wide with one common scale; the sum is what the first block sees."""
        return self.char(ids) + torch.cat([self.bi(bi), self.tri(tri)], -1)

    def forward(self, ids, bi, tri):
        keep = (ids > 0).float()[:, None]
        if self.training:
            bi = torch.where(torch.rand_like(bi, dtype=torch.float) < self.drop_gram, 0, bi)
            tri = torch.where(torch.rand_like(tri, dtype=torch.float) < self.drop_gram, 0, tri)
        with torch.no_grad():
            self.bi.weight[0] = 0
            self.tri.weight[0] = 0
        x = self.embed(ids, bi, tri) * keep
        h = F.dropout(x, self.drop, self.training)
        for d, w, b, p in zip(self.dilations, self.taps, self.shift, self.points):
            u = F.relu(b + shift(h, -d) * w[0] + h * w[1] + shift(h, d) * w[2])
            h = (h + p(u)) * keep
        h = F.dropout(F.relu(h), self.drop, self.training)
        return self.out(h), (self.aux(h) if self.aux is not None else None)


def shift(x, by):
    """Row t of the result is row t + by of x; zeros beyond the ends."""
    if by == 0:
        return x
    z = x.new_zeros(abs(by), x.shape[1])
    return torch.cat([x[by:], z]) if by > 0 else torch.cat([z, x[:by]])
