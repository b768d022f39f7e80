#!/bin/bash
# PostgreSQL of Debian's beside it: everything moves there, and the hub goes on while it is away.
. "$(dirname "$(readlink -f "$0")")/lib.sh"

sql() { runuser -u postgres -- psql -qAtc "$1" poolhub; }
metric() { curl -fsS --max-time 2 $HUB/v1/metrics | awk -v name="$1" '$1 == name {print $2}'; }
is_status() { [[ $(curl -fsS --max-time 2 $HUB/v1/health | grep -oE '"status":"[a-z]+"') == "\"status\":\"$1\"" ]]; }
rows() { [[ $(sql "SELECT count(*) FROM poolhub.$1") == "$2" ]]; }
spooled() { [[ $(metric poolhub_store_spool_entries) == "$1" ]]; }
feedback() { curl -sS --max-time 5 -o /tmp/feedback.json -w '%{http_code}' -H "Authorization: Bearer $(cat /etc/poolhub/coordinator-secret)" \
    $HUB/v1/feedback -d "{\"job_id\":\"$1\",\"miner_id\":\"$2\",\"outcome\":\"completed\"}"; }
as_hub() { runuser -u poolhub -- "$@"; }

step "apt install postgresql"
apt-get install -y postgresql >/tmp/install.log 2>&1 || { cat /tmp/install.log; fail "apt install postgresql"; }
systemctl start postgresql
within 20 runuser -u postgres -- psql -qAtc 'SELECT 1'
runuser -u postgres -- createuser poolhub
runuser -u postgres -- createdb --owner poolhub poolhub

step "everything moves there"
simulate 40
end_fleet
miner=$(poolhub miners --token-file /etc/poolhub/admin-token --limit 1 --json | grep -oE '"miner_id": *"[^"]+"' | cut -d'"' -f4)
same "a report before" "$(feedback before "$miner")" 200
known=$(curl -fsS $HUB/v1/metrics | awk '/^poolhub_miners\{/ {n += $2} END {print n}')
systemctl stop poolhub
as_hub poolhub store export /var/lib/poolhub/fleet.jsonl
set_setting DB_DSN 'postgresql://poolhub@%2Fvar%2Frun%2Fpostgresql/poolhub'
as_hub poolhub store import /var/lib/poolhub/fleet.jsonl
rm /var/lib/poolhub/fleet.jsonl
systemctl start poolhub
within 3 answers
same "miners known" "$(curl -fsS $HUB/v1/metrics | awk '/^poolhub_miners\{/ {n += $2} END {print n}')" "$known"
same "reports in PostgreSQL" "$(sql "SELECT count(*) FROM poolhub.feedback WHERE job_id = 'before'")" 1
simulate 40
same "match" "$(match)" 200
same "a report" "$(feedback there "$miner")" 200
same "it is there" "$(sql "SELECT count(*) FROM poolhub.feedback WHERE job_id = 'there'")" 1

step "PostgreSQL stops: matches go on, reports wait in the spool"
systemctl stop postgresql
within 10 is_status degraded
curl -fsS $HUB/v1/health; echo
for i in {1..20}; do [[ $(match) == 200 ]] || fail "match $i while PostgreSQL is away"; done
ok "20 matches"
same "a report meanwhile" "$(feedback meanwhile "$miner")" 200
spooled 0 && fail "the spool is empty"
same "miners online" "$(health online_miners)" 40
old=$(pid)
kill -KILL "$old"
sleep 2
systemctl start postgresql
within 30 restarted_from "$old"
within 30 is_status ok
within 10 spooled 0
same "the report is there, once" "$(sql "SELECT count(*) FROM poolhub.feedback WHERE job_id = 'meanwhile'")" 1
within 30 online 40
end_fleet

step "back to its own database"
systemctl stop poolhub
sed -i '/^DB_DSN=/d' /etc/poolhub/poolhub.env
systemctl start poolhub
within 3 answers
systemctl stop postgresql
apt-get purge -y 'postgresql*' >/dev/null 2>&1
done_here
