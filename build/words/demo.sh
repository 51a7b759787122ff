# demo                          boot a microVM on a fresh machine and talk to it

./build.sh
run_script test/demo.sh "$@"
