#!/usr/bin/env python3
"""Lets the gateway edit every mail of a folder and reads back what became of each.

check.py BINARY FOLDER [NAME …] [--keep FOLDER]     FOLDER holds NAME.eml and NAME.expected.txt (see make.py)

Prints a line per fault and a closing count; exits with 1 if there is any.
"""
import argparse, concurrent.futures, json, pathlib, subprocess, sys, tempfile

import reading


def explained(binary, paths):
    """File to what `explain` says of it."""
    said = {}
    for start in range(0, len(paths), 500):
        batch = [str(p) for p in paths[start:start + 500]]
        text = subprocess.run([binary, "explain", "--json", *batch], capture_output=True, text=True).stdout
        said |= {entry["file"]: entry for entry in map(json.loads, text.splitlines())}
    return said


def check(path, said, kept):
    expected = reading.expectation(path.with_suffix(".expected.txt").read_text("utf-8"))
    before, after = path.read_bytes(), (kept / path.name).read_bytes()
    faults = [f"{f.question}: {f.text}" for f in reading.judge(before, after, expected)]
    codes = {said.get("untouched")} | set(said.get("blocking", [])) - {None}
    if before == after and not codes & set(expected.codes):
        faults.append(f"untouched for {' '.join(sorted(map(str, codes)))}")
    return faults


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--keep", type=pathlib.Path)
    options = parser.parse_args()
    paths = sorted(p for p in options.folder.glob("*.eml") if not p.name.endswith(".expected.eml"))
    if options.names:
        paths = [p for p in paths if p.stem in options.names]
    with tempfile.TemporaryDirectory() as scratch, concurrent.futures.ThreadPoolExecutor(2) as pool:
        kept = options.keep or pathlib.Path(scratch)
        reading.edit(options.binary, paths, kept)
        said = explained(options.binary, paths)
        results = list(pool.map(lambda p: check(p, said[str(p)], kept), paths))
    for path, faults in zip(paths, results):
        for fault in faults:
            print(f"{path.stem}\t{fault}")
    wrong = sum(map(bool, results))
    print(f"{len(paths) - wrong} passed, {wrong} failed")
    return 1 if wrong or not paths else 0


if __name__ == "__main__":
    sys.exit(main())
