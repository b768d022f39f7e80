#!/bin/bash
# What the service may do, and what not.
. "$(dirname "$(readlink -f "$0")")/lib.sh"

step "systemd-analyze"
systemd-analyze verify poolhub.service poolhub.socket >/tmp/verify 2>&1 || { cat /tmp/verify; fail "systemd-analyze verify"; }
same "complaints of systemd-analyze verify" "$(grep -c poolhub /tmp/verify || true)" 0
systemd-analyze security poolhub --no-pager | tail -n 1
score=$(systemd-analyze security poolhub --no-pager | sed -n 's/.*: \([0-9.]*\) .*/\1/p' | tail -n 1)
awk -v s="$score" 'BEGIN { exit !(s > 0 && s <= 1.5) }' || fail "exposure $score, more than 1.5"
ok "exposure $score, at most 1.5"

step "inside the sandbox"
main=$(pid)
echo secret >/root/secret; mkdir -p /home/bob; echo private >/home/bob/file; chmod 644 /home/bob/file
mkdir -m 700 -p /var/lib/other; echo other >/var/lib/other/file
status() { sed -n "s/^$1:\s*//p" "/proc/$main/status"; }
same "CapBnd" "$(status CapBnd)" 0000000000000000
same "CapEff" "$(status CapEff)" 0000000000000000
same "NoNewPrivs" "$(status NoNewPrivs)" 1
same "Seccomp (2: filtered)" "$(status Seccomp)" 2
same "user" "$(stat -c %U "/proc/$main")" poolhub
# Into its mounts, as its user.
inside() { nsenter --target "$main" --mount -- setpriv --reuid poolhub --regid poolhub --clear-groups --no-new-privs -- "$@"; }
inside cat /etc/poolhub/poolhub.env >/dev/null || fail "it cannot read its settings"
for path in /etc/x /etc/poolhub/x /usr/x /var/x /var/lib/x /var/cache/x /home/x /root/x /opt/x; do
    if inside touch $path 2>/dev/null; then fail "it can write $path"; fi
done
ok "it cannot write to /etc, /usr, /var, /home, /root, /opt"
inside touch /var/lib/poolhub/x /run/poolhub/x && rm -f /var/lib/poolhub/x /run/poolhub/x || fail "its own directories"
ok "it can write to /var/lib/poolhub and /run/poolhub"
for path in /root/secret /home/bob/file /var/lib/other/file /etc/shadow; do
    if inside cat $path >/dev/null 2>&1; then fail "it can read $path"; fi
done
ok "it cannot read files of root, of bob, of another service"
same "processes it sees" "$(inside ls /proc | grep -c '^1$' || true)" 0
inside touch /tmp/seen; [[ ! -e /tmp/seen ]] || fail "/tmp is shared"
ok "/tmp is its own"

step "network: loopback only"
ip addr add 192.0.2.7/32 dev lo
set_setting POOLHUB_BIND 0.0.0.0
set_setting TRUST_NETWORK yes
systemctl restart poolhub
from_elsewhere() { curl -s -o /dev/null --max-time 2 -w '%{http_code}' http://192.0.2.7:8203/v1/health || true; }
same "health at another address than loopback" "$(from_elsewhere)" 000
drop_in 'IPAddressAllow=192.0.2.0/24'
systemctl restart poolhub
same "health there, with IPAddressAllow" "$(from_elsewhere)" 200
no_drop_in
sed -i '/^POOLHUB_BIND=/d; /^TRUST_NETWORK=/d' /etc/poolhub/poolhub.env
ip addr del 192.0.2.7/32 dev lo
systemctl restart poolhub
within 3 answers

step "log: priorities and fields"
journalctl -u poolhub -p info -o cat -n 3 --no-pager
curl -s -o /dev/null $HUB/v1/miners/register -d '{}' || true
nonsense() { printf 'GET / HTTP/1.0\r\n\r\n' >/dev/tcp/127.0.0.1/8204; }
rubbish() { journalctl -u poolhub CLOSE_REASON=frame_too_long "$@"; }
nonsense
sleep 1
same "lines of a stranger's nonsense" "$(rubbish -o cat | grep -c ended || true)" 0
set_setting LOG_LEVEL debug
systemctl reload poolhub
nonsense
within 5 eval 'rubbish -o cat | grep -q ended'
rubbish -o verbose -n 1 --no-pager | grep -E 'PRIORITY|MESSAGE|CLOSE_REASON|REMOTE|POOLHUB_EVENT'
same "its priority" "$(rubbish -o json -n 1 | grep -oE '"PRIORITY":"[0-9]"')" '"PRIORITY":"7"'
sed -i '/^LOG_LEVEL=/d' /etc/poolhub/poolhub.env
systemctl reload poolhub
# The first of them finds out whether it needs a key, which is worth a line.
simulate 20
before=$(journalctl -u poolhub -o cat | wc -l)
for i in 1 2 3 4 5; do match >/dev/null; done
sleep 2
end_fleet
same "log lines of 20 miners at work and their leave, and of 5 matches" $(($(journalctl -u poolhub -o cat | wc -l) - before)) 0
done_here
