# install DIR                   put vmtool and a link for each word into DIR

[ $# -eq 1 ] || die_usage "install takes the folder to install into"
./build.sh
install -D -t "$1" out/vmtool
"$1/vmtool" --install -s "$1"
