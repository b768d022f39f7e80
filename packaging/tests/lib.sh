# For the scripts beside this file: plain bash on a freshly installed Debian 12, as root. Nothing here belongs to the
# product; it says what is being looked at, and stops at the first thing that is not as it should be.
set -eEuo pipefail
cd /
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive NO_COLOR=1

HUB=http://127.0.0.1:8203
HERE=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
DEB=${DEB:-$(ls "$HERE"/../poolhub_*_amd64.deb 2>/dev/null | tail -n 1)}
PASSED=0

step() { echo "── $*"; }
ok() {
    PASSED=$((PASSED + 1))
    echo "   ok: $*"
}
fail() {
    echo "   FAILED: $*" >&2
    systemctl status poolhub --no-pager -l >&2 2>&1 | tail -n 25 >&2 || true
    journalctl -u poolhub --no-pager -n 40 >&2 || true
    exit 1
}
done_here() { echo "$PASSED checks passed"; }
# What a script does not expect ends it: say where.
trap 'echo "   FAILED: $0 ended in line $LINENO" >&2' ERR

# within SECONDS COMMAND…: the command succeeds before they are over; says after how long.
within() {
    local limit=$1 begin now
    shift
    begin=$(date +%s%N)
    while ! "$@" >/dev/null 2>&1; do
        now=$(date +%s%N)
        (((now - begin) / 1000000 < limit * 1000)) || fail "not within $limit s: $*"
        sleep 0.05
    done
    now=$(date +%s%N)
    ok "after $(((now - begin) / 1000000)) ms (at most $limit s): $*"
}

# same WHAT ACTUAL EXPECTED
same() {
    [[ $2 == "$3" ]] || fail "$1 is '$2', should be '$3'"
    ok "$1 is $3"
}

answers() { curl -fsS -o /dev/null --max-time 2 $HUB/v1/health; }
health() { curl -fsS --max-time 2 $HUB/v1/health | grep -oE "\"$1\":[0-9]+" | cut -d: -f2; }
online() { [[ $(health online_miners) == "$1" ]]; }
at_least_online() { (($(health online_miners) >= $1)); }
property() { systemctl show poolhub -p "$1" --value; }
pid() { property MainPID; }
restarted_from() { [[ $(pid) != 0 && $(pid) != "$1" ]] && answers; }
journal_says() { journalctl -u poolhub --no-pager -o cat | grep -qF -- "$1"; }
match() { curl -sS --max-time 5 -o /tmp/match.json -w '%{http_code}' -H "Authorization: Bearer $(cat /etc/poolhub/coordinator-secret)" \
    $HUB/v1/match -d "{\"job_id\":\"job-$RANDOM\",\"top_k\":3${1:-}}"; }

# simulate COUNT [OPTION…]: made-up miners in the background; their output is in /tmp/fleet.log.
simulate() {
    local count=$1
    shift
    poolhub simulate --miners "$count" --seed 7 "$@" >/tmp/fleet.log 2>&1 &
    FLEET=$!
    within 20 online "$count"
}
end_fleet() {
    kill -TERM "$FLEET" 2>/dev/null || true
    wait "$FLEET" || true
}
drop_in() {
    mkdir -p /etc/systemd/system/poolhub.service.d
    printf '[Service]\n%s\n' "$@" >/etc/systemd/system/poolhub.service.d/test.conf
    systemctl daemon-reload
}
no_drop_in() {
    rm -rf /etc/systemd/system/poolhub.service.d
    systemctl daemon-reload
}
# set_setting NAME VALUE: in poolhub.env, whatever stood there.
set_setting() {
    sed -i "/^$1=/d" /etc/poolhub/poolhub.env
    echo "$1=$2" >>/etc/poolhub/poolhub.env
}
