#!/bin/sh
# Claims about an example server: server.sh SERVER [NAME-IN-ITS-ANSWERS]
set -u
server=$1
name=${2:-c}
folder=$(mktemp -d) || exit 1
failures=0

claim() { # name, expected, got
    if [ "$2" = "$3" ]; then
        echo "ok $1"
    else
        failures=$((failures + 1))
        echo "not ok $1"
        printf '# expected\n%s\n# got\n%s\n' "$2" "$3"
    fi
}

cat >"$folder/bad.json" <<'J'
{"allow_origins": ["https://app.example.com/"],
 "max_age": -1}
J
problems=$("$server" --policy "$folder/bad.json" 2>&1 >/dev/null)
claim a_bad_policy_stops_the_server 2 $?
claim every_problem_has_its_place "$folder/bad.json:1:20: origin-with-trailing-slash: allow_origins[0]
$folder/bad.json:2:13: max-age-out-of-range: max_age" "$(printf '%s\n' "$problems" | cut -d: -f1-5)"

refusal() { # path: what is said about it, and the exit status
    said=$("$server" --policy "$1" 2>&1)
    echo "$said $?"
}
claim a_folder_is_no_policy "$folder: Is a directory 2" "$(refusal "$folder")"
claim a_policy_must_be_there "$folder/none: No such file or directory 2" "$(refusal "$folder/none")"
truncate -s 257M "$folder/large"
claim a_policy_is_not_endless "$folder/large: File too large 2" "$(refusal "$folder/large")"
rm "$folder/large"

cat >"$folder/policy.json" <<'J'
{"allow_origins": ["https://app.example.com"], "allow_methods": ["PUT"], "allow_headers": ["x-token"],
 "expose_headers": ["etag"], "allow_credentials": true, "max_age": 600}
J
"$server" --policy "$folder/policy.json" --port 0 >"$folder/log" 2>&1 &
pid=$!
trap 'kill $pid 2>/dev/null; rm -rf "$folder"' EXIT
url=
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    url=$(sed -n 's/^listening //p' "$folder/log")
    [ -n "$url" ] && break
    sleep 0.1
done
headers() { # curl's arguments: the response without the date
    curl --silent --include --max-time 5 "$@" | tr -d '\r' | grep -v '^Date:'
}

claim a_preflight_is_answered "HTTP/1.1 204 No Content
Vary: Origin
Access-Control-Allow-Origin: https://app.example.com
Access-Control-Allow-Credentials: true
Access-Control-Allow-Methods: GET,HEAD,POST,PUT
Access-Control-Allow-Headers: x-token
Access-Control-Max-Age: 600" "$(headers -X OPTIONS -H 'Origin: https://app.example.com' \
    -H 'Access-Control-Request-Method: PUT' -H 'Access-Control-Request-Headers: x-token' "$url/x?y")"

claim the_application_is_overruled_where_it_set_cors_headers "HTTP/1.1 200 OK
Content-Type: application/json
ETag: \"v1\"
X-Total-Count: 42
X-Secret: hidden
Cache-Control: no-store
Vary: Accept-Encoding, Origin
Access-Control-Allow-Origin: https://app.example.com
Access-Control-Allow-Credentials: true
Access-Control-Expose-Headers: etag
Content-Length: $((${#name} + 23))

{\"ok\":true,\"server\":\"$name\"}" "$(headers -X PUT -d body -H 'Origin: https://app.example.com' -H 'Cookie: a="é"' "$url/")"

claim an_error_of_the_application_keeps_nothing_of_its_cors_headers "HTTP/1.1 404 Not Found
Vary: Accept-Encoding, Origin
" "$(headers -H 'Origin: https://evil.example' -H 'Origin: https://app.example.com' "$url/status/404" |
    grep -E '^HTTP|^Access|^Vary'; echo)
"

claim a_connection_is_kept 2 "$(curl --silent --verbose --max-time 5 -I "$url/status/204" "$url/" 2>&1 |
    grep -c -e 'Connected to' -e 'Re-using existing')"

claim every_request_is_logged '{"method":"OPTIONS","target":"/x?y","kind":"preflight","action":"respond","allowed":true,"reason":"allowed","origin":"https://app.example.com","request_method":"PUT","request_headers":"x-token","cookie":null}
{"method":"PUT","target":"/","kind":"actual","action":"forward","allowed":true,"reason":"allowed","origin":"https://app.example.com","request_method":null,"request_headers":null,"cookie":"a=\"\u00c3\u00a9\""}
{"method":"GET","target":"/status/404","kind":"actual","action":"forward","allowed":false,"reason":"malformed-origin","origin":"https://evil.example, https://app.example.com","request_method":null,"request_headers":null,"cookie":null}
{"method":"HEAD","target":"/status/204","kind":"not-cors","action":"forward","allowed":true,"reason":"not-cors","origin":null,"request_method":null,"request_headers":null,"cookie":null}' "$(sed -n 2,5p "$folder/log")"

claim a_205_has_no_body "HTTP/1.1 205 Reset Content
Content-Length: 0
end" "$(headers "$url/status/205" | sed -n -e '/^HTTP/p' -e '/^Content-Length/p' -e '/^{/p'; echo end)"

kill -TERM $pid
wait $pid
claim the_server_stops_when_told_to 0 $?
[ "$failures" -eq 0 ]
