"""Predictions of read_predictions.py together with single keys that were written beside the table: whichever is newer."""

import struct
import time
import zlib
from datetime import datetime

from read_predictions import Bytes, Predictions, find_row


def read_entry(entry):
    """(scored, expires, model's sha256, source, values) of an overlay entry, times in ms; None when it is not one."""
    if entry is None or len(entry) < 24 or entry[4] != 1 or struct.unpack_from("<I", entry)[0] != zlib.crc32(entry[4:]):
        return None
    scored, expires = struct.unpack_from("<dd", entry, 8)
    at = Bytes(entry, 24)
    model, source = at.value("string"), at.value("string")
    values = {}
    for _ in range(at.varint()):
        name, kind, is_null = at.value("string"), at.value("string"), at.take(1)[0]
        values[name] = None if is_null else at.value(kind)
    return scored, expires, model, source, values


class PredictionsAndOverlay(Predictions):
    def answers(self, generation, keys, pages):
        _, meta = generation
        pipeline = self.client.pipeline(transaction=False)
        for key in keys:
            pipeline.hget(f"{self.prefix}o:{zlib.crc32(key) % 1024}", key)
        found = []
        for i, entry in enumerate(map(read_entry, pipeline.execute())):
            bucket = zlib.crc32(keys[i]) % meta["buckets"] if meta else 0
            values, origin = (find_row(pages[i], bucket, keys[i], meta) if meta else None) or (None, None)
            found.append(entry[4] if entry and is_newer(entry, origin, meta) else values)
        return found


def is_newer(entry, origin, meta):
    scored, expires, model, source, _ = entry
    if 0 < expires <= time.time() * 1000:
        return False
    if meta and source == "write-back" and all(o["model"]["sha256"] != model for o in meta["origins"]):
        return False
    return origin is None or scored > round(datetime.fromisoformat(origin["scoredAt"]).timestamp() * 1000)
