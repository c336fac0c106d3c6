"""Whisper of any size in transformers, with made-up weights. Needs torch and transformers."""

import json
import os

import numpy as np
import torch
from transformers import WhisperConfig, WhisperForConditionalGeneration

import made_up_weights

# mels, width, encoder layers, decoder layers, vocabulary
SHAPES = {
    "tiny": (80, 384, 4, 4, 51865),
    "large-v3": (128, 1280, 32, 32, 51866),
    "large-v3-turbo": (128, 1280, 32, 4, 51866),
}


def create(shape, weighted):
    """A model in float32 on the GPU; weighted: with the weights of made_up_weights.py, else as transformers initialises it."""
    mels, width, encoder, decoder, vocabulary = SHAPES[shape]
    config = WhisperConfig(
        vocab_size=vocabulary, num_mel_bins=mels, d_model=width,
        encoder_layers=encoder, encoder_attention_heads=width // 64, encoder_ffn_dim=4 * width,
        decoder_layers=decoder, decoder_attention_heads=width // 64, decoder_ffn_dim=4 * width,
        max_source_positions=1500, max_target_positions=448,
    )
    with torch.device("cuda"):
        model = WhisperForConditionalGeneration(config).eval()
    if hasattr(model, "set_attn_implementation"):
        model.set_attn_implementation("sdpa")
    if weighted:
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if not name.startswith("proj_out"):  # it is the token table
                    parameter.copy_(torch.from_numpy(made_up_weights.tensor(name, tuple(parameter.shape))))
        model.tie_weights()
    return model


def read_safetensors(path):
    """All float32 tensors of a file, by name."""
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = file.read()
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__" and entry["dtype"] == "F32":
            begin, end = entry["data_offsets"]
            tensors[name] = np.frombuffer(data[begin:end], np.float32).reshape(entry["shape"])
    return tensors


def save(path, results):
    """Writes results as JSON; a reader never sees half of them."""
    with open(f"{path}.part", "w") as file:
        json.dump(results, file, indent=2)
    os.replace(f"{path}.part", path)
