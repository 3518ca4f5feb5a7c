#!/usr/bin/env python3
"""Marks and reads photographs with others' programs, for the same attacks as ours.

    peers.py embed PHOTOS MARKED [METHOD…]    copies 0 to 7 of each photograph by each method
    peers.py read PHOTOS ATTACKED [METHOD…]   who is caught, by the rule that holds for us

The folders of peers come from fetch.sh; set PYTHONPATH to FOLDER/peers.
Payload of copy r: the first bits of SHA-256("copy r"), 64 of them, 32 for rivaGan, which takes no
other number. A copy is accused when it is the nearest of 1,000 and so many bits agree that a random
payload would do so with probability at most 1e-6 / 1,000: 56 of 64, or 32 of 32.
A leak of another size is stretched to the original's before it is read, which helps the peers.

invisible-watermark imports torch only to move arrays about rivaGan's ONNX models; the few calls are
served by numpy here, the models and their runtime are the package's own.
"""

import hashlib
import json
import math
import os
import sys
import time
import types
from collections import defaultdict

import numpy as np


class Tensor:
    """What rivaGan asks of torch, by numpy."""

    def __init__(self, array):
        self.array = array

    def __truediv__(self, other):
        return Tensor(self.array / np.float32(other))

    def __sub__(self, other):
        return Tensor(self.array - np.float32(other))

    def __add__(self, other):
        return Tensor(self.array + np.float32(other))

    def __mul__(self, other):
        return Tensor(self.array * np.float32(other))

    def __getitem__(self, at):
        return Tensor(self.array[at])

    def permute(self, *order):
        return Tensor(self.array.transpose(order))

    def unsqueeze(self, axis):
        return Tensor(np.expand_dims(self.array, axis))

    def detach(self):
        return self

    def cpu(self):
        return self

    def numpy(self):
        return self.array


torch = types.ModuleType("torch")
torch.from_numpy = Tensor
torch.clamp = lambda tensor, min, max: Tensor(np.clip(tensor.array, min, max))
sys.modules["torch"] = torch

import cv2  # noqa: E402
import blind_watermark  # noqa: E402
from blind_watermark import WaterMark  # noqa: E402
from imwatermark import WatermarkDecoder, WatermarkEncoder  # noqa: E402

blind_watermark.bw_notes.close()
COPIES = 1000
MARKED = 8


def payload(copy, bits):
    digest = hashlib.sha256(b"copy %d" % copy).digest()
    return np.unpackbits(np.frombuffer(digest, dtype=np.uint8))[:bits].astype(int)


class Blind:
    bits = 64

    def embed(self, picture, bits):
        mark = WaterMark(password_wm=1, password_img=1)
        mark.read_img(img=picture)
        mark.read_wm(list(map(bool, bits)), mode="bit")
        return np.clip(np.round(mark.embed()), 0, 255).astype(np.uint8)

    def read(self, picture):
        mark = WaterMark(password_wm=1, password_img=1)
        found = mark.extract(embed_img=picture, wm_shape=self.bits, mode="bit")
        return (np.asarray(found) > 0.5).astype(int)


class Invisible:
    def __init__(self, method):
        self.method = method
        self.bits = 32 if method == "rivaGan" else 64
        if method == "rivaGan":
            WatermarkEncoder.loadModel()
            WatermarkDecoder.loadModel()

    def embed(self, picture, bits):
        encoder = WatermarkEncoder()
        encoder.set_watermark("bits", list(bits))
        return encoder.encode(picture, self.method)

    def read(self, picture):
        decoder = WatermarkDecoder("bits", self.bits)
        return np.asarray(decoder.decode(picture, self.method)).astype(int)


METHODS = {
    "blind-watermark": Blind,
    "dwtDct": lambda: Invisible("dwtDct"),
    "dwtDctSvd": lambda: Invisible("dwtDctSvd"),
    "rivaGan": lambda: Invisible("rivaGan"),
}


def psnr(a, b):
    noise = np.mean((a.astype(float) - b.astype(float)) ** 2)
    return 10 * math.log10(255 * 255 / max(noise, 1e-9))


def embed(photos, out, names):
    print("| method | photograph | PSNR dB | ms a megapixel |\n|---|---|---|---|", flush=True)
    for name in names:
        method = METHODS[name]()
        for photo in sorted(os.listdir(photos)):
            original = cv2.imread(os.path.join(photos, photo))
            folder = os.path.join(out, name, os.path.splitext(photo)[0])
            os.makedirs(folder, exist_ok=True)
            took, noise = [], []
            for copy in range(MARKED):
                start = time.perf_counter()
                marked = method.embed(original, payload(copy, method.bits))
                took.append(time.perf_counter() - start)
                noise.append(psnr(original, marked))
                cv2.imwrite(os.path.join(folder, f"{copy}.png"), marked)
            area = original.shape[0] * original.shape[1] / 1e6
            print(f"| {name} | {photo} | {np.mean(noise):.1f} | {1e3 * min(took) / area:.0f} |", flush=True)


def threshold(bits):
    """Fewest agreeing bits that a random payload reaches with probability at most 1e-9."""
    ways = [math.comb(bits, k) for k in range(bits + 1)]
    return next(m for m in range(bits + 1) if sum(ways[m:]) / 2**bits <= 1e-9)


def judge(found, payloads, need):
    agreeing = (payloads == found[None, :]).sum(axis=1)
    return [copy for copy in np.flatnonzero(agreeing >= need)], agreeing


def read(photos, attacked, names):
    sizes = {os.path.splitext(p)[0]: cv2.imread(os.path.join(photos, p)).shape for p in os.listdir(photos)}
    table = defaultdict(dict)
    for name in names:
        method = METHODS[name]()
        payloads = np.array([payload(copy, method.bits) for copy in range(COPIES)])
        need = threshold(method.bits)
        caught, trials, wrong, took, area = defaultdict(int), defaultdict(int), 0, 0.0, 0.0
        agree = defaultdict(list)
        for photo in sorted(os.listdir(os.path.join(attacked, name))):
            for file in sorted(os.listdir(os.path.join(attacked, name, photo))):
                leak = cv2.imread(os.path.join(attacked, name, photo, file))
                height, width = sizes[photo][:2]
                if leak.shape != sizes[photo]:
                    leak = cv2.resize(leak, (width, height), interpolation=cv2.INTER_CUBIC)
                cell = os.path.splitext(file)[0]
                guilty = int(cell.rsplit(" of ", 1)[1]) if " of " in cell and cell[:2] >= "60" else 1
                start = time.perf_counter()
                try:
                    found = method.read(leak)
                except Exception:  # a program that fails on a picture has not read it
                    found = None
                took += time.perf_counter() - start
                area += height * width / 1e6
                trials[cell] += 1
                if found is None or len(found) != method.bits:
                    agree[cell].append(0.5)
                    continue
                accused, agreeing = judge(found, payloads, need)
                caught[cell] += any(copy < guilty for copy in accused)
                wrong += sum(copy >= guilty for copy in accused)
                agree[cell].append(max(agreeing[:guilty]) / method.bits)
        for cell in trials:
            table[cell][name] = (caught[cell], trials[cell], float(np.mean(agree[cell])))
        print(f"{name}: {1e3 * took / area:.0f} ms a megapixel to read; {wrong} innocents accused", flush=True)
    print("\n| attack | " + " | ".join(names) + " |\n|---" * 1 + "|---" * len(names) + "|")
    for cell in sorted(table):
        row = [f"{c}/{t} ({a:.0%})" for c, t, a in (table[cell][m] for m in names)]
        print(f"| {cell} | " + " | ".join(row) + " |")
    json.dump(table, open(os.path.join(attacked, "+".join(names) + ".json"), "w"))


if __name__ == "__main__":
    {"embed": embed, "read": read}[sys.argv[1]](*sys.argv[2:4], sys.argv[4:] or list(METHODS))
