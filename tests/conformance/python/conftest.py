"""Tests the package of this checkout, wherever else one is installed."""

import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[3] / "bindings/python/python"
sys.path.insert(0, str(PACKAGE))
