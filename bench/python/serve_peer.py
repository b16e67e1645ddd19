"""The endpoint that people write today: FastAPI, redis-py (asyncio, hiredis) and onnxruntime, with what makes it fast: uvloop,
httptools, orjson, one MGET for many keys, and a model that is run where the request is, as a thread would cost more than it.

BENCH_MODEL, BENCH_COLUMNS (JSON list), BENCH_REDIS_PORT; started by uvicorn, which takes the number of workers.
"""

import json
import os

import numpy as np
import onnxruntime as ort
import orjson
import redis.asyncio as redis
from fastapi import FastAPI
from fastapi.responses import Response
from pydantic import BaseModel

COLUMNS = json.loads(os.environ["BENCH_COLUMNS"])

options = ort.SessionOptions()
options.intra_op_num_threads = 1
session = ort.InferenceSession(os.environ["BENCH_MODEL"], options, providers=["CPUExecutionProvider"])
store = redis.Redis(port=int(os.environ["BENCH_REDIS_PORT"]))
app = FastAPI()


class Row(BaseModel):
    key: str
    features: dict[str, float | None] | None = None


class Ask(BaseModel):
    key: str | None = None
    features: dict[str, float | None] | None = None
    keys: list[str] | None = None
    rows: list[Row] | None = None


def answer(body):
    return Response(orjson.dumps(body), media_type="application/json")


def scored(rows):
    values = [[np.nan if (v := row.get(c)) is None else v for c in COLUMNS] for row in rows]
    labels, probabilities = session.run(["label", "probabilities"], {"input": np.array(values, dtype=np.float32)})
    return [{"prediction": int(a), "probability": float(b)} for a, b in zip(labels.ravel(), probabilities[:, 1])]


@app.get("/health/ready")
async def ready():
    return {"ok": await store.ping()}


@app.post("/v1/predictions/{name}")
async def predictions(name: str, ask: Ask):
    if ask.rows is not None:
        values = scored([row.features or {} for row in ask.rows])
        keys = [row.key for row in ask.rows]
        return answer({"predictions": [{"key": k, "source": "live", "values": v} for k, v in zip(keys, values)]})
    if ask.features is not None:
        return answer({"key": ask.key, "source": "live", "values": scored([ask.features])[0]})
    if ask.keys is not None:
        found = await store.mget([f"flight-delay:{key}" for key in ask.keys])
        entries = [{"key": k, "source": "cache", "values": v and orjson.loads(v)} for k, v in zip(ask.keys, found)]
        return answer({"predictions": entries})
    found = await store.get(f"flight-delay:{ask.key}")
    if found is None:
        return Response(status_code=404)
    return answer({"key": ask.key, "source": "cache", "values": orjson.loads(found)})
