#!/bin/bash
# An upgrade from the version before, under 200 miners. PREVIOUS names its package.
. "$(dirname "$(readlink -f "$0")")/lib.sh"
PREVIOUS=${PREVIOUS:-$(dirname "$DEB")/previous.deb}
[[ -e $PREVIOUS ]] || fail "no package to upgrade from: PREVIOUS=…"
version() { dpkg-query -W -f '${Version}' poolhub; }

apt-get purge -y poolhub >/dev/null 2>&1 || true
step "$(dpkg-deb -f "$PREVIOUS" Version), then $(dpkg-deb -f "$DEB" Version)"
apt-get install -y "$PREVIOUS" >/tmp/install.log 2>&1 || { cat /tmp/install.log; fail "the version before"; }
within 3 answers
secret=$(cat /etc/poolhub/admin-token)
mkdir -p /etc/systemd/system/poolhub.service.d
printf '[Service]\nEnvironment=FLAP_BAN_SEC=61\n' >/etc/systemd/system/poolhub.service.d/own.conf
simulate 200 --transport mix
known=$(curl -fsS $HUB/v1/metrics | awk '/^poolhub_miners\{/ {n += $2} END {print n}')
begin=$(date +%s%N)
apt-get install -y "$DEB" </dev/null >/tmp/upgrade.log 2>&1 || { cat /tmp/upgrade.log; fail "upgrade"; }
echo "   apt took $((($(date +%s%N) - begin) / 1000000)) ms"
same "version" "$(version)" "$(dpkg-deb -f "$DEB" Version)"
within 30 online 200
echo "   all back $((($(date +%s%N) - begin) / 1000000)) ms after the upgrade began"
same "questions of dpkg" "$(grep -c 'Configuration file' /tmp/upgrade.log || true)" 0
same "miners known" "$(curl -fsS $HUB/v1/metrics | awk '/^poolhub_miners\{/ {n += $2} END {print n}')" "$known"
[[ $(cat /etc/poolhub/admin-token) == "$secret" ]] || fail "the admin's token is another one"
[[ -e /etc/systemd/system/poolhub.service.d/own.conf ]] || fail "the drop-in is gone"
grep -q DEBUG_STUCK_SWEEP_SEC /etc/poolhub/poolhub.env || fail "poolhub.env is the old one, though nobody had edited it"
ok "poolhub.env, which nobody had edited, is the new one"
end_fleet
tail -n 1 /tmp/fleet.log

step "an edited poolhub.env: dpkg asks, and keeps it"
apt-get install -y --allow-downgrades "$PREVIOUS" </dev/null >/tmp/install.log 2>&1 || { cat /tmp/install.log; fail "downgrade"; }
set_setting DEFAULT_WEIGHTS price:1
systemctl reload poolhub
if apt-get install -y "$DEB" </dev/null >/tmp/upgrade.log 2>&1; then fail "dpkg did not ask"; fi
grep -m1 'Configuration file' /tmp/upgrade.log || { cat /tmp/upgrade.log; fail "dpkg did not ask"; }
dpkg --force-confold --configure -a >/tmp/upgrade.log 2>&1 || { cat /tmp/upgrade.log; fail "configure"; }
grep -q '^DEFAULT_WEIGHTS=price:1' /etc/poolhub/poolhub.env || fail "the setting is gone"
same "poolhub.env" "$(stat -c '%a %U:%G' /etc/poolhub/poolhub.env)" "640 root:poolhub"
within 3 answers
done_here
