"""Models that keep weights in other files, in every place where a weight can be: external_models.py OUT"""

import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper as h

from make_models import OPSET, const, model, node, tensor


def outside(name, location, dims=(3,)):
    """A weight whose bytes lie in another file."""
    made = T(name=name, dims=dims, data_type=T.FLOAT, data_location=T.EXTERNAL)
    entry = made.external_data.add()
    entry.key, entry.value = "location", location
    return made


def external(weight):
    """x [N, 3] + w, with w from a file."""
    values = [tensor("x", T.FLOAT, ["N", 3])], [tensor("y", T.FLOAT, ["N", 3])]
    return model([node("Add", ["x", "w"], ["y"])], *values, [weight])


def external_somewhere(place):
    """The same weight where a reader that looks at initializers only does not find it."""
    inputs, outputs = [tensor("x", T.FLOAT, ["N", 3])], [tensor("y", T.FLOAT, ["N", 3])]
    weight = outside("w", "weights.bin")
    constant = node("Constant", [], ["w"], value=weight)
    add = node("Add", ["x", "w"], ["y"])
    if place == "attribute":
        return model([constant, add], inputs, outputs)
    if place == "subgraph":
        branch = h.make_graph([node("Identity", ["v"], ["b"])], "branch", [], [tensor("b", T.FLOAT, [3])], [outside("v", "weights.bin")])
        choice = node("If", ["yes"], ["w"], then_branch=branch, else_branch=branch)
        return model([choice, add], inputs, outputs, [const("yes", True, bool)])
    if place == "sparse":
        indices = const("", [0], np.int64)
        sparse = onnx.SparseTensorProto(values=outside("w", "weights.bin", (1,)), indices=indices, dims=[3])
        return model([add], inputs, outputs, sparse=[sparse])
    ids, domain = [h.make_opsetid("", OPSET)], "com.example.own"
    if place == "function":
        called = h.make_function(domain, "Shift", ["a"], ["b"], [constant, node("Add", ["a", "w"], ["b"])], ids)
    else:
        inner = node("Constant", [], ["w"])
        inner.attribute.append(onnx.AttributeProto(name="value", ref_attr_name="weight", type=onnx.AttributeProto.TENSOR))
        preset = h.make_attribute("weight", weight)
        called = h.make_function(domain, "Shift", ["a"], ["b"], [inner, node("Add", ["a", "w"], ["b"])], ids, attribute_protos=[preset])
    opsets = {"": OPSET, domain: 1}
    return model([h.make_node("Shift", ["x"], ["y"], domain=domain)], inputs, outputs, opsets=opsets, functions=[called])


def varint(value):
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def hidden_tags():
    """The tags of external_data and data_location with a bit above 32, which some readers drop and others do not."""
    made = external(outside("w", "weights.bin"))
    weight = made.graph.initializer[0]
    entry = weight.external_data[0].SerializeToString()
    weight.ClearField("external_data")
    weight.ClearField("data_location")
    tag = lambda number, wire: varint(2**32 + number * 8 + wire)
    raw = weight.SerializeToString() + tag(13, 2) + varint(len(entry)) + entry + tag(14, 0) + b"\x01"
    del made.graph.initializer[:]
    graph = made.graph.SerializeToString() + varint(5 * 8 + 2) + varint(len(raw)) + raw
    made.ClearField("graph")
    return made.SerializeToString() + varint(7 * 8 + 2) + varint(len(graph)) + graph


def write_external(out):
    places = ("attribute", "subgraph", "sparse", "function", "preset")
    models = {f"external_{place}": external_somewhere(place) for place in places}
    locations = {"parent": "../weights.bin", "middle": "a/../../weights.bin", "absolute": "/etc/hostname", "beside": "weights.bin", "memory": "*/_ORT_MEM_ADDR_/*"}
    models |= {f"external_{name}": external(outside("w", location)) for name, location in locations.items()}
    for name, made in models.items():
        (out / f"{name}.onnx").write_bytes(made.SerializeToString())
    (out / "external_hidden.onnx").write_bytes(hidden_tags())


if __name__ == "__main__":
    write_external(Path(sys.argv[1]))
