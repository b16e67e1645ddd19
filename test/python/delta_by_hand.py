"""Delta tables whose logs are written by hand after the protocol's text; see delta_tables.py byhand.

Expected rows of those that delta-rs can read are its own, so that nothing is compared with what this file believes.
"""

import datetime as dt
import decimal
import json
import struct
import uuid
import zlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable, QueryBuilder
from pyroaring import BitMap64

Z85 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"


def z85(data):
    data += b"\0" * (-len(data) % 4)
    out = ""
    for (value,) in struct.iter_unpack(">I", data):
        out += "".join(Z85[value // 85**power % 85] for power in (4, 3, 2, 1, 0))
    return out


def rows(first, count, **more):
    ids = range(first, first + count)
    table = {
        "id": pa.array(ids, pa.int64()),
        "c0": pa.array([float(i % 1000) for i in ids], pa.float32()),
        "c1": pa.array([float(i % 7) for i in ids], pa.float32()),
        "c2": pa.array([float(i % 3) for i in ids], pa.float32()),
    }
    return pa.table({**table, **more})


FIELDS = [("id", "long"), ("c0", "float"), ("c1", "float"), ("c2", "float")]


def schema(fields, notes=lambda i, name: {}):
    made = [{"name": n, "type": t, "nullable": True, "metadata": notes(i, n)} for i, (n, t) in enumerate(fields)]
    return json.dumps({"type": "struct", "fields": made})


def metadata(text, partitions=(), **configuration):
    options = {"provider": "parquet", "options": {}}
    return {"metaData": {"id": str(uuid.uuid4()), "format": options, "schemaString": text, "partitionColumns": list(partitions),
                         "configuration": configuration}}


def protocol(*features):
    return {"protocol": {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": list(features),
                         "writerFeatures": list(features)}}


def put(place, name, table, **options):
    place.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, place / name, **options)
    stats = json.dumps({"numRecords": table.num_rows})
    return {"path": name, "partitionValues": {}, "size": (place / name).stat().st_size, "modificationTime": 1, "dataChange": True,
            "stats": stats}


def commit(place, version, *actions):
    log = place / "_delta_log"
    log.mkdir(parents=True, exist_ok=True)
    (log / f"{version:020}.json").write_text("".join(json.dumps(action) + "\n" for action in actions))


def bitmap(values):
    return struct.pack("<I", 1681511377) + BitMap64(values).serialize()


def stored(place, *bitmaps):
    """One file of deletion vectors, and the descriptor of each."""
    name = uuid.uuid4()
    data, found = b"\x01", []
    for values in bitmaps:
        body = bitmap(values)
        found.append({"storageType": "u", "pathOrInlineDv": z85(name.bytes), "offset": len(data), "sizeInBytes": len(body),
                      "cardinality": len(values)})
        data += struct.pack(">I", len(body)) + body + struct.pack(">I", zlib.crc32(body))
    (place / f"deletion_vector_{name}.bin").write_bytes(data)
    return found


def make_vectors(place):
    """Arrays, bitmaps and runs of deleted rows, in a file and in the log, of a file as a whole, and of none."""
    first = put(place, "a.parquet", rows(0, 150_000), row_group_size=20_000)
    second = put(place, "b.parquet", rows(200_000, 1000))
    third = put(place, "c.parquet", rows(300_000, 50))
    fourth = put(place, "d.parquet", rows(400_000, 300))
    commit(place, 0, protocol("deletionVectors"), metadata(schema(FIELDS)),
           *({"add": file} for file in (first, second, third, fourth)))
    some = [*range(0, 100, 7), *range(5000, 45_000, 2), 65_536, *range(70_000, 120_000), 149_999]
    runs = BitMap64(range(100, 400)) | BitMap64([3, 4, 7, 11, 18, 29])
    runs.run_optimize() if hasattr(runs, "run_optimize") else None
    one, two = stored(place, some, list(range(50)))
    body = bitmap(runs)
    inline = {"storageType": "i", "pathOrInlineDv": z85(body), "sizeInBytes": len(body), "cardinality": len(runs)}
    commit(place, 1, *({"remove": {"path": file["path"], "dataChange": True, "deletionTimestamp": 1}} for file in (first, second, third)),
           {"add": {**first, "deletionVector": one}}, {"add": {**third, "deletionVector": two}},
           {"add": {**second, "deletionVector": inline}})


def make_mapped(place):
    """Columns under physical names in the files, a partition column among them; one was renamed, one dropped."""
    names = {"id": "col-1", "c0": "col-2", "c1": "c2", "c2": "col-4", "note": "note"}
    fields = [*FIELDS, ("note", "string"), ("day", "date")]
    text = schema(fields, lambda i, name: {"delta.columnMapping.id": i + 1,
                                           "delta.columnMapping.physicalName": names.get(name, f"col-{name}")})
    actions = []
    for n, day in enumerate(["2024-02-29", None]):
        table = rows(n * 500, 500, note=pa.array([f"n{i}" if i % 4 else None for i in range(500)]), gone=pa.nulls(500, pa.int32()))
        table = table.rename_columns([names.get(name, name) for name in table.column_names])
        file = put(place, f"{n}.parquet", table)
        actions.append({"add": {**file, "partitionValues": {"col-day": day}}})
    commit(place, 0, protocol("columnMapping"),
           metadata(text, ["day"], **{"delta.columnMapping.mode": "name", "delta.columnMapping.maxColumnId": "9"}), *actions)


def make_widened(place):
    """Files of before types were widened. What must come of them is said here: delta-rs does not read it."""
    day = [dt.date(2024, 1, 1 + i % 28) for i in range(40)]
    narrow = rows(0, 40, i=pa.array(range(40), pa.int32()), s=pa.array(range(40), pa.int16()),
                  f=pa.array([i / 4 for i in range(40)], pa.float32()),
                  m=pa.array([decimal.Decimal(i) / 4 for i in range(40)], pa.decimal128(6, 2)),
                  n=pa.array(range(40), pa.int32()), d=pa.array(day, pa.date32()))
    wide = rows(40, 40, i=pa.array(range(2**40, 2**40 + 40), pa.int64()), s=pa.array([i + 0.5 for i in range(40)], pa.float64()),
                f=pa.array([i / 3 for i in range(40)], pa.float64()),
                m=pa.array([decimal.Decimal(i) / 8 for i in range(40)], pa.decimal128(12, 4)),
                n=pa.array([decimal.Decimal(i) / 2 for i in range(40)], pa.decimal128(12, 1)),
                d=pa.array([dt.datetime(2024, 1, 1, 1, 2, i) for i in range(40)], pa.timestamp("us")))
    files = [put(place, "narrow.parquet", narrow), put(place, "wide.parquet", wide)]
    types = [("i", "long"), ("s", "double"), ("f", "double"), ("m", "decimal(12,4)"), ("n", "decimal(12,1)"), ("d", "timestamp_ntz")]
    commit(place, 0, protocol("typeWidening", "timestampNtz"), metadata(schema([*FIELDS, *types])), *({"add": file} for file in files))
    return pa.concat_tables([narrow.cast(wide.schema), wide])


def make_int96(place):
    """Instants as Spark writes them."""
    at = [dt.datetime(1969, 12, 31, 23, 59, 59, i, tzinfo=dt.UTC) + dt.timedelta(days=i * 400) for i in range(50)]
    table = rows(0, 50, at=pa.array(at, pa.timestamp("us", "UTC")))
    file = put(place, "a.parquet", table, use_deprecated_int96_timestamps=True)
    newer = rows(50, 50, at=pa.array(at, pa.timestamp("us", "UTC")))
    other = put(place, "b.parquet", newer)
    commit(place, 0, {"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}},
           metadata(schema([*FIELDS, ("at", "timestamp")])), {"add": file}, {"add": other})


ACTIONS = pa.schema([
    ("protocol", pa.struct([("minReaderVersion", pa.int32()), ("minWriterVersion", pa.int32()),
                            ("readerFeatures", pa.list_(pa.string())), ("writerFeatures", pa.list_(pa.string()))])),
    ("metaData", pa.struct([("id", pa.string()), ("format", pa.struct([("provider", pa.string()),
                                                                         ("options", pa.map_(pa.string(), pa.string()))])),
                            ("schemaString", pa.string()), ("partitionColumns", pa.list_(pa.string())),
                            ("configuration", pa.map_(pa.string(), pa.string()))])),
    ("add", pa.struct([("path", pa.string()), ("partitionValues", pa.map_(pa.string(), pa.string())), ("size", pa.int64()),
                       ("modificationTime", pa.int64()), ("dataChange", pa.bool_()), ("stats", pa.string())])),
    ("remove", pa.struct([("path", pa.string()), ("deletionTimestamp", pa.int64()), ("dataChange", pa.bool_())])),
])
SECOND = pa.schema([*ACTIONS, ("checkpointMetadata", pa.struct([("version", pa.int64())])),
                    ("sidecar", pa.struct([("path", pa.string()), ("sizeInBytes", pa.int64()), ("modificationTime", pa.int64())]))])


def write_actions(path, actions, of=ACTIONS):
    def value(action, field):
        found = action.get(field.name)
        if found is None:
            return None
        # pyarrow takes maps as pairs.
        return {k: list(v.items()) if isinstance(v, dict) and k != "format" else v for k, v in found.items()} if field.name != "metaData" else {
            **found, "configuration": list(found["configuration"].items()), "format": {"provider": "parquet", "options": []}}
    columns = [pa.array([value(action, field) for action in actions], field.type) for field in of]
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_arrays(columns, schema=of), path)


def checkpointed(place, features, write):
    files = [put(place, f"{n}.parquet", rows(n * 10, 10)) for n in range(6)]
    removed = [{"remove": {"path": files[0]["path"], "deletionTimestamp": 1, "dataChange": True}}]
    head = [protocol(*features), metadata(schema(FIELDS))]
    write(place / "_delta_log", head, [{"add": file} for file in files[1:4]], removed)
    commit(place, 11, {"add": files[4]}, {"remove": {"path": files[1]["path"], "deletionTimestamp": 1, "dataChange": True}})
    commit(place, 12, {"add": files[5]})


def make_in_parts(place):
    def write(log, head, adds, removed):
        parts = [head + adds[:1], adds[1:] + removed]
        for n, part in enumerate(parts):
            write_actions(log / f"{10:020}.checkpoint.{n + 1:010}.{len(parts):010}.parquet", part)
        # One that was never finished.
        write_actions(log / f"{11:020}.checkpoint.{1:010}.{2:010}.parquet", head)
    checkpointed(place, [], write)


def sidecars(log, adds, removed):
    found = []
    for n, part in enumerate([adds[:2], adds[2:] + removed]):
        path = log / "_sidecars" / f"s {n}%.parquet"
        write_actions(path, part)
        size = path.stat().st_size
        found.append({"sidecar": {"path": f"s%20{n}%25.parquet", "sizeInBytes": size, "modificationTime": 1}})
    return found


def make_second(place):
    def write(log, head, adds, removed):
        actions = [{"checkpointMetadata": {"version": 10}}, *head, *sidecars(log, adds, removed)]
        write_actions(log / f"{10:020}.checkpoint.{uuid.uuid4()}.parquet", actions, SECOND)
    checkpointed(place, ["v2Checkpoint"], write)


def make_second_json(place):
    def write(log, head, adds, removed):
        actions = [{"checkpointMetadata": {"version": 10}}, *head, *sidecars(log, adds, removed)]
        (log / f"{10:020}.checkpoint.{uuid.uuid4()}.json").write_text("".join(json.dumps(action) + "\n" for action in actions))
    checkpointed(place, ["v2Checkpoint"], write)


def make_absolute(place):
    """As a shallow clone: files by whole URIs, in another folder."""
    data = place.parent / "data of absolute%"
    file = put(data, "x y.parquet", rows(0, 30))
    other = put(data, "z.parquet", rows(30, 30))
    escaped = str(data).replace("%", "%25").replace(" ", "%20")
    commit(place, 0, protocol(), metadata(schema(FIELDS)),
           {"add": {**file, "path": f"file://{escaped}/x%20y.parquet"}}, {"add": {**other, "path": f"file:{escaped}/z.parquet"}})
    return rows(0, 60)


MADE = {"vectors": make_vectors, "mapped": make_mapped, "widened": make_widened, "int96": make_int96, "in_parts": make_in_parts,
        "second": make_second, "second_json": make_second_json, "absolute": make_absolute}


def make(folder):
    for name, build in MADE.items():
        place = Path(folder) / name
        expected = build(place)
        if expected is None:
            query = QueryBuilder().register("t", DeltaTable(str(place))).execute("select * from t")
            expected = pa.table(query.read_all())
        pq.write_table(expected, Path(folder) / f"{name}.expected.parquet")
