#!/bin/sh
# Blue-green on one host: unpack into the idle slot, check what was unpacked, start it, wait until it is healthy, switch the
# proxy, stop the old slot. Run by `orch-gates deploy --task T-1 -- ./deploy-blue-green.sh`, whose contract it keeps: 0
# deployed, 1 failed and the old slot still serves, 2 refused and nothing was changed, 3 nobody knows which slot serves.
# More: docs/how-to/deploy.md
set -u

# blue/ and green/, and the link `current` to the one that serves: the proxy includes current/upstream.conf.
app=${APP:-/srv/app}
blue=${BLUE_PORT:-8081}
green=${GREEN_PORT:-8082}
# For sh. UNPACK puts the image EXPECTED_DIGEST, or the commit EXPECTED_REVISION, into the folder $1, with files REVISION and
# DIGEST that say what it is. START serves the folder $1 on the port $2, and goes on doing so.
unpack=${UNPACK:?}
start=${START:?}
# shellcheck disable=SC2016 # for sh, below
health=${HEALTH:-'curl --fail --silent --max-time 2 --output /dev/null "http://127.0.0.1:$1/healthz"'}
reload=${RELOAD:-nginx -s reload}
check=${DEPLOY_CHECK:-deploy-check}

say() { printf '%s\n' "$1" >&2; }

stop() {
    [ -s "$1/pid" ] || return 0
    read -r pid <"$1/pid"
    kill "$pid" 2>/dev/null
    rm -f "$1/pid"
}

# The link is replaced in one step, so that the proxy never finds none.
switch() {
    ln -s "$1" "$app/current.new" && mv -T "$app/current.new" "$app/current" && sh -c "$reload"
}

mkdir -p "$app" || exit 2
rm -f "$app/current.new"
# A deploy that slept while a later one ran is late: the number grows with every deploy.
seen=0
[ ! -s "$app/generation" ] || read -r seen <"$app/generation"
[ "${ORCH_GENERATION:-0}" -ge "$seen" ] || { say "a later deploy was here: generation $seen"; exit 2; }
echo "${ORCH_GENERATION:-0}" >"$app/generation" || exit 2

serves=$(readlink "$app/current" || true)
case $serves in
blue) slot=green port=$green ;;
*) slot=blue port=$blue ;;
esac
new=$app/$slot

stop "$new"
rm -rf "$new" && mkdir "$new" || exit 2
sh -c "$unpack" unpack "$new" || { say "unpacking failed"; exit 1; }
set -- --revision-file "$new/REVISION"
[ ! -f "$new/DIGEST" ] || set -- "$@" --digest-file "$new/DIGEST"
"$check" "$@" || exit 2

# In a session of its own: what a deploy leaves running in its own is ended with it.
setsid sh -c "$start" start "$new" "$port" >"$new/log" 2>&1 </dev/null &
echo $! >"$new/pid"
tries=0
until sh -c "$health" health "$port"; do
    tries=$((tries + 1))
    if [ "$tries" -ge "${HEALTH_TRIES:-30}" ]; then
        say "$slot did not become healthy; its last lines:"
        tail -n 20 "$new/log" >&2
        stop "$new"
        exit 1
    fi
    sleep "${HEALTH_EVERY:-1}"
done

echo "server 127.0.0.1:$port;" >"$new/upstream.conf" || exit 1
if ! switch "$slot"; then
    say "the proxy did not take $slot"
    [ -n "$serves" ] && switch "$serves" || exit 3
    stop "$new"
    exit 1
fi
[ -z "$serves" ] || stop "$app/$serves"
say "$slot serves $EXPECTED_REVISION on port $port"
