#!/usr/bin/env bash
# Tools of the tests of embedding and of the report, where they are missing and may be installed; tests skip with a reason otherwise.
set -u
missing=()
for pair in gfortran:gfortran cmake:cmake pkg-config:pkg-config valgrind:valgrind chromium:chromium; do
    command -v "${pair%%:*}" > /dev/null || missing+=("${pair##*:}")
done
[ "${#missing[@]}" -eq 0 ] && exit 0
if [ "$(id -u)" -eq 0 ] && command -v apt-get > /dev/null; then
    apt-get update -qq && apt-get install -y -qq "${missing[@]}" && exit 0
fi
echo "not installed: ${missing[*]}; the tests that need them are skipped" >&2
