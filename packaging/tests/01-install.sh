#!/bin/bash
# apt install on a fresh machine: it runs, and only those who may can use it.
. "$(dirname "$(readlink -f "$0")")/lib.sh"

step "apt install $(basename "$DEB")"
apt-get install -y "$DEB" >/tmp/install.log 2>&1 || { cat /tmp/install.log; fail "apt install"; }
within 3 answers
tail -n 5 /tmp/install.log
same "is-active" "$(systemctl is-active poolhub)" active
same "is-enabled" "$(systemctl is-enabled poolhub)" enabled
same "socket is-enabled" "$(systemctl is-enabled poolhub.socket || true)" disabled
curl -fsS $HUB/v1/health; echo
systemctl status poolhub --no-pager | head -n 12

step "user, directories and secrets"
same "user" "$(getent passwd poolhub | cut -d: -f6,7)" /var/lib/poolhub:/usr/sbin/nologin
same "/etc/poolhub" "$(stat -c '%a %U:%G' /etc/poolhub)" "750 root:poolhub"
for file in coordinator-secret admin-token poolhub.env; do
    same "$file" "$(stat -c '%a %U:%G' /etc/poolhub/$file)" "640 root:poolhub"
done
same "/var/lib/poolhub" "$(stat -c '%a %U:%G' /var/lib/poolhub)" "700 poolhub:poolhub"
same "length of a secret" "$(tr -d '\n' </etc/poolhub/admin-token | wc -c)" 43
[[ $(cat /etc/poolhub/admin-token) != $(cat /etc/poolhub/coordinator-secret) ]] || fail "both secrets are the same"
same "own secrets in the state directory" "$(ls /var/lib/poolhub | grep -cE 'coordinator|admin' || true)" 0

step "an ordinary user"
useradd -m alice
as_alice() { runuser -u alice -- "$@"; }
as_alice poolhub health || fail "health needs no secret"
if as_alice poolhub match >/tmp/out 2>&1; then fail "match without a secret"; fi
cat /tmp/out
same "match without the secret" "$(curl -s -o /dev/null -w '%{http_code}' $HUB/v1/match -d '{"job_id":"j"}')" 401
usermod -aG poolhub alice
as_alice poolhub simulate --miners 20 --duration 6s >/tmp/fleet.log 2>&1 &
within 5 online 20
as_alice poolhub match --region eu --max-price 5 || fail "match as a member of the group"
wait %1 || { cat /tmp/fleet.log; fail "simulate"; }
cat /tmp/fleet.log
ok "simulate and match work as a member of the group poolhub"

step "manual, completion, documents"
zgrep -q 'MATCH_HOLD_MS' /usr/share/man/man5/poolhub.env.5.gz 2>/dev/null || [[ ! -d /usr/share/man/man5 ]] || fail "poolhub.env(5)"
same "completion of 'poolhub ma'" "$(bash -c '. /usr/share/bash-completion/completions/poolhub
    COMP_LINE="poolhub mat" COMP_POINT=11 COMP_WORDS=(poolhub mat) COMP_CWORD=1; _poolhub; echo "${COMPREPLY[*]}"')" match
done_here
