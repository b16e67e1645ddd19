"""Models as exporters write them by default, and as packages bring them, each with a table and what onnxruntime answers: zoo_models.py OUT SEED [PART]

A folder for each case (zoo_cases.py says what is in it), and lost.json: what an exporter could not write. PART: `trained`, `networks`,
or `big`, the model with two gigabytes of weights beside it; without it the first two.
"""

import sys
import warnings

warnings.filterwarnings("ignore")

import zoo_cases
import zoo_networks
import zoo_trained

PARTS = {"trained": zoo_trained.make_all, "networks": zoo_networks.make_all, "big": zoo_networks.make_big}

if __name__ == "__main__":
    for part in sys.argv[3:] or ["trained", "networks"]:
        PARTS[part]()
    zoo_cases.finish()
