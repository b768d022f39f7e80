#!/bin/bash
# All of it, on a machine that can be thrown away: DEB names the package, PREVIOUS the one before. Afterwards reboot, and
# run 09-reboot.sh.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
for script in "$here"/0[1-8]-*.sh; do
    echo "═══ $(basename "$script")"
    SECONDS=0
    bash "$script"
    echo "═══ $(basename "$script"): $SECONDS s"
done
echo "═══ 09-reboot.sh"
bash "$here/09-reboot.sh" prepare
