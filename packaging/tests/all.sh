#!/bin/bash
# All of it, on a machine that can be thrown away: DEB names the package, PREVIOUS the one before. Afterwards reboot, and
# run 10-reboot.sh. TESTS names some of them, to run those and no others.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
for script in "$here"/0[1-9]-*.sh; do
    [[ -z ${TESTS:-} || "01-install.sh $TESTS" == *"$(basename "$script")"* ]] || continue
    echo "═══ $(basename "$script")"
    SECONDS=0
    bash "$script"
    echo "═══ $(basename "$script"): $SECONDS s"
done
echo "═══ 10-reboot.sh"
bash "$here/10-reboot.sh" prepare
