# random.sh - numbers a seed repeats: random N makes $number one below N, from $seed.
#
# Not for a command substitution: in a subshell the seed would not move on, and every number be the first.
random() {
	seed=$(((seed * 1103515245 + 12345) % 2147483648))
	number=$((seed / 65536 % $1))
}
