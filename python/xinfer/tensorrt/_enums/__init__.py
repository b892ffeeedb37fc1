"""TensorRT's enumerations: names and numbers of version 10.16, and the names that 8.6 had besides.

As in TensorRT's bindings `int()` converts, and scripts shift by it: `1 << int(flag)`. Numbers differ
between TensorRT's versions; scripts that write names work with all of them.
"""

from xinfer.tensorrt._enums import build, layers, others, run, types
from xinfer.tensorrt._enums.base import TrtEnum as TrtEnum
from xinfer.tensorrt._enums.build import *  # noqa: F403
from xinfer.tensorrt._enums.layers import *  # noqa: F403
from xinfer.tensorrt._enums.others import *  # noqa: F403
from xinfer.tensorrt._enums.run import *  # noqa: F403
from xinfer.tensorrt._enums.types import *  # noqa: F403

__all__ = [*build.__all__, *layers.__all__, *others.__all__, *run.__all__, *types.__all__]
