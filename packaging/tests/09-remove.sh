#!/bin/bash
# Remove keeps data, purge leaves nothing, and it can be installed again.
. "$(dirname "$(readlink -f "$0")")/lib.sh"

simulate 5; end_fleet
known() { curl -fsS $HUB/v1/metrics | awk '/^poolhub_miners\{/ {n += $2} END {print n}'; }
before=$(known)
step "remove"
apt-get remove -y poolhub >/tmp/remove.log 2>&1 || { cat /tmp/remove.log; fail "remove"; }
same "is-active" "$(systemctl is-active poolhub || true)" inactive
if answers; then fail "it still answers"; fi
[[ -e /var/lib/poolhub/poolhub.db && -e /etc/poolhub/admin-token ]] || fail "data or secrets are gone"
ok "data and secrets are kept"

step "install again"
apt-get install -y "$DEB" >/tmp/install.log 2>&1 || { cat /tmp/install.log; fail "install again"; }
within 3 answers
within 3 eval "[[ \$(known) == $before ]]"

step "purge"
apt-get purge -y poolhub >/tmp/purge.log 2>&1 || { cat /tmp/purge.log; fail "purge"; }
grep -i warning /tmp/purge.log || true
left=$(find / -xdev \( -path /proc -o -path /sys -o -path /debian-boot -o -path "$(dirname "$(readlink -f "$DEB")")" -o -path /tmp -o -path /var/log -o -path /var/cache/apt -o -path /var/cache/man \) \
    -prune -o -iname '*poolhub*' -print)
same "files left" "$left" ""
same "user left" "$(getent passwd poolhub || true)$(getent group poolhub || true)" ""
same "units left" "$(systemctl list-unit-files --no-legend 'poolhub*' || true; systemctl list-units --all --no-legend 'poolhub*')" ""

step "install after the purge"
apt-get install -y "$DEB" >/tmp/install.log 2>&1 || { cat /tmp/install.log; fail "install after purge"; }
within 3 answers
same "miners known" "$(known)" 0
done_here
