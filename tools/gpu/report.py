"""Makes one page of all results: our times, those of torch and transformers beside them, and what was aimed for.

    python3 report.py RESULTS >report.md

Needs nothing but Python. What is not there is left out.
"""

import glob
import json
import os
import sys

PRODUCT_GOAL, ATTENTION_GOAL = 0.6, 0.6
STEP_GOALS = {"large-v3-turbo": 0.2, "large-v3": 0.7}  # milliseconds at batch 1
AUDIO_GOAL_SECONDS, AUDIO_LENGTH_OF_GOAL, TRANSFORMERS_GOAL = 5.0, 5400, 3.0


def read(path):
    """A JSON file; None where there is none, or half of one."""
    try:
        with open(path) as file:
            return json.load(file)
    except (OSError, ValueError):
        return None


def table(columns, rows):
    """Lines of a Markdown table; a column that begins with > is aligned to the right."""
    if not rows:
        return []
    return [
        "| " + " | ".join(column.lstrip(">") for column in columns) + " |",
        "|" + "|".join("---:" if column.startswith(">") else "---" for column in columns) + "|",
        *("| " + " | ".join(row) + " |" for row in rows),
        "",
    ]


def number(value, digits=3):
    return "" if value is None else f"{value:.{digits}f}"


def verdict(reached):
    return "" if reached is None else "reached" if reached else "missed"


def key(bench):
    return bench["model"], bench["batchSize"]


def operations(benches, torch, warpgroups):
    """Products and attentions: ours, by mma.sync and by wgmma, torch's, and the ratios of their speeds."""
    by_wgmma = {(*key(bench), e["part"], e["name"]): e["milliseconds"] for bench in warpgroups for e in bench.get("operations", [])}
    theirs = {(e["model"], e["batchSize"], e["part"], e["name"]): e["milliseconds"] for e in torch.get("operations", [])}
    for bench in benches:
        rows = []
        for entry in bench.get("operations", []):
            other = theirs.get((*key(bench), entry["part"], entry["name"]))
            ratio = other / entry["milliseconds"] if other else None
            # Only products with many rows differ.
            wgmma = by_wgmma.get((*key(bench), entry["part"], entry["name"])) if entry["part"] == "encoder" and len(entry["shape"]) == 3 else None
            goal = ATTENTION_GOAL if len(entry["shape"]) == 4 else PRODUCT_GOAL
            held = entry["part"] == "encoder"  # what was aimed for is said of the encoder's shapes
            speed = f"{entry['gigabytesPerSecond']:.0f} GB/s" if entry["bytes"] else f"{entry['teraflops']:.1f} TFLOP/s"
            rows.append([
                entry["part"], entry["name"], " x ".join(str(n) for n in entry["shape"]),
                number(entry["milliseconds"], 4), speed, number(wgmma, 4), number(other, 4), number(ratio, 2),
                number(other / wgmma if other and wgmma else None, 2), verdict(ratio >= goal) if ratio and held else "",
            ])
        yield from [f"### {bench['model']}, batch {bench['batchSize']}", ""] if rows else []
        yield from table(["part", "operation", "shape", ">ours, ms", ">ours", ">by wgmma, ms", ">torch, ms", ">ratio of speeds", ">by wgmma", "goal"], rows)


def stages(benches, torch):
    """Parts of a model beside transformers'."""
    theirs = {(e["model"], e["batchSize"], e["name"], e["mode"]): e["milliseconds"] for e in torch.get("models", [])}
    rows = []
    for bench in benches:
        for stage in bench["stages"]:
            eager, compiled = (theirs.get((*key(bench), stage["name"], mode)) for mode in ("eager", "compiled"))
            fastest = min([other for other in (eager, compiled) if other], default=None)
            goal = STEP_GOALS.get(bench["model"]) if stage["name"] == "one token" and bench["batchSize"] == 1 else None
            rows.append([
                bench["model"], str(bench["batchSize"]), stage["name"], number(stage["milliseconds"], 4), number(eager, 4), number(compiled, 4),
                number(fastest / stage["milliseconds"] if fastest else None, 2), f"{goal} ms: {verdict(stage['milliseconds'] < goal)}" if goal else "",
            ])
    return table(["model", ">batch", "part", ">ours, ms", ">transformers, eager", ">compiled", ">times as fast", "goal"], rows)


def int8(benches, quantised):
    """Parts of a model with float16 weights and with int8 weights; bytes only where they say something, of steps."""
    by_int8 = {(*key(bench), stage["name"]): stage for bench in quantised for stage in bench["stages"]}
    rows = []
    for bench in benches:
        for stage in bench["stages"]:
            other = by_int8.get((*key(bench), stage["name"]))
            if other:
                speeds = [f"{s['gigabytesPerSecond']:.0f}" if s["bytes"] else "" for s in (stage, other)]
                rows.append([bench["model"], str(bench["batchSize"]), stage["name"], number(stage["milliseconds"], 4), number(other["milliseconds"], 4),
                             number(stage["milliseconds"] / other["milliseconds"], 2), *speeds])
    return table(["model", ">batch", "part", ">float16, ms", ">int8, ms", ">times as fast", ">float16, GB/s", ">int8, GB/s"], rows)


def audio(bench, torch):
    if not bench or not bench.get("audio"):
        return
    ours = bench["audio"]
    seconds = ours["milliseconds"] / 1e3
    yield (f"{bench['model']}, batch {bench['batchSize']}: {ours['audioSeconds']:.0f} s of audio, {ours['windows']} windows of {ours['tokens']} tokens in "
           f"{seconds:.2f} s (log-mel {ours['logMelMilliseconds'] / 1e3:.2f}, encoder {ours['encoderMilliseconds'] / 1e3:.2f}, "
           f"keys and values {ours['listenMilliseconds'] / 1e3:.2f}, decoder {ours['decoderMilliseconds'] / 1e3:.2f}); "
           f"real-time factor {ours['realTimeFactor']:.6f}.")
    if ours["audioSeconds"] >= AUDIO_LENGTH_OF_GOAL:
        yield f"Goal {AUDIO_GOAL_SECONDS:.0f} s: {verdict(seconds < AUDIO_GOAL_SECONDS)}."
    tried = torch.get("audio", [])
    if tried:
        best = min(tried, key=lambda entry: entry["seconds"])
        times = best["seconds"] / seconds
        yield (f"transformers, at its best batch ({best['batchSize']}), its log-mel given: {best['seconds']:.2f} s, so ours is {times:.2f} times as fast. "
               f"Goal {TRANSFORMERS_GOAL:.0f} times: {verdict(times >= TRANSFORMERS_GOAL)}.")
    yield ""


def cold(starts):
    rows = [[f"{i}", number(s["coldStart"]["loadMilliseconds"], 0), number(s["coldStart"]["firstWindowMilliseconds"], 0), str(s["coldStart"].get("compiledKernels", ""))]
            for i, s in enumerate(starts, 1) if s]
    return table([">start", ">load, ms", ">first run of every part, ms", ">kernels compiled"], rows)


def ceilings(benches, torch):
    rows = [[f"ours, {bench['model']} b{bench['batchSize']}", number(bench["limits"]["gigaflops"] / 1e3, 1), number(bench["limits"]["gigabytesPerSecond"], 0)]
            for bench in benches if bench.get("limits")]
    if "ceilings" in torch:
        rows.append(["torch", number(torch["ceilings"]["teraflops"], 1), number(torch["ceilings"]["gigabytesPerSecond"], 0)])
    return table(["measured in", ">a large product, TFLOP/s", ">a large copy, GB/s"], rows)


def nano_parity(folder):
    rows = []
    for path in sorted(glob.glob(os.path.join(folder, "parity-*-*.json"))):
        result = read(path)
        if result:
            wrong = sum(not row["ok"] for row in result["rows"])
            rows.append([os.path.basename(path)[7:-5], f"{len(result['rows']) - wrong} of {len(result['rows'])}", f"{max(row['error'] for row in result['rows']):.1e}"])
    return table(["model and type", ">activations that are the original's", ">largest relative L2"], rows)


def torch_parity(result):
    rows = [[e["shape"], e["type"], e["activation"], "" if e["ours"] is None else f"{e['ours']:.1e}", f"{e['theirs']:.1e}"] for e in result.get("rows", [])]
    return table(["model", "type", "activation", ">ours", ">transformers' in the same type"], rows)


def profile(result):
    for entry in (result or {}).get("passes", []):
        times = [(k.get("microseconds") or k["floors"].get(result["card"], {}).get("microseconds", 0), k) for k in entry["kernels"]]
        whole = sum(time for time, _ in times) or 1
        rows = [[k["kernel"].replace("<", "\\<"), str(k["launches"]), number(time, 1), f"{time / whole:.0%}"] for time, k in sorted(times, key=lambda pair: -pair[0])]
        yield from table([f"{entry['name']}, {result['model']} b{result['batchSize']}", ">launches", ">us", ">share"], rows)


def pages(folder):
    benches = [bench for bench in map(read, sorted(glob.glob(os.path.join(folder, "bench-*.json")))) if bench]
    warpgroups = [bench for bench in map(read, sorted(glob.glob(os.path.join(folder, "wgmma-*.json")))) if bench]
    quantised = [bench for bench in map(read, sorted(glob.glob(os.path.join(folder, "int8-*.json")))) if bench]
    torch = read(os.path.join(folder, "torch.json")) or {}
    device = next((bench["device"] for bench in benches), "no device")
    yield from [f"# Measured on {device}", ""]
    with open(os.path.join(folder, "steps.tsv")) as file:
        yield from table(["step", "ended", ">s"], [line.rstrip("\n").split("\t") for line in file])
    tests = os.path.join(folder, "gpu-tests.txt")
    if os.path.exists(tests):
        with open(tests) as file:
            yield from [f"Tests: {file.read().strip().splitlines()[-1]}.", ""]
    for title, lines in [
        ("The machine's limits, in the same run", ceilings(benches, torch)),
        ("Parts of the models", stages(benches, torch)),
        ("Parts of the models, products by wgmma", stages(warpgroups, torch)),
        ("Int8 weights beside float16", int8(benches, quantised)),
        ("A whole recording", audio(read(os.path.join(folder, "audio.json")), torch)),
        ("Cold start, without and with compiled kernels in the cache", cold([read(os.path.join(folder, f"cold-{i}.json")) for i in (1, 2)])),
        ("Beside openai/whisper's activations", nano_parity(folder)),
        ("Beside transformers in float32: relative L2", torch_parity(read(os.path.join(folder, "parity.json")) or {})),
        ("Kernels", profile(read(os.path.join(folder, "profile.json")))),
        ("Operations by themselves", operations(benches, torch, warpgroups)),
    ]:
        found = list(lines)
        if found:
            yield from [f"## {title}", "", *found]
    for what, why in torch.get("failures", {}).items():
        yield f"torch: {what}: {why.strip().splitlines()[-1]}"


if __name__ == "__main__":
    print("\n".join(pages(sys.argv[1])))
