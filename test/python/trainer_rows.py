"""Rows for trainers_models.py: what models are trained on, and the rows on the edges of their decisions."""

import numpy as np

WIDTH = 8
CITY, GRADE = 6, 7
CITIES = ["Berlin", "Paris", "Rome", "Oslo", "Kyoto", "Ulm", "Łódź"]


def made(rows, seed):
    """Numbers of several shapes with gaps; the last two columns are codes of categories."""
    rng = np.random.default_rng(seed)
    x = np.empty((rows, WIDTH))
    x[:, 0] = rng.normal(size=rows)
    x[:, 1] = np.exp(rng.normal(size=rows) * 3)
    x[:, 2] = rng.integers(-3, 4, rows)
    x[:, 3] = np.where(rng.random(rows) < 0.5, 0.0, rng.normal(size=rows))
    x[:, 4] = np.where(rng.random(rows) < 0.3, np.nan, rng.normal(size=rows) * 1e6)
    x[:, 5] = np.where(rng.random(rows) < 0.2, np.nan, rng.normal(size=rows) * 1e-3)
    x[:, CITY] = rng.integers(0, len(CITIES), rows)
    x[:, GRADE] = np.where(rng.random(rows) < 0.1, np.nan, rng.integers(0, 45, rows))
    return x.astype("float32").astype("float64")


def flights(rows, seed, folder):
    """Rows of the flights of the fixtures, nulls as NaN; the last two columns are cut to codes."""
    import pyarrow.parquet as pq

    table = pq.read_table(folder)
    names = [field.name for field in table.schema if str(field.type) == "float"]
    picked = np.random.default_rng(seed).choice(table.num_rows, rows, replace=False)
    columns = [table[name].to_numpy(zero_copy_only=False)[picked].astype("float64") for name in names]
    x = np.stack(columns, axis=1)
    codes = np.stack([np.abs(np.nan_to_num(x[:, 1])) % len(CITIES), np.abs(x[:, 7]) % 45], axis=1)
    return np.concatenate([x[:, 2:], np.floor(codes)], axis=1)


def score(x):
    """What models are to learn: smooth, with jumps at missing values and categories."""
    z = np.nan_to_num(x)
    scale = np.nanstd(x, axis=0) + 1e-9
    plain = (z / scale).clip(-3, 3)
    parts = plain[:, 0] + plain[:, 1] * (plain[:, 2] > 0) - np.isnan(x[:, 4]) + 0.7 * plain[:, 5]
    return parts + np.isin(z[:, -2], [1, 3, 4]) + 0.8 * (z[:, -1] % 7 == 2) - 1.2 * (z[:, 3] == 0)


def specials(kind):
    tiny = np.array([1e-35, -1e-35, 5e-36, -5e-36], "float32").astype("float64")
    near = np.concatenate([tiny, np.nextafter(tiny, np.inf), np.nextafter(tiny, -np.inf)])
    least = [float(np.nextafter(np.dtype(kind).type(0), np.dtype(kind).type(1)))]
    return np.concatenate(
        [[np.nan, 0.0, -0.0, np.inf, -np.inf, 3e38, -3e38, 1.0, -0.5, -1.0, 0.5, 2.5, 1e9, 3e9], least, -np.array(least), near]
    )


def edges(base, thresholds, kind, seed, most):
    """Base rows with values of several features replaced: a threshold of the feature, a neighbour of one, or a special value.

    `thresholds` has a list per feature; neighbours are those of `kind`.
    """
    rng = np.random.default_rng(seed)
    pools = []
    for found in thresholds:
        at = np.unique(np.asarray(found, kind)) if len(found) else np.zeros(0, kind)
        up, down = np.nextafter(at, np.dtype(kind).type(np.inf)), np.nextafter(at, np.dtype(kind).type(-np.inf))
        pools.append(np.concatenate([at, up, down, specials(kind).astype(kind)]).astype("float64"))
    rows = min(most, max(len(pool) for pool in pools) * 2)
    out = base[rng.integers(0, len(base), rows)].copy()
    for feature, pool in enumerate(pools):
        turns = np.concatenate([rng.permutation(pool) for _ in range(rows // len(pool) + 1)])[:rows]
        changed = rng.random(rows) < 0.6
        out[changed, feature] = turns[changed]
    return out
