# help                          list the words

echo "usage: ./build.sh [WORD [ARG...]]"
echo
for file in build/words/*.sh; do
	sed -n '1s/^# /  /p' "$file"
done | LC_ALL=C sort
