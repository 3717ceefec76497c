"""Write `cases.jsonl` beside this file: `python examples/generate.py` from the repository's root."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from infrastructure.demo.cases import as_lines, example_cases  # noqa: E402 - the path comes first

if __name__ == "__main__":
    (HERE / "cases.jsonl").write_text("".join(as_lines(example_cases())), encoding="utf-8")
