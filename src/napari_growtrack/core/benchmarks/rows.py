"""What a benchmark measures: rows of a table."""

from __future__ import annotations

from typing import Any, Literal

Scale = Literal["smoke", "laptop"]
Rows = list[dict[str, Any]]
