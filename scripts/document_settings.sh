#!/usr/bin/env bash
# Writes the program's settings into docs/configuration.md. usage: document_settings.sh [NDC]
set -euo pipefail
ndc=${1:-build/src/cmd/ndc}
page=docs/configuration.md
table=$(mktemp)
trap 'rm -f "$table"' EXIT
NDC_CONFIG=/dev/null "$ndc" config --markdown >"$table"
sed -i -e "/<!-- settings -->/r $table" -e '/<!-- settings -->/,/<!-- end -->/{/<!--/!d}' "$page"
