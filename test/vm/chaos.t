# chaos: tool, agent or vmm is killed in the midst of what it does, and nothing a VM had is lost or left.
# with: test/vm/host.sh test/soak/random.sh test/soak/truth.sh test/soak/chaos.sh
. /lab/in/lib.sh

run sh /lab/in/chaos.sh 5 21
is "$rc" 0 "five VMs are struck in five acts, and are what they were, or gone"
diag "$out"
done_testing
