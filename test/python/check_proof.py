"""Scores the two batches of a certificate's counterexample with Python's ONNX Runtime, as docs/certify.md says; prints what the row gets in each, as
JSON: `check_proof.py MODEL CERTIFICATE`."""

import json
import sys

import numpy as np
import onnxruntime as ort

model, certificate = sys.argv[1:]
with open(certificate, encoding="utf8") as file:
    proof = json.load(file)["counterexample"]
session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])


def score(batch: dict) -> list:
    feeds = {
        name: np.array(
            [float(v) if "float" in t["type"] else v for v in t["data"]],
            dtype={"string": object}.get(t["type"], t["type"]),
        ).reshape(t["dims"])
        for name, t in batch["inputs"].items()
    }
    return np.ravel(session.run([proof["output"]], feeds)[0][batch["row"]]).tolist()


print(json.dumps([score(proof["a"]), score(proof["b"])]))
