#!/bin/bash
# Socket activation: a restart refuses nobody.
. "$(dirname "$(readlink -f "$0")")/lib.sh"

step "systemd opens the ports"
systemctl stop poolhub
systemctl reset-failed poolhub
systemctl enable --now poolhub.socket 2>/dev/null
same "socket is-active" "$(systemctl is-active poolhub.socket)" active
within 3 answers
same "is-active, woken by a connection" "$(systemctl is-active poolhub)" active
simulate 100 --transport mix

step "a coordinator in a loop, and five restarts"
(
    while [[ ! -e /tmp/loop.end ]]; do
        begin=$(date +%s%N)
        code=$(match) || true
        echo "$code $((($(date +%s%N) - begin) / 1000000))"
    done >/tmp/loop.log
) &
LOOP=$!
# And one that keeps its connection open for as long as the hub does.
curl -sS "$HUB/v1/health?[1-10000000]" -o /dev/null -w '%{http_code} %{num_connects}\n' >/tmp/keep.log 2>/tmp/keep.err &
KEEP=$!
sleep 1
for i in 1 2 3 4 5; do
    old=$(pid)
    systemctl restart poolhub || fail "restart $i"
    [[ $(pid) != "$old" ]] || fail "it did not restart"
    sleep 1.5
done
touch /tmp/loop.end
wait $LOOP
rm -f /tmp/loop.end
kill $KEEP 2>/dev/null || true
wait $KEEP || true
# Killed while it wrote: the last line may be half of one.
sed -i '$d' /tmp/keep.log
total=$(wc -l </tmp/loop.log)
failed=$(grep -cv '^200 ' /tmp/loop.log || true)
slowest=$(sort -k2 -n /tmp/loop.log | tail -n 1 | cut -d' ' -f2)
echo "   $total matches, $failed failed, the slowest took $slowest ms"
same "failed matches" "$failed" 0
same "failed requests among $(wc -l </tmp/keep.log) on $(grep -c ' 1$' /tmp/keep.log) kept connections" "$(grep -v '^200 ' /tmp/keep.log || true)$(cat /tmp/keep.err)" ""
((total > 100)) || fail "only $total matches"
within 30 online 100
journalctl -u poolhub -o cat | grep 'saying goodbye' | tail -n 1
end_fleet
systemctl disable --now poolhub.socket 2>/dev/null
systemctl restart poolhub
within 3 answers
done_here
