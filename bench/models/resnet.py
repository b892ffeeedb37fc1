"""ResNets with random weights, after K. He et al., "Deep Residual Learning for Image Recognition" (2015).

For 3x224x224 images and 1000 classes, with the stride in the 3x3 convolutions. Batch norms are folded into the
convolutions, as exporters do. Weights have a fixed seed: the models classify nothing, but their sizes, shapes and value
ranges are those of trained ones.
"""
import numpy as np

from onnx_writer import Writer

# Blocks and widths of the four stages.
BLOCKS = {18: (2, 2, 2, 2), 50: (3, 4, 6, 3)}
WIDTHS = (64, 128, 256, 512)
# He initialisation (a gain of 2) preserves the variance along a path; the last convolution of a residual branch is made
# smaller, so that sums of many branches stay in range.
BRANCH_GAIN = 0.125


class ResNet(Writer):
    def relu(self, x, name):
        return self.node("Relu", x, name=name)

    def sum(self, x, branch, name, channels, stride):
        """Joins a branch with its input, which a convolution adapts where the shapes differ."""
        inputs, outputs = channels
        if stride != 1 or inputs != outputs:
            x = self.conv(x, inputs, outputs, 1, stride, name=f"{name}.downsample")
        return self.relu(self.node("Add", branch, x, name=f"{name}.add"), f"{name}.relu")

    def basic_block(self, x, name, inputs, width, stride):
        y = self.conv(x, inputs, width, 3, stride, name=f"{name}.conv1")
        y = self.conv(self.relu(y, f"{name}.relu1"), width, width, 3, gain=BRANCH_GAIN, name=f"{name}.conv2")
        return self.sum(x, y, name, (inputs, width), stride), width

    def bottleneck(self, x, name, inputs, width, stride):
        outputs = 4 * width
        y = self.conv(x, inputs, width, 1, name=f"{name}.conv1")
        y = self.conv(self.relu(y, f"{name}.relu1"), width, width, 3, stride, name=f"{name}.conv2")
        y = self.conv(self.relu(y, f"{name}.relu2"), width, outputs, 1, gain=BRANCH_GAIN, name=f"{name}.conv3")
        return self.sum(x, y, name, (inputs, outputs), stride), outputs


def write_resnet(path, depth, batch):
    """`batch`: a number, or the name of a dynamic dimension."""
    net = ResNet(seed=depth)
    block = net.basic_block if depth == 18 else net.bottleneck
    x = net.relu(net.conv("input", 3, 64, 7, 2, name="conv1"), "relu")
    x = net.node("MaxPool", x, name="maxpool", kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    channels = 64
    for stage, (blocks, width) in enumerate(zip(BLOCKS[depth], WIDTHS), 1):
        for i in range(blocks):
            x, channels = block(x, f"layer{stage}.{i}", channels, width, 2 if stage > 1 and i == 0 else 1)
    x = net.node("Flatten", net.node("GlobalAveragePool", x, name="avgpool"), name="flatten", axis=1)
    weights = net.weight(net.normal((1000, channels), np.sqrt(1 / channels)))
    y = net.node("Gemm", x, weights, net.weight(net.normal(1000, 0.05)), name="fc", transB=1)
    net.save(path, y, [batch, 3, 224, 224], [batch, 1000])
