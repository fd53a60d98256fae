#!/bin/bash
# career-relay as a peer of the mail-gateway benchmark: career_relay.sh start DIR PORT NEXTHOP | stop DIR | version
# With BENCH_TLS=FOLDER (cert.pem, key.pem): TLS on both sides, BENCH_DOOR=starttls|implicit (starttls) in front; with
# RUN_IN_FRONT=yes the server takes this script's place. With BENCH_DEAD=PORT mail for dead.example goes to that port.
# Real defaults (hand-through, durable, one event per message in a log file), the example company's W1 senders.
set -u
ACT=$1; DIR=${2:-}; PORT=${3:-}; NEXTHOP=${4:-}
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BIN=${CAREER_RELAY_BIN:-$HERE/target/release/career-relay}

config() {
    mkdir -p "$DIR/companies"
    cat >"$DIR/career-relay.toml" <<CONF
data_dir = "$DIR/data"
companies_dir = "companies"
hostname = "gw.example.co.jp"
$(door)
[[route]]
name = "mx"
domains = ["*"]
next_hop = "127.0.0.1:$NEXTHOP"
proves = "delivered"
tls = "$([ -n "${BENCH_TLS:-}" ] && echo required || echo opportunistic)"
$([ -z "${BENCH_DEAD:-}" ] || printf '[[route]]\nname = "dead"\ndomains = ["dead.example"]\nnext_hop = "127.0.0.1:%s"\n' "$BENCH_DEAD")
CONF
    cat >"$DIR/companies/example.toml" <<CONF
id = "example"
name_ja = "株式会社サンプル"
name_en = "Sample Inc."
purpose = "応募してくださった方の次の一歩を支えるため"
mode = "live"
sender_domains = ["example.co.jp"]
own_domains = ["example.co.jp"]
link = "https://careerrelay.jp/r/{token}"
notify_to = ["hr@example.co.jp"]
[proved_by]
networks = ["127.0.0.0/8"]
[[contract]]
series = "standard"
version = 1
from = 2026-01-01
CONF
}

door() {
    if [ -z "${BENCH_TLS:-}" ]; then
        printf '[smtp]\nlisten = ["127.0.0.1:%s"]\n' "$PORT"
        return
    fi
    printf '[tls]\ncertificate = "%s/cert.pem"\nkey = "%s/key.pem"\n' "$BENCH_TLS" "$BENCH_TLS"
    printf '[[listener]]\naddress = "127.0.0.1:%s"\ntls = "%s"\ntls_required = true\n' "$PORT" "${BENCH_DOOR:-starttls}"
}

case $ACT in
start)
    config
    [ "${RUN_IN_FRONT:-}" != yes ] || exec "$BIN" serve --config "$DIR/career-relay.toml" >>"$DIR/log" 2>&1
    "$BIN" serve --config "$DIR/career-relay.toml" >>"$DIR/log" 2>&1 &
    echo $! >"$DIR/pid"
    for _ in $(seq 200); do (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null && exit 0; sleep 0.05; done
    echo "nothing listens on $PORT" >&2; exit 1 ;;
stop) [ -f "$DIR/pid" ] && kill "$(cat "$DIR/pid")" 2>/dev/null; exit 0 ;;
version) "$BIN" --version ;;
esac
