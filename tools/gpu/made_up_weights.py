"""The made-up weights of src/Model/Synthetic, by the formula in tests/data/reference/README.md.

    python3 made_up_weights.py       checks some values against that page's
"""

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np

GAMMA = 0x9E3779B97F4A7C15
CHUNK = 1 << 20

# The first ending that fits gives the gain: values are uniform within gain * sqrt(3 / fan-in).
GAINS = [
    ("encoder.conv1.weight", 2.0),
    ("encoder.conv2.weight", 2.0),
    (".encoder_attn.out_proj.weight", 0.15),
    (".q_proj.weight", 1.5),
    (".k_proj.weight", 1.5),
    (".v_proj.weight", 1.0),
    (".out_proj.weight", 0.5),
    (".fc1.weight", 1.0),
    (".fc2.weight", 0.5),
    ("decoder.embed_tokens.weight", 4.0),
    ("decoder.embed_positions.weight", 8.0),
]


def fnv1a64(name):
    h = 0xCBF29CE484222325
    for byte in name.encode():
        h = ((h ^ byte) * 0x100000001B3) % (1 << 64)
    return h


def fill(result, name, scale, offset, first):
    """Values number first, first + 1, ... of a stream."""
    with np.errstate(over="ignore"):
        z = np.arange(first, first + result.size, dtype=np.uint64)
        z *= np.uint64(GAMMA)
        z += np.uint64((fnv1a64(name) + GAMMA) % (1 << 64))
        z ^= z >> np.uint64(30)
        z *= np.uint64(0xBF58476D1CE4E5B9)
        z ^= z >> np.uint64(27)
        z *= np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    u = (z >> np.uint64(40)).astype(np.float64) / 16777216
    result[:] = offset + (u * 2 - 1) * scale


def range_of(name, shape):
    """Scale and offset of a tensor."""
    if name.endswith("layer_norm.weight"):
        return 0.1, 1.0
    if name.endswith(".bias"):
        return 0.05, 0.0
    gain = next(gain for ending, gain in GAINS if name.endswith(ending))
    return gain * math.sqrt(3.0 / (math.prod(shape) // shape[0])), 0.0


def sinusoids(length, width):
    half = width // 2
    step = np.float32(-(math.log(10000) / (half - 1)))
    speeds = np.exp((step * np.arange(half, dtype=np.float32)).astype(np.float64)).astype(np.float32)
    angles = (np.arange(length, dtype=np.float32)[:, None] * speeds[None, :]).astype(np.float64)
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1).astype(np.float32)


def tensor(name, shape):
    """A tensor of the checkpoint, float32."""
    if name == "model.encoder.embed_positions.weight":
        return sinusoids(*shape)
    scale, offset = range_of(name, shape)
    result = np.empty(math.prod(shape), np.float32)
    chunks = range(0, result.size, CHUNK)
    with ThreadPoolExecutor() as pool:  # numpy lets other threads run meanwhile
        list(pool.map(lambda first: fill(result[first : first + CHUNK], name, scale, offset, first), chunks))
    return result.reshape(shape)


def check():
    known = [
        ("model.encoder.conv1.weight", (384, 80, 3), 0, 0x3E2C1C6F),
        ("model.encoder.conv1.weight", (384, 80, 3), 92159, 0xBE0800EA),
        ("model.encoder.layers.0.self_attn_layer_norm.weight", (384,), 7, 0x3F86C584),
        ("model.encoder.layers.3.fc2.bias", (384,), 383, 0xBCF45E20),
        ("model.decoder.layers.2.encoder_attn.out_proj.weight", (384, 384), 100, 0xBB3B3D98),
        ("model.decoder.embed_tokens.weight", (51865, 384), 19916159, 0x3DE3135C),
        ("model.decoder.layers.31.fc1.weight", (5120, 1280), 6553599, 0x3D1056FC),
        ("model.encoder.embed_positions.weight", (1500, 384), 384 + 1, 0x3F50AB2E),
        ("model.encoder.embed_positions.weight", (1500, 384), 1499 * 384 + 383, 0x3F7D2115),
    ]
    for name, shape, index, bits in known:
        value = tensor(name, shape).reshape(-1)[index]
        found = int(value.view(np.uint32))
        assert found == bits, f"{name}[{index}] is {found:08x}, and must be {bits:08x}"
    print(f"{len(known)} values are as they must be")


if __name__ == "__main__":
    check()
