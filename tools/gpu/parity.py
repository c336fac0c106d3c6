"""Holds our activations beside those of transformers, with the same made-up weights and the same input.

    python3 parity.py DATA DUMPS RESULT.json

DATA is tests/data/reference; DUMPS holds what `handwritten parity --shape SHAPE --compute-type TYPE --dump
DUMPS/SHAPE-TYPE.safetensors` has written. The error is the relative L2 distance from transformers in float32; that of
transformers in the same type stands beside it. Needs torch and transformers.
"""

import json
import os
import sys
import traceback

import torch

import reference_model

TYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
NAMES = ["encoder.ln_post", "decoder.logits"]


def relative_l2(value, reference):
    value, reference = value.double(), reference.double()
    return float((value - reference).norm() / reference.norm())


def activations(model, mel, tokens, dtype):
    """By name, in float32: what the model computes in a type."""
    model.to(dtype)
    with torch.no_grad():
        result = model(input_features=mel.to(dtype), decoder_input_ids=tokens, use_cache=False)
    return {"encoder.ln_post": result.encoder_last_hidden_state[0].float(), "decoder.logits": result.logits[0].float()}


def compare(shape, data, dumps):
    with open(os.path.join(data, "shapes", f"{shape}.json")) as file:
        entry = json.load(file)["input"]
    path, name = entry["log_mel"].split(": ")
    mel = torch.from_numpy(reference_model.read_safetensors(os.path.join(data, path))[name].copy()).cuda()[None]
    tokens = torch.tensor([entry["tokens"]], device="cuda")
    model = reference_model.create(shape, weighted=True)
    reference = activations(model, mel, tokens, torch.float32)
    state = {key: value.clone() for key, value in model.state_dict().items()}
    rows = []
    for kind, dtype in TYPES.items():
        if dtype != torch.float32:
            # From the float32 weights each time: rounding the rounded ones would be another model.
            theirs = activations(model, mel, tokens, dtype)
            model.to(torch.float32).load_state_dict(state)
        else:
            theirs = reference
        dump = os.path.join(dumps, f"{shape}-{kind}.safetensors")
        ours = reference_model.read_safetensors(dump) if os.path.exists(dump) else {}
        for activation in NAMES:
            rows.append({
                "shape": shape, "type": kind, "activation": activation,
                "ours": relative_l2(torch.from_numpy(ours[activation].copy()).cuda(), reference[activation]) if activation in ours else None,
                "theirs": relative_l2(theirs[activation], reference[activation]),
            })
    del model
    torch.cuda.empty_cache()
    return rows


def main():
    data, dumps, target = sys.argv[1:]
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    results = {"torch": torch.__version__, "rows": [], "failures": {}}
    for shape in reference_model.SHAPES:
        try:
            results["rows"] += compare(shape, data, dumps)
        except Exception:
            results["failures"][shape] = traceback.format_exc()
        reference_model.save(target, results)


if __name__ == "__main__":
    main()
