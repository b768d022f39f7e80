#!/bin/bash
# Kills, a crash loop, a wedged daemon: systemd brings it back, or says that it cannot.
. "$(dirname "$(readlink -f "$0")")/lib.sh"

simulate 50
step "kill -9"
old=$(pid)
kill -KILL "$old"
within 3 restarted_from "$old"
within 30 online 50
same "errors of the fleet" "$(grep -ciE 'refused|failed' /tmp/fleet.log || true)" 0

step "status line"
within 10 eval 'systemctl show poolhub -p StatusText --value | grep -E "^50 miners online, 0 degraded; [0-9.]+ matches/s$"'
property StatusText

step "SIGSTOP: the watchdog ends it"
old=$(pid)
kill -STOP "$old"
within 25 restarted_from "$old"
journal_says "Watchdog timeout" || fail "the journal says nothing of the watchdog"
ok "$(journalctl -u poolhub -o cat | grep -m1 'Watchdog timeout')"
within 30 online 50
end_fleet

step "a sweep that stands still"
systemctl reset-failed poolhub
drop_in 'Environment=DEBUG_STUCK_SWEEP_SEC=3'
systemctl restart poolhub
old=$(pid)
within 30 restarted_from "$old"
journal_says "the sweep stands still" || fail "the sweep was not stuck"
same "watchdog timeouts in the journal" "$(journalctl -u poolhub -o cat | grep -c 'Watchdog timeout')" 2
no_drop_in
systemctl restart poolhub

step "a crash loop ends"
systemctl reset-failed poolhub
for ((i = 0; i < 20; i++)); do
    [[ $(systemctl is-failed poolhub) != failed ]] || break
    main=$(pid)
    [[ $main == 0 ]] || kill -KILL "$main" 2>/dev/null || true
    sleep 1.5
done
same "after $i kills it" "$(systemctl is-failed poolhub)" failed
systemctl --failed --no-pager --no-legend
journalctl -u poolhub -o cat | grep -m1 'Start request repeated too quickly' || fail "no reason in the journal"
systemctl reset-failed poolhub
systemctl start poolhub
within 3 answers

step "bad settings keep it from starting, with a reason"
set_setting DEFAULT_WEIGHTS price:heavy
if systemctl restart poolhub 2>/tmp/out; then fail "it started with bad settings"; fi
journal_says "DEFAULT_WEIGHTS" || fail "the journal does not name the setting"
sed -i '/^DEFAULT_WEIGHTS=/d' /etc/poolhub/poolhub.env
systemctl reset-failed poolhub
systemctl restart poolhub
within 3 answers
done_here
