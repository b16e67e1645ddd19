"""Models in the trainers' own files, with rows and what the trainer answers: trainers_models.py OUT [options]

    --only NAME     lightgbm, xgboost or catboost
    --rows N        rows to answer besides those on edges (60)
    --edges N       rows on edges, at most (90)
    --seed N        of data and training (1)
    --flights DIR   train and answer on these rows instead of made ones
    --big           models of usual size instead of small ones
    --pick NAMES    of the cases only these, with commas between
    --suffix TEXT   behind the names, for files of another version of a trainer

Each case is a packed model file and NAME.bin.gz: rows, raw scores, answers, contributions and leaves, in this order, little endian, of the types and
shapes that cases.json tells. The files under fixtures/trainers were made by it with the pins of native-requirements.txt; those whose names
end in _v1 and _v2 with xgboost 1.7.6 and 2.1.4 (numpy 1.26), --suffix, and --pick as their names say.
"""

import argparse
import gzip
import json
from pathlib import Path

import trainer_rows


class Cases:
    def __init__(self, options):
        self.options = options
        self.out = Path(options.out)
        self.out.mkdir(parents=True, exist_ok=True)
        self.path = self.out / "cases.json"
        self.all = json.loads(self.path.read_text()) if self.path.exists() else {}

    def data(self, salt, rows):
        seed = self.options.seed * 1000 + salt
        if self.options.flights is None:
            return trainer_rows.made(rows, seed)
        return trainer_rows.flights(rows, seed, self.options.flights)

    @property
    def train(self):
        return self.data(1, 6000 if self.options.big else 1500)

    def rows(self, thresholds, kind, salt):
        """Rows to answer: ordinary ones, and ones on the edges of the model."""
        base = self.data(2, self.options.rows)
        found = trainer_rows.edges(base, thresholds, kind, self.options.seed + salt, self.options.edges)
        return trainer_rows.np.concatenate([base, found]).astype(kind)

    def add(self, name, suffix, model, arrays, **facts):
        """`model`: bytes of the file; `arrays`: rows, raw, answers, contributions and leaves."""
        if self.options.pick is not None and name not in self.options.pick.split(","):
            return
        name += self.options.suffix
        (self.out / f"{name}.{suffix}.gz").write_bytes(gzip.compress(model, 9, mtime=0))
        packed = b"".join(array.tobytes() for array in arrays.values())
        (self.out / f"{name}.bin.gz").write_bytes(gzip.compress(packed, 1 if self.options.big else 9, mtime=0))
        shapes = {key: {"type": str(array.dtype), "shape": list(array.shape)} for key, array in arrays.items()}
        self.all[name] = {"file": f"{name}.{suffix}", "arrays": shapes, **facts}

    def end(self):
        lines = [f"{json.dumps(name)}: {json.dumps(facts)}" for name, facts in sorted(self.all.items())]
        self.path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    parser.add_argument("--only")
    parser.add_argument("--rows", type=int, default=60)
    parser.add_argument("--edges", type=int, default=90)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--flights")
    parser.add_argument("--big", action="store_true")
    parser.add_argument("--pick")
    parser.add_argument("--suffix", default="")
    cases = Cases(parser.parse_args())
    # One trainer at a time may be missing.
    for name in ["lightgbm", "xgboost", "catboost"]:
        if cases.options.only in (None, name):
            __import__(f"trainer_{name}").make(cases)
    cases.end()


if __name__ == "__main__":
    main()
