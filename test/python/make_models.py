"""Writes the small models of the tests: make_models.py OUT

Every file is made from nodes by onnx.helper and is a few hundred bytes; weights are fixed numbers, so that the same pins
give the same files. What a model is for stands beside it.
"""

import sys
from pathlib import Path

import numpy as np
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper

OPSET = 21
IR = 10


def tensor(name, kind, dims):
    return h.make_tensor_value_info(name, kind, dims)


def model(nodes, inputs, outputs, initializers=(), opsets=None, ir=IR, functions=(), sparse=()):
    graph = h.make_graph(nodes, "test", inputs, outputs, list(initializers), sparse_initializer=list(sparse))
    ids = [h.make_opsetid(domain, version) for domain, version in (opsets or {"": OPSET}).items()]
    made = h.make_model(graph, opset_imports=ids, functions=list(functions), producer_name="prescore-tests")
    made.ir_version = ir
    return made


def const(name, values, kind=np.float32):
    return numpy_helper.from_array(np.array(values, dtype=kind), name)


def node(op, inputs, outputs, **attributes):
    return h.make_node(op, inputs, outputs, **attributes)


def sums(ir=IR, opsets=None, rows="N", width=3, kind=T.FLOAT):
    """The plain one: x [N, 3] -> y [N, 1], the sum of a row."""
    nodes = [node("ReduceSum", ["x", "axes"], ["y"], keepdims=1)]
    axes = const("axes", [1], np.int64)
    return model(nodes, [tensor("x", kind, [rows, width])], [tensor("y", kind, [rows, 1])], [axes], opsets, ir)


def types():
    """Every element type and every shape of a feed that a row can have, in one model."""
    plain = {"i8": T.INT8, "u8": T.UINT8, "i16": T.INT16, "u16": T.UINT16, "i32": T.INT32, "u32": T.UINT32, "i64": T.INT64, "u64": T.UINT64}
    nodes, inputs, outputs = [], [], []
    for name, kind in plain.items():
        # Half of them [N], half [N, 1].
        dims = ["N"] if name.startswith("i") else ["N", 1]
        inputs.append(tensor(name, kind, dims))
        outputs.append(tensor(f"{name}_out", kind, dims))
        nodes.append(node("Identity", [name], [f"{name}_out"]))
    inputs += [
        tensor("half", T.FLOAT16, ["N", 3]),
        tensor("double", T.DOUBLE, ["N", 2]),
        tensor("flag", T.BOOL, ["N", 1]),
        tensor("text", T.STRING, ["N"]),
        tensor("words", T.STRING, ["N", 2]),
        tensor("cube", T.FLOAT, ["N", 2, 3]),
        tensor("list", T.FLOAT, ["N", 6]),
        tensor("half_list", T.FLOAT16, ["N", 6]),
        tensor("scale", T.FLOAT, []),
        tensor("shift", T.FLOAT, ["N", 1]),
        tensor("weights", T.FLOAT, [6]),
    ]
    outputs += [
        tensor("half_square", T.FLOAT16, ["N", 3]),
        tensor("half_sum", T.FLOAT16, ["N", 1]),
        tensor("double_sum", T.DOUBLE, ["N"]),
        tensor("not_flag", T.BOOL, ["N", 1]),
        tensor("text_out", T.STRING, ["N"]),
        tensor("words_out", T.STRING, ["N", 2]),
        tensor("cube_sums", T.FLOAT, ["N", 2]),
        tensor("list_scaled", T.FLOAT, ["N", 6]),
        tensor("half_list_sum", T.FLOAT16, ["N"]),
        tensor("best", T.INT64, ["N"]),
        tensor("as_int8", T.INT8, ["N", 6]),
    ]
    nodes += [
        node("Mul", ["half", "half"], ["half_square"]),
        node("ReduceSum", ["half", "one"], ["half_sum"], keepdims=1),
        node("ReduceSum", ["double", "one"], ["double_sum"], keepdims=0),
        node("Not", ["flag"], ["not_flag"]),
        node("Identity", ["text"], ["text_out"]),
        node("Identity", ["words"], ["words_out"]),
        node("ReduceSum", ["cube", "two"], ["cube_sums"], keepdims=0),
        node("Mul", ["list", "weights"], ["weighted"]),
        node("Mul", ["weighted", "scale"], ["scaled"]),
        node("Add", ["scaled", "shift"], ["list_scaled"]),
        node("ReduceSum", ["half_list", "one"], ["half_list_sum"], keepdims=0),
        node("ArgMax", ["list_scaled"], ["best"], axis=1, keepdims=0),
        node("Cast", ["list"], ["as_int8"], to=T.INT8),
    ]
    return model(nodes, inputs, outputs, [const("one", [1], np.int64), const("two", [2], np.int64)])


def loop(trips):
    """A Loop that adds one to x at every trip: 2^62 never end, 400,000 take about a second, whatever the rows."""
    body = h.make_graph(
        [node("Identity", ["going"], ["still"]), node("Add", ["carried", "step"], ["next"])],
        "body",
        [tensor("i", T.INT64, []), tensor("going", T.BOOL, []), tensor("carried", T.FLOAT, None)],
        [tensor("still", T.BOOL, []), tensor("next", T.FLOAT, None)],
        [const("step", [1.0])],
    )
    nodes = [node("Loop", ["trips", "true", "x"], ["y"], body=body)]
    initializers = [const("trips", trips, np.int64), const("true", True, bool)]
    return model(nodes, [tensor("x", T.FLOAT, ["N", 3])], [tensor("y", T.FLOAT, ["N", 3])], initializers)


def slow_load(steps=40, side=4000):
    """Weights that are computed from constants while the model is loaded: a minute or more of it, in little memory."""
    nodes = [node("ConstantOfShape", ["shape"], ["w0"], value=const("", [0.001]))]
    nodes += [node("MatMul", [f"w{i}", f"w{i}"], [f"w{i + 1}"]) for i in range(steps)]
    nodes += [node("ReduceMax", [f"w{steps}"], ["peak"], keepdims=0), node("Add", ["x", "peak"], ["y"])]
    return model(nodes, [tensor("x", T.FLOAT, ["N", 3])], [tensor("y", T.FLOAT, ["N", 3])], [const("shape", [side, side], np.int64)])


def huge():
    """Asks for a tensor of 160 GB: 2 x 10^5 x 2 x 10^5 floats, made from a value of the row so that nothing folds it."""
    nodes = [
        node("Shape", ["x"], ["rows"], start=0, end=1),
        node("Mul", ["rows", "nothing"], ["none"]),
        node("Add", ["none", "side"], ["shape"]),
        node("ConstantOfShape", ["shape"], ["big"]),
        node("ReduceSum", ["big"], ["sum"], keepdims=0),
        node("Add", ["x", "sum"], ["y"]),
    ]
    sizes = [const("nothing", [0], np.int64), const("side", [200_000, 200_000], np.int64)]
    return model(nodes, [tensor("x", T.FLOAT, ["N", 3])], [tensor("y", T.FLOAT, ["N", 3])], sizes)


def gather():
    """A table of 4 values looked up by an index: 4 and above fail in ONNX Runtime, -1 wraps to the last."""
    return model(
        [node("Gather", ["table", "index"], ["value"], axis=0)],
        [tensor("index", T.INT64, ["N"])],
        [tensor("value", T.FLOAT, ["N"])],
        [const("table", [10.0, 11.0, 12.0, 13.0])],
    )


def echo():
    """A text in, the same text out."""
    return model([node("Identity", ["text"], ["out"])], [tensor("text", T.STRING, ["N"])], [tensor("out", T.STRING, ["N"])])


def logs():
    """log(x): NaN below zero and -inf at zero."""
    return model([node("Log", ["x"], ["y"])], [tensor("x", T.FLOAT, ["N"])], [tensor("y", T.FLOAT, ["N"])])


def sequences():
    """Outputs that are no tensors, beside one that is."""
    kind = h.make_sequence_type_proto(h.make_tensor_type_proto(T.FLOAT, None))
    maybe = h.make_optional_type_proto(h.make_tensor_type_proto(T.FLOAT, None))
    outputs = [tensor("y", T.FLOAT, ["N", 1]), h.make_value_info("parts", kind), h.make_value_info("maybe", maybe)]
    nodes = [
        node("ReduceSum", ["x", "axes"], ["y"], keepdims=1),
        node("SplitToSequence", ["x"], ["parts"], axis=1),
        node("Optional", ["x"], ["maybe"]),
    ]
    return model(nodes, [tensor("x", T.FLOAT, ["N", 3])], outputs, [const("axes", [1], np.int64)])


def custom():
    """An operator of a domain that only a library of its own could bring."""
    nodes = [h.make_node("Secret", ["x"], ["y"], domain="com.example.ops")]
    opsets = {"": OPSET, "com.example.ops": 1}
    return model(nodes, [tensor("x", T.FLOAT, ["N", 3])], [tensor("y", T.FLOAT, ["N", 3])], opsets=opsets)


def own_function():
    """The same, but the model brings the operator as a function: that is standard ONNX."""
    ids = [h.make_opsetid("", OPSET)]
    twice = h.make_function("com.example.ops", "Twice", ["a"], ["b"], [node("Add", ["a", "a"], ["b"])], ids)
    nodes = [h.make_node("Twice", ["x"], ["y"], domain="com.example.ops")]
    opsets = {"": OPSET, "com.example.ops": 1}
    return model(nodes, [tensor("x", T.FLOAT, ["N", 3])], [tensor("y", T.FLOAT, ["N", 3])], opsets=opsets, functions=[twice])


def recurrent(state_first):
    """State that goes from call to call ([2, N, 3], in and out), or a batch that is the second axis ([3, N])."""
    if state_first:
        inputs = [tensor("x", T.FLOAT, ["N", 3]), tensor("state", T.FLOAT, [2, "N", 3])]
        outputs = [tensor("y", T.FLOAT, ["N", 3]), tensor("state_out", T.FLOAT, [2, "N", 3])]
        nodes = [
            node("ReduceSum", ["state", "axes"], ["sum"], keepdims=0),
            node("Add", ["x", "sum"], ["y"]),
            node("Identity", ["state"], ["state_out"]),
        ]
        return model(nodes, inputs, outputs, [const("axes", [0], np.int64)])
    nodes = [node("Identity", ["x"], ["y"])]
    return model(nodes, [tensor("x", T.FLOAT, [3, "N"])], [tensor("y", T.FLOAT, [3, "N"])])


def shapes(op):
    """Outputs whose rows are not the input's rows."""
    if op == "transpose":
        outputs, nodes = [tensor("y", T.FLOAT, [3, "N"])], [node("Transpose", ["x"], ["y"], perm=[1, 0])]
    elif op == "total":
        outputs, nodes = [tensor("y", T.FLOAT, [])], [node("ReduceSum", ["x"], ["y"], keepdims=0)]
    elif op == "hidden":
        # Declared [N]; really [N, 3], which no inference sees: the length of what Compress gives is not known.
        nodes = [node("Shape", ["x"], ["dims"]), node("Cast", ["dims"], ["all"], to=T.BOOL)]
        nodes += [node("Compress", ["dims", "all"], ["shape"]), node("Reshape", ["x", "shape"], ["y"])]
        outputs = [tensor("y", T.FLOAT, ["N"])]
    elif op == "undeclared":
        outputs, nodes = [tensor("y", T.FLOAT, None)], [node("Identity", ["x"], ["y"])]
    else:
        # Declared [1, 1], as some converters write it; really [N, 1].
        nodes = [node("ReduceSum", ["x", "axes"], ["y"], keepdims=1)]
        outputs = [tensor("y", T.FLOAT, [1, 1])]
    return model(nodes, [tensor("x", T.FLOAT, ["N", 3])], outputs, [const("axes", [1], np.int64)])


def odd_names():
    """Names that are keys of every JavaScript object."""
    inputs = [tensor(name, T.FLOAT, ["N"]) for name in ("constructor", "__proto__")]
    outputs = [tensor("toString", T.FLOAT, ["N"]), tensor("hasOwnProperty", T.FLOAT, ["N"])]
    nodes = [
        node("Add", ["constructor", "__proto__"], ["toString"]),
        node("Sub", ["constructor", "__proto__"], ["hasOwnProperty"]),
    ]
    return model(nodes, inputs, outputs)


def no_inputs():
    return model([node("RandomNormal", [], ["y"], shape=[3, 1])], [], [tensor("y", T.FLOAT, [3, 1])])


def profiled():
    """Metadata from which ONNX Runtime would take session options, were it told to by its environment."""
    made = sums()
    entry = made.metadata_props.add()
    entry.key, entry.value = "ort_config", '{"session_options": {"enable_profiling": 1}}'
    return made


def squeezed(dims):
    """The sum of a row, squeezed of all axes of length 1: with one row the batch goes too."""
    nodes = [node("ReduceSum", ["x", "second"], ["sums"], keepdims=1), node("Squeeze", ["sums"], ["y"])]
    return model(nodes, [tensor("x", T.FLOAT, ["N", 3])], [tensor("y", T.FLOAT, dims)], [const("second", [1], np.int64)])


def turned():
    """The sum of a row as [1, N], as converters declare and give some labels."""
    nodes = [node("ReduceSum", ["x", "second"], ["sums"], keepdims=1), node("Transpose", ["sums"], ["y"], perm=[1, 0])]
    return model(nodes, [tensor("x", T.FLOAT, ["N", 3])], [tensor("y", T.FLOAT, [1, "N"])], [const("second", [1], np.int64)])


def two_targets():
    """The first two of a row, declared as one: so do converters of forests with several targets."""
    nodes = [node("Gather", ["x", "places"], ["y"], axis=1)]
    return model(nodes, [tensor("x", T.FLOAT, ["N", 3])], [tensor("y", T.FLOAT, ["N", 1])], [const("places", [0, 1], np.int64)])


def shapeless():
    """Sums of an input of no declared shape, times another, which is a scalar in truth."""
    nodes = [node("ReduceSum", ["x", "second"], ["sums"], keepdims=1), node("Mul", ["sums", "factor"], ["y"])]
    inputs = [tensor("x", T.FLOAT, None), tensor("factor", T.FLOAT, None)]
    return model(nodes, inputs, [tensor("y", T.FLOAT, ["N", 1])], [const("second", [1], np.int64)])


def over_rows(*nodes):
    """Rows that depend on their batch."""
    first = const("first", [0], np.int64)
    return model(list(nodes), [tensor("x", T.FLOAT, ["N", 3])], [tensor("y", T.FLOAT, ["N", 3])], [first])


def write_all(out):
    models = {
        "sum": sums(), "sum_double": sums(kind=T.DOUBLE), "fixed1": sums(rows=1), "fixed32": sums(rows=32),
        "fixed0": sums(rows=0), "fixed_huge": sums(rows=2_000_000_000), "ir99": sums(ir=99), "opset99": sums(opsets={"": 99}), "no_op": no_op(),
        "types": types(), "loop": loop(2**62), "slow": loop(400_000), "slowish": loop(30_000), "slow_load": slow_load(), "huge": huge(),
        "gather": gather(), "log": logs(), "echo": echo(), "sequences": sequences(), "custom": custom(), "own_function": own_function(),
        "state": recurrent(True), "batch_second": recurrent(False), "transpose": shapes("transpose"),
        "total": shapes("total"), "undeclared": shapes("undeclared"), "hidden": shapes("hidden"), "declared_one": shapes("one"),
        "squeezed": squeezed(["M"]), "squeezed_open": squeezed(None), "shapeless": shapeless(), "turned": turned(), "two_targets": two_targets(),
        "softmax_rows": over_rows(node("Softmax", ["x"], ["y"], axis=0)),
        "mean_rows": over_rows(node("ReduceMean", ["x", "first"], ["m"], keepdims=1), node("Sub", ["x", "m"], ["y"])),
        "running_rows": over_rows(node("Squeeze", ["first"], ["axis"]), node("CumSum", ["x", "axis"], ["y"], reverse=1)),
        "random_rows": over_rows(node("RandomUniformLike", ["x"], ["r"]), node("Add", ["x", "r"], ["y"])),
        "odd_names": odd_names(), "no_inputs": no_inputs(), "profiled": profiled(),
    }
    for name, made in models.items():
        (out / f"{name}.onnx").write_bytes(made.SerializeToString())


def no_op():
    return model([node("NoSuchOperator", ["x"], ["y"])], [tensor("x", T.FLOAT, ["N", 3])], [tensor("y", T.FLOAT, ["N", 3])])


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    write_all(target)
