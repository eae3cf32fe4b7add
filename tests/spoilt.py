"""Models of beta that no line must change to: each does something else than a model should."""

import onnx
from onnx import TensorProto, helper


def with_scores(station, node, kind=TensorProto.FLOAT, shape=("n",), constants=()):
    """Give beta's model one more node at its end, which makes the scores from what were the scores."""
    model = onnx.load(station.model("beta"))
    for each in model.graph.node:
        for number, name in enumerate(each.output):
            if name == "scores":
                each.output[number] = "good_scores"
    model.graph.node.append(node)
    model.graph.initializer.extend(constants)
    (old,) = [each for each in model.graph.output if each.name == "scores"]
    old.CopyFrom(helper.make_tensor_value_info("scores", kind, shape))
    station.save(model, "beta")


def scalar(station):
    with_scores(station, helper.make_node("ReduceMax", ["good_scores"], ["scores"], keepdims=0), shape=())


def words(station):
    node = helper.make_node("Cast", ["good_scores"], ["scores"], to=TensorProto.STRING)
    with_scores(station, node, TensorProto.STRING)


def two_for_each(station):
    with_scores(station, helper.make_node("Concat", ["good_scores", "good_scores"], ["scores"], axis=0))


def no_number(station):
    nan = helper.make_tensor("nan", TensorProto.FLOAT, (), [float("nan")])
    with_scores(station, helper.make_node("Mul", ["good_scores", "nan"], ["scores"]), constants=[nan])


def never_ends(station):
    value = helper.make_tensor_value_info
    body = helper.make_graph(
        [helper.make_node("Identity", ["go_on"], ["go_on_out"]), helper.make_node("Identity", ["x"], ["x_out"])],
        "body",
        [value("i", TensorProto.INT64, ()), value("go_on", TensorProto.BOOL, ()), value("x", TensorProto.FLOAT, ["n"])],
        [value("go_on_out", TensorProto.BOOL, ()), value("x_out", TensorProto.FLOAT, ["n"])],
    )
    true = helper.make_tensor("true", TensorProto.BOOL, (), [True])
    node = helper.make_node("Loop", ["", "true", "good_scores"], ["scores"], body=body)
    with_scores(station, node, constants=[true])
