"""Reads predictions by key from a set that prescore has published into a Redis. Needs redis-py and nothing else.

    predictions = Predictions(redis.Redis(), "flight-delay")
    predictions.get("20130819-WN1463-LGA-1420")      # {"prediction": 0, "probability": 0.104}, or None
    predictions.get_many(["a", "b"])                 # the same for many keys, all of one generation

A key is a str, an int, bytes, or a tuple of these where the key has several columns. docs/prediction-sets.md says what every
byte means. Single keys that were written beside the table (mode: upsert, write-back) are in read_overlay.py.
"""

import json
import struct
import time
import zlib
from datetime import datetime

FIXED = {"bool": "<?", "int8": "<b", "uint8": "<B", "float32": "<f", "float64": "<d"}


class Bytes:
    """A position in bytes that are read."""

    def __init__(self, data, at=0):
        self.data, self.at = data, at

    def take(self, count):
        self.at += count
        return self.data[self.at - count : self.at]

    def varint(self):
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def nulls(self, count):
        bits = self.take((count + 7) // 8)
        return [bits[i >> 3] >> (i & 7) & 1 for i in range(count)]

    def value(self, kind):
        if kind.startswith("list<"):
            head = self.varint()
            nulls = self.nulls(head >> 1) if head & 1 else [0] * (head >> 1)
            return [None if null else self.value(kind[5:-1]) for null in nulls]
        if kind == "string":
            return self.take(self.varint()).decode()
        if kind in FIXED:
            return struct.unpack(FIXED[kind], self.take(struct.calcsize(FIXED[kind])))[0]
        number = self.varint()
        return number if kind[0] == "u" else (number >> 1) ^ -(number & 1)


def key_bytes(key):
    if isinstance(key, tuple):
        return b"".join(b"%d:%b" % (len(part), part) for part in map(key_bytes, key))
    return key if isinstance(key, bytes) else str(key).encode()


def find_row(page, bucket, key, meta):
    """The values of a key and the run that gave them; None when the page does not have it, or is not a page."""
    if page is None or len(page) < 16:
        return None
    crc, version, flags, shared, own_bucket, rows = struct.unpack_from("<IBBHII", page)
    if crc != zlib.crc32(page[4:]) or version != 1 or own_bucket != bucket:
        return None
    row = Bytes(page, 16)
    prefix = row.take(shared)
    for _ in range(rows):
        end = row.varint() + row.at
        if prefix + row.take(row.varint()) == key:
            origin = meta["origins"][row.varint() if flags & 2 else 0]
            columns = meta["columns"]
            nulls = row.nulls(len(columns)) if flags & 1 else [0] * len(columns)
            return {c["name"]: None if null else row.value(c["type"]) for c, null in zip(columns, nulls)}, origin
        row.at = end
    return None


class Predictions:
    def __init__(self, client, name):
        self.client, self.prefix = client, f"prescore:{name}:"
        self.known, self.read_at = None, -1e9

    def get(self, key):
        return self.get_many([key])[0]

    def get_many(self, keys):
        keys = [key_bytes(key) for key in keys]
        generation = self.pointer(5)
        pages = self.pages(generation, keys)
        if None in pages:
            generation = self.pointer(0)  # It may have been reclaimed: the pointer tells.
            pages = self.pages(generation, keys)
        return self.answers(generation, keys, pages)

    def pointer(self, max_age):
        """(number, meta) of the generation that is served; (0, None) when nothing is, or it has expired."""
        if time.monotonic() - self.read_at >= max_age:
            self.read_at = time.monotonic()
            number, expires, published = self.client.hmget(self.prefix + "ptr", "gen", "expiresAt", "publishedAt")
            number = int(number or 0)
            if self.known is None or self.known[:2] != (number, published):
                meta = json.loads(self.client.get(f"{self.prefix}g{number}:meta")) if number else None
                self.known = (number, published, meta)
            self.expires = datetime.fromisoformat(expires.decode()).timestamp() if expires else float("inf")
        number, _, meta = self.known
        return (number, meta) if time.time() < self.expires else (0, None)

    def pages(self, generation, keys):
        number, meta = generation
        pipeline = self.client.pipeline(transaction=False)
        for key in keys if number else []:
            pipeline.get(f"{self.prefix}g{number}:{zlib.crc32(key) % meta['buckets']}")
        return pipeline.execute() if number else []

    def answers(self, generation, keys, pages):
        _, meta = generation
        if meta is None:
            return [None] * len(keys)
        rows = [find_row(page, zlib.crc32(key) % meta["buckets"], key, meta) for key, page in zip(keys, pages)]
        return [row and row[0] for row in rows]
