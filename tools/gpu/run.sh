#!/usr/bin/env bash
# Checks and times the CUDA back end on this machine's GPU, in under 8 minutes, and leaves all results in a folder:
#
#   run.sh RESULTS               in a package that pack.sh made, where neither .NET nor a network is needed
#   run.sh --emulated RESULTS    in the repository: a dry run on the emulated driver, with the smallest sizes
#   run.sh --sanitize RESULTS    instead of all that: compute-sanitizer over the kernels' tests, class by class
#
# Every step has a time limit of its own, and the next one follows whatever becomes of it. RESULTS/steps.tsv tells how each
# ended; RESULTS/report.md holds our figures beside those of torch and transformers, where Python has them.
# BUDGET: seconds for all of it (460); what comes after is left out.
set -uo pipefail
here=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
emulated= sanitize=
[ "${1-}" = --emulated ] && emulated=--emulated && shift
[ "${1-}" = --sanitize ] && sanitize=--sanitize && shift
[ $# = 1 ] || { sed -n '2,12s/^# \{0,1\}//p' "$0" >&2; exit 2; }
mkdir -p "$1"
results=$(readlink -f -- "$1")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
deadline=$((SECONDS + ${BUDGET:-460}))
export DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 HANDWRITTEN_KERNEL_CACHE=$scratch/kernels
export PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1

root=$here # the package, or the repository it lies in
until [ -e "$root/Handwritten.sln" ] || [ "$root" = / ]; do root=$(dirname -- "$root"); done
[ "$root" != / ] || { echo "run.sh: There is neither a repository above $here nor the package's data: unpack data.tar.xz beside it." >&2; exit 2; }
if [ -x "$here/bin/handwritten" ]; then
  handwritten=("$here/bin/handwritten") tests=("$here/bin/gpu-tests")
else
  source "$root/tools/dotnet.sh"
  for project in src/Cli tools/gpu/GpuTests; do
    "$dotnet" build "$root/$project" -c Release -v quiet --nologo >&2 || exit 1
  done
  handwritten=("$dotnet" "$root/src/Cli/bin/Release/net10.0/handwritten.dll")
  tests=("$dotnet" "$root/tools/gpu/GpuTests/bin/Release/net10.0/gpu-tests.dll")
fi

# step NAME SECONDS COMMAND...: standard output to NAME.json or NAME.txt, by what it is, and what else is said to NAME.log
step() {
  local name=$1 limit=$2 start=$SECONDS status file
  shift 2
  ((limit = limit < deadline - SECONDS ? limit : deadline - SECONDS))
  if ((limit < 5)); then
    printf '%s\tleft out\t0\n' "$name" >>"$results/steps.tsv"
    return
  fi
  timeout -k 5 "$limit" "$@" >"$scratch/output" 2>"$results/$name.log"
  status=$?
  [ "$(head -c 1 "$scratch/output")" = "{" ] && file=$name.json || file=$name.txt
  [ -s "$scratch/output" ] && mv "$scratch/output" "$results/$file"
  [ -s "$results/$name.log" ] || rm -f "$results/$name.log"
  case $status in 0) status=ok ;; 124 | 137) status="over $limit s" ;; *) status="failed ($status)" ;; esac
  printf '%s\t%s\t%s\n' "$name" "$status" $((SECONDS - start)) | tee -a "$results/steps.tsv" >&2
}

facts() {
  uname -srm
  nproc
  "${handwritten[@]}" devices
  command -v nvidia-smi >/dev/null && nvidia-smi && nvidia-smi --query-gpu=name,driver_version,clocks.max.sm,clocks.max.mem,power.limit --format=csv
  python3 -c 'import torch, transformers; print("torch", torch.__version__, "transformers", transformers.__version__)'
  return 0
}
export -f facts

rm -f "$results"/{steps.tsv,*.json,*.log,*.txt,report.md}
facts >"$results/facts.txt" 2>&1

if [ -n "$emulated" ]; then
  export HANDWRITTEN_EMULATOR=none # checks are for the tests, which switch them on
  device=(--device emulated) models=("whisper-nano") batches=(1 2) shapes=() filter=LayerNormalizationTests
  profiled=() audio=(--audio-seconds 40 --tokens 2) runs=1 large=()
else
  device=(--device cuda) models=(large-v3-turbo large-v3 tiny) batches=(1 16) shapes=(tiny large-v3-turbo large-v3) filter=
  profiled=(--shape large-v3-turbo) audio=(--audio-seconds 5400 --tokens 128) runs=5 large=(--shape large-v3-turbo)
fi
model_options() { [ "$1" = whisper-nano ] && echo "--model $root/weights/$1" || echo "--shape $1"; }

sanitize() { # SECONDS CLASS...: each class of tests under each tool, while there is time
  local tool class limit=$1
  shift
  command -v compute-sanitizer >/dev/null || { printf 'sanitizer\tleft out: no compute-sanitizer\t0\n' | tee -a "$results/steps.tsv" >&2; return; }
  for tool in memcheck racecheck initcheck synccheck; do
    for class in "$@"; do
      step "$tool-$class" "$limit" compute-sanitizer --tool $tool --error-exitcode 9 "${tests[@]}" "$class"
    done
  done
}
if [ -n "$sanitize" ]; then
  sanitize 60 LayerNormalizationTests SkinnyProductTests DecoderAttentionTests TokenChoiceTests TokenDrawingTests TokenRankingTests MatrixProductTests \
    WarpgroupProductTests ConvolutionTests EncoderAttentionTests LogMelTransformTests WindowCopyTests RecordedStepTests
  cat "$results/steps.tsv"
  exit
fi

# A new cache of kernels: the first start compiles them, the second one finds them.
for start in 1 2; do
  HANDWRITTEN_KERNEL_CACHE=$scratch/cold step "cold-$start" 40 "${handwritten[@]}" bench "${device[@]}" --model "$root/weights/whisper-nano" --runs 1 --json
done
for type in float32 float16 bfloat16; do
  step "parity-nano-$type" 30 "${handwritten[@]}" parity "${device[@]}" --compute-type $type --model "$root/weights/whisper-nano" --reference "$root/tests/data/reference/nano" --json
done
for model in "${models[@]}"; do
  for batch in "${batches[@]}"; do
    step "bench-$model-b$batch" 60 "${handwritten[@]}" bench "${device[@]}" $(model_options "$model") --runs $runs --batch-size "$batch" --products --json
  done
done
for batch in "${batches[@]}"; do # the same products by Hopper's own instruction
  HANDWRITTEN_HOPPER=wgmma step "wgmma-${models[0]}-b$batch" 60 "${handwritten[@]}" bench "${device[@]}" $(model_options "${models[0]}") --runs $runs --batch-size "$batch" --products --json
done
step audio 60 "${handwritten[@]}" bench "${device[@]}" "${large[@]}" --runs 1 --batch-size "${batches[-1]}" "${audio[@]}" --json
step gpu-tests 150 "${tests[@]}" $emulated --without .Compilation. $filter # what is only compiled needs no GPU, and minutes
HANDWRITTEN_HOPPER=early,wgmma step hopper-tests 60 "${tests[@]}" $emulated RecordedStepTests # steps as they are recorded and replayed
step profile 40 "${handwritten[@]}" profile "${device[@]}" "${profiled[@]}" --plot "$results/profile.png" --json

if python3 -c 'import torch, transformers' 2>/dev/null; then
  step ladder 130 python3 "$here/ladder.py" "$results" 110
  mkdir "$scratch/dumps"
  for shape in "${shapes[@]}"; do
    for type in float32 float16 bfloat16; do
      step "parity-$shape-$type" 20 "${handwritten[@]}" parity "${device[@]}" --shape $shape --compute-type $type --reference "$root/tests/data/reference/shapes" --dump "$scratch/dumps/$shape-$type.safetensors" --json
    done
  done
  for type in float16 bfloat16; do
    HANDWRITTEN_HOPPER=wgmma step "parity-${models[0]}-$type-wgmma" 20 "${handwritten[@]}" parity "${device[@]}" --shape "${models[0]}" --compute-type $type --reference "$root/tests/data/reference/shapes" --json
  done
  step parity-torch 60 python3 "$here/parity.py" "$root/tests/data/reference" "$scratch/dumps" "$results/parity.json"
else
  printf 'ladder, parity-torch\tleft out: no torch and transformers\t0\n' | tee -a "$results/steps.tsv" >&2
fi
[ -n "$emulated" ] || sanitize 45 LayerNormalizationTests

python3 "$here/report.py" "$results" >"$results/report.md" || echo "report.py failed" >&2
cat "$results/report.md"
