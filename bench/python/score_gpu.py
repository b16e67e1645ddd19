"""The script that people write for a GPU: pyarrow reads, onnxruntime scores on the device, pyarrow writes Parquet.

score_gpu.py CASE.json OUT.parquet --device cuda[:N]|webgpu|cpu [--batch ROWS]

Prints JSON: the seconds of the loop over batches, and those of them spent in the session. Ends with an error when the session
did not get the provider. TF32 is off, as in prescore.
"""

import argparse
import json
import os
import time
from pathlib import Path

os.environ.setdefault("NVIDIA_TF32_OVERRIDE", "0")
os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")

import numpy as np
import onnxruntime as ort
import pyarrow as pa
import pyarrow.parquet as pq

PROVIDERS = {"cuda": "CUDAExecutionProvider", "webgpu": "WebGpuExecutionProvider", "cpu": "CPUExecutionProvider"}


def open_session(model, device):
    kind, _, index = device.partition(":")
    wanted = PROVIDERS[kind]
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    settings = {"device_id": int(index or 0)} if kind == "cuda" else {}
    session = ort.InferenceSession(model, options, providers=[(wanted, settings), "CPUExecutionProvider"])
    if wanted not in session.get_providers():
        raise SystemExit(f"onnxruntime gave {session.get_providers()}, not {wanted}")
    return session


def matrix(rows, columns):
    if len(columns) == 1:
        column = rows.column(columns[0])
        if pa.types.is_list(column.type):
            values = np.asarray(column.flatten(), dtype=np.float32)
            return values.reshape(rows.num_rows, -1)
    return np.stack([np.asarray(rows.column(c).cast(pa.float32()), dtype=np.float32) for c in columns], axis=1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("case")
    parser.add_argument("out")
    parser.add_argument("--device", required=True)
    parser.add_argument("--batch", type=int, default=16384)
    options = parser.parse_args()
    case = json.loads(Path(options.case).read_text())
    session = open_session(case["model"], options.device)
    (feature,) = case["features"]
    names = [o["tensor"] for o in case["outputs"]]
    writer, run_seconds, started = None, 0.0, time.perf_counter()
    for path in case["inputs"]:
        for rows in pq.ParquetFile(path).iter_batches(options.batch, columns=[case["id"], *feature["columns"]]):
            feed = {feature["tensor"]: matrix(rows, feature["columns"])}
            before = time.perf_counter()
            results = dict(zip(names, session.run(names, feed)))
            run_seconds += time.perf_counter() - before
            columns = {case["id"]: rows.column(case["id"])}
            for output in case["outputs"]:
                values = results[output["tensor"]]
                values = values[:, output["index"]] if "index" in output else values.reshape(rows.num_rows)
                columns[output["column"]] = pa.array(values)
            table = pa.table(columns)
            writer = writer or pq.ParquetWriter(options.out, table.schema, compression="zstd")
            writer.write_table(table)
    writer.close()
    print(json.dumps({"scoringSeconds": time.perf_counter() - started, "runSeconds": run_seconds}))


main()
