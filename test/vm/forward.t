# forward: what listens in a guest is reached on this host, for as long as the VM is there.
# with: test/vm/host.sh
. /lab/in/lib.sh
. /lab/in/host.sh

run start web -p 8080:80 -p echo=:7000 -p 5353:5353/udp -p unix:/tmp/web.sock:80 -p auto:9000-9009
is "$rc" 0 "a VM starts with its ports published"
[ "$rc" = 0 ] || tap_note err "$err"
like "$err" "127.0.0.1:8080" "and says where"
ok "the host listens before anybody does in the guest" sh -c 'netstat -ltn | grep -q "127.0.0.1:8080 "'

web='mkdir -p /www && echo hello from the guest >/www/index.html && httpd -p 127.0.0.1:80 -h /www'
boot_of() { vmtool show --json web | sed -n 's/.*"boot": "\([^"]*\)".*/\1/p' | head -n 1; }
is_another_boot() { vmtool ls | grep -q "web * running * yes" && [ "$(boot_of)" != "$boot" ]; }
in_guest() { vmtool exec web -- sh -c "$1"; }
get() { printf 'GET /index.html HTTP/1.0\r\n\r\n' | timeout 20 nc 127.0.0.1 "$1" 2>/dev/null | sed '1,/^\r*$/d'; }
serves() { [ "$(get "$1")" = "hello from the guest" ]; }
field() { vmtool forward ls web --json | tr -d '\n ' | tr '{' '\n' | sed -n "/\"name\":\"$1\"/s/.*\"$2\":\\([^,]*\\),.*/\\1/p"; }

# Nobody listens yet: a reset, at once and counted.
is "$(get 8080)" "" "a port where nobody listens in the guest is refused"
in_guest "$web"
is "$(get 8080)" "hello from the guest" "a web server on the guest's 127.0.0.1"
port=$(field echo port)
in_guest 'printf "#!/bin/sh\nmd5sum; echo after the end\n" >/bin/serve; chmod +x /bin/serve
	nc -ll -p 7000 -e /bin/serve </dev/null >/dev/null 2>&1 &'
within 20 in_guest 'netstat -ltn | grep -q ":7000 "'
head -c 3000000 /dev/urandom >"$tap_dir/random"
is "$(nc 127.0.0.1 "$port" <"$tap_dir/random")" "$(md5sum <"$tap_dir/random")
after the end" "3 MB to a free port, and the answer after their end"
ok "what was refused is counted" sh -c 'vmtool forward ls web --json | grep -q "\"refused\": 1"'

ok "datagrams are taken, too" sh -c 'netstat -lun | grep -q "127.0.0.1:5353 "'

# What listens is forwarded by itself, and is no more when it does not.
in_guest 'httpd -f -p 127.0.0.1:9001 -h /www </dev/null >/dev/null 2>&1 &
	echo $! >/run/9001; httpd -p 127.0.0.1:9100 -h /www'
ok "what listens in the guest is reached under its own port" within 20 serves 9001
ok "what the rule leaves out is not" sh -c '! netstat -ltn | grep -q "127.0.0.1:9100 "'
in_guest 'kill "$(cat /run/9001)"'
ok "and not when it is gone" within 20 sh -c '! netstat -ltn | grep -q "127.0.0.1:9001 "'

# A second VM does not get the port, and says who has it.
run start other -p 8080:80
is "$rc" 1 "a start whose port is taken fails"
like "$err" "127.0.0.1:8080: is in use by VM web" "and says by whom"
ok "before anything of it ran, so that nothing is left" sh -c '! vmtool ls -q | grep -q other'

# While it runs.
is "$(vmtool forward add web 8081:80)" "127.0.0.1:8081" "one more, at run time"
is "$(get 8081)" "hello from the guest" "leads to the guest"
run vmtool forward add web 8080:80
is "$rc" 1 "one that is there already is refused"
ok "and one is taken back" vmtool forward rm web 8081
ok "and gone" sh -c '! netstat -ltn | grep -q "127.0.0.1:8081 "'
ok "nothing is said to listen that could not" \
	sh -c '! grep "\"event\":\"forward\"" "$VMTOOL_HOME"/vms/web/events.jsonl | grep "\"failed\"" | grep -q listening'

# The guest reboots, and later its agent on the host is killed: another machine, another agent, the same ports.
in_guest 'mkfifo /tmp/never; nc -ll -p 7001 -e cat /tmp/never </dev/null >/dev/null 2>&1 &'
within 20 in_guest 'netstat -ltn | grep -q ":7001 "'
run vmtool forward add web held=8084:7001
cat </dev/null | nc 127.0.0.1 8084 >/dev/null &
held=$!
boot=$(boot_of)
in_guest '(sleep 0.2; reboot) >/dev/null 2>&1 &'
ok "a connection ends with the guest it led to" within 20 sh -c "! kill -0 $held"
ok "a guest that reboots" within 90 is_another_boot
is "$(field echo port)" "$port" "has the ports it had"
is "$(field held host)" '"127.0.0.1:8084"' "those that came while it ran as well"
in_guest "$web"
ok "and an old forward leads to the new guest" within 20 serves 8080
kill -KILL "$(processes agent)"
adopted_serves() { vmtool ls >/dev/null && serves 8080; } # it takes a command to see that it has gone
ok "so it does under an agent that took the VM over" within 20 adopted_serves
is "$(field echo port)" "$port" "a free port included"

# A frozen guest: nothing waits for it.
kill -STOP "$(processes vmm)"
serves 8080 &
frozen=$!
ok "a guest that is frozen does not hold up those who ask" timeout 10 vmtool forward ls web
kill -CONT "$(processes vmm)"
wait "$frozen"
is "$?" 0 "who came meanwhile is served when it goes on"

run vmtool show web --json
like "$out" '"host": "127.0.0.1:8080"' "show has them"
vmtool stop web >/dev/null 2>&1
ok "listeners end with the VM" sh -c '! netstat -ltn | grep -q "127.0.0.1:8080 "; [ ! -e /tmp/web.sock ]'
run start web
is "$rc/$(field echo port)" "0/$port" "a free port is the same at the next start"

# What is kept, and what is taken back.
run vmtool forward add web kept=8082:80 --save
is "$rc/$out" "0/127.0.0.1:8082" "a rule is kept"
run vmtool forward rm web 8080 --save
is "$rc" 0 "another is not any more"
vmtool stop web >/dev/null 2>&1
printf '[forward]\npublish =\npublish = last=8083:80\n' >>"$VMTOOL_HOME/vms/web/vm.ini"
like "$(cat "$VMTOOL_HOME/vms/web/vm.ini")" 'publish = kept=8082:80' "in vm.ini"
ok "where that is gone" sh -c '! grep -q "8080:80$" "$VMTOOL_HOME/vms/web/vm.ini"'
run start web
is "$rc/$(field kept port)/$(field last port)" "0//8083" "what an empty one takes back is not published at the next start"
vmtool stop web >/dev/null 2>&1
done_testing
