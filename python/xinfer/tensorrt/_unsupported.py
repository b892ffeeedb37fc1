"""Names of TensorRT's bindings without a counterpart here, with the reason."""

from __future__ import annotations

from xinfer._errors import UnsupportedError


class UnsupportedNameError(UnsupportedError, AttributeError):
    """A name without a counterpart; an AttributeError too, so that `hasattr` says no."""


_REASONS = {
    "Caffe models, which TensorRT 9 dropped; supported: ONNX": (
        "CaffeParser",
        "IBlobNameToTensor",
        "ICaffePluginFactoryV2",
        "shutdown_protobuf_library",
    ),
    "UFF models, which TensorRT 9 dropped; supported: ONNX": (
        "FieldCollection",
        "FieldMap",
        "FieldType",
        "UffInputOrder",
        "UffParser",
    ),
    "recurrent layers": (
        "IRNNv2Layer",
        "RNNDirection",
        "RNNGateType",
        "RNNInputMode",
        "RNNOperation",
    ),
    "Einsum; supported: matrix products and shuffles": (
        "IEinsumLayer",
    ),
    "Fill; supported: constants": (
        "IFillLayer",
    ),
    "GridSample": (
        "IGridSampleLayer",
    ),
    "OneHot; supported: gathering rows of a constant identity matrix": (
        "IOneHotLayer",
    ),
    "ReverseSequence": (
        "IReverseSequenceLayer",
    ),
    "Scatter": (
        "IScatterLayer",
    ),
    "a container that only the bindings themselves use; lists and strings stand for it": (
        "FallbackString",
        "NodeIndices",
        "SubGraphCollection",
    ),
    "a fused rotary embedding; supported: its products and slices": (
        "IRotaryEmbeddingLayer",
    ),
    "algorithm selection: the library chooses its kernels": (
        "IAlgorithm",
        "IAlgorithmContext",
        "IAlgorithmIOInfo",
        "IAlgorithmSelector",
        "IAlgorithmVariant",
    ),
    "assertions at run time": (
        "IAssertionLayer",
    ),
    "control flow inside a network": (
        "IConditionLayer",
        "IIfConditional",
        "IIfConditionalBoundaryLayer",
        "IIfConditionalInputLayer",
        "IIfConditionalOutputLayer",
        "IIteratorLayer",
        "ILoop",
        "ILoopBoundaryLayer",
        "ILoopOutputLayer",
        "IRecurrenceLayer",
        "ITripLimitLayer",
    ),
    "cumulative sums": (
        "ICumulativeLayer",
    ),
    "fused attention; supported: its matrix products and softmax": (
        "IAttention",
        "IAttentionBoundaryLayer",
        "IAttentionInputLayer",
        "IAttentionOutputLayer",
    ),
    "key-value caches": (
        "IKVCacheUpdateLayer",
    ),
    "local response normalisation": (
        "ILRNLayer",
    ),
    "mixtures of experts": (
        "IMoELayer",
    ),
    "non-maximum suppression inside the engine": (
        "INMSLayer",
    ),
    "outputs whose size depends on values": (
        "INonZeroLayer",
    ),
    "plugins; supported: the operators of docs/supported-ops.md": (
        "DimsExprs",
        "DynamicPluginTensorDesc",
        "IDimensionExpr",
        "IExprBuilder",
        "IPluginCapability",
        "IPluginCreator",
        "IPluginCreatorInterface",
        "IPluginCreatorV3One",
        "IPluginCreatorV3Quick",
        "IPluginResource",
        "IPluginResourceContext",
        "IPluginV2",
        "IPluginV2DynamicExt",
        "IPluginV2DynamicExtBase",
        "IPluginV2Ext",
        "IPluginV2Layer",
        "IPluginV3",
        "IPluginV3Layer",
        "IPluginV3OneBuild",
        "IPluginV3OneBuildV2",
        "IPluginV3OneCore",
        "IPluginV3OneRuntime",
        "IPluginV3QuickAOTBuild",
        "IPluginV3QuickBuild",
        "IPluginV3QuickCore",
        "IPluginV3QuickRuntime",
        "ISymExpr",
        "ISymExprs",
        "KernelLaunchParams",
        "PluginField",
        "PluginFieldCollection",
        "PluginFieldCollection_",
        "PluginTensorDesc",
    ),
    "quantisation with scales found at run time": (
        "IDynamicQuantizeLayer",
    ),
    "ragged tensors": (
        "IRaggedSoftMaxLayer",
    ),
    "several devices": (
        "IDistCollectiveLayer",
    ),
    "transposed convolution": (
        "IDeconvolutionLayer",
    ),
}

WITHOUT_COUNTERPART: dict[str, str] = {name: why for why, names in _REASONS.items() for name in names}
