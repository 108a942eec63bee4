#!/usr/bin/env python3
"""Times OpenEXR and rushes on the same sequences and prints a table in Markdown.

Each folder below SEQDIR is a sequence. A round is one pass of OpenEXR and one of rushes, right after one another, so that
what else the machine does meets both; figures are medians over the rounds, the ratio is that of the two medians. With
--threads N rushes decodes on N threads; beside it N processes run OpenEXR on one thread each, whole frames apiece. Files
come from the page cache. The last column is rushes beside its floor: reading the chunks and inflating them, nothing else.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import OpenEXR

# Decodes one frame to warm up, says so, waits for a line, then decodes all.
DECODER = """
import sys, OpenEXR
paths = sys.argv[1:]
def decode(path):
    OpenEXR.File(path).channels()
decode(paths[0])
print(flush=True)
sys.stdin.readline()
for path in paths:
    decode(path)
"""


class Failed(Exception):
    """Why a sequence cannot be timed."""


def start_decoder(files):
    command = [sys.executable, "-c", DECODER, *map(str, files)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True)


def time_openexr(files, threads):
    """Milliseconds a frame, over all processes."""
    decoders = [start_decoder(files) for _ in range(threads)]
    try:
        if not all(decoder.stdout.readline() for decoder in decoders):
            raise Failed("OpenEXR does not decode it")
        began = time.perf_counter()
        for decoder in decoders:
            decoder.stdin.write("\n")
            decoder.stdin.flush()
        if any([decoder.wait() for decoder in decoders]):
            raise Failed("OpenEXR does not decode it")
        return 1000 * (time.perf_counter() - began) / (threads * len(files))
    finally:
        for decoder in decoders:
            decoder.kill()
            decoder.communicate()


def time_rushes(rushes, folder, threads):
    """The report of one pass."""
    command = [rushes, "bench", "decode", "--threads", str(threads), "--repeat", "1", "--json", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise Failed((done.stderr.strip().splitlines() or ["rushes gives no reason"])[-1])
    return json.loads(done.stdout)


def measure(folder, args):
    files = sorted(folder.glob("*.exr"))
    openexr, reports = [], []
    for _ in range(args.rounds):
        openexr.append(time_openexr(files, args.threads))
        reports.append(time_rushes(args.rushes, folder, args.threads))
    ours = median(report["ms_per_frame"] for report in reports)
    floors = [report["floor_ms_per_frame"] for report in reports if report.get("floor_ms_per_frame")]
    return {
        "sequence": folder.name,
        "openexr_ms": median(openexr),
        "rushes_ms": ours,
        "ratio": ours / median(openexr),
        "times_floor": ours / median(floors) if floors else None,
    }


def row(result):
    if "failed" in result:
        return f"| {result['sequence']} | {result['failed']} | | | |"
    floor = f"{result['times_floor']:.2f}" if result["times_floor"] else ""
    figures = f"{result['openexr_ms']:.1f} | {result['rushes_ms']:.1f} | {result['ratio']:.2f} | {floor}"
    return f"| {result['sequence']} | {figures} |"


def processor():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{models[0]}, {len(models)} threads" if models else "unknown processor"


def heading(args):
    version = subprocess.run([args.rushes, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    threads = "1 thread" if args.threads == 1 else f"{args.threads} threads"
    return f"OpenEXR {OpenEXR.__version__} and {version} on {threads}, median of {args.rounds} rounds, {processor()}"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seqdir", type=Path, metavar="SEQDIR")
    parser.add_argument("--rushes", required=True, metavar="PATH", help="the program")
    parser.add_argument("--threads", type=int, default=1, metavar="N")
    parser.add_argument("--rounds", type=int, default=5, metavar="N")
    parser.add_argument("--only", metavar="A,B", help="names or codecs; other sequences are left out")
    parser.add_argument("--json", type=Path, metavar="OUT", help="a file for the figures")
    return parser.parse_args()


def main():
    args = arguments()
    chosen = args.only.split(",") if args.only else None
    folders = [path for path in sorted(args.seqdir.iterdir()) if path.is_dir() and any(path.glob("*.exr"))]
    if chosen:
        folders = [path for path in folders if {path.name, path.name.rpartition("_")[2]} & set(chosen)]
    print(f"{heading(args)}\n")
    print("| sequence | OpenEXR ms | rushes ms | ratio | x floor |\n|---|---|---|---|---|", flush=True)
    results = []
    for folder in folders:
        try:
            results.append(measure(folder, args))
        except Failed as reason:
            results.append({"sequence": folder.name, "failed": str(reason)})
        print(row(results[-1]), flush=True)
    if args.json:
        args.json.write_text(json.dumps({"heading": heading(args), "results": results}, indent=2) + "\n")


if __name__ == "__main__":
    main()
