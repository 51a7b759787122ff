# host - the lab's contract on this host's own KVM.
