#!/usr/bin/env bash
# Removes what install.sh put on this machine; keeps /etc/ndc and /var/lib/ndc.
set -euo pipefail
if [ -d /run/systemd/system ]; then systemctl disable --now ndc 2>/dev/null || true; fi
rm -f /usr/bin/ndc /lib/systemd/system/ndc.service /usr/share/man/man1/ndc.1.gz \
  /usr/share/bash-completion/completions/ndc /usr/share/zsh/vendor-completions/_ndc \
  /usr/share/fish/vendor_completions.d/ndc.fish
rm -rf /usr/share/ndc
echo "removed; /etc/ndc and /var/lib/ndc are kept"
