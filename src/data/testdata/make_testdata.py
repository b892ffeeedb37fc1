#!/usr/bin/env python3
"""Makes the images and arrays of this folder: `python3 make_testdata.py` (needs Pillow and NumPy).

images: synthetic, a few hundred pixels each, in every kind of JPEG and PNG that is decoded.
goldens.npz: what Pillow makes of them: "decode/<file>" is convert("RGB"), "resize/<w>x<h>/<filter>"
is the resized photo.png, "gray" its convert("L"). Needs Pillow 13 or newer: earlier ones resize with
another order of passes.
"""
import io
import pathlib
import struct
import zlib

import numpy as np
from PIL import Image

FOLDER = pathlib.Path(__file__).parent


def photo(height, width, channels, bits=8):
    """Smooth waves with a hard-edged bar, so that filters overshoot and channels differ."""
    y, x, c = np.mgrid[0:height, 0:width, 0:channels]
    waves = np.sin(x / (5 + c)) * np.cos(y / (7 - c)) * 0.4 + 0.5
    waves[height // 3 : height // 2, width // 4 : width // 2] = np.arange(channels) % 2
    return np.rint(waves * (2**bits - 1)).astype(np.uint8 if bits <= 8 else np.uint16)


def pack_row(row, bits):
    if bits == 16:
        return row.astype(">u2").tobytes()
    if bits == 8:
        return row.astype(np.uint8).tobytes()
    text = "".join(format(v, f"0{bits}b") for v in row.ravel())
    text += "0" * (-len(text) % 8)
    return bytes(int(text[i : i + 8], 2) for i in range(0, len(text), 8))


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(pixels, color_type, bits, extra=b"", interlaced=False):
    """A PNG of [height, width, samples]; Pillow cannot write 16-bit colour, 2 bits or Adam7."""
    height, width = pixels.shape[:2]
    passes = [(0, 0, 1, 1)]
    if interlaced:
        passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2),
                  (1, 0, 2, 1)]
    data = b""
    for top, left, down, right in passes:
        part = pixels[top::down, left::right]
        if part.size:
            data += b"".join(b"\0" + pack_row(row, bits) for row in part)
    header = struct.pack(">IIBBBBB", width, height, bits, color_type, 0, 0, int(interlaced))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra +
            chunk(b"IDAT", zlib.compress(data, 9)) + chunk(b"IEND", b""))


def jpeg(image, **options):
    out = io.BytesIO()
    image.save(out, "JPEG", **options)
    return out.getvalue()


def as_ycck(cmyk_jpeg):
    """The same bytes under an Adobe marker that calls them YCCK."""
    transform = cmyk_jpeg.index(b"Adobe") + 11
    return cmyk_jpeg[:transform] + b"\x02" + cmyk_jpeg[transform + 1 :]


def make_files():
    rgb = Image.fromarray(photo(19, 25, 3))
    gray = Image.fromarray(photo(19, 25, 1)[..., 0])
    cmyk = jpeg(Image.fromarray(photo(19, 25, 4), "CMYK"), quality=90)
    palette = photo(1, 11, 3)[0]
    plte = chunk(b"PLTE", palette.tobytes())
    indices = (np.add.outer(np.arange(9), np.arange(13)) % 11)[..., None]
    return {
        "rgb420.jpg": jpeg(rgb, quality=85),
        "rgb422.jpg": jpeg(rgb, quality=85, subsampling=1),
        "rgb444.jpg": jpeg(rgb, quality=95, subsampling=0),
        "progressive.jpg": jpeg(rgb, quality=85, progressive=True),
        "restart.jpg": jpeg(rgb, quality=85, restart_marker_blocks=2),
        "gray.jpg": jpeg(gray, quality=85),
        "cmyk.jpg": cmyk,
        "ycck.jpg": as_ycck(cmyk),
        "photo.png": png(photo(47, 61, 3), 2, 8),
        "interlaced.png": png(photo(13, 17, 3), 2, 8, interlaced=True),
        "rgb16.png": png(photo(9, 13, 3, 16), 2, 16),
        "rgba.png": png(photo(9, 13, 4), 6, 8),
        "rgba16.png": png(photo(9, 13, 4, 16), 6, 16),
        "rgb_trns.png": png(photo(9, 13, 3), 2, 8, chunk(b"tRNS", struct.pack(">HHH", 1, 2, 3))),
        "gray1.png": png(photo(9, 13, 1, 1), 0, 1),
        "gray2.png": png(photo(9, 13, 1, 2), 0, 2),
        "gray4.png": png(photo(9, 13, 1, 4), 0, 4),
        "gray8.png": png(photo(9, 13, 1), 0, 8),
        "gray16.png": png(photo(9, 13, 1, 16) // 200, 0, 16),
        "gray_alpha.png": png(photo(9, 13, 2), 4, 8),
        "gray_alpha16.png": png(photo(9, 13, 2, 16), 4, 16),
        "palette4.png": png(indices, 3, 4, plte),
        "palette8_trns.png": png(indices, 3, 8, plte + chunk(b"tRNS", bytes([0, 128]))),
    }


def make_goldens(files):
    goldens = {}
    for name, data in files.items():
        goldens[f"decode/{name}"] = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    image = Image.open(io.BytesIO(files["photo.png"]))
    # 66x12 and 50x20 shrink the height so much more than the width that Pillow begins with it; 50x25
    # is the last size where it does not.
    sizes = [(30, 47), (61, 20), (24, 24), (16, 40), (66, 12), (50, 20), (50, 25), (20, 52), (1, 1)]
    for width, height in sizes:
        for name, kind in [("bilinear", Image.BILINEAR), ("bicubic", Image.BICUBIC)]:
            goldens[f"resize/{width}x{height}/{name}"] = np.asarray(image.resize((width, height), kind))
    goldens["gray"] = np.asarray(image.convert("L"))
    goldens["gray_resized"] = np.asarray(image.convert("L").resize((30, 20), Image.BICUBIC))
    return goldens


def main():
    files = make_files()
    for name, data in files.items():
        (FOLDER / name).write_bytes(data)
    np.savez_compressed(FOLDER / "goldens.npz", **make_goldens(files))


if __name__ == "__main__":
    main()
