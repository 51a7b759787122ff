# known-hosts: our file says what ssh-keygen says of it, survives what happens to files, and never hides a changed key.
. test/lib.sh
vmtool=$PWD/out/vmtool
export VMTOOL_HOME=$tap_dir/home
unset XDG_RUNTIME_DIR
file=$VMTOOL_HOME/ssh/known_hosts
mkfifo "$tap_dir/never"
kh() { "$vmtool" known-hosts "$@"; }

for type in ed25519 ecdsa rsa; do
	for n in 1 2; do ssh-keygen -q -t $type -N '' -C "key $n" -f "$tap_dir/$type$n"; done
done
key() { cut -d' ' -f1,2 "$tap_dir/$1.pub"; }
print() { ssh-keygen -l -f "$tap_dir/$1.pub" | cut -d' ' -f2; }

says() { # CODE SENTENCE ARG...
	local code=$1 want=$2
	shift 2
	run kh "$@"
	is "$rc" "$code" "known-hosts ${*//$'\n'/ }: exit code $code"
	like "$err" "$want" "known-hosts ${*//$'\n'/ }: $want"
}
says 2 "scan, check, pin, rm, ls, hash, import or guest is missing"
says 2 "'frob' is not scan, check, pin" frob
says 2 "HOST is missing" pin --key x
says 2 "no blanks, commas" pin --key "$tap_dir/rsa1.pub" "a,b"
says 2 "no blanks, commas" pin --key "$tap_dir/rsa1.pub" '*'
says 2 "no blanks, commas" pin --key "$tap_dir/rsa1.pub" web --as $'a\nb'
says 1 "No such file" pin --key "$tap_dir/none" web
echo "ssh-rsa AAAA" >"$tap_dir/bad.pub"
says 1 "line 1: not a public key" pin --key "$tap_dir/bad.pub" web
sed 's/^ssh-rsa/ssh-dss/' "$tap_dir/rsa1.pub" >"$tap_dir/bad.pub"
says 1 "line 1: not a public key" pin --key "$tap_dir/bad.pub" web
says 1 "web: no key of it is pinned" check --key "$tap_dir/rsa1.pub" web
says 1 "web: no key of it is pinned" rm web
ok "nothing was made for all that" [ ! -e "$VMTOOL_HOME" ]

# Trust on first use, and then only the same.
run kh pin --key "$tap_dir/ed255191.pub" web
is "$rc/$out$err" "0/" "a first key is pinned without a word"
is "$(stat -c %a "$file")/$(stat -c %a "$VMTOOL_HOME/ssh")" "600/700" "in a file of 0600 in a folder of 0700"
is "$(cat "$file")" "web $(key ed255191)" "as OpenSSH writes it"
run kh check --key "$tap_dir/ed255191.pub" WEB
is "$rc/$out$err" "0/" "a match says nothing"
for verb in check pin; do
	run kh $verb --key "$tap_dir/ed255192.pub" web
	is "$rc" 3 "$verb: a changed key has an exit code of its own"
	like "$err" "possible man in the middle" "$verb: and is called by its name"
	like "$err" "$(print ed255192)" "$verb: with the key that is shown"
	like "$err" "$(print ed255191) ($file:1)" "$verb: the one that is pinned, and where"
	run kh $verb --key "$tap_dir/rsa1.pub" web
	is "$rc" 3 "$verb: a key of another type alone is no way around"
done
is "$(cat "$file")" "web $(key ed255191)" "and nothing was written"
cat "$tap_dir"/{rsa1,ed255191}.pub >"$tap_dir/two.pub"
run kh pin --key - web <"$tap_dir/two.pub"
is "$rc/$(grep -c ^web "$file")" "0/2" "beside the known key another type is taken"
run kh pin --key "$tap_dir/ecdsa1.pub" web:2222
is "$rc/$(tail -n 1 "$file")" "0/[web]:2222 $(key ecdsa1)" "another port is another server"
echo "@revoked * $(key ecdsa2)" >>"$file"
run kh pin --key "$tap_dir/ecdsa2.pub" db
is "$rc" 3 "a revoked key is refused"
like "$err" "db: its key is revoked: ecdsa-sha2-nistp256 $(print ecdsa2) ($file:4)" "and said to be"
run kh rm web
is "$rc/$(grep -c '^web ' "$file")" "0/0" "rm drops all of a name's"
is "$(cat "$file")" "[web]:2222 $(key ecdsa1)
@revoked * $(key ecdsa2)" "and nothing else"

# A VM's pins go with it: by its name and its id at any port, by its addresses and its forwards, hashed or not.
pins_of_gone() { # a VM, and all that may be pinned of it; $id is its id
	rm -f "$file"
	"$vmtool" create gone --kernel "$vmtool" --net 'eth0 address=10.1.2.3/24' -p 2200:22 >/dev/null
	id=$(readlink "$VMTOOL_HOME/vms/gone/id")
	echo '[{"name": "ssh", "udp": false, "host": "127.0.0.1:0", "guest": "localhost:22", "port": 2200}]' \
		>"$VMTOOL_HOME/vms/gone/forwards.json"
	for name in gone gone.vm gone.vm:2200 "$id" 10.1.2.3 127.0.0.1:2200; do kh pin --key "$tap_dir/rsa1.pub" "$name"; done
	kh hash 2>/dev/null
	for name in gone:2222 gone.vm:2222 "$id.vm:99" 10.1.2.3:99 localhost:2200; do # these are to be found by reading
		kh pin --key "$tap_dir/rsa1.pub" "$name"
	done
	echo "other,GONE.vm $(key rsa1)" >>"$file"
}
for name in gone2 gone2.vm 10.1.2.30 127.0.0.1 127.0.0.1:2201 "gone.example:2222"; do
	kh pin --key "$tap_dir/rsa2.pub" "$name"
done
echo "*.vm $(key rsa2)" >>"$file"
cp "$file" "$tap_dir/others"
pins_of_gone
ls_of_gone=$(wc -l <"$file")
is "$ls_of_gone" 12 "twelve names of a VM are pinned, half of them hashed, one beside another's"
cat "$tap_dir/others" >>"$file"
run "$vmtool" rm gone
is "$rc" 0 "rm NAME"
ok "drops the pins of the VM, and no other's" cmp "$file" "$tap_dir/others"
pins_of_gone
cat "$tap_dir/others" >>"$file"
run kh rm gone
is "$rc" 0 "known-hosts rm NAME"
ok "does the same, while there is the VM" cmp "$file" "$tap_dir/others"
"$vmtool" rm gone
pins_of_gone
cat "$tap_dir/others" >>"$file"
run "$vmtool" prune --yes --older 0s
is "$rc" 0 "prune"
ok "drops them, too" cmp "$file" "$tap_dir/others"
pins_of_gone
cat "$tap_dir/others" >>"$file"
run "$vmtool" rename gone new
is "$rc/$(kh ls | grep -cE '[ []gone(.vm)?[] ]')" "0/0" "rename forgets what was pinned under the old name"
ok "and nothing but that" grep -q "^\[10.1.2.3\]:99" "$file"
"$vmtool" rm new
pins_of_gone
echo nonsense >>"$VMTOOL_HOME/vms/gone/vm.ini"
"$vmtool" rm gone
is "$(grep -c gone "$file")" 0 "a vm.ini that cannot be read is no reason to keep those of its name"
pins_of_gone
if [ "$(id -u)" = 0 ]; then
	run unshare -m sh -c 'mount --bind "$1" "$1" && exec "$2" rm gone' sh "$VMTOOL_HOME/vms/gone" "$vmtool"
	is "$rc" 1 "a VM whose folder cannot be removed"
	ok "is still there" [ -d "$VMTOOL_HOME/vms/gone" ]
	is "$(wc -l <"$file")" 0 "and its pins are not"
else
	skip "a folder that cannot be removed wants root" "a VM whose folder cannot be removed has no pins either"
fi
"$vmtool" rm -f gone

# What is not ours to understand stays, byte for byte.
printf '# a comment\n\n  \tindented %s\r\nbroken line\nweb ssh-rsa AAAA\nx %s and a comment\n\0\nlast %s' \
	"$(key rsa1)" "$(key rsa1)" "$(key rsa2)" >"$file"
run kh ls
like "$err" "$file:4: a broken line; it is kept" "a broken line is told by its number"
like "$err" "$file:5: a broken line" "one whose key is none, too"
kh pin --key "$tap_dir/ecdsa1.pub" new && kh rm x 2>/dev/null
printf '# a comment\n\n  \tindented %s\r\nbroken line\nweb ssh-rsa AAAA\n\0\nlast %s\nnew %s\n' \
	"$(key rsa1)" "$(key rsa2)" "$(key ecdsa1)" >"$tap_dir/want"
ok "the rest is as it was, and a last line without its end is not glued" cmp "$file" "$tap_dir/want"

# The same answers as ssh-keygen's, over a generated file.
perl -e '
	srand 7;
	my @names = map { sprintf "host%d.%s", $_, ("example", "vm", "test")[$_ % 3] } 0 .. 79;
	my @k = map { open my $f, "<", "$ARGV[0]/$_.pub"; my $l = <$f>; chomp $l; $l } qw(ed255191 ed255192 ecdsa1 ecdsa2 rsa1 rsa2);
	sub name { my $n = $names[rand @names]; rand() < .15 ? uc $n : rand() < .2 ? "[$n]:" . (22 + int rand 3) : $n }
	for my $i (1 .. 600) {
		my $key = $k[rand @k];
		my $kind = rand;
		if ($kind < .35) { print name(), " $key\n" }
		elsif ($kind < .55) { print join(",", map { name() } 1 .. 1 + rand 4), " $key\n" }
		elsif ($kind < .65) { my $n = name(); substr $n, rand length $n, 1, ("*", "?")[rand 2]; print "$n $key\n" }
		elsif ($kind < .72) { my $n = name(); print "*.", (split /\./, $n)[-1], ",!$n $key\n" }
		elsif ($kind < .77) { print "\@cert-authority *.", ("example", "vm")[rand 2], " $key\n" }
		elsif ($kind < .81) { print "\@revoked ", name(), " $key\n" }
		elsif ($kind < .86) { print "  \t", name(), "\t", join("\t", split / /, $key, 2), "\n" }
		elsif ($kind < .90) { print "# ", name(), " $key\n" }
		elsif ($kind < .92) { print "\n" }
		else { print "H ", name(), " $key\n" }
	}' "$tap_dir" >"$tap_dir/matrix"
# A part of it hashed by ssh-keygen.
grep '^H ' "$tap_dir/matrix" | cut -c3- >"$tap_dir/tohash"
ssh-keygen -H -f "$tap_dir/tohash" >/dev/null 2>&1
{ grep -v '^H ' "$tap_dir/matrix"; cat "$tap_dir/tohash"; } >"$tap_dir/plain"
ok "the generated file has 500 lines and more" [ "$(wc -l <"$tap_dir/plain")" -ge 500 ]

names=()
for i in $(seq 0 5 79); do # of the 80 in it
	names+=("host$i.$(set -- example vm test; shift $((i % 3)); echo "$1")")
done
theirs() { # FILE HOST PORT: numbers of the lines
	local name=$2
	[ "$3" = 22 ] || name="[$2]:$3"
	ssh-keygen -F "$name" -f "$1" 2>/dev/null | sed -n 's/^# Host .* found: line \([0-9]*\).*/\1/p' | xargs
}
ours() { kh ls "$1:$2" 2>/dev/null | sed -n 's/^\([0-9][0-9]*\) .*/\1/p' | xargs; }
agree() { # FILE NAME: all names, two ports
	local name port wrong=0 t o
	cp "$1" "$file"
	for name in "${names[@]}"; do
		for port in 22 23; do
			t=$(theirs "$1" "$name" $port) o=$(ours "$name" $port)
			[ "$t" = "$o" ] || { diag "$name:$port: ssh-keygen '$t', ours '$o'"; wrong=$((wrong + 1)); }
		done
	done
	is $wrong 0 "$2"
}
agree "$tap_dir/plain" "the lines ssh-keygen -F finds, and no others"
# ssh-keygen -l knows neither markers nor tabs.
prints() { sed -n 's/.*\(SHA256:[^ "]*\).*/\1/p' | sort | uniq -c; }
grep -v -e ^@ -e "$(printf '\t')" "$tap_dir/plain" >"$file"
is "$(kh ls | prints)" "$(ssh-keygen -l -f "$file" | prints)" "the fingerprints of ssh-keygen -l"

cp "$tap_dir/plain" "$file"
cp "$tap_dir/plain" "$tap_dir/removed"
for name in "${names[@]:0:6}"; do
	for port in 22 24; do
		n=$name
		[ $port = 22 ] || n="[$name]:$port"
		ssh-keygen -R "$n" -f "$tap_dir/removed" >/dev/null 2>&1
		kh rm "$name:$port" 2>/dev/null
	done
done
ok "what ssh-keygen -R leaves, byte for byte" cmp "$file" "$tap_dir/removed"

cp "$tap_dir/plain" "$file"
kh hash 2>/dev/null
is "$(grep -vcE '^(\||#|@|$)' "$file")" "$(ssh-keygen -H -f "$tap_dir/removed" >/dev/null 2>&1
	cp "$tap_dir/plain" "$tap_dir/hashed"; ssh-keygen -H -f "$tap_dir/hashed" >/dev/null 2>&1
	grep -vcE '^(\||#|@|$)' "$tap_dir/hashed")" "hash leaves readable what ssh-keygen -H leaves"
cp "$file" "$tap_dir/ours_hashed"
agree "$tap_dir/ours_hashed" "what we hashed ssh-keygen finds"
agree "$tap_dir/hashed" "what ssh-keygen hashed we find"

# import
rm -rf "$VMTOOL_HOME"
kh pin --key "$tap_dir/rsa1.pub" web
printf 'web %s\ndb %s\nnonsense\n# note\n' "$(key rsa1)" "$(key rsa2)" >"$tap_dir/other"
run kh import "$tap_dir/other"
is "$rc/$(cat "$file")" "0/web $(key rsa1)
db $(key rsa2)" "import takes what is new"
like "$err" "$tap_dir/other:3: a broken line, left out" "and says what it leaves out"
printf 'new %s\nweb %s\n' "$(key rsa1)" "$(key rsa2)" >"$tap_dir/other"
run kh import "$tap_dir/other"
is "$rc/$(grep -c . "$file")" "3/2" "one that contradicts is refused as a whole"

# Many at once, and one that dies.
rm -rf "$VMTOOL_HOME"
pids=()
for i in $(seq 32); do
	kh pin --key "$tap_dir/rsa1.pub" "host$i" &
	pids+=($!)
done
wait "${pids[@]}"
is "$(cut -d' ' -f1 "$file" | sort -u | wc -l)/$(wc -l <"$file")" "32/32" "32 pins at once are all there"
filler=$(key rsa2)
for ((i = 0; i < 3000; i++)); do echo "filler$i $filler"; done >>"$file"
rounds=${KILLS:-20}
whole=0 cut=0
began=${EPOCHREALTIME/./}
kh pin --key "$tap_dir/rsa1.pub" killed
took=$(((${EPOCHREALTIME/./} - began) / 1000))
for ((i = 0; i < rounds; i++)); do
	"$vmtool" known-hosts pin --key "$tap_dir/rsa1.pub" "killed$i" & # not kh: a shell would die for it
	pid=$!
	draft=$VMTOOL_HOME/ssh/.known_hosts.$pid
	if ((i % 2)); then # at any moment of it, or as soon as it writes
		printf -v moment '0.%03d' $((RANDOM % (took + 20)))
		read -r -t "$moment" <>"$tap_dir/never" 2>/dev/null || true
	else
		until [ -e "$draft" ] || ! kill -0 $pid; do :; done
	fi
	kill -9 $pid 2>/dev/null
	wait $pid 2>/dev/null
	[ ! -e "$draft" ] || cut=$((cut + 1))
	[ "$(grep -cE '^(host|filler|killed)[0-9]* ssh-rsa AAAA[A-Za-z0-9+/=]+$' "$file")" = "$(wc -l <"$file")" ] &&
		[ "$(grep -cE '^(host|filler)' "$file")" = 3032 ] && whole=$((whole + 1))
done 2>/dev/null
is $whole "$rounds" "a kill -9 at any time leaves the file whole, $rounds times"
ok "some of them while it was written ($cut)" [ $cut -gt 0 ]
kh pin --key "$tap_dir/rsa1.pub" after
is "$(ls -A "$VMTOOL_HOME/ssh" | xargs)" ".lock known_hosts" "and what it left is tidied up"
done_testing
