"""Prints as JSON what TensorBoard reads in a folder of event files: by tag, points of curves, and texts."""
import json
import math
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

accumulator = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0, "tensors": 0})
accumulator.Reload()
tags = accumulator.Tags()
scalars = {
    tag: [[point.step, point.wall_time, None if math.isnan(point.value) else point.value] for point in accumulator.Scalars(tag)]
    for tag in tags["scalars"]
}
texts = {tag: accumulator.Tensors(tag)[0].tensor_proto.string_val[0].decode() for tag in tags["tensors"]}
print(json.dumps({"scalars": scalars, "texts": texts}))
