#!/usr/bin/env bash
# usage: fuzz.sh [SECONDS] [NAME..]     runs each harness (or those named) for SECONDS, 20 by default
# The corpus grows under build-fuzz/corpus/NAME; a finding is kept under build-fuzz/findings/ and ends the run with 1.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

say() { printf 'fuzz: %s\n' "$*" >&2; }

# Folders of real inputs that a harness starts from, beside its own corpus.
seeds_of() {
  echo "tests/fuzz/corpus/$1"
  echo "build-fuzz/seeds/$1"
  case $1 in
    scenario) echo controller/catalogue/data ;;
    fault) echo lab/faults/data ;;
  esac
}

fuzz_one() {
  local name=$1 seconds=$2 corpus=build-fuzz/corpus/$1 log=build-fuzz/$1.log folders folder
  mkdir -p "$corpus" build-fuzz/findings
  folders=("$corpus")
  while read -r folder; do
    [ -d "$folder" ] && folders+=("$folder")
  done < <(seeds_of "$name")
  # Debian's protobuf and yaml-cpp are not instrumented: what they put into a container looks like an overflow.
  if ASAN_OPTIONS=detect_container_overflow=0 UBSAN_OPTIONS=print_stacktrace=1 \
    "build-fuzz/bin/${name}_fuzz" -max_total_time="$seconds" -timeout=5 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="build-fuzz/findings/$name-" "${folders[@]}" >"$log" 2>&1 </dev/null; then
    say "$name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs in $seconds s, nothing found"
    return 0
  fi
  say "$name: FOUND something, see $log:"
  grep -E 'ERROR:|broken promise|runtime error|Test unit written|SUMMARY' "$log" >&2 || tail -5 "$log" >&2
  say "$name: copy the file into tests/fuzz/corpus/$name so that it stays a test once it is repaired"
  return 1
}

main() {
  local seconds=20 found=0 names=() name
  if [[ ${1:-} =~ ^[0-9]+$ ]]; then seconds=$1; shift; fi
  names=("$@")
  [ $# -gt 0 ] || mapfile -t names < <(cd tests/fuzz && printf '%s\n' *_fuzz.cpp | sed 's/_fuzz.cpp$//')
  for name in "${names[@]}"; do
    [ -f "tests/fuzz/${name}_fuzz.cpp" ] || { say "there is no harness '$name' (tests/fuzz/${name}_fuzz.cpp)"; return 1; }
  done
  ./run build --preset fuzz fuzzers
  build-fuzz/bin/make_seeds build-fuzz/seeds
  for name in "${names[@]}"; do
    fuzz_one "$name" "$seconds" || found=1
  done
  return "$found"
}

main "$@"
