#!/bin/bash
# systemctl reload, with good settings and with bad ones.
. "$(dirname "$(readlink -f "$0")")/lib.sh"

weights() {
    match ',"explain":"full"' >/dev/null
    grep -oE '"weights":\{[^}]*\}|"weight":[0-9.]+' /tmp/match.json | head -n 5 | tr '\n' ' '
}
reconnects() { curl -fsS $HUB/v1/metrics | awk '/^poolhub_frames_total\{direction="in",message="hello"\}/ {print $2}'; }

simulate 30
old=$(pid)
before=$(weights)
hellos=$(reconnects)
echo "   weights: $before"
set_setting DEFAULT_WEIGHTS price:3,trust:1
systemctl reload poolhub || fail "reload with good settings"
after=$(weights)
echo "   weights: $after"
[[ $before != "$after" && $after == *0.75* ]] || fail "the next answer has the old weights"
ok "the next answer has the new weights"

set_setting DEFAULT_WEIGHTS price:heavy
if systemctl reload poolhub 2>/tmp/out; then fail "reload with bad settings went well"; fi
cat /tmp/out
same "is-active" "$(systemctl is-active poolhub)" active
journalctl -u poolhub -p err -o cat -n 2 --no-pager
journal_says "DEFAULT_WEIGHTS" || fail "the journal does not name the setting"
same "weights after a bad reload" "$(weights)" "$after"

sed -i '/^DEFAULT_WEIGHTS=/d' /etc/poolhub/poolhub.env
systemctl reload poolhub
same "weights at last" "$(weights)" "$before"
same "process" "$(pid)" "$old"
same "hellos of miners" "$(reconnects)" "$hellos"
online 30 || fail "miners were lost"
end_fleet
done_here
