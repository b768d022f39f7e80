#!/bin/bash
# nginx in front, with the package's own example. Needs nginx and libnginx-mod-stream.
. "$(dirname "$(readlink -f "$0")")/lib.sh"
examples=/usr/share/doc/poolhub/examples
[[ -d $examples ]] || examples=$HERE/../examples

step "nginx with TLS"
# Another address of this machine, to come from.
ip=192.0.2.7
ip addr add $ip/32 dev lo 2>/dev/null || ip=127.0.0.2
mkdir -p /etc/ssl/poolhub
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=hub.example.org -addext 'subjectAltName=DNS:hub.example.org' \
    -keyout /etc/ssl/poolhub/privkey.pem -out /etc/ssl/poolhub/fullchain.pem 2>/dev/null
cp /etc/ssl/poolhub/fullchain.pem /usr/local/share/ca-certificates/poolhub.crt
update-ca-certificates >/dev/null 2>&1 || cat /etc/ssl/poolhub/fullchain.pem >>/etc/ssl/certs/ca-certificates.crt
grep -q hub.example.org /etc/hosts || echo "127.0.0.1 hub.example.org" >>/etc/hosts
cp $examples/poolhub.conf /etc/nginx/sites-enabled/
cp $examples/poolhub-stream.conf /etc/nginx/modules-enabled/90-poolhub-stream.conf
nginx -t || fail "nginx does not like it"
systemctl restart nginx
set_setting TRUSTED_PROXIES 127.0.0.1,::1
set_setting PROXY_PROTOCOL yes
set_setting LOG_LEVEL debug
systemctl restart poolhub
within 3 answers

step "the allow-list"
SITE="https://hub.example.org"
status() { curl -sk -o /tmp/body -w '%{http_code}' "$@"; }
secret="Authorization: Bearer $(cat /etc/poolhub/coordinator-secret)"
same "match from an address on it" "$(status -H "$secret" $SITE/v1/match -d '{"job_id":"j"}')" 200
same "match from $ip" "$(status --interface $ip -H "$secret" $SITE/v1/match -d '{"job_id":"j"}')" 403
same "metrics from $ip" "$(status --interface $ip $SITE/v1/metrics)" 403
same "a miner's address from $ip" "$(status --interface $ip $SITE/v1/miners/register -d '{}')" 400

step "miners through it"
poolhub --help >/dev/null
poolhub simulate --hub https://hub.example.org --miner-hub tcps://hub.example.org:8205 --miners 10 --transport tcp \
    --prefix tls- --duration 8s >/tmp/tcps.log 2>&1 &
poolhub simulate --hub https://hub.example.org --miners 10 --transport ws --prefix wss- --duration 8s >/tmp/wss.log 2>&1 &
within 8 online 20
poolhub match --hub https://hub.example.org --top-k 3 || fail "match through nginx"
wait
tail -qn 1 /tmp/tcps.log /tmp/wss.log

step "real addresses"
# Plain programs from another address: one that speaks nonsense, over TLS, to the miners' port.
printf 'nonsense nonsense' | timeout 5 openssl s_client -quiet -bind $ip:0 -connect 127.0.0.1:8205 >/dev/null 2>&1 || true
within 5 eval "journalctl -u poolhub -o cat | grep -E 'conversation with .* at $ip:[0-9]+ ended: frame_too_long'"
ws_from() { curl -sk -o /dev/null --max-time 3 --interface "$1" "${@:2}" --http1.1 -H 'Upgrade: websocket' -H 'Connection: Upgrade' \
    -H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==' $SITE/v1/miners/heartbeat || true; }
ws_from $ip
within 6 eval "journalctl -u poolhub -o cat | grep -E 'conversation with .* at $ip ended'"
ws_from $ip -H 'X-Forwarded-For: 203.0.113.9'
printf 'PROXY TCP4 203.0.113.9 127.0.0.1 1 2\r\nnonsense' | timeout 5 openssl s_client -quiet -bind $ip:0 -connect 127.0.0.1:8205 >/dev/null 2>&1 || true
sleep 3
same "a claimed address in the log" "$(journalctl -u poolhub -o cat | grep -c 203.0.113.9 || true)" 0

rm -f /etc/nginx/sites-enabled/poolhub.conf /etc/nginx/modules-enabled/90-poolhub-stream.conf
systemctl stop nginx
rm -rf /etc/ssl/poolhub /usr/local/share/ca-certificates/poolhub.crt
update-ca-certificates --fresh >/dev/null 2>&1 || true
sed -i '/hub.example.org/d' /etc/hosts
sed -i '/^TRUSTED_PROXIES=/d; /^PROXY_PROTOCOL=/d; /^LOG_LEVEL=/d' /etc/poolhub/poolhub.env
systemctl restart poolhub
done_here
