"""Names that NumPy and Pillow had when old scripts were written. Python imports this by itself when the
folder is on its path."""

import numpy
from PIL import Image

for _name, _kind in {"bool": bool, "float": float, "int": int, "object": object}.items():
    if _name not in numpy.__dict__:
        setattr(numpy, _name, _kind)
if not hasattr(Image, "ANTIALIAS"):
    Image.ANTIALIAS = Image.LANCZOS
