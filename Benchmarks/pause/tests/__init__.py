"""The pure parts: cases, figures, scales, tables, the picture, the documents' markers."""

import pathlib
import sys

# kvdemo, whose node and release root the measurement shares.
sys.path.append(str(pathlib.Path(__file__).resolve().parents[3] / "scripts"))
