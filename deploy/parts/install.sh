#!/bin/sh
# Installs the Debian packages named, where it can; where it cannot, says what to install. Usage: install.sh PACKAGE...
set -eu
missing=""
for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q '^install ok installed' || missing="$missing $package"
done
[ -z "$missing" ] && exit 0
as_root=""
if [ "$(id -u)" != 0 ]; then
    if command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then as_root="sudo"; else
        echo "Missing Debian packages:$missing" >&2
        echo "Install them as root, then say this again:  apt-get install --no-install-recommends$missing" >&2
        exit 1
    fi
fi
command -v apt-get >/dev/null 2>&1 || { echo "Missing:$missing. This machine has no apt-get: install them by its own means." >&2; exit 1; }
echo "Installing$missing (apt)..."
# The demo and the tests start servers of their own: keep Debian from starting the packages' services.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null && $as_root chmod 755 "$policy"
    trap '$as_root rm -f "$policy"' EXIT
fi
$as_root apt-get update -qq
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null
