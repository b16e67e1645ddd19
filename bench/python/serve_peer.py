"""The endpoint that people write today: FastAPI, redis-py (asyncio, hiredis) and onnxruntime, with what makes it fast: uvloop,
httptools, orjson, one MGET for many keys, and a model that is run where the request is, as a thread would cost more than it.

BENCH_REDIS_PORT, and those of serve_model; started by uvicorn, which takes the number of workers.
"""

import os

import orjson
import redis.asyncio as redis
from fastapi import FastAPI
from fastapi.responses import Response

from serve_model import Ask, score

store = redis.Redis(port=int(os.environ["BENCH_REDIS_PORT"]))
app = FastAPI()


def answer(body):
    return Response(orjson.dumps(body), media_type="application/json")


def scored(rows):
    labels, probabilities = score(rows)
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
        found = None if name == "live" else await store.get(f"flight-delay:{ask.key}")
        if found is not None:
            return answer({"key": ask.key, "source": "cache", "values": orjson.loads(found)})
        return answer({"key": ask.key, "source": "live", "values": scored([ask.features])[0]})
    if ask.keys is not None:
        found = await store.mget([f"flight-delay:{key}" for key in ask.keys])
        entries = [{"key": k, "source": "cache", "values": v and orjson.loads(v)} for k, v in zip(ask.keys, found)]
        return answer({"predictions": entries})
    found = await store.get(f"flight-delay:{ask.key}")
    if found is None:
        return Response(status_code=404)
    return answer({"key": ask.key, "source": "cache", "values": orjson.loads(found)})
