"""ViT-B/16 with the operators that PyTorch's exporter writes: vit_b16.py OUTPUT.onnx

An Image is Worth 16x16 Words (Dosovitskiy et al., 2020): 12 blocks of width 768, 12 heads.
"""

import sys

import numpy as np

from onnx_writer import Writer

WIDTH, HEADS, BLOCKS, TOKENS = 768, 12, 12, 197


def shape(w, *sizes):
    return w.weight(np.array(sizes, np.int64))


def layer_norm(w, x):
    scale = w.weight(np.ones(WIDTH, np.float32) + w.normal(WIDTH, 0.05))
    return w.node("LayerNormalization", x, scale, w.weight(w.normal(WIDTH, 0.05)), axis=-1,
                  epsilon=1e-6)


def heads(w, x, perm):
    split = w.node("Reshape", x, shape(w, 0, TOKENS, HEADS, WIDTH // HEADS))
    return w.node("Transpose", split, perm=perm)


def attention(w, x):
    q, k, v = (w.linear(x, WIDTH, WIDTH) for _ in range(3))
    scores = w.node("MatMul", heads(w, q, [0, 2, 1, 3]), heads(w, k, [0, 2, 3, 1]))
    scale = w.weight(np.array((WIDTH // HEADS)**-0.5, np.float32))
    weights = w.node("Softmax", w.node("Mul", scores, scale), axis=-1)
    y = w.node("Transpose", w.node("MatMul", weights, heads(w, v, [0, 2, 1, 3])), perm=[0, 2, 1, 3])
    return w.linear(w.node("Reshape", y, shape(w, 0, TOKENS, WIDTH)), WIDTH, WIDTH, gain=0.2)


def gelu(w, x):
    number = lambda value: w.weight(np.array(value, np.float32))
    erf = w.node("Erf", w.node("Div", x, number(np.sqrt(2))))
    return w.node("Mul", w.node("Mul", x, w.node("Add", erf, number(1))), number(0.5))


def main(path):
    w = Writer()
    x = w.conv("input", 3, WIDTH, 16, 16, gain=1.0, pad=0)
    x = w.node("Transpose", w.node("Reshape", x, shape(w, 0, WIDTH, TOKENS - 1)), perm=[0, 2, 1])
    token = w.weight(w.normal((1, 1, WIDTH), 0.02))
    batch = w.node("Gather", w.node("Shape", "input"), shape(w, 0), axis=0)
    sizes = w.node("Concat", batch, shape(w, 1, WIDTH), axis=0)
    x = w.node("Concat", w.node("Expand", token, sizes), x, axis=1)
    x = w.node("Add", x, w.weight(w.normal((1, TOKENS, WIDTH), 0.02)))
    for _ in range(BLOCKS):
        x = w.node("Add", x, attention(w, layer_norm(w, x)))
        hidden = gelu(w, w.linear(layer_norm(w, x), WIDTH, 4 * WIDTH))
        x = w.node("Add", x, w.linear(hidden, 4 * WIDTH, WIDTH, gain=0.2))
    x = w.node("Gather", layer_norm(w, x), w.weight(np.array(0, np.int64)), axis=1)
    w.save(path, w.linear(x, WIDTH, 1000), ["batch", 3, 224, 224], ["batch", 1000])


if __name__ == "__main__":
    main(sys.argv[1])
