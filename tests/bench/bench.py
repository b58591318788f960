"""Runs the benchmarks, prints their tables, and writes one file with all figures.

    bench.py            beside tower-http (Rust) and an empty call into another library (C)
"""
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
RELEASE = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "release"
OUT = ROOT / "tests/out/bench"
# What a call may cost at most, in empty calls into another library; f in calls of case a.
REQUIRED = {"a": 15, "b": 5, "c": 6, "d": 5, "e": 3, "f": 1.5}


def c():
    """The C ABI, linked to the shared library."""
    flags = ["gcc", "-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", f"-I{ROOT / 'include'}"]
    library = OUT / "libcorsac.so.0"
    library.unlink(missing_ok=True)
    library.symlink_to(RELEASE / "libcorsac.so")
    subprocess.run([*flags, "-fPIC", "-shared", ROOT / "tests/c/empty.c", "-o", OUT / "libempty.so"], check=True)
    subprocess.run([*flags, ROOT / "tests/c/bench.c", "-o", OUT / "bench", f"-L{OUT}", "-l:libcorsac.so.0", "-lempty",
                    f"-Wl,-rpath,{OUT}"], check=True)
    text = subprocess.run([OUT / "bench", "--json"], check=True, stdout=subprocess.PIPE, text=True).stdout
    rows = {row["case"]: row for row in json.loads(text)["cases"]}
    print("C ABI, nanoseconds a call (median, quickest), one origin and credentials, beside an empty call into a library")
    print(f"{'':8}{'evaluate':>18}{'of empty':>10}{'required':>10}{'with headers':>20}{'of empty':>10}")
    met = True
    for case, row in rows.items():
        ratio = row["evaluate_of_empty"]
        if case == "f":
            ratio = row["evaluate_ns"] / rows["a"]["evaluate_ns"]
        limit = REQUIRED.get(case)
        met = met and (limit is None or ratio <= limit)
        print(f"{case:8}{row['evaluate_ns']:9.1f} ({row['evaluate_min_ns']:5.1f}){ratio:9.2f}x"
              f"{f'<= {limit}x' if limit else '':>10}{row['whole_ns']:11.1f} ({row['whole_min_ns']:5.1f}){row['whole_of_empty']:9.2f}x")
    print("f is compared with a. Every row is within what is required." if met else "NOT every row is within what is required.")
    return list(rows.values())


def rust():
    """The crate, as a service beside a layer of tower-http."""
    subprocess.run([RELEASE / "corsac-bench", OUT / "rust.json"], check=True)
    return json.loads((OUT / "rust.json").read_text())


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    results = {"c": c()}
    print()
    results["rust"] = rust()
    (OUT / "results.json").write_text(json.dumps(results, indent=1))
    print(f"\nall figures: {(OUT / 'results.json').relative_to(ROOT)}")


if __name__ == "__main__":
    sys.exit(main())
