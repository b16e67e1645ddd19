"""The trees of an ONNX classifier of two classes as LightGBM text, and what lleaves makes of it. make_lleaves.py MODEL.onnx OUT

Every threshold and leaf is the same number, so that predictions differ by the order of rounding alone. OUT gets model.txt, and the compiled
code for float32 (single.o) and float64 (double.o); how long lleaves took for both is printed.
"""

import json
import sys
import time
from pathlib import Path

import lleaves
import onnx

# decision_type of LightGBM: missing values are NaN, and go left by bit 1.
NAN_RIGHT, NAN_LEFT = 8, 10


def tree_text(number, nodes, weights, base):
    """One tree: inner nodes and leaves in the order in which a walk to the left meets them."""
    inner, leaves = [], []

    def visit(node):
        mode = node["nodes_modes"]
        if mode == b"LEAF":
            leaves.append(weights[node["nodes_nodeids"]] + base)
            return -len(leaves)
        if mode != b"BRANCH_LEQ":
            raise ValueError(f"a node compares by {mode}")
        at = len(inner)
        inner.append(None)
        left = visit(nodes[node["nodes_truenodeids"]])
        right = visit(nodes[node["nodes_falsenodeids"]])
        kind = NAN_LEFT if node.get("nodes_missing_value_tracks_true", 0) else NAN_RIGHT
        inner[at] = (node["nodes_featureids"], node["nodes_values"], kind, left, right)
        return at

    visit(nodes[0])
    columns = list(zip(*inner))
    lists = ["split_feature", "threshold", "decision_type", "left_child", "right_child"]
    lines = [f"Tree={number}", f"num_leaves={len(leaves)}", "num_cat=0"]
    lines += [f"{name}={' '.join(map(repr, values))}" for name, values in zip(lists, columns)]
    lines += [f"leaf_value={' '.join(map(repr, leaves))}", "shrinkage=1", "", ""]
    return "\n".join(lines)


def text_of(model):
    """LightGBM's text of the model's one tree operator."""
    (node,) = [node for node in model.graph.node if node.op_type == "TreeEnsembleClassifier"]
    values = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    columns = {name: column for name, column in values.items() if name.startswith("nodes_")}
    trees = {}
    for row in zip(*columns.values()):
        entry = dict(zip(columns, row))
        trees.setdefault(entry["nodes_treeids"], {})[entry["nodes_nodeids"]] = entry
    weights = {}
    for tree, leaf, weight in zip(values["class_treeids"], values["class_nodeids"], values["class_weights"]):
        weights.setdefault(tree, {})[leaf] = weight
    (base,) = values.get("base_values", [0.0])
    features = model.graph.input[0].type.tensor_type.shape.dim[1].dim_value
    head = [
        *["tree", "version=v4", "num_class=1", "num_tree_per_iteration=1", "label_index=0"],
        f"max_feature_idx={features - 1}",
        "objective=binary sigmoid:1",
        f"feature_names={' '.join(f'Column_{i}' for i in range(features))}",
        f"feature_infos={' '.join('[-1e38:1e38]' for _ in range(features))}",
    ]
    bodies = [tree_text(k, trees[tree], weights[tree], base if k == 0 else 0) for k, tree in enumerate(sorted(trees))]
    head.append(f"tree_sizes={' '.join(str(len(body) + 1) for body in bodies)}")
    return "\n".join([*head, "", *bodies, "end of trees", "", "pandas_categorical:null", ""])


def main():
    model, out = sys.argv[1], Path(sys.argv[2])
    out.mkdir(parents=True)
    path = out / "model.txt"
    path.write_text(text_of(onnx.load(model)))
    seconds = {}
    for name, is_double in (("single", False), ("double", True)):
        started = time.time()
        lleaves.Model(model_file=str(path)).compile(cache=str(out / f"{name}.o"), use_fp64=is_double)
        seconds[name] = round(time.time() - started, 1)
    (out / "compiled.json").write_text(json.dumps(seconds))


main()
