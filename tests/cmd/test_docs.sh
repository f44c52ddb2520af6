#!/usr/bin/env bash
# docs/configuration.md's table is the program's own. TAP. usage: test_docs.sh PATH_TO_NDC
set -u
export NDC_CONFIG=/dev/null
echo 1..1
if diff <("$1" config --markdown) <(sed -n '/<!-- settings -->/,/<!-- end -->/p' docs/configuration.md | sed '1d;$d'); then
  echo "ok 1 - docs/configuration.md lists the settings"
else
  echo "not ok 1 - docs/configuration.md lists the settings (run scripts/document_settings.sh)"
fi
