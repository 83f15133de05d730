#!/bin/sh
# Adds the program to the menu, and its sessions to the file types, of this user; `./install.sh --remove` undoes it.
# The program itself stays in this folder; if you move the folder, run this again.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
data=${XDG_DATA_HOME:-$HOME/.local/share}
bin=$HOME/.local/bin

(cd "$here/share" && find . -type f) | while read -r file; do
  if [ "${1:-}" = --remove ]; then
    rm -f "$data/$file"
  else
    mkdir -p "$data/$(dirname "$file")"
    cp "$here/share/$file" "$data/$file"
  fi
done
if [ "${1:-}" = --remove ]; then
  [ "$(readlink "$bin/nesr-gui" || true)" != "$here/nesr-gui" ] || rm "$bin/nesr-gui"
else
  mkdir -p "$bin"
  ln -sf "$here/nesr-gui" "$bin/nesr-gui"
  # not every desktop searches ~/.local/bin
  path=$(printf '%s' "$here/nesr-gui" | sed 's/[&|\\]/\\&/g')
  sed -i "s|^Exec=nesr-gui|Exec=\"$path\"|; /^TryExec=/d" "$data/applications/nesr-gui.desktop"
fi
# the caches of the desktop, where there are any
update() {
  ! command -v "$1" >/dev/null || "$@" 2>/dev/null || true
}
update update-desktop-database "$data/applications"
update update-mime-database "$data/mime"
update gtk-update-icon-cache --ignore-theme-index "$data/icons/hicolor"
