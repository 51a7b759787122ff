# map                           who includes whom; fails on an arrow that points up

find src applets -name '*.[ch]' | LC_ALL=C sort | xargs grep -H '^#include "' | awk -f build/map.awk
