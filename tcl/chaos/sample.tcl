# What tests/run.sh takes: a handful of faults on three nodes, one history.
source [file dirname [info script]]/chaos.tcl
source [file dirname [info script]]/faults.tcl

chaos::seed 1
chaos_cluster 3 {} {
    history_begin
    foreach {kind hold_ms} {isolate-leader 3500 isolate-follower 1500
            bridge 1500 leader-deaf 3500 leader-mute 3500 one-way 1500
            corrupt 2000 resets 1500 late 2000 pieces 1000
            no-majority 2500 kill-leader 1000 pause-leader 3500 kill-all 0} {
        test "$kind" {chaos_round $kind $hold_ms}
    }
    test "wrong bytes were noticed" {
        assert {[lindex [link count] 7] > 3} [link count]
        assert {[lindex [run_program grep -c -h "corrupt data" \
            {*}[lmap id $cluster::ids {set _ $::nodes($id,log)}]] 0] == 0}
    }
    test "the same state everywhere, and a linearizable history" history_end
}
