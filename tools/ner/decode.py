"""Best well formed tag sequence, exactly as crates/detect/src/sequence/decode.rs finds it."""
import numpy as np

KIND_COUNT = 3


def decode_all(scores, ranges):
    return [decode(scores[a:b]) for a, b in ranges]


def decode(y):
    """Two states between characters: outside any span, or inside one of a kind."""
    n = len(y)
    out = 0.0
    inside = [-1e9] * KIND_COUNT
    back = []
    rows = y.tolist()
    for row in rows:
        # Ways to be outside after this character: O, a single, or the end of a span.
        best, how = out + row[0], 0
        for k in range(KIND_COUNT):
            b = 1 + 4 * k
            if out + row[b + 3] > best:
                best, how = out + row[b + 3], b + 3
            if inside[k] + row[b + 2] > best:
                best, how = inside[k] + row[b + 2], b + 2
        ins, from_ = [], []
        for k in range(KIND_COUNT):
            b = 1 + 4 * k
            start, go = out + row[b], inside[k] + row[b + 1]
            ins.append(max(start, go))
            from_.append(b if start >= go else b + 1)
        back.append((how, from_))
        out, inside = best, ins
    tags, state = [0] * n, -1
    for i in range(n - 1, -1, -1):
        how, from_ = back[i]
        if state < 0:
            tags[i] = how
            if how and (how - 1) % 4 == 2:
                state = (how - 1) // 4
        else:
            tags[i] = from_[state]
            if (tags[i] - 1) % 4 == 0:
                state = -1
    return tags
