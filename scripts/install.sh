#!/usr/bin/env bash
# Installs the built program under DESTDIR (default: this machine), and, on this machine,
# makes the user ndc. usage: install.sh BUILD_DIR [DESTDIR]
set -euo pipefail
build=$1 dest=${2:-}
bin=$build/src/cmd/ndc
install -Dm755 "$bin" "$dest/usr/bin/ndc"
install -Dm644 packaging/ndc.service "$dest/lib/systemd/system/ndc.service"
install -dm755 "$dest/usr/share/man/man1"
"$bin" man | gzip -9n >"$dest/usr/share/man/man1/ndc.1.gz"
install -dm755 "$dest/usr/share/bash-completion/completions" \
  "$dest/usr/share/zsh/vendor-completions" "$dest/usr/share/fish/vendor_completions.d"
"$bin" completion bash >"$dest/usr/share/bash-completion/completions/ndc"
"$bin" completion zsh >"$dest/usr/share/zsh/vendor-completions/_ndc"
"$bin" completion fish >"$dest/usr/share/fish/vendor_completions.d/ndc.fish"
if [ -d web/dist ]; then
  install -dm755 "$dest/usr/share/ndc/web"
  cp -R web/dist/. "$dest/usr/share/ndc/web/"
fi
if [ ! -e "$dest/etc/ndc/ndc.conf" ]; then # never over an operator's own
  install -dm755 "$dest/etc/ndc"
  { cat packaging/ndc.conf.head; "$bin" config --example; } >"$dest/etc/ndc/ndc.conf"
  chmod 640 "$dest/etc/ndc/ndc.conf"
fi
[ -n "$dest" ] && exit 0
getent passwd ndc >/dev/null ||
  useradd --system --home-dir /var/lib/ndc --shell /usr/sbin/nologin --user-group ndc
chown root:ndc /etc/ndc/ndc.conf
install -dm750 -o ndc -g ndc /var/lib/ndc
command -v systemctl >/dev/null && [ -d /run/systemd/system ] && systemctl daemon-reload
echo "installed; start it with: systemctl enable --now ndc"
