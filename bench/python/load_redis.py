"""The loader that people write today: pyarrow reads the predictions, a redis-py pipeline sets a key for each, with a TTL.

load_redis.py FOLDER PORT BATCH
"""

import json
import sys
from pathlib import Path


def main(folder, port, batch):
    import pyarrow.parquet as pq
    import redis

    client = redis.Redis(port=port)
    rows = 0
    for path in sorted(Path(folder).glob("*.parquet")):
        file = pq.ParquetFile(path)
        for piece in file.iter_batches(batch_size=batch, columns=["flight_id", "prediction", "probability"]):
            pipe = client.pipeline(transaction=False)
            columns = (piece["flight_id"].to_pylist(), piece["prediction"].to_pylist(), piece["probability"].to_pylist())
            for key, prediction, probability in zip(*columns):
                value = json.dumps({"prediction": prediction, "probability": probability})
                pipe.set(f"flight-delay:{key}", value, ex=86400)
            pipe.execute()
            rows += piece.num_rows
    print(json.dumps({"rows": rows}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
