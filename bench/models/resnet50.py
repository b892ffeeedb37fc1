#!/usr/bin/env python3
"""Writes a ResNet-50 v1.5 with random weights: python resnet50.py resnet50.onnx [--batch N]

The batch is dynamic unless given.
"""
import argparse

from resnet import write_resnet


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", help="the ONNX file to write")
    parser.add_argument("--batch", type=int, help="a fixed batch; default: dynamic")
    options = parser.parse_args()
    write_resnet(options.output, 50, options.batch or "batch")


if __name__ == "__main__":
    main()
