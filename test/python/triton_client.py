"""Asks a server through tritonclient and compares every bit with what Python's ONNX Runtime predicts.

triton_client.py HTTP_ADDRESS GRPC_ADDRESS FIXTURES MODELS

Models of the server: lgbm, mlp, fp16, mixed of FIXTURES, types of MODELS (made by make_models.py). Prints
{"values": {case: {"rows": n, "differences": [text]}}, "calls": [...]}: every model over HTTP with JSON, HTTP with binary tensors, gRPC with raw contents
and, by the client's stub, gRPC with typed contents.
"""

import hashlib
import json
import os
import sys
from pathlib import Path

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np
import onnxruntime as ort
import pyarrow.parquet as pq
import tritonclient.grpc as triton_grpc
import tritonclient.http as triton_http
from google.protobuf.json_format import MessageToDict
from tritonclient.grpc import service_pb2 as messages
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

CHUNK = 1024
CONTENTS = {
    "BOOL": "bool_contents",
    **{name: "int_contents" for name in ("INT8", "INT16", "INT32")},
    **{name: "uint_contents" for name in ("UINT8", "UINT16", "UINT32")},
    "INT64": "int64_contents",
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}


class Http:
    def __init__(self, address, binary):
        self.client = triton_http.InferenceServerClient(address)
        self.binary = binary

    def infer(self, model, feeds, outputs):
        inputs = []
        for name, (values, datatype) in feeds.items():
            tensor = triton_http.InferInput(name, list(values.shape), datatype)
            tensor.set_data_from_numpy(values, binary_data=self.binary or datatype == "FP16")
            inputs.append(tensor)
        wanted = [triton_http.InferRequestedOutput(o, binary_data=self.binary or half) for o, half in outputs]
        answer = self.client.infer(model, inputs, outputs=wanted, request_id="an id")
        assert answer.get_response()["id"] == "an id"
        return {name: answer.as_numpy(name) for name, _ in outputs}


class Grpc:
    def __init__(self, address):
        self.client = triton_grpc.InferenceServerClient(address)

    def infer(self, model, feeds, outputs):
        inputs = []
        for name, (values, datatype) in feeds.items():
            tensor = triton_grpc.InferInput(name, list(values.shape), datatype)
            tensor.set_data_from_numpy(values)
            inputs.append(tensor)
        # Nothing asked for by name: all outputs.
        answer = self.client.infer(model, inputs, request_id="an id", client_timeout=60)
        assert answer.get_response().id == "an id"
        return {name: answer.as_numpy(name) for name, _ in outputs}


class Typed(Grpc):
    """Typed contents, which the client itself never sends, by its stub. FP16 has none."""

    def infer(self, model, feeds, outputs):
        request = messages.ModelInferRequest(model_name=model, id="an id")
        for name, (values, datatype) in feeds.items():
            tensor = request.inputs.add(name=name, datatype=datatype, shape=list(values.shape))
            flat = values.ravel().tolist()
            getattr(tensor.contents, CONTENTS[datatype]).extend(
                [text.encode() for text in flat] if datatype == "BYTES" else flat
            )
        answer = self.client._client_stub.ModelInfer(request)
        assert len(answer.raw_output_contents) == 0
        found = {}
        for tensor in answer.outputs:
            values = getattr(tensor.contents, CONTENTS[tensor.datatype])
            found[tensor.name] = np.array(values).reshape(list(tensor.shape))
        return found


def datatype_of(values):
    return "BYTES" if values.dtype == object else np_to_triton_dtype(values.dtype)


def same(found, wanted):
    if wanted.dtype == object:
        texts = [v.decode() if isinstance(v, bytes) else v for v in found.ravel()]
        return texts == wanted.ravel().tolist() and found.shape == wanted.shape
    return found.shape == wanted.shape and found.astype(wanted.dtype, copy=False).tobytes() == wanted.tobytes()


def ask(face, model, feeds, wanted, rows, per_row):
    """Chunk by chunk; `per_row` names the inputs with a row axis. Gives the differences."""
    halves = [(name, values.dtype == np.float16) for name, values in wanted.items()]
    differences = []
    for start in range(0, rows, CHUNK):
        cut = slice(start, min(start + CHUNK, rows))
        part = {n: (np.ascontiguousarray(v[cut]) if n in per_row else v, datatype_of(v)) for n, v in feeds.items()}
        found = face.infer(model, part, halves)
        for name, values in wanted.items():
            if not same(found[name], values[cut]):
                differences.append(f"{name}, rows from {start}")
    return {"rows": rows, "differences": differences}


def flights(fixtures):
    table = pq.read_table(fixtures / "flights/month=01/part-0.parquet", partitioning=None)
    names = [n for n in table.schema.names if n not in ("flight_id", "event_time")]
    x = np.stack([table[n].to_numpy(zero_copy_only=False).astype(np.float32) for n in names], axis=1)
    return {"input": np.ascontiguousarray(x)}


def mixed(fixtures):
    table = pq.read_table(fixtures / "mixed/month=01/part-0.parquet", partitioning=None)
    session = ort.InferenceSession(fixtures / "models/delay_mixed.onnx")
    feeds = {}
    for tensor in session.get_inputs():
        column = table[tensor.name]
        is_text = "string" in tensor.type
        values = [text or "" for text in column.to_pylist()] if is_text else column.to_numpy()
        kind = object if is_text else np.int64 if "int64" in tensor.type else np.float32
        feeds[tensor.name] = np.array(values, dtype=kind).reshape(-1, 1)
    expected = pq.read_table(fixtures / "expected/delay_mixed_01.parquet")
    probabilities = np.stack([expected[f"probabilities_{i}"].to_numpy() for i in range(2)], axis=1)
    return feeds, {"label": expected["label"].to_numpy(), "probabilities": probabilities}


def types(models):
    """Extremes of every type, texts of every kind, NaN, infinities and zeros with a sign."""
    session = ort.InferenceSession(models / "types.onnx")
    random = np.random.default_rng(3)
    rows, feeds = 300, {}
    texts = ["", "a", "größer als zwölf", "漢字", 'quote " and \\', "new\nline", "a" * 1000]
    special = [np.nan, np.inf, -np.inf, -0.0, 1e-45, 3.4e38]
    kinds = {"float": np.float32, "float16": np.float16, "double": np.float64}
    for tensor in session.get_inputs():
        shape = [rows if isinstance(d, str) else d for d in tensor.shape]
        kind = tensor.type[len("tensor(") : -1]
        if kind == "string":
            picks = random.integers(0, len(texts), shape)
            values = np.array([texts[i] for i in picks.ravel()], dtype=object).reshape(shape)
        elif kind == "bool":
            values = random.integers(0, 2, shape).astype(bool)
        elif kind in kinds:
            values = random.normal(0, 30, shape).astype(kinds[kind])
            # Not where the model casts to integers, which NaN has no value for.
            if tensor.name in ("half", "double", "cube"):
                with np.errstate(over="ignore"):
                    values.reshape(rows, -1)[: len(special), 0] = np.array(special).astype(values.dtype)
        else:
            bounds = np.iinfo(kind)
            values = random.integers(bounds.min, bounds.max, shape, dtype=kind, endpoint=True)
            values.ravel()[:2] = [bounds.min, bounds.max]
        feeds[tensor.name] = values
    per_row = {tensor.name for tensor in session.get_inputs() if tensor.shape and isinstance(tensor.shape[0], str)}
    return feeds, outputs_of(models, feeds), per_row


def outputs_of(models, feeds):
    session = ort.InferenceSession(models / "types.onnx")
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, feeds)))


def without_nan(feeds, wanted, rows):
    """Rows without nulls: JSON has no NaN, and the client writes one all the same."""
    numbers = [values for values in feeds.values() if values.dtype == np.float32]
    full = np.flatnonzero(~np.isnan(np.concatenate(numbers, axis=1)).any(axis=1))[:rows]
    assert len(full) == rows
    return tuple({name: values[full] for name, values in side.items()} for side in (feeds, wanted))


def finite(feeds):
    """What the client can write as JSON: integers that a double holds, no NaN or infinity except in halves, which go as bytes."""
    made = {}
    for name, values in feeds.items():
        if values.dtype in (np.int64, np.uint64):
            values = np.clip(values, 0 if values.dtype == np.uint64 else -(2**53 - 1), 2**53 - 1)
        if values.dtype in (np.float32, np.float64):
            values = np.where(np.isfinite(values), values, -0.0).astype(values.dtype)
        made[name] = values
    return made


def calls(client):
    """What the two clients have beside infer, in the same words for both; answers of gRPC are messages, of HTTP objects."""

    def plain(answer):
        return MessageToDict(answer, preserving_proto_field_name=True) if hasattr(answer, "DESCRIPTOR") else answer

    def state():
        index = plain(client.get_model_repository_index())
        entries = index["models"] if isinstance(index, dict) else index
        return next(entry["state"] for entry in entries if entry["name"] == "mlp")

    def refused(call):
        try:
            call()
        except InferenceServerException as error:
            return [error.status(), error.message()]
        return "no error"

    def infer(model="mlp", name="features", shape=(1, 256), **more):
        module = triton_http if isinstance(client, triton_http.InferenceServerClient) else triton_grpc
        tensor = module.InferInput(name, list(shape), "FP32")
        tensor.set_data_from_numpy(np.zeros(shape, np.float32))
        return client.infer(model, [tensor], **more)

    found = {"live": client.is_server_live(), "ready": client.is_server_ready()}
    found["server"] = plain(client.get_server_metadata())
    found["model"] = plain(client.get_model_metadata("mixed", "1"))["outputs"]
    client.unload_model("mlp")
    found["unloaded"] = [state(), client.is_model_ready("mlp")]
    client.load_model("mlp")
    found["loaded"] = [state(), client.is_model_ready("mlp"), client.is_model_ready("mlp", "1")]
    stats = plain(client.get_inference_statistics("mlp"))["model_stats"][0]
    found["stats"] = [stats["name"], stats["version"], int(stats["inference_count"]) > 4096]
    found["priority"] = infer(priority=2, timeout=500_000).as_numpy("score").shape
    found["errors"] = {
        "model": refused(lambda: infer(model="nothing")),
        "version": refused(lambda: infer(model_version="9")),
        "input": refused(lambda: infer(name="other")),
        "shape": refused(lambda: infer(shape=(2, 255))),
        "load": refused(lambda: client.load_model("nothing")),
        "override": refused(lambda: client.load_model("mlp", config="{}", files={"file:1/model.onnx": b"x"})),
    }
    return found


def main(http, grpc, fixtures, models):
    faces = {"json": Http(http, False), "binary": Http(http, True), "grpc": Grpc(grpc)}
    results = {}

    x = flights(fixtures)
    digests = json.loads((fixtures / "expected/flights-digests.json").read_text())["models"]["delay_lgbm"]["01"]
    month = {"label": [], "probabilities": []}
    for start in range(0, digests["rows"], CHUNK):
        chunk = x["input"][start : start + CHUNK]
        outputs = [(name, False) for name in month]
        # The two binary faces take turns.
        face = faces["grpc" if start % (2 * CHUNK) else "binary"]
        for name, values in face.infer("lgbm", {"input": (chunk, "FP32")}, outputs).items():
            month[name].append(values)
    whole = {name: np.concatenate(parts) for name, parts in month.items()}
    found = {
        "label": hashlib.sha256(whole["label"].tobytes()).hexdigest(),
        "probability": hashlib.sha256(np.ascontiguousarray(whole["probabilities"][:, 1]).tobytes()).hexdigest(),
    }
    differences = [name for name, digest in found.items() if digests[name] != digest]
    results["lgbm binary and grpc"] = {"rows": len(whole["label"]), "differences": differences}
    x, wanted = without_nan(x, whole, 2048)
    results["lgbm json"] = ask(faces["json"], "lgbm", x, wanted, 2048, {"input"})

    vectors = pq.read_table(fixtures / "vectors/vector256_8192.parquet")["features"]
    x = {"features": vectors.combine_chunks().flatten().to_numpy().reshape(-1, 256)}
    for model, file in (("mlp", "delay_mlp_8192"), ("fp16", "delay_mlp_fp16_io32_8192")):
        wanted = {"score": pq.read_table(fixtures / f"expected/{file}.parquet")["score"].to_numpy().reshape(-1, 1)}
        for face in faces:
            results[f"{model} {face}"] = ask(faces[face], model, x, wanted, 1024 if face == "json" else 4096, {"features"})

    x, wanted = mixed(fixtures)
    for face in ("binary", "grpc"):
        results[f"mixed {face}"] = ask(faces[face], "mixed", x, wanted, 4096, set(x))
    results["mixed typed"] = ask(Typed(grpc), "mixed", x, wanted, 2048, set(x))
    x, wanted = without_nan(x, wanted, 2048)
    results["mixed json"] = ask(faces["json"], "mixed", x, wanted, 2048, set(x))

    x, wanted, per_row = types(models)
    for face in ("binary", "grpc"):
        results[f"types {face}"] = ask(faces[face], "types", x, wanted, 300, per_row)
    results["types json"] = ask(faces["json"], "types", finite(x), outputs_of(models, finite(x)), 300, per_row)
    print(json.dumps({"values": results, "calls": [calls(faces["binary"].client), calls(faces["grpc"].client)]}))


main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))
