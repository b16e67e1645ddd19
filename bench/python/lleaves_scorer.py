"""Scores a case's rows with lleaves, compiled before by make_lleaves.py; in the place of CaseScorer."""

import lleaves
import numpy as np
from case_scorer import pack


class LleavesScorer:
    """One compiled model. `folder`: what make_lleaves.py made; `is_double`: rows and sums in float64."""

    def __init__(self, case, batch, threads, folder, is_double):
        self.model = lleaves.Model(model_file=f"{folder}/model.txt")
        self.model.compile(cache=f"{folder}/{'double' if is_double else 'single'}.o", use_fp64=is_double)
        (self.feature,) = case["features"]
        self.batch = batch
        self.threads = threads
        self.is_double = is_double

    def score(self, columns):
        """`columns`: name -> pyarrow Array of equal lengths. Answers prediction column -> numpy array."""
        values = [columns[name].to_numpy(zero_copy_only=False) for name in self.feature["columns"]]
        parts = []
        for start in range(0, len(values[0]), self.batch):
            rows = pack(values, self.feature, start, min(start + self.batch, len(values[0])))
            parts.append(self.model.predict(rows.astype(np.float64) if self.is_double else rows, n_jobs=self.threads))
        probability = np.concatenate(parts)
        return {
            "prediction": (probability > 0.5).astype(np.int64),
            "probability": probability.astype(np.float32),
        }
