"""Times torch and transformers on what `handwritten bench` has timed: the same shapes, float16, on the same GPU.

    python3 ladder.py RESULTS SECONDS        reads RESULTS/bench-*.json, writes RESULTS/torch.json

Every time is a median, by CUDA events, after a warm-up. What launches small kernels runs as a CUDA graph where that is
possible, as ours does. What takes longest to prepare comes last, and is left out when SECONDS have passed. Needs torch and
transformers.
"""

import glob
import json
import os
import statistics
import sys
import time
import traceback

import torch
import torch.nn.functional as F
from transformers import DynamicCache, EncoderDecoderCache, StaticCache

import reference_model

HALF = dict(dtype=torch.float16, device="cuda")
BEYOND_CACHES = 256 << 20
PROMPT, STEPS = 64, 100
WINDOWS, TOKENS = 180, 128  # 1.5 hours


def measure(run, count=1, runs=5):
    """Milliseconds of one of the count operations that run() queues."""
    run()
    torch.cuda.synchronize()
    times = []
    for _ in range(runs):
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        run()
        end.record()
        torch.cuda.synchronize()
        times.append(begin.elapsed_time(end) / count)
    return statistics.median(times)


def measure_graph(operation):
    """Milliseconds of operation(i), for i = 0, 1, ...: many of them in one CUDA graph."""
    one = measure(lambda: operation(0))
    count = int(min(400, max(1, 5 / one)))
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        operation(0)
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for i in range(count):
            operation(i)
    return measure(graph.replay, count)


def ceilings():
    side = 8192
    a, b = torch.randn(side, side, **HALF), torch.randn(side, side, **HALF)
    product = measure(lambda: [a @ b for _ in range(10)], 10)
    source = torch.empty(1 << 29, **HALF)
    target = torch.empty_like(source)
    copy = measure(lambda: [target.copy_(source) for _ in range(10)], 10)
    return {"teraflops": 2 * side**3 / product / 1e9, "gigabytesPerSecond": 2 * source.nbytes / copy / 1e6}


def operation_time(part, shape):
    """Milliseconds of one operation of the ladder, by its shape: a product or an attention."""
    rotate = part == "decoder"
    if len(shape) == 3:
        rows, outputs, inputs = shape
        copies = -(-BEYOND_CACHES // (2 * outputs * inputs)) if rotate else 1
        x = torch.randn(rows, inputs, **HALF)
        matrices = [torch.randn(outputs, inputs, **HALF) for _ in range(copies)]
        return measure_graph(lambda i: F.linear(x, matrices[i % copies]))
    batch, heads, queries, keys = shape
    copies = -(-BEYOND_CACHES // (4 * batch * heads * keys * 64)) if rotate else 1
    q = torch.randn(batch, heads, queries, 64, **HALF)
    k = [torch.randn(batch, heads, keys, 64, **HALF) for _ in range(copies)]
    v = [torch.randn(batch, heads, keys, 64, **HALF) for _ in range(copies)]
    return measure_graph(lambda i: F.scaled_dot_product_attention(q, k[i % copies], v[i % copies]))


def features_of(model, batch):
    return torch.randn(batch, model.config.num_mel_bins, 3000, **HALF)


def encode(model, mel):
    return model.model.encoder(mel).last_hidden_state


def encoder_time(model, batch):
    """Milliseconds of the encoder."""
    mel = features_of(model, batch)
    return measure(lambda: encode(model, mel))


def step_eager(model, batch):
    """Milliseconds of a step behind a prompt, greedily, as a loop over transformers' decoder runs it."""
    encoded = encode(model, features_of(model, batch))
    tokens = torch.randint(0, 1000, (batch, PROMPT), device="cuda")

    def run():
        decode(model, encoded, tokens, STEPS)

    whole = measure(run, 1, runs=3)
    prompt = measure(lambda: decode(model, encoded, tokens, 0), 1, runs=3)
    return (whole - prompt) / STEPS


def decode(model, encoded, tokens, steps):
    """A prompt and steps behind it; returns the last tokens."""
    cache = EncoderDecoderCache(DynamicCache(), DynamicCache())
    for _ in range(steps + 1):
        hidden = model.model.decoder(input_ids=tokens, encoder_hidden_states=encoded, past_key_values=cache, use_cache=True).last_hidden_state
        tokens = model.proj_out(hidden[:, -1:]).argmax(-1)
    return tokens


def step_compiled(model, batch):
    """Milliseconds of a step with caches of fixed size, compiled, and replayed as one CUDA graph as ours is."""
    encoded = encode(model, features_of(model, batch))
    cache = EncoderDecoderCache(
        StaticCache(config=model.config, max_cache_len=448), StaticCache(config=model.config, max_cache_len=1500))
    token = torch.zeros(batch, 1, dtype=torch.long, device="cuda")

    def advance(tokens):
        hidden = model.model.decoder(input_ids=tokens, encoder_hidden_states=encoded, past_key_values=cache, use_cache=True).last_hidden_state
        return model.proj_out(hidden[:, -1:]).argmax(-1)

    advance(torch.randint(0, 1000, (batch, PROMPT), device="cuda"))

    def rewind():
        # A static cache counts for itself, on the device, and does not notice when it is full: a step too many writes out
        # of bounds and takes the CUDA context with it.
        for layer in cache.self_attention_cache.layers:
            layer.cumulative_length.fill_(PROMPT)

    compiled = torch.compile(advance, mode="max-autotune-no-cudagraphs")
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            compiled(token)
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        token.copy_(compiled(token))

    def run():
        rewind()
        for _ in range(STEPS):
            graph.replay()

    return measure(run, STEPS, runs=3)


def hour_and_a_half(model, batch):
    """Seconds for 180 windows: encoder, a prompt of 4 tokens, 128 tokens. (The log-mel is given, which favours it.)"""
    mel = features_of(model, batch)
    prompt = torch.randint(0, 1000, (batch, 4), device="cuda")
    decode(model, encode(model, mel), prompt, 2)
    torch.cuda.synchronize()
    start = time.perf_counter()
    for first in range(0, WINDOWS, batch):
        count = min(batch, WINDOWS - first)
        decode(model, encode(model, mel[:count]), prompt[:count], TOKENS - 1).cpu()
    return time.perf_counter() - start


def main():
    folder, seconds = sys.argv[1], float(sys.argv[2])
    deadline = time.monotonic() + seconds
    results = {"torch": torch.__version__, "device": torch.cuda.get_device_name(), "operations": [], "models": [], "audio": [], "failures": {}}

    def attempt(what, action):
        """Does one thing; what fails is told, and the rest goes on. False when there is no time left."""
        if time.monotonic() > deadline:
            results["failures"][what] = "no time was left"
        else:
            try:
                with torch.no_grad():
                    action()
            except Exception:
                results["failures"][what] = traceback.format_exc()
        reference_model.save(os.path.join(folder, "torch.json"), results)

    attempt("ceilings", lambda: results.update(ceilings=ceilings()))
    for path in sorted(glob.glob(os.path.join(folder, "bench-*.json"))):
        with open(path) as file:
            try:
                bench = json.load(file)
            except ValueError:
                continue
        for entry in bench.get("operations", []):
            attempt(f"{bench['model']} {bench['batchSize']} {entry['part']} {entry['name']}", lambda: results["operations"].append({
                "model": bench["model"], "batchSize": bench["batchSize"], "part": entry["part"], "name": entry["name"],
                "shape": entry["shape"], "milliseconds": operation_time(entry["part"], entry["shape"]),
            }))
        torch.cuda.empty_cache()

    for shape in ["large-v3-turbo", "tiny", "large-v3"]:
        model = reference_model.create(shape, weighted=False).half()

        def add(name, mode, batch, time_of):
            attempt(f"{shape} {batch} {name} {mode}", lambda: results["models"].append({
                "model": shape, "batchSize": batch, "name": name, "mode": mode, "milliseconds": time_of(model, batch)}))

        for batch in [1, 16]:
            add("encoder", "eager", batch, encoder_time)
            add("one token", "eager", batch, step_eager)
        if shape == "large-v3-turbo":
            for batch in [16, 32, 64]:
                attempt(f"audio {batch}", lambda: results["audio"].append({"model": shape, "batchSize": batch, "seconds": hour_and_a_half(model, batch)}))
            for layer in model.model.encoder.layers:
                layer.compile()  # layer by layer: all share what the first one compiles
            add("encoder", "compiled", 1, encoder_time)
            add("encoder", "compiled", 16, encoder_time)
            add("one token", "compiled", 1, step_compiled)
        del model
        torch.cuda.empty_cache()


if __name__ == "__main__":
    main()
