#!/bin/bash
# Before a reboot ("prepare") and after it.
. "$(dirname "$(readlink -f "$0")")/lib.sh"

if [[ ${1:-} == prepare ]]; then
    step "60 miners, and then the power goes"
    simulate 60
    kill -KILL "$FLEET"
    done_here
    exit
fi
step "after the reboot"
within 5 answers
same "is-active" "$(systemctl is-active poolhub)" active
known() { [[ $(curl -fsS $HUB/v1/metrics | awk '/^poolhub_miners\{state="(online|degraded)"\}/ {n += $2} END {print n}') == 60 ]]; }
within 5 known
same "match" "$(match)" 200
grep -oE '"degraded":true' /tmp/match.json | head -n 1
simulate 60
end_fleet
done_here
