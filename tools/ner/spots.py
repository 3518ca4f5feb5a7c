"""Turns spots.txt, invented sentences with their spans in brackets, into spots.dev.jsonl."""
import os, re
from common import save

KIND = {"P": "PER", "A": "ADR", "O": "ORG"}


def rows():
    for line in open(os.path.join(os.path.dirname(__file__), "spots.txt"), encoding="utf8"):
        if line.startswith("#"):
            continue
        text, spans = "", []
        for kind, inside, rest in re.findall(r"\[([PAO]) ([^\]]+)\]|(.)", line.rstrip("\n")):
            if kind:
                spans.append([len(text), len(text) + len(inside), KIND[kind]])
            text += inside or rest
        yield {"t": text, "s": spans}


if __name__ == "__main__":
    save("spots.dev", rows())
