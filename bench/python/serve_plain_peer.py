"""The endpoint as the documentation of FastAPI and redis-py teaches it: models for what comes in and goes out, one client, the
model loaded at the start. It answers what prescore answers: where a prediction comes from, which run and model, how old.

BENCH_REDIS_PORT, and those of serve_model; started by uvicorn.
"""

import json
import os
from datetime import datetime, timezone

import redis.asyncio as redis
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

from serve_model import Ask, Row, score

store = redis.Redis(port=int(os.environ["BENCH_REDIS_PORT"]), decode_responses=True)
app = FastAPI()


class Values(BaseModel):
    prediction: int
    probability: float


class Model(BaseModel):
    name: str = "delay"
    version: str = "1"


class Answer(BaseModel):
    key: str
    source: str
    values: Values | None
    run_id: str | None = None
    model: Model = Model()
    scored_at: datetime
    age_ms: int = 0


class Answers(BaseModel):
    predictions: list[Answer]


STARTED = datetime.now(timezone.utc)


def cached(key, text):
    age = datetime.now(timezone.utc) - STARTED
    values = None if text is None else Values(**json.loads(text))
    return Answer(key=key, source="cache", values=values, run_id="bench", scored_at=STARTED, age_ms=int(age.total_seconds() * 1000))


def live(rows):
    labels, probabilities = score([row.features for row in rows])
    now = datetime.now(timezone.utc)
    return [
        Answer(key=row.key, source="live", values=Values(prediction=label, probability=pair[1]), scored_at=now)
        for row, label, pair in zip(rows, labels.ravel().tolist(), probabilities.tolist())
    ]


@app.get("/health/ready")
async def ready():
    return {"ok": await store.ping()}


@app.post("/v1/predictions/{name}")
async def predictions(name: str, ask: Ask) -> Answer | Answers:
    if ask.rows is not None:
        return Answers(predictions=live(ask.rows))
    if ask.features is not None:
        found = None if name == "live" else await store.get(f"flight-delay:{ask.key}")
        if found is not None:
            return cached(ask.key, found)
        return live([Row(key=ask.key, features=ask.features)])[0]
    if ask.keys is not None:
        found = await store.mget([f"flight-delay:{key}" for key in ask.keys])
        return Answers(predictions=[cached(key, text) for key, text in zip(ask.keys, found)])
    found = await store.get(f"flight-delay:{ask.key}")
    if found is None:
        raise HTTPException(status_code=404)
    return cached(ask.key, found)
