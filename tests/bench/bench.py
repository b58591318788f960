"""Runs the benchmarks, prints their tables, and writes one file with all figures.

    bench.py            beside tower-http, actix-cors and a set of strings (Rust), and an empty call into
                        another library (C); also counts instructions, if valgrind is there; then the Python
                        middleware beside those of Starlette, Django and Flask

The chart shows a decision among 1 to 1,000,000 origins.
"""
import json
import math
import os
import re
import shutil
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


def python():
    """The Python middleware beside those of Starlette, Django and Flask."""
    interpreter = ROOT / ".venv/bin/python"
    subprocess.run([interpreter, ROOT / "tests/bench/python.py", OUT / "python.json"], check=True)
    return json.loads((OUT / "python.json").read_text())


def instructions():
    """Instructions of one call of the C ABI, which are the same on every run."""
    if not shutil.which("valgrind"):
        return {}
    counted = {}
    for case in "abcdef":
        totals = []
        for calls in (1_000, 11_000):
            profile = OUT / "callgrind.out"
            text = subprocess.run(
                ["valgrind", "--tool=callgrind", f"--callgrind-out-file={profile}", OUT / "bench", "--calls", case, str(calls)],
                check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout
            totals.append(int(re.search(r"Collected : (\d+)", text).group(1)))
        counted[case] = (totals[1] - totals[0]) // 10_000
    print("instructions a call: " + ", ".join(f"{case} {number}" for case, number in counted.items()))
    return counted


def apache():
    """Instructions of a request in Apache, beside the usual recipe of mod_headers."""
    if not shutil.which("valgrind"):
        return {}
    subprocess.run([sys.executable, ROOT / "tests/apache/bench.py", OUT / "apache.json"], check=True)
    return json.loads((OUT / "apache.json").read_text())


def chart(rows, path):
    """Draws nanoseconds over the number of origins, both logarithmic."""
    width, height, left, bottom, top = 720, 420, 70, 50, 40
    series = [("corsac, allowed", "allowed_ns", "#0b6e4f"), ("corsac, refused", "refused_ns", "#6fb98f"),
              ("HashSet<String>", "hashset_allowed_ns", "#888888"), ("tower-http", "tower_http_ns", "#c1121f")]
    def x(n):
        return left + (width - left - 150) * math.log10(n) / 6
    def y(ns):
        return height - bottom - (height - bottom - top) * math.log10(max(ns, 1)) / 4
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
           f'<rect width="{width}" height="{height}" fill="white"/>',
           f'<text x="{left}" y="22" font-size="15">Nanoseconds a decision, by number of origins</text>']
    for power in range(5):
        out.append(f'<line x1="{left}" x2="{width - 150}" y1="{y(10 ** power):.0f}" y2="{y(10 ** power):.0f}" stroke="#dddddd"/>'
                   f'<text x="{left - 8}" y="{y(10 ** power) + 4:.0f}" text-anchor="end">{10 ** power:,}</text>')
    for power in range(7):
        out.append(f'<text x="{x(10 ** power):.0f}" y="{height - bottom + 20}" text-anchor="middle">{10 ** power:,}</text>')
    for name, key, colour in series:
        points = [(x(row["n"]), y(row[key])) for row in rows if row[key] is not None]
        out.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{" ".join(f"{a:.1f},{b:.1f}" for a, b in points)}"/>')
        out.append(f'<text x="{points[-1][0] + 8:.0f}" y="{points[-1][1] + 4:.0f}" fill="{colour}">{name}</text>')
    path.write_text("\n".join([*out, "</svg>", ""]))


def nginx():
    """Instructions of a request in nginx, and requests a second, beside the usual map, add_header and if."""
    if not shutil.which("valgrind") or not shutil.which("nginx"):
        return {}
    subprocess.run([sys.executable, ROOT / "tests/nginx/bench.py", "--json", OUT / "nginx.json"], check=True)
    return json.loads((OUT / "nginx.json").read_text())


def node():
    """The adapters of the Node package, beside cors, @fastify/cors, @koa/cors and hono's."""
    subprocess.run(["node", ROOT / "tests/bench/node.mjs", OUT / "node.json"], check=True)
    return json.loads((OUT / "node.json").read_text())


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    results = {"c": c()}
    results["c_instructions"] = instructions()
    print()
    results["rust"] = rust()
    print()
    results["python"] = python()
    print()
    results["apache_instructions"] = apache()
    print()
    results["nginx"] = nginx()
    print()
    results["node"] = node()
    chart(results["rust"]["scale"], OUT / "origins.svg")
    (OUT / "results.json").write_text(json.dumps(results, indent=1))
    print(f"\nall figures: {(OUT / 'results.json').relative_to(ROOT)}, chart: {(OUT / 'origins.svg').relative_to(ROOT)}")


if __name__ == "__main__":
    sys.exit(main())
